"""aiobotocore: attach inside the context that makes the client; parallel calls share one write."""

import asyncio

from aiobotocore.session import get_session
from workload import MODEL, QUESTIONS, SYSTEM

import rockbottom


async def ask(bedrock, question: str) -> str:
    reply = await bedrock.converse(
        modelId=MODEL,
        system=[{"text": SYSTEM}],
        messages=[{"role": "user", "content": [{"text": question}]}],
        inferenceConfig={"maxTokens": 100},
    )
    return reply["output"]["message"]["content"][0]["text"]


async def main() -> None:
    async with get_session().create_client("bedrock-runtime") as bedrock:
        rockbottom.attach(bedrock)
        for _ in range(3):
            for answer in await asyncio.gather(*(ask(bedrock, question) for question in QUESTIONS)):
                print(answer)
        print(rockbottom.report(bedrock))


asyncio.run(main())
