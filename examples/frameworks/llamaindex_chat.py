"""LlamaIndex: give BedrockConverse an attached client.

Its asynchronous methods use the same client, unless aioboto3 is installed: then they make clients of their own, from a
session that can be attached as well (docs/how-to/attach.md).
"""

import asyncio

import boto3
from llama_index.core.llms import ChatMessage
from llama_index.llms.bedrock_converse import BedrockConverse
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom

bedrock = rockbottom.attach(boto3.client("bedrock-runtime"))
llm = BedrockConverse(model=MODEL, client=bedrock, max_tokens=100)

for question in QUESTIONS:
    messages = [ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=question)]
    print(llm.chat(messages).message.content)
    print("".join(part.delta or "" for part in llm.stream_chat(messages)))
    print(asyncio.run(llm.achat(messages)).message.content)

print(rockbottom.report(bedrock))
