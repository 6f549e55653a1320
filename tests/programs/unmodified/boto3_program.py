import boto3

from prompt import MODEL, QUESTIONS, SYSTEM

bedrock = boto3.client("bedrock-runtime")
for question in QUESTIONS:
    reply = bedrock.converse(
        modelId=MODEL, system=[{"text": SYSTEM}], messages=[{"role": "user", "content": [{"text": question}]}]
    )
    print(reply["usage"]["inputTokens"])
