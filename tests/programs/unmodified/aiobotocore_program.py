import asyncio

from aiobotocore.session import get_session

from prompt import MODEL, QUESTIONS, SYSTEM


async def ask() -> None:
    for question in QUESTIONS:  # a client for each question, as in a web application
        async with get_session().create_client("bedrock-runtime") as client:
            reply = await client.converse(
                modelId=MODEL,
                system=[{"text": SYSTEM}],
                messages=[{"role": "user", "content": [{"text": question}]}],
            )
            print(reply["usage"])


asyncio.run(ask())
