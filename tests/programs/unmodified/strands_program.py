from strands import Agent
from strands.models import BedrockModel

from prompt import MODEL, QUESTIONS, SYSTEM

agent = Agent(model=BedrockModel(model_id=MODEL, max_tokens=200), system_prompt=SYSTEM, callback_handler=None)
for question in QUESTIONS:
    print(agent(question))
