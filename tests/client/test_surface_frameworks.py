"""Frameworks that speak Responses, Chat Completions or Messages, as installed, attached and run against the endpoint.

`make sdks` runs them where they are; elsewhere they skip.
"""

import asyncio
import json

import pytest

import rockbottom
from rockbottom.local import running

LUNA, SONNET = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))


@pytest.fixture
def endpoint():
    with running() as one:
        yield one


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


def test_langchain_on_responses(endpoint):
    """Plain, streamed, and a tool call."""
    aws = pytest.importorskip("langchain_aws", reason="needs the group sdks: make sdks runs this")
    pytest.importorskip("langchain_openai", reason="needs the group frameworks: make sdks runs this")
    model = aws.ChatOpenAIMantle(model=LUNA, base_url=f"{endpoint.url}/openai/v1", api_key="any")
    client = rockbottom.attach(model.root_client)
    assert model.invoke("Hello").content
    assert list(model.stream("Hello"))
    (call,) = model.bind_tools([get_weather]).invoke("What is the weather in Paris?").tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
    total = rockbottom.report(client).total
    assert (total.calls, total.unpriced_calls) == (3, 0)


def test_langchain_on_messages(endpoint, monkeypatch):
    """Plain, streamed, and a tool call; Claude's caching is counted as the endpoint says it."""
    aws = pytest.importorskip("langchain_aws", reason="needs the group sdks: make sdks runs this")
    pytest.importorskip("langchain_anthropic", reason="needs the group frameworks: make sdks runs this")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    url = f"{endpoint.url}/anthropic"
    model = aws.ChatAnthropicMantle(model=SONNET, base_url=url, region_name="us-east-1", max_tokens=50)
    client = rockbottom.attach(model._client)
    for _ in range(3):
        model.invoke([("system", RULES), ("user", "Hello")])
    assert list(model.stream([("system", RULES), ("user", "Hello")]))
    (call,) = model.bind_tools([get_weather]).invoke("What is the weather in Paris?").tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
    total = rockbottom.report(client).total
    assert total.calls == 5
    assert total.usage.cache_read == sum(line["usage"]["cache_read_input_tokens"] for line in endpoint.state.requests)
    assert total.usage.cache_read > 3 * 1024


@pytest.mark.parametrize("kind", ["OpenAIResponsesModel", "OpenAIChatModel"])
def test_an_agent_of_pydantic_ai(endpoint, kind):
    """A loop with a tool; what its second call has in common with its first is read."""
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    pydantic_ai = pytest.importorskip("pydantic_ai", reason="needs the group sdks: make sdks runs this")
    models = pytest.importorskip("pydantic_ai.models.openai")
    providers = pytest.importorskip("pydantic_ai.providers.openai")
    if kind == "OpenAIResponsesModel":
        _readable(openai)
    client = rockbottom.attach(openai.AsyncOpenAI(base_url=f"{endpoint.url}/openai/v1", api_key="any"))
    model = getattr(models, kind)(LUNA, provider=providers.OpenAIProvider(openai_client=client))
    agent = pydantic_ai.Agent(model, instructions=RULES)
    agent.tool_plain(get_weather)
    assert agent.run_sync("What is the weather in Paris?").output == "It rains in Paris."
    total = rockbottom.report(client).total
    assert total.calls == 2
    assert total.usage.total_input == sum(_input_of(line["usage"]) for line in endpoint.state.requests)


@pytest.mark.parametrize("kind", ["OpenAIResponsesModel", "OpenAIChatModel"])
def test_a_stream_of_pydantic_ai(endpoint, kind):
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    pydantic_ai = pytest.importorskip("pydantic_ai", reason="needs the group sdks: make sdks runs this")
    models = pytest.importorskip("pydantic_ai.models.openai")
    providers = pytest.importorskip("pydantic_ai.providers.openai")
    if kind == "OpenAIResponsesModel":
        _readable(openai)

    async def ask():
        client = rockbottom.attach(openai.AsyncOpenAI(base_url=f"{endpoint.url}/openai/v1", api_key="any"))
        model = getattr(models, kind)(LUNA, provider=providers.OpenAIProvider(openai_client=client))
        async with pydantic_ai.Agent(model).run_stream("Hello") as run:
            said = [text async for text in run.stream_text()]
        return said, rockbottom.report(client).total

    said, total = asyncio.run(ask())
    assert said
    assert total.calls == 1
    assert total.usage.total_input == _input_of(endpoint.state.requests[-1]["usage"])


def _readable(openai):
    """Skips where openai is older than what this pydantic-ai reads of Responses."""
    if "prompt_cache_diagnostics" not in openai.types.responses.Response.model_fields:
        pytest.skip("LiteLLM holds openai below what this pydantic-ai reads (make sdks)")


def _input_of(told):
    return told.get("input_tokens", told.get("prompt_tokens"))


def test_litellm_with_a_client_of_openai(endpoint):
    """Chat Completions: plain, streamed, and a tool call."""
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    litellm = pytest.importorskip("litellm", reason="needs the group frameworks: make sdks runs this")
    client = rockbottom.attach(openai.OpenAI(base_url=f"{endpoint.url}/openai/v1", api_key="any"))
    asked = {"model": f"openai/{LUNA}", "client": client}
    said = litellm.completion(messages=[{"role": "user", "content": "Hello"}], **asked)
    assert said.choices[0].message.content
    chunks = litellm.completion(messages=[{"role": "user", "content": "Hello"}], stream=True, **asked)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    question = [{"role": "user", "content": "What is the weather in Paris?"}]
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    (call,) = litellm.completion(messages=question, tools=[tool], **asked).choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    total = rockbottom.report(client).total
    assert total.calls == 3
    assert total.usage.total_input == sum(_input_of(line["usage"]) for line in endpoint.state.requests)
