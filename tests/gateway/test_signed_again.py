"""Requests that an attached client changed and signed again, before a gateway that verifies every signature.

The gateway's key only watches, so whatever is read from the cache was marked, and signed, by the client.
`make sdks` runs them where the SDKs are installed; elsewhere they skip.
"""

import asyncio
import inspect

import pytest

import rockbottom
from rockbottom.gateway import new_key, running_gateway
from tests.gateway.conftest import RULES, configured

LUNA, CLAUDE = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"


@pytest.fixture
def signed(endpoint, table, tmp_path):
    """A gateway, and the key pair with which its clients sign."""
    key = new_key("watched", 0.0, dry_run=True)
    table.put(key)
    with running_gateway(configured(endpoint.url, tmp_path)) as gateway:
        yield gateway.url, key.id, table.secret(key)


def mantle(url, key, secret, kind):
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    made = getattr(anthropic, f"{kind}AnthropicBedrockMantle", None)
    if made is None:
        pytest.skip("this anthropic has no AnthropicBedrockMantle")
    client = made(base_url=f"{url}/anthropic", aws_region="us-east-1", aws_access_key=key, aws_secret_key=secret)
    return client, client.messages.create, {"model": CLAUDE, "max_tokens": 20, "system": RULES}, "messages"


def openai_class(kind, name):
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    made = getattr(openai, f"{kind}{name}", None)
    if made is None:
        pytest.skip(f"this openai has no {name}")
    return made


def bedrock_openai(url, key, secret, kind, **keys):
    keys = keys or {"aws_access_key_id": key, "aws_secret_access_key": secret}
    client = openai_class(kind, "BedrockOpenAI")(base_url=f"{url}/openai/v1", aws_region="us-east-1", **keys)
    return client, client.responses.create, {"model": LUNA}, "input"


def asked_for(url, key, secret, kind):
    """Credentials of a function, new each time."""
    from botocore.credentials import Credentials

    return bedrock_openai(url, key, secret, kind, aws_credentials_provider=lambda: Credentials(key, secret))


def provided(url, key, secret, kind):
    made = openai_class(kind, "OpenAI")
    providers = pytest.importorskip("openai.providers", reason="this openai has no providers")
    provider = providers.bedrock(
        base_url=f"{url}/openai/v1", region="us-east-1", access_key_id=key, secret_access_key=secret
    )
    client = made(provider=provider)
    return client, client.chat.completions.create, {"model": LUNA}, "messages"


@pytest.mark.parametrize("kind", ["", "Async"], ids=["blocking", "asynchronous"])
@pytest.mark.parametrize("make", [mantle, bedrock_openai, asked_for, provided])
def test_a_request_that_was_marked_is_signed_by_the_key_that_signed_it(endpoint, signed, make, kind):
    """Plain, streamed, and behind two refusals for want of quota: all read what the first wrote."""
    client, create, asked, member = make(*signed, kind)
    rockbottom.attach(client)

    async def ask(question, **more):
        turns = [{"role": "user", "content": question}]
        if "system" not in asked:
            turns.insert(0, {"role": "system", "content": RULES})
        reply = create(**asked, **more, **{member: turns})
        reply = await reply if inspect.isawaitable(reply) else reply
        if more.get("stream"):
            [event async for event in reply] if kind else list(reply)

    async def talk():
        for question in ("What is é?", "And ü?"):
            await ask(question)
        await ask("And a?", stream=True)
        endpoint.state.faults.add({"kind": "error", "code": "ThrottlingException", "count": 2})
        await ask("And b?")
        await client.close() if kind else client.close()

    asyncio.run(talk())
    report = rockbottom.report(client)
    statuses = [line["status"] for line in endpoint.state.requests]
    assert statuses == [200, 200, 200, 429, 429, 200]
    reads = [line["usage"] for line in endpoint.state.requests if line["status"] == 200]
    assert [_read(usage) > 1024 for usage in reads] == [False, True, True, True]
    assert (report.total.calls, report.without_usage) == (4, 2)  # the two that were refused


def _read(usage):
    details = usage.get("input_tokens_details") or usage.get("prompt_tokens_details") or {}
    return usage.get("cache_read_input_tokens") or details.get("cached_tokens") or 0
