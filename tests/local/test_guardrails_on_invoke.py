"""Guardrails that headers of InvokeModel name: played as Converse's, told in members of their own, booked by attach."""

import json
from decimal import Decimal
from typing import Any

import boto3
import pytest
from anthropic import AnthropicBedrock
from botocore.exceptions import ClientError

import rockbottom
from rockbottom.local import ClockKind, running
from tests.local.test_guardrails import KEYS, MODEL, made, units

NOVA = "us.amazon.nova-lite-v1:0"
SYSTEM = "You are a helpful assistant."
QUESTION = "I have a very suspicious question."


@pytest.fixture(scope="module")
def endpoint():
    with running(clock=ClockKind.MANUAL) as server:
        yield server


@pytest.fixture
def clients(endpoint):
    endpoint.state.reset()
    return tuple(boto3.client(name, endpoint_url=endpoint.url, **KEYS) for name in ("bedrock", "bedrock-runtime"))


def body(text: str = QUESTION, **more: Any) -> str:
    messages = [{"role": "user", "content": text}]
    return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": messages, **more})


def named(control: Any) -> dict[str, str]:
    """A guardrail in boto3's arguments of invoke_model, its trace wanted."""
    config = made(control)
    return {
        "guardrailIdentifier": config["guardrailIdentifier"],
        "guardrailVersion": config["guardrailVersion"],
        "trace": "ENABLED",
    }


def invoke(runtime: Any, guardrail: dict[str, str], text: str = QUESTION, **more: Any) -> dict[str, Any]:
    return json.loads(runtime.invoke_model(modelId=MODEL, body=body(text, **more), **guardrail)["body"].read())


def test_system_and_messages_are_evaluated_as_recorded(clients):
    """panther-labs/panther-analysis: a system text of 28 characters and a question of 34, 62 guarded of 62."""
    control, runtime = clients
    guardrail = named(control)
    reply = invoke(runtime, guardrail, system=SYSTEM)
    told = reply["amazon-bedrock-trace"]["guardrail"]
    assessment = told["input"][guardrail["guardrailIdentifier"]]
    assert assessment["invocationMetrics"]["guardrailCoverage"]["textCharacters"] == {"guarded": 62, "total": 62}
    assert units(assessment) == {"contentPolicyUnits": 1, "wordPolicyUnits": 1}
    assert units(told["outputs"][0][guardrail["guardrailIdentifier"]]) == {
        "contentPolicyUnits": 1,
        "wordPolicyUnits": 1,
    }
    assert reply["amazon-bedrock-guardrailAction"] == "NONE"
    silent = invoke(runtime, {**guardrail, "trace": "DISABLED"})
    assert (silent["amazon-bedrock-guardrailAction"], "amazon-bedrock-trace" in silent) == ("NONE", False)


def test_blocked_input_asks_no_model_in_a_stream_too(clients):
    """The message of the guardrail, no tokens, nothing that the next request reads; the last chunk tells the trace."""
    control, runtime = clients
    guardrail = named(control)
    cached = [{"type": "text", "text": "A rule. " * 2000, "cache_control": {"type": "ephemeral"}}]
    reply = invoke(runtime, guardrail, "A Lawsuit!", system=cached)
    assert (reply["stop_reason"], reply["content"]) == ("guardrail_intervened", [{"type": "text", "text": "No."}])
    assert (reply["amazon-bedrock-guardrailAction"], reply["usage"]["input_tokens"]) == ("INTERVENED", 0)
    assert "outputs" not in reply["amazon-bedrock-trace"]["guardrail"]
    stream = runtime.invoke_model_with_response_stream(modelId=MODEL, body=body("A lawsuit"), **guardrail)["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert {chunk["amazon-bedrock-guardrailAction"] for chunk in chunks} == {"INTERVENED"}
    assert ["amazon-bedrock-trace" in chunk for chunk in chunks] == [*[False] * (len(chunks) - 1), True]
    after = invoke(runtime, guardrail, system=cached)
    assert (after["usage"]["cache_read_input_tokens"], after["usage"]["cache_creation_input_tokens"] > 0) == (0, True)


def test_only_what_stands_between_tags_is_evaluated(clients):
    """A document of 9,000 characters and a tagged question of 20: one unit."""
    control, runtime = clients
    guardrail = named(control)
    tag = "amazon-bedrock-guardrails-guardContent_x1y2"
    text = f"{'d' * 9000}<{tag}>May I open the lid??</{tag}>"
    config = {"amazon-bedrock-guardrailConfig": {"tagSuffix": "x1y2"}}
    told = invoke(runtime, guardrail, text, **config)["amazon-bedrock-trace"]["guardrail"]
    assessment = told["input"][guardrail["guardrailIdentifier"]]
    assert assessment["invocationMetrics"]["guardrailCoverage"]["textCharacters"]["guarded"] == 20
    assert units(assessment) == {"contentPolicyUnits": 1, "wordPolicyUnits": 1}


def test_what_the_api_reference_calls_an_error_is_refused(clients):
    """None that exists, no version, and a configuration without a guardrail."""
    control, runtime = clients
    guardrail = named(control)
    wrong = ({**guardrail, "guardrailIdentifier": "abcdefghijkl"}, {**guardrail, "guardrailVersion": "7"})
    for refused in wrong:
        with pytest.raises(ClientError, match=r"ValidationException.*does not exist"):
            invoke(runtime, refused)
    with pytest.raises(ClientError, match="version is required"):
        invoke(runtime, {"guardrailIdentifier": guardrail["guardrailIdentifier"]})
    with pytest.raises(ClientError, match="without a guardrail identifier"):
        invoke(runtime, {}, **{"amazon-bedrock-guardrailConfig": {"tagSuffix": "x1"}})


def test_nova_and_gpt_oss_are_guarded_in_their_own_bodies(clients):
    """3,500 characters are four units of each policy."""
    control, runtime = clients
    guardrail = named(control)
    nova = {"messages": [{"role": "user", "content": [{"text": "x" * 3500}]}]}
    oss = {"messages": [{"role": "user", "content": "x" * 3500}]}
    for model, asked in ((NOVA, nova), ("openai.gpt-oss-120b-1:0", oss)):
        answered = runtime.invoke_model(modelId=model, body=json.dumps(asked), **guardrail)["body"].read()
        told = json.loads(answered)["amazon-bedrock-trace"]["guardrail"]["input"]
        assert units(told[guardrail["guardrailIdentifier"]])["contentPolicyUnits"] == 4


def test_an_attached_client_books_the_fee(clients, endpoint):
    """4 content units in and 1 out at 0.15 a thousand, thrice: 0.00225. One without a trace is named as not seen."""
    control, runtime = clients
    guardrail = named(control)
    rockbottom.attach(runtime, clock=endpoint.state.clock.now)
    invoke(runtime, guardrail, "y" * 3500)
    list(runtime.invoke_model_with_response_stream(modelId=MODEL, body=body("y" * 3500), **guardrail)["body"])
    headers = {
        "X-Amzn-Bedrock-GuardrailIdentifier": guardrail["guardrailIdentifier"],
        "X-Amzn-Bedrock-GuardrailVersion": guardrail["guardrailVersion"],
    }
    claude = AnthropicBedrock(aws_access_key="a", aws_secret_key="b", aws_region="us-east-1", base_url=endpoint.url)
    rockbottom.attach(claude, clock=endpoint.state.clock.now)
    asked: Any = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "y" * 3500}]}
    claude.messages.create(**asked, extra_headers={**headers, "X-Amzn-Bedrock-Trace": "ENABLED"})
    claude.messages.create(**asked, extra_headers=headers)
    beside, other = rockbottom.report(runtime).beside, rockbottom.report(claude).beside
    assert (beside.units["contentPolicyUnits"], beside.usd, dict(beside.uncounted)) == (10, Decimal("0.0015"), {})
    assert (other.units["contentPolicyUnits"], other.usd) == (5, Decimal("0.00075"))
    assert other.uncounted == {"guardrail without a trace": 1}
