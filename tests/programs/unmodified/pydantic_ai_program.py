from pydantic_ai import Agent

from prompt import MODEL, QUESTIONS, SYSTEM

agent = Agent(f"bedrock:{MODEL}", instructions=SYSTEM, model_settings={"max_tokens": 50})
for question in QUESTIONS:
    print(agent.run_sync(question).output)
