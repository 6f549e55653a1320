import asyncio

import litellm

from prompt import MODEL, QUESTIONS, SYSTEM

for question in QUESTIONS[:2]:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    print(litellm.completion(model=f"bedrock/{MODEL}", messages=messages, max_tokens=50).choices[0].message.content)


async def ask() -> None:
    for question in QUESTIONS[2:]:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        reply = await litellm.acompletion(model=f"bedrock/{MODEL}", messages=messages, max_tokens=50, stream=True)
        print("".join([part.choices[0].delta.content or "" async for part in reply]))


asyncio.run(ask())
