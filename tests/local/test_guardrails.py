"""Guardrails of the local endpoint: made, applied, told in a trace with their units, refused where there is none."""

import urllib.error
import urllib.request
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

import rockbottom
from rockbottom.local import ClockKind, running

KEYS: Any = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
MODEL = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number}: parcels of class {number} are kept {7 + number % 21} days." for number in range(300))


@pytest.fixture(scope="module")
def endpoint():
    with running(clock=ClockKind.MANUAL) as server:
        yield server


@pytest.fixture
def clients(endpoint):
    """The control plane and the runtime, with nothing made yet."""
    endpoint.state.reset()
    return tuple(boto3.client(name, endpoint_url=endpoint.url, **KEYS) for name in ("bedrock", "bedrock-runtime"))


def made(control: Any, **more: Any) -> dict[str, Any]:
    """A guardrail with content filters and one denied word, and its first version."""
    guardrail = control.create_guardrail(
        name="support", blockedInputMessaging="No.", blockedOutputsMessaging="Not that.",
        contentPolicyConfig={"filtersConfig": [{"type": "HATE", "inputStrength": "HIGH", "outputStrength": "HIGH"}]},
        wordPolicyConfig={"wordsConfig": [{"text": "lawsuit"}]}, **more,
    )  # fmt: skip
    version = control.create_guardrail_version(guardrailIdentifier=guardrail["guardrailId"])["version"]
    return {"guardrailIdentifier": guardrail["guardrailId"], "guardrailVersion": version, "trace": "enabled"}


def ask(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"modelId": MODEL, "messages": [{"role": "user", "content": list(blocks)}], **more}


def units(assessment: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in assessment["invocationMetrics"]["usage"].items() if count}


def test_the_units_of_input_and_output_are_in_the_trace(clients):
    """2,500 characters are three units of each policy that it has; the answer is one."""
    control, runtime = clients
    config = made(control)
    reply = runtime.converse(**ask({"text": "x" * 2500}), guardrailConfig=config)
    trace = reply["trace"]["guardrail"]
    identity = config["guardrailIdentifier"]
    assert units(trace["inputAssessment"][identity]) == {"contentPolicyUnits": 3, "wordPolicyUnits": 3}
    assert units(trace["outputAssessments"][identity][0]) == {"contentPolicyUnits": 1, "wordPolicyUnits": 1}
    silent = runtime.converse(**ask({"text": "hi"}), guardrailConfig={**config, "trace": "disabled"})
    assert "trace" not in silent


def test_only_tagged_blocks_are_evaluated_where_there_are_any(clients):
    """9,000 characters of document and a tagged question of 20: one unit, and its coverage says what was left out."""
    control, runtime = clients
    config = made(control)
    tagged = {"guardContent": {"text": {"text": "May I open the lid??"}}}
    reply = runtime.converse(**ask({"text": "d" * 9000}, tagged), guardrailConfig=config)
    assessment = reply["trace"]["guardrail"]["inputAssessment"][config["guardrailIdentifier"]]
    assert units(assessment) == {"contentPolicyUnits": 1, "wordPolicyUnits": 1}
    coverage = assessment["invocationMetrics"]["guardrailCoverage"]["textCharacters"]
    assert coverage == {"guarded": 20, "total": 9020}


def test_blocked_input_asks_no_model_and_caches_nothing(clients):
    """The message of the guardrail, no tokens, its fee in the trace; the next request writes as if it had not been."""
    control, runtime = clients
    config = made(control)
    system = [{"text": RULES}, {"cachePoint": {"type": "default"}}]
    reply = runtime.converse(**ask({"text": "A Lawsuit!"}, system=system), guardrailConfig=config)
    assert (reply["stopReason"], reply["output"]["message"]["content"]) == ("guardrail_intervened", [{"text": "No."}])
    assert reply["usage"]["inputTokens"] == reply["usage"]["outputTokens"] == 0
    trace = reply["trace"]["guardrail"]
    assert trace["inputAssessment"][config["guardrailIdentifier"]]["wordPolicy"]["customWords"][0]["match"] == "lawsuit"
    assert "outputAssessments" not in trace
    after = runtime.converse(**ask({"text": "Hello"}, system=system), guardrailConfig=config)
    assert after["usage"]["cacheWriteInputTokens"] > 0


def test_blocked_output_is_paid_and_replaced(clients, endpoint):
    """The tokens are those of the model's answer; what is read is the guardrail's message. In a stream too."""
    control, runtime = clients
    config = made(control)
    body = b'{"text": "You could file a lawsuit over that."}'
    for call in ("converse", "converse_stream"):
        runtime.meta.events.register("before-sign.bedrock-runtime", _scripted(body))
        reply = getattr(runtime, call)(**ask({"text": "Hi"}), guardrailConfig=config)
        if call == "converse":
            assert reply["output"]["message"]["content"] == [{"text": "Not that."}]
            assert reply["stopReason"] == "guardrail_intervened"
            assert reply["usage"]["outputTokens"] > 5
            continue
        events = list(reply["stream"])
        assert (
            next(event for event in events if "messageStop" in event)["messageStop"]["stopReason"]
            == "guardrail_intervened"
        )
        assert "guardrail" in next(event for event in events if "metadata" in event)["metadata"]["trace"]


def _scripted(body: bytes) -> Any:
    def script(request: Any, **_: Any) -> None:
        request.headers["x-rockbottom-reply"] = body.decode()

    return script


def test_one_that_does_not_exist_is_refused(clients):
    """The identifier or the version; a deleted one as well."""
    control, runtime = clients
    unknown = {"guardrailIdentifier": "abcdefghijkl", "guardrailVersion": "1"}
    with pytest.raises(ClientError, match="does not exist"):
        runtime.converse(**ask({"text": "hi"}), guardrailConfig=unknown)
    config = made(control)
    for wrong in (unknown, {**config, "guardrailVersion": "2"}):
        with pytest.raises(ClientError, match="does not exist"):
            runtime.converse(**ask({"text": "hi"}), guardrailConfig=wrong)
    assert runtime.converse(**ask({"text": "hi"}), guardrailConfig={**config, "guardrailVersion": "DRAFT"})
    made_second = made_other(control)
    control.delete_guardrail(guardrailIdentifier=config["guardrailIdentifier"])
    with pytest.raises(ClientError, match="does not exist"):
        runtime.converse(**ask({"text": "hi"}), guardrailConfig=config)
    assert [row["name"] for row in control.list_guardrails()["guardrails"]] == ["other"]
    assert control.get_guardrail(guardrailIdentifier=made_second)["status"] == "READY"


def made_other(control: Any) -> str:
    return control.create_guardrail(name="other", blockedInputMessaging="a", blockedOutputsMessaging="b")["guardrailId"]


def test_apply_guardrail_counts_the_same_units_without_a_model(clients):
    """1,001 characters are two units; the word is found."""
    control, runtime = clients
    config = made(control)
    reply = runtime.apply_guardrail(
        guardrailIdentifier=config["guardrailIdentifier"], guardrailVersion="1", source="INPUT",
        content=[{"text": {"text": "lawsuit" + "x" * 994}}],
    )  # fmt: skip
    assert (reply["action"], reply["usage"]["contentPolicyUnits"]) == ("GUARDRAIL_INTERVENED", 2)
    assert reply["outputs"] == [{"text": "No."}]


def test_an_attached_client_books_the_fee_that_the_endpoint_tells(clients, endpoint):
    """4 content units in (3,500 characters) and 1 out at 0.15 a thousand: 0.00075, in the cost of the call."""
    control, runtime = clients
    config = made(control)
    rockbottom.attach(runtime, clock=endpoint.state.clock.now)
    runtime.converse(**ask({"text": "y" * 3500}), guardrailConfig=config)
    beside = rockbottom.report(runtime).beside
    assert (beside.units["contentPolicyUnits"], beside.usd, dict(beside.uncounted)) == (5, Decimal("0.00075"), {})


def test_a_body_that_is_no_utf8_is_refused_in_one_message(endpoint):
    """As every other body: SerializationException, not an internal error."""
    request = urllib.request.Request(f"{endpoint.url}/guardrails", b'{"name": "caf\xe9"}', method="POST")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=20)
    assert raised.value.code == 400
    assert b"not JSON" in raised.value.read()
