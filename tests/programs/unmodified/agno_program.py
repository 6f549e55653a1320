from agno.agent import Agent
from agno.models.aws import AwsBedrock

from prompt import MODEL, QUESTIONS, SYSTEM

agent = Agent(model=AwsBedrock(id=MODEL), system_message=SYSTEM, telemetry=False)
for question in QUESTIONS:
    print(agent.run(question).content)
