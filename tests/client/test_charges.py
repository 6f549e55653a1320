"""Charges that the tokens of a reply do not show: named, priced where a price is known, never silently left out."""

import gc
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

import rockbottom
from rockbottom.catalog import load_catalog
from rockbottom.client import report_of
from rockbottom.ledger import CallRecord
from tests.client.client_doubles import SONNET, MarkingPlanner, native, words
from tests.client.scripted import Answer, Kept, service

NOVA_PRO = "us.amazon.nova-pro-v1:0"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
OK: dict[str, Any] = {
    "output": {"message": {"role": "assistant", "content": [{"text": "ok"}]}}, "stopReason": "end_turn",
    "usage": {"inputTokens": 8000, "outputTokens": 50, "totalTokens": 8050}, "metrics": {"latencyMs": 5},
}  # fmt: skip
OPTIMIZED: dict[str, Any] = {"performanceConfig": {"latency": "optimized"}}
USUAL: dict[str, Any] = {"performanceConfig": {"latency": "standard"}}


def attached(url: str, kept: Kept, **config: Any) -> Any:
    return rockbottom.attach(plain(url, **config), sinks=[kept], clock=lambda: NOON)


def plain(url: str, **config: Any) -> Any:
    client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "bedrock-runtime", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}, **config),
    )  # fmt: skip
    return client


def asked(model: str = NOVA_PRO, **more: Any) -> dict[str, Any]:
    return {"modelId": model, "messages": [{"role": "user", "content": [{"text": "hi"}]}], **more}


def one_call(reply: Mapping[str, Any], **more: Any) -> tuple[CallRecord, Any]:
    """The record of a call that gets this reply, and the report after it."""
    kept = Kept()
    with service(lambda number: Answer(reply)) as url:
        client = attached(url, kept)
        client.converse(**asked(**more))
    return kept.calls[0], rockbottom.report(client)


def test_an_attempt_that_timed_out_may_be_billed_and_is_said() -> None:
    """The first attempt is given up after 0.3 s and sent again: one call, one attempt that nobody counts."""
    kept = Kept()
    with service(lambda number: Answer(OK, delay_s=0.8 if number == 1 else 0.0)) as url:
        client = attached(url, kept, read_timeout=0.3)
        client.converse(**asked())
    report = rockbottom.report(client)
    assert (kept.calls[0].lost, kept.calls[0].uncounted) == (1, ("attempts without an answer",))
    assert report.beside.lost == 1
    assert "1 attempt got no answer; AWS may still bill them" in str(report)
    assert report.to_dict()["beside"]["not_counted"] == {"attempts without an answer": 1}


def test_every_attempt_of_a_call_that_failed_is_said() -> None:
    """Three attempts, three times no answer in time: the call failed, and each may be billed."""
    kept = Kept()
    with service(lambda number: Answer(OK, delay_s=0.8)) as url:
        client = attached(url, kept, read_timeout=0.3)
        with pytest.raises(ReadTimeoutError):
            client.converse(**asked())
    assert (kept.calls[0].status, kept.calls[0].lost) == ("failed", 3)
    assert rockbottom.report(client).beside.lost == 3


def test_a_throttled_attempt_is_not_billed() -> None:
    """AWS refused it: nothing was done for it."""
    kept = Kept()
    refusal = {"message": "Too many requests", "__type": "ThrottlingException"}
    with service(lambda number: Answer(refusal, status=429) if number == 1 else Answer(OK)) as url:
        attached(url, kept).converse(**asked())
    assert (kept.calls[0].status, kept.calls[0].lost, kept.calls[0].uncounted) == ("ok", 0, ())


@pytest.mark.parametrize(
    ("model", "asking", "replied", "cost"),
    [
        # Nova Pro, 8,000 in and 50 out: 0.80 and 3.20 a million; optimized 1.00 and 4.00 (pricing page, 2026-07-24).
        (NOVA_PRO, {}, {}, "0.00656"),
        (NOVA_PRO, OPTIMIZED, OPTIMIZED, "0.0082"),
        # Beyond the quota of optimized inference AWS serves, and bills, the usual latency; the reply says so.
        (NOVA_PRO, OPTIMIZED, USUAL, "0.00656"),
        (NOVA_PRO, {"serviceTier": {"type": "flex"}}, USUAL, "0.00328"),
        (NOVA_PRO, {"serviceTier": {"type": "flex"}}, {"serviceTier": {"type": "default"}}, "0.00656"),
        (NOVA_PRO, {"serviceTier": {"type": "reserved"}}, {"serviceTier": {"type": "reserved"}}, None),
        (NOVA_PRO, {"serviceTier": {"type": "reserved"}}, {"serviceTier": {"type": "default"}}, "0.00656"),
    ],
)  # fmt: skip
def test_a_call_is_priced_at_the_tier_that_served_it(
    model: str, asking: dict[str, Any], replied: dict[str, Any], cost: str | None
) -> None:
    """What the reply names wins over what was asked for."""
    record, _ = one_call({**OK, **replied}, model=model, **asking)
    assert record.cost_usd == cost or Decimal(record.cost_usd or 0) == Decimal(cost or 1)


def test_reserved_capacity_is_named_where_its_tokens_have_no_price() -> None:
    """It is paid by the hour: the call has tokens, no cost, and a reason."""
    record, report = one_call({**OK, "serviceTier": {"type": "reserved"}}, serviceTier={"type": "reserved"})
    assert (record.input, record.cost_usd, record.uncounted) == (8000, None, ("reserved capacity",))
    assert "not counted, as no price or no amount is known: reserved capacity (1 call)" in str(report)


GUARDED = {"guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "enabled"}}


def assessed(**units: int) -> dict[str, Any]:
    names = ("topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits",
             "sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits")  # fmt: skip
    return {"invocationMetrics": {"usage": {**dict.fromkeys(names, 0), **units}}}


def test_a_guardrail_is_priced_from_its_trace() -> None:
    """Input 3 content and 3 topic units, output 1 content: 7 at 0.15 a thousand = 0.00105, beside tokens for 0.00656.

    The fee is in the cost with and without caching, so what caching saves is not touched by it.
    """
    trace = {
        "guardrail": {
            "inputAssessment": {"abc": assessed(contentPolicyUnits=3, topicPolicyUnits=3)},
            "outputAssessments": {"abc": [assessed(contentPolicyUnits=1)]},
        }
    }
    record, report = one_call({**OK, "trace": trace}, **GUARDED)
    assert record.charges == {"contentPolicyUnits": 4, "topicPolicyUnits": 3}
    assert (record.extra_usd, record.uncounted) == ("0.00105", ())
    assert Decimal(record.cost_usd or 0) == Decimal(record.uncached_usd or 0) == Decimal("0.00761")
    assert report.total.cost_usd == Decimal("0.00761")
    assert report.beside.usd == Decimal("0.00105")
    assert "contentPolicyUnits: 4" in str(report)


def test_a_guardrail_without_a_trace_is_a_charge_nobody_sees() -> None:
    """Its units stand in the trace alone."""
    record, report = one_call(OK, guardrailConfig={"guardrailIdentifier": "abc", "guardrailVersion": "1"})
    assert record.uncounted == ("guardrail without a trace",)
    assert "guardrail without a trace (1 call)" in str(report)


def test_a_guardrail_on_invoke_model_is_a_charge_nobody_sees() -> None:
    """It is an argument there, and what it evaluated stands in a body that only the caller reads."""
    kept = Kept()
    reply = {"content": [], "usage": {"input_tokens": 8000, "output_tokens": 50}}
    with service(lambda number: Answer(reply)) as url:
        client = attached(url, kept)
        client.invoke_model(**native(), guardrailIdentifier="abc", guardrailVersion="1")["body"].read()
    assert kept.calls[0].uncounted == ("guardrail without a trace",)
    assert rockbottom.report(client).beside.uncounted == {"guardrail without a trace": 1}


def test_tools_that_the_service_ran_are_counted() -> None:
    """One has a price (30 a thousand: 0.06 for two), one has none and is named."""
    usage = {**OK["usage"], "serverToolUsage": {"nova_grounding": 2, "webSearchRequests": 1, "idle": 0}}
    kept = Kept()
    with service(lambda number: Answer({**OK, "usage": usage})) as url:
        client = plain(url)
        client.meta.events.register_first(  # the reply as a botocore gives it that knows the member
            "after-call.bedrock-runtime.Converse", _put(usage)
        )
        rockbottom.attach(client, sinks=[kept], clock=lambda: NOON)
        client.converse(**asked())
    record = kept.calls[0]
    assert record.charges == {"nova_grounding": 2, "webSearchRequests": 1}
    assert (record.extra_usd, record.uncounted) == ("0.06", ("webSearchRequests",))


def _put(usage: dict[str, Any]) -> Callable[..., None]:
    def put(parsed: dict[str, Any], **_: Any) -> None:
        parsed["usage"] = usage

    return put


def test_a_stream_that_was_cut_is_counted_as_far_as_it_told(client: Any, endpoint: Any) -> None:
    """Claude's native stream says at its beginning what was read and written: that is the least the call costs."""
    kept = Kept()
    rockbottom.attach(client, sinks=[kept], clock=endpoint.state.clock.now)
    whole = json.loads(client.invoke_model(**native(system=words(2000)))["body"].read())["usage"]
    stream = client.invoke_model_with_response_stream(**native(system=words(2000)))["body"]
    for number, _ in enumerate(stream):
        if number == 2:
            break
    stream.close()
    record = kept.calls[-1]
    assert (record.status, record.cut) == ("ok", True)
    assert record.total_input == whole["input_tokens"] + whole.get("cache_creation_input_tokens", 0) + whole.get(
        "cache_read_input_tokens", 0
    )
    assert record.output <= whole["output_tokens"]
    assert record.cost_usd is not None
    assert "1 stream was not read to the end" in str(rockbottom.report(client))


def test_a_dropped_stream_of_converse_says_the_size_of_its_prompt(client: Any, endpoint: Any) -> None:
    """Its usage comes at the very end: the call is without usage, and about how much that was is said."""
    kept = Kept()
    rockbottom.attach(client, sinks=[kept], clock=endpoint.state.clock.now)
    reply = client.converse_stream(**asked(SONNET, system=[{"text": words(2000)}]))
    next(iter(reply["stream"]))
    reply["stream"].close()
    del reply
    gc.collect()
    report = rockbottom.report(client)
    assert kept.calls[-1].status == "no usage"
    assert report.beside.unmetered_tokens > 2000
    assert "  its prompt had about 2" in str(report)


def test_what_dropped_streams_cost_is_bounded_by_estimates_that_are_in_no_sum(client: Any, endpoint: Any) -> None:
    """Claude Sonnet 4.6 by the us profile: 3.30 a million plain, .33 read, 4.125 written; what failed costs nothing."""
    kept = Kept()
    rockbottom.attach(client, sinks=[kept], planner=MarkingPlanner(), clock=endpoint.state.clock.now)
    for _ in range(2):
        reply = client.converse_stream(**asked(SONNET, system=[{"text": words(2000)}]))
        next(iter(reply["stream"]))
        reply["stream"].close()
    with pytest.raises(ClientError):
        client.converse(**asked(SONNET, system=[{"text": words(2000)}], inferenceConfig={"temperature": 5}))
    report, marked = rockbottom.report(client), kept.calls[0].cacheable
    beside = report.beside
    rest = Decimal(beside.unmetered_tokens) / 3 - marked
    least, most = (
        2 * (marked * price + rest * Decimal("3.30")) / 10**6 for price in (Decimal(".33"), Decimal("4.125"))
    )
    assert (report.without_usage, beside.unmetered_calls, report.total.cost_usd) == (3, 2, 0)
    assert beside.unmetered_usd == (least, most)
    assert "3 calls ended without usage" in str(report)
    assert "2 of them answered: their prompts cost $0.0019" in " ".join(str(report).split())
    assert beside.to_dict()["unmetered_calls"] == 2
    assert [call.most_usd is not None for call in kept.calls] == [True, True, False]
    recorded = report_of(kept.calls, 0, 1, load_catalog()).beside
    assert (recorded.unmetered_calls, recorded.unmetered_usd) == (2, (least, most))


def test_a_report_made_of_records_says_the_same() -> None:
    """What a program's processes recorded adds up: the units, the fee and the charges that nobody counts."""
    guarded = {"guardrail": {"inputAssessment": {"abc": assessed(contentPolicyUnits=4)}}}
    records = [one_call({**OK, "trace": guarded}, **GUARDED)[0] for _ in range(2)]
    records.append(one_call({**OK, "serviceTier": {"type": "reserved"}})[0])
    beside = report_of(records, 0, 1, load_catalog()).beside
    assert (dict(beside.units), beside.usd) == ({"contentPolicyUnits": 8}, Decimal("0.0012"))
    assert dict(beside.uncounted) == {"reserved capacity": 1}


def test_a_budget_says_once_which_charges_it_does_not_count(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The fee that is known is spent; the charge that is not known is named, once."""
    budgets = rockbottom.Budgets(rockbottom.Budget("1", "day"), file=tmp_path / "b.db", simulated=True)
    record, _ = one_call(OK, guardrailConfig={"guardrailIdentifier": "abc", "guardrailVersion": "1"})
    for _ in range(2):
        budgets.record(record)
    said = [line.getMessage() for line in caplog.records if "not in what is spent" in line.getMessage()]
    assert said == ["rockbottom: budget: calls have a charge that is not in what is spent: guardrail without a trace"]
    budgets.close()


ROUTER = "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/amazon.nova:1"
CHOSEN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0"


def test_a_call_to_a_prompt_router_is_priced_by_the_model_that_it_chose() -> None:
    """Nova Pro, 8,000 in at 0.80 and 50 out at 3.20 a million: 0.00656; the router's own charge is named."""
    reply = {**OK, "trace": {"promptRouter": {"invokedModelId": CHOSEN}}}
    call, report = one_call(reply, model=ROUTER)
    assert (call.model, call.scope, call.cost_usd) == ("amazon.nova-pro-v1:0", "us", "0.00656")
    assert [(line.name, line.cost_usd) for line in report.models] == [("Nova Pro (us)", Decimal("0.00656"))]
    assert report.beside.uncounted == {"prompt routing": 1}


def test_a_router_whose_reply_names_no_model_is_counted_under_its_arn_without_a_price() -> None:
    call, report = one_call(OK, model=ROUTER)
    assert (call.model, call.cost_usd, report.total.unpriced_calls) == (ROUTER, None, 1)
    assert report.unpriced == {f"{ROUTER}, which the catalogue does not know": 1}


def test_a_prompt_of_prompt_management_is_counted_under_its_arn_without_a_price() -> None:
    """A call names a prompt and its variables, and no messages: which model runs, the reply does not say."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:prompt/PROMPT1234:2"
    kept = Kept()
    with service(lambda number: Answer(OK)) as url:
        client = attached(url, kept)
        client.converse(modelId=arn, promptVariables={"customer": {"text": "a"}})
    report = rockbottom.report(client)
    assert (kept.calls[0].model, kept.calls[0].cost_usd, kept.calls[0].input) == (arn, None, 8_000)
    assert (report.total.calls, report.total.unpriced_calls) == (1, 1)
    assert report.unpriced == {f"{arn}, which the catalogue does not know": 1}
