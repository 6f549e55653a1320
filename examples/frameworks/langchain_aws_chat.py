"""langchain-aws: give ChatBedrockConverse (or ChatBedrock) an attached client."""

import boto3
from langchain_aws import ChatBedrock, ChatBedrockConverse
from langchain_core.messages import HumanMessage, SystemMessage
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom

bedrock = rockbottom.attach(boto3.client("bedrock-runtime"))
converse = ChatBedrockConverse(model=MODEL, client=bedrock, max_tokens=100)
native = ChatBedrock(model=MODEL, client=bedrock, max_tokens=100)

for question in QUESTIONS:
    messages = [SystemMessage(SYSTEM), HumanMessage(question)]
    print(converse.invoke(messages).text)
    print("".join(chunk.text for chunk in converse.stream(messages)))
    print(native.invoke(messages).text)

print(rockbottom.report(bedrock))
