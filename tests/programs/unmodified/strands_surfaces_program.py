import sys

from strands import Agent, tool
from strands.models.anthropic import AnthropicModel
from strands.models.openai import OpenAIModel
from strands.models.openai_responses import OpenAIResponsesModel
from surface_prompt import BASE, CLAUDE, GPT, QUESTIONS, SYSTEM, WEATHER, get_weather

OPENAI = {"base_url": f"{BASE}/openai/v1", "api_key": "any"}
model = {
    "chat": lambda: OpenAIModel(client_args=OPENAI, model_id=GPT),
    "responses": lambda: OpenAIResponsesModel(client_args=OPENAI, model_id=GPT),
    "messages": lambda: AnthropicModel(
        client_args={"base_url": f"{BASE}/anthropic", "api_key": "any"}, model_id=CLAUDE, max_tokens=200
    ),
}[sys.argv[1]]()
agent = Agent(model=model, system_prompt=SYSTEM, callback_handler=None)
for question in QUESTIONS:
    print(agent(question))
print(Agent(model=model, system_prompt=SYSTEM, tools=[tool(get_weather)], callback_handler=None)(WEATHER))
