import asyncio

from anthropic import AnthropicBedrock, AsyncAnthropicBedrock

from prompt import MODEL, QUESTIONS, SYSTEM

client = AnthropicBedrock()
for question in QUESTIONS[:2]:
    messages = [{"role": "user", "content": question}]
    print(client.messages.create(model=MODEL, max_tokens=50, system=SYSTEM, messages=messages).content)


async def ask() -> None:
    other = AsyncAnthropicBedrock().with_options(max_retries=1)
    for question in QUESTIONS[2:]:
        messages = [{"role": "user", "content": question}]
        print((await other.messages.create(model=MODEL, max_tokens=50, system=SYSTEM, messages=messages)).content)


asyncio.run(ask())
