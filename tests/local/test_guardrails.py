"""Guardrails of the local endpoint: made, applied, told in a trace with their units, refused where there is none."""

import json
import urllib.error
import urllib.request
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

import rockbottom
from rockbottom.local import ClockKind, running
from rockbottom.local.guardrail_findings import findings_in

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


REGEX = {"name": "TicketId", "pattern": r"TCK-\d{4}", "action": "ANONYMIZE"}
MAIL = {"type": "EMAIL", "action": "ANONYMIZE"}
WRITTEN = '{"text": "Write to ada@example.com about TCK-1234."}'


def masking(control: Any, *entities: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A guardrail with these entities and a regular expression; its draft."""
    made = control.create_guardrail(
        name="masks", blockedInputMessaging="No.", blockedOutputsMessaging="Not that.",
        sensitiveInformationPolicyConfig={"piiEntitiesConfig": list(entities), "regexesConfig": [REGEX]}, **more,
    )  # fmt: skip
    return {"guardrailIdentifier": made["guardrailId"], "guardrailVersion": "DRAFT"}


def applied(runtime: Any, guardrail: dict[str, Any], source: str, *texts: str) -> dict[str, Any]:
    return runtime.apply_guardrail(**guardrail, source=source, content=[{"text": {"text": text}} for text in texts])


def sensitive(assessment: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Type or name, match and action of what was found."""
    policy = assessment.get("sensitiveInformationPolicy", {"piiEntities": [], "regexes": []})
    rows = [*policy["piiEntities"], *policy["regexes"]]
    return [(row.get("type") or row["name"], row["match"], row["action"]) for row in rows]


def test_what_is_anonymized_is_replaced_in_each_text_of_the_output(clients):
    """Type and name in braces, the action of a block and another reason: measured in August 2026."""
    control, runtime = clients
    guardrail = masking(control, MAIL)
    reply = applied(runtime, guardrail, "OUTPUT", "Mail ada@example.com, then bob@example.org.", "It is TCK-1234.")
    assert (reply["action"], reply["actionReason"]) == ("GUARDRAIL_INTERVENED", "Guardrail masked.")
    assert reply["outputs"] == [{"text": "Mail {EMAIL}, then {EMAIL}."}, {"text": "It is {TicketId}."}]
    assert sensitive(reply["assessments"][0]) == [
        ("EMAIL", "ada@example.com", "ANONYMIZED"),
        ("EMAIL", "bob@example.org", "ANONYMIZED"),
        ("TicketId", "TCK-1234", "ANONYMIZED"),
    ]
    nothing = applied(runtime, guardrail, "OUTPUT", "Mail nobody.")
    assert (nothing["action"], nothing["actionReason"], nothing["outputs"]) == ("NONE", "No action.", [])


def test_the_input_is_masked_only_where_input_action_says_so(clients):
    """``action`` alone leaves the input as it is and tells nothing of it: measured in August 2026."""
    control, runtime = clients
    alone = applied(runtime, masking(control, MAIL), "INPUT", "I am ada@example.com.")
    assert (alone["action"], alone["outputs"], sensitive(alone["assessments"][0])) == ("NONE", [], [])
    endpoint_side = {**MAIL, "inputAction": "ANONYMIZE", "inputEnabled": True}
    control.delete_guardrail(guardrailIdentifier=control.list_guardrails()["guardrails"][0]["id"])
    guardrail = masking(control, endpoint_side)
    assert applied(runtime, guardrail, "INPUT", "I am ada@example.com.")["outputs"] == [{"text": "I am {EMAIL}."}]
    asked = ask({"text": "Reply with exactly: ada@example.com"})
    assert runtime.converse(**asked)["output"]["message"]["content"] == [{"text": "ada"}]
    reply = runtime.converse(**asked, guardrailConfig={**guardrail, "trace": "enabled"})
    trace = reply["trace"]["guardrail"]
    assert trace["actionReason"] == "Guardrail masked."
    assert sensitive(trace["inputAssessment"][guardrail["guardrailIdentifier"]])[0][1:] == (
        "ada@example.com",
        "ANONYMIZED",
    )
    assert "ada" not in str(reply["output"])


def test_what_blocks_comes_before_what_masks_and_what_is_only_told_changes_nothing(clients):
    """A number that blocks: the message, and of the address not a word. NONE: told, and passed. Measured."""
    control, runtime = clients
    guardrail = masking(
        control,
        MAIL,
        {"type": "US_SOCIAL_SECURITY_NUMBER", "action": "BLOCK"},
        {"type": "IP_ADDRESS", "action": "NONE"},
    )
    both = applied(runtime, guardrail, "OUTPUT", "ada@example.com has 123-45-6789")
    assert (both["actionReason"], both["outputs"]) == ("Guardrail blocked.", [{"text": "Not that."}])
    assert sensitive(both["assessments"][0]) == [("US_SOCIAL_SECURITY_NUMBER", "123-45-6789", "BLOCKED")]
    told = applied(runtime, guardrail, "OUTPUT", "It runs on 10.0.0.17.")
    assert (told["action"], told["outputs"]) == ("NONE", [])
    assert sensitive(told["assessments"][0]) == [("IP_ADDRESS", "10.0.0.17", "NONE")]


def test_a_side_that_is_not_enabled_is_not_evaluated_and_costs_nothing(clients):
    """A denied topic with outputEnabled false: no topicPolicyUnits on the output. Measured."""
    control, runtime = clients
    topic = {"name": "law", "definition": "Law.", "type": "DENY", "examples": ["sue them"], "outputEnabled": False}
    guardrail = masking(control, MAIL, topicPolicyConfig={"topicsConfig": [topic]})
    output = applied(runtime, guardrail, "OUTPUT", "I would sue them.")
    assert (output["action"], output["usage"]["topicPolicyUnits"]) == ("NONE", 0)
    assert (
        output["usage"]["sensitiveInformationPolicyUnits"],
        output["usage"]["sensitiveInformationPolicyFreeUnits"],
    ) == (1, 1)
    assert applied(runtime, guardrail, "INPUT", "I would sue them.")["outputs"] == [{"text": "No."}]


def test_a_masked_answer_of_converse_stops_with_the_guardrail_and_is_paid(clients):
    """What the model said is in the trace. An async stream is sent before it is looked at: nothing in it is masked."""
    control, runtime = clients
    guardrail = {**masking(control, MAIL), "trace": "enabled"}
    runtime.meta.events.register("before-sign.bedrock-runtime", _scripted(WRITTEN.encode()))
    reply = runtime.converse(**ask({"text": "How?"}), guardrailConfig=guardrail)
    masked = "Write to {EMAIL} about {TicketId}."
    assert (reply["output"]["message"]["content"], reply["stopReason"]) == ([{"text": masked}], "guardrail_intervened")
    trace = reply["trace"]["guardrail"]
    assert (trace["actionReason"], trace["modelOutput"]) == (
        "Guardrail masked.",
        ["Write to ada@example.com about TCK-1234."],
    )
    assert reply["usage"]["outputTokens"] > 5

    def streamed(**mode: str) -> tuple[str, str]:
        events = list(runtime.converse_stream(**ask({"text": "How?"}), guardrailConfig={**guardrail, **mode})["stream"])
        deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
        return "".join(deltas), next(event["messageStop"]["stopReason"] for event in events if "messageStop" in event)

    assert streamed() == streamed(streamProcessingMode="sync") == (masked, "guardrail_intervened")
    assert streamed(streamProcessingMode="async") == ("Write to ada@example.com about TCK-1234.", "end_turn")


def test_a_masked_answer_of_invoke_model_ends_as_the_model_ended_it(clients):
    """The action tells of it, beside the trace; ASYNCHRONOUS is the native spelling of async."""
    control, runtime = clients
    guardrail = {**masking(control, MAIL), "trace": "ENABLED"}
    runtime.meta.events.register("before-sign.bedrock-runtime", _scripted(WRITTEN.encode()))
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "How?"}],
    }
    reply = json.loads(runtime.invoke_model(modelId=MODEL, body=json.dumps(body), **guardrail)["body"].read())
    assert reply["content"] == [{"type": "text", "text": "Write to {EMAIL} about {TicketId}."}]
    assert (reply["stop_reason"], reply["amazon-bedrock-guardrailAction"]) == ("end_turn", "INTERVENED")
    assert reply["amazon-bedrock-trace"]["guardrail"]["actionReason"] == "Guardrail masked."
    body["amazon-bedrock-guardrailConfig"] = {"streamProcessingMode": "ASYNCHRONOUS"}
    stream = runtime.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(body), **guardrail)["body"]
    assert "ada@example.com" in _text_of(stream)


def _text_of(stream: Any) -> str:
    chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
    return "".join(chunk["delta"].get("text", "") for chunk in chunks if chunk["type"] == "content_block_delta")


@pytest.mark.parametrize(
    ("kind", "text", "match"),
    [
        ("EMAIL", "mail ada.l+x@sub.example.co.uk.", "ada.l+x@sub.example.co.uk"),
        ("URL", "see https://example.com/a?b=1, please", "https://example.com/a?b=1"),
        ("PHONE", "call +1 412 555 1212 now", "+1 412 555 1212"),
        ("PHONE", "call (412) 555-1212", "(412) 555-1212"),
        ("CREDIT_DEBIT_CARD_NUMBER", "card 4111 1111 1111 1111!", "4111 1111 1111 1111"),
        ("US_SOCIAL_SECURITY_NUMBER", "it is 123-45-6789", "123-45-6789"),
        ("IP_ADDRESS", "at 192.168.0.1.", "192.168.0.1"),
        ("MAC_ADDRESS", "00:1A:2b:3c:4D:5e", "00:1A:2b:3c:4D:5e"),
        ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "to DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
        ("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("PHONE", "version 1.2.3, order 12345, 2026-11-30", None),
        ("IP_ADDRESS", "release 1.22.333.4444", None),
        ("NAME", "I am Ada Lovelace.", None),
    ],
)
def test_entities_are_found_by_how_they_are_written(kind, text, match):
    """Those that a pattern tells; a name is found by no pattern, and is not found."""
    config = {"sensitiveInformationPolicyConfig": {"piiEntitiesConfig": [{"type": kind, "action": "ANONYMIZE"}]}}
    found = findings_in(config, text, "output")
    assert dict(found.masks) == ({match: "{" + kind + "}"} if match else {})
