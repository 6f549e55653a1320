"""Tool loops by the bare SDKs, attached, against the endpoint: whole and streamed, blocking and asynchronous.

`make sdks` runs them where the SDKs are; elsewhere they skip.
"""

import asyncio
import inspect
import json
from decimal import Decimal

import pytest

import rockbottom
from rockbottom.ledger import LedgerReader
from rockbottom.local import running

LUNA, SONNET = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "The weather in a city.", "parameters": PARAMETERS}
ANSWER = "It rains in Paris."


@pytest.fixture
def endpoint():
    with running() as one:
        yield one


def get_weather(city):
    return f"It rains in {city}."


async def _one(value):
    """A reply of either kind of client."""
    return await value if inspect.isawaitable(value) else value


async def _every(stream):
    return [event async for event in stream] if hasattr(stream, "__aiter__") else list(stream)


async def on_responses(client, stream):
    """Asks until there is no call left; what the service said is sent back as it came."""
    items, tool = [QUESTION], {"type": "function", **FUNCTION}
    while True:
        reply = await _one(
            client.responses.create(model=LUNA, instructions=RULES, input=items, tools=[tool], stream=stream)
        )
        if stream:
            events = await _every(reply)
            (reply,) = [event.response for event in events if event.type == "response.completed"]
        calls = [item for item in reply.output if item.type == "function_call"]
        if not calls:
            return reply.output_text
        items = [*items, *(item.model_dump(exclude_none=True) for item in reply.output)]
        for call in calls:
            told = get_weather(**json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": told})


async def on_chat(client, stream):
    messages, tool = [{"role": "system", "content": RULES}, QUESTION], {"type": "function", "function": FUNCTION}
    while True:
        reply = await _one(
            client.chat.completions.create(
                model=LUNA, messages=messages, tools=[tool], reasoning_effort="none", stream=stream
            )
        )
        text, calls = _of_chunks(await _every(reply)) if stream else _of_choice(reply.choices[0].message)
        if not calls:
            return text
        said = [{"id": key, "type": "function", "function": {"name": name, "arguments": arguments}}
                for key, name, arguments in calls]  # fmt: skip
        messages = [*messages, {"role": "assistant", "content": text or None, "tool_calls": said}]
        for key, _, arguments in calls:
            messages.append({"role": "tool", "tool_call_id": key, "content": get_weather(**json.loads(arguments))})


def _of_choice(message):
    calls = message.tool_calls or ()
    return message.content, [(call.id, call.function.name, call.function.arguments) for call in calls]


def _of_chunks(chunks):
    text, calls = "", {}
    for delta in (chunk.choices[0].delta for chunk in chunks):  # no chunk of usage alone: nobody asked for one
        text += delta.content or ""
        for part in delta.tool_calls or ():
            call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
            call["id"] = part.id or call["id"]
            call["name"] = part.function.name or call["name"]
            call["arguments"] += part.function.arguments or ""
    return text, [tuple(call.values()) for call in calls.values()]


async def on_messages(client, stream):
    messages, tool = [QUESTION], {"name": "get_weather", "input_schema": PARAMETERS}
    while True:
        asked = {"model": SONNET, "max_tokens": 90, "system": RULES, "messages": messages, "tools": [tool]}
        reply = await (_streamed(client, asked) if stream else _one(client.messages.create(**asked)))
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in reply.content if block.type == "text")
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": get_weather(**call.input)}
                   for call in calls]  # fmt: skip
        said = [block.model_dump(exclude_none=True) for block in reply.content]
        messages = [*messages, {"role": "assistant", "content": said}, {"role": "user", "content": results}]


async def _streamed(client, asked):
    manager = client.messages.stream(**asked)
    if hasattr(manager, "__aenter__"):
        async with manager as stream:
            return await stream.get_final_message()
    with manager as stream:
        return stream.get_final_message()


def openai_client(endpoint, asynchronous):
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    made = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return made(base_url=f"{endpoint.url}/openai/v1", api_key="any")


def bedrock_openai_client(endpoint, asynchronous):
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    if not hasattr(openai, "BedrockOpenAI"):
        pytest.skip("this openai has no BedrockOpenAI")
    made = openai.AsyncBedrockOpenAI if asynchronous else openai.BedrockOpenAI
    return made(base_url=f"{endpoint.url}/openai/v1")


def mantle_client(endpoint, asynchronous):
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    if not hasattr(anthropic, "AnthropicBedrockMantle"):
        pytest.skip("this anthropic has no AnthropicBedrockMantle")
    made = anthropic.AsyncAnthropicBedrockMantle if asynchronous else anthropic.AnthropicBedrockMantle
    keys = {"aws_region": "us-east-1", "aws_access_key": "AKID", "aws_secret_key": "secret"}
    return made(base_url=f"{endpoint.url}/anthropic", **keys)


def anthropic_client(endpoint, asynchronous):
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    made = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    return made(base_url=f"{endpoint.url}/bedrock-mantle/anthropic", api_key="any")


WAYS = {
    "openai on responses": (openai_client, on_responses),
    "openai on chat": (openai_client, on_chat),
    "bedrock openai on responses": (bedrock_openai_client, on_responses),
    "bedrock openai on chat": (bedrock_openai_client, on_chat),
    "anthropic on mantle": (mantle_client, on_messages),
    "anthropic by its base_url": (anthropic_client, on_messages),
}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asynchronous"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("way", WAYS)
def test_a_tool_loop_is_answered_counted_and_read_from_the_cache(
    endpoint, tmp_path, monkeypatch, way, stream, asynchronous
):
    """Two calls; the second reads what the first wrote, and report and ledger say what the service counted."""
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    made, loop = WAYS[way]
    bare = made(endpoint, asynchronous)

    async def ask():
        client = rockbottom.attach(bare, ledger=tmp_path)
        said = await loop(client, stream)
        report = rockbottom.report(client)
        rockbottom.detach(client)
        return said, report

    said, report = asyncio.run(ask())
    assert said == ANSWER
    told = [_parts(line["usage"]) for line in endpoint.state.requests]
    assert len(told) == 2
    (_, read_first, written, _), (_, read, _, _) = told
    assert (read_first, read) == (0, written)
    assert written > 1024
    calls = list(LedgerReader(tmp_path).calls())
    assert [_recorded(call) for call in calls] == told
    assert (report.total.calls, report.without_usage, report.total.unpriced_calls) == (2, 0, 0)
    assert report.total.cost_usd == sum(Decimal(call.cost_usd) for call in calls)
    assert all(Decimal(call.cost_usd) == _usd(call.model, parts) for call, parts in zip(calls, told, strict=True))


def _parts(usage):
    """Uncached, read, written, output: the same of inclusive and exclusive counters."""
    if "cache_read_input_tokens" in usage:
        written = usage["cache_creation_input_tokens"]
        return usage["input_tokens"], usage["cache_read_input_tokens"], written, usage["output_tokens"]
    details = usage.get("input_tokens_details") or usage["prompt_tokens_details"]
    read, written = details["cached_tokens"], details["cache_write_tokens"]
    whole = usage.get("input_tokens", usage.get("prompt_tokens"))
    output = usage.get("output_tokens", usage.get("completion_tokens"))
    return whole - read - written, read, written, output


def _recorded(call):
    return call.input, call.cache_read, call.cache_write_5m + call.cache_write_1h + call.cache_write_30m, call.output


PRICES = {LUNA: ("0.22", "0.022", "0.275", "1.32"), SONNET: ("2.2", "0.22", "2.75", "11")}
"""US dollars per million tokens on bedrock-mantle, in the order of ``_parts``: the in-Region prices of either."""


def _usd(model, parts):
    prices = PRICES[model]
    return sum(count * Decimal(price) for count, price in zip(parts, prices, strict=True)) / 1_000_000
