"""Plain boto3: Converse, InvokeModel and both streams through one attached client."""

import json

import boto3
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom

bedrock = rockbottom.attach(boto3.client("bedrock-runtime"))


def request(question: str) -> dict:
    return {
        "modelId": MODEL,
        "system": [{"text": SYSTEM}],
        "messages": [{"role": "user", "content": [{"text": question}]}],
        "inferenceConfig": {"maxTokens": 100},
    }


def native(question: str) -> dict:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": question}],
    }
    return {"modelId": MODEL, "body": json.dumps(body)}


for question in QUESTIONS:
    reply = bedrock.converse(**request(question))
    print(reply["output"]["message"]["content"][0]["text"])

for question in QUESTIONS:
    for event in bedrock.converse_stream(**request(question))["stream"]:
        print(event.get("contentBlockDelta", {}).get("delta", {}).get("text", ""), end="")
    print()

for question in QUESTIONS:
    reply = json.loads(bedrock.invoke_model(**native(question))["body"].read())
    print(reply["content"][0]["text"])

for question in QUESTIONS:
    for event in bedrock.invoke_model_with_response_stream(**native(question))["body"]:
        chunk = json.loads(event["chunk"]["bytes"])
        print(chunk.get("delta", {}).get("text", ""), end="")
    print()

print(rockbottom.report(bedrock))
