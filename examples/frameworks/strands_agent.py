"""strands-agents: attach to the client of the BedrockModel."""

from strands import Agent
from strands.models import BedrockModel
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom

model = BedrockModel(model_id=MODEL, max_tokens=100)
rockbottom.attach(model.client)

agent = Agent(model=model, system_prompt=SYSTEM, callback_handler=None)
for question in QUESTIONS:
    print(agent(question))

print(rockbottom.report(model.client))
