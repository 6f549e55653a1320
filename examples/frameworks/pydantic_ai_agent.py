"""pydantic-ai: give the BedrockProvider an attached client."""

import boto3
from pydantic_ai import Agent
from pydantic_ai.models.bedrock import BedrockConverseModel
from pydantic_ai.providers.bedrock import BedrockProvider
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom

bedrock = rockbottom.attach(boto3.client("bedrock-runtime"))
model = BedrockConverseModel(MODEL, provider=BedrockProvider(bedrock_client=bedrock))
agent = Agent(model, instructions=SYSTEM, model_settings={"max_tokens": 100})

for question in QUESTIONS:
    print(agent.run_sync(question).output)

print(rockbottom.report(bedrock))
