"""Requests priced as they were sent: at the tier, the Region and the day of each, in one cache.

Nova Pro in us-east-1 costs $0.80 a million tokens of input and $3.20 of output by default, half of that at flex and
1.75 times as much at priority (price list of 2026-10). GPT-5.6 Sol cost $5.50 and $33 until 14 September 2026, and
$4.40 and $22 since (an AWS invoice of July and August; Cost Explorer of September).
"""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cache import Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Tier, load_catalog
from rockbottom.cli.explain import command as explain
from rockbottom.cli.replay import command as replay
from rockbottom.cost import bill
from rockbottom.dialects import RequestReader
from rockbottom.plan import Planner

NOVA, SONNET, SOL = "amazon.nova-pro-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "openai.gpt-5.6-sol"
RULES = " ".join(f"Rule {number}: parcels of class {number} are kept a week." for number in range(400))
TIERS = (None, "flex", "priority")


def body(turn: int) -> dict[str, Any]:
    """The request of a turn of one conversation."""
    messages = [{"role": "user", "content": [{"text": "Where is parcel 0?"}]}]
    for number in range(1, turn + 1):
        messages += [
            {"role": "assistant", "content": [{"text": f"Parcel {number} is in the depot of the river."}]},
            {"role": "user", "content": [{"text": f"And where is parcel {number}, which was sent on Monday?"}]},
        ]
    return {"system": [{"text": RULES}], "messages": messages}


def log_of(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, records)) + "\n")
    return path


def record(number: int, model: str = NOVA, at: str = "", **changes: Any) -> dict[str, Any]:
    counts = {"inputTokenCount": 6000, "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0}
    return {
        "schemaType": "ModelInvocationLog", "timestamp": at or f"2026-11-02T09:{number:02}:00Z",
        "requestId": f"r{number}", "operation": "Converse", "modelId": model, "region": "us-east-1",
        "accountId": "123456789012", "input": {"inputBodyJson": body(number), **counts},
        "output": {"outputTokenCount": 100}, **changes,
    }  # fmt: skip


def answered(command: Any, log: Path, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, [str(log), "--json", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_each_request_is_paid_at_its_own_tier(tmp_path: Path) -> None:
    """Three calls of 6,000 and 100 tokens: $0.00512 by default, half at flex, 1.75 times at priority; asked for a tier,
    all at that."""
    records = [record(number) for number in range(3)]
    for entry, tier in zip(records, TIERS, strict=True):
        if tier:
            entry["input"]["inputBodyJson"]["serviceTier"] = {"type": tier}
    log = log_of(tmp_path / "log.json", records)
    plain = Decimal("0.00512")
    replayed = answered(replay, log)
    assert Decimal(replayed["answer"]["paid_usd"]) == plain * Decimal("3.25")
    assert Decimal(answered(explain, log)["paid_usd"]) == plain * Decimal("3.25")
    assert replayed["tier"] is None
    assert "tiers as sent" in CliRunner().invoke(replay, [str(log)]).stdout
    assert Decimal(answered(replay, log, "--tier", "flex")["answer"]["paid_usd"]) == plain * Decimal("1.5")


def truth(records: Sequence[dict[str, Any]]) -> Decimal:
    """What these requests cost with the planner attached, by the rules of the cache and the price of each."""
    catalog, reader, planner, state = load_catalog(), RequestReader(load_catalog()), Planner(), PrefixCache()
    spent, on = Decimal(0), date(2026, 11, 2)
    for number, entry in enumerate(records):
        arguments = {"modelId": entry["modelId"], **entry["input"]["inputBodyJson"]}
        at, model = 1_793_610_000.0 + 60 * number, catalog.model(entry["modelId"])
        plan = planner.plan(arguments, now=at)
        request = plan.apply(reader.read(arguments))
        space = Namespace("1", entry.get("inferenceRegion", "us-east-1"), model.model.id)
        rules = catalog.rules(model, on)
        state, result = step(state, request.prompt, at, rules, behaviour_of(catalog.switches), space, at)
        usage = result.usage(100)
        planner.observe(plan, usage, now=at)
        tier = Tier((arguments.get("serviceTier") or {}).get("type", "default"))
        spent += bill(usage, model, tier, on, catalog.price_book, region="us-east-1").usd
    return spent


def uncached(records: Sequence[dict[str, Any]]) -> None:
    """Have the records count what their prompts are, and nothing of it cached."""
    reader = RequestReader(load_catalog())
    for entry in records:
        arguments = {"modelId": entry["modelId"], **entry["input"]["inputBodyJson"]}
        entry["input"]["inputTokenCount"] = reader.read(arguments).prompt.tokens


def test_a_conversation_that_changes_its_tier_stays_in_one_cache(tmp_path: Path) -> None:
    """Twelve turns, the tiers in turn: what one wrote the next reads, each at its own price."""
    records = [record(number) for number in range(12)]
    for number, entry in enumerate(records):
        if tier := TIERS[number % 3]:
            entry["input"]["inputBodyJson"]["serviceTier"] = {"type": tier}
    uncached(records)
    log = log_of(tmp_path / "log.json", records)
    attached = Decimal(answered(replay, log)["answer"]["attached_usd"])
    assert abs(attached / truth(records) - 1) < Decimal("0.001")
    explained = answered(explain, log)
    saved = Decimal(explained["attached"]["usd_before"]) - Decimal(explained["attached"]["usd_after"])
    paid = Decimal(explained["paid_usd"])
    assert abs((paid - saved) / attached - 1) < Decimal("0.001")


def test_a_planner_does_not_know_which_region_will_serve(tmp_path: Path) -> None:
    """Served by three Regions in turn: replayed as if it knew, half of it would have been saved."""
    records = [record(number, SONNET) for number in range(24)]
    for number, entry in enumerate(records):
        entry["inferenceRegion"] = ("us-east-1", "us-east-2", "us-west-2")[number % 3]
    uncached(records)
    log = log_of(tmp_path / "log.json", records)
    attached = Decimal(answered(replay, log)["answer"]["attached_usd"])
    assert abs(attached / truth(records) - 1) < Decimal("0.001")


def test_each_request_is_paid_at_the_price_of_its_day(tmp_path: Path) -> None:
    """6,000 and 100 tokens of Sol: $0.0363 in August, $0.0286 in November; a day that is named holds for all."""
    counts = {"usage": {"input_tokens": 6000, "output_tokens": 100}}
    records = [
        record(number, SOL, f"2026-{month}-02T09:00:00Z", operation="Responses", output={"outputBodyJson": counts})
        for number, month in enumerate(("08", "11"))
    ]
    for entry in records:
        entry["input"] = {"inputBodyJson": {"model": SOL, "input": [{"role": "user", "content": RULES}]}}
    log = log_of(tmp_path / "log.json", records)
    replayed = answered(replay, log)
    assert Decimal(replayed["answer"]["paid_usd"]) == Decimal("0.0649") == Decimal(answered(explain, log)["paid_usd"])
    assert replayed["on"] is None
    assert "prices of the day of each request" in CliRunner().invoke(replay, [str(log)]).stdout.replace("\n  ", " ")
    assert Decimal(answered(replay, log, "--on", "2026-11-02")["answer"]["paid_usd"]) == Decimal("0.0572")


def test_a_day_without_a_known_price_is_named(tmp_path: Path) -> None:
    """Sonnet 4.5 was not there in May 2025: 6,000 and 100 tokens at $3.30 and $16.50, as since, in both reports."""
    days = "2025-05-02T09:00:00Z", "2026-11-02T09:00:00Z"
    log = log_of(tmp_path / "log.json", [record(number, SONNET, day) for number, day in enumerate(days)])
    replayed, explained = answered(replay, log), answered(explain, log)
    for told in (replayed, explained):
        assert "1 request is of a day without a known price: priced as of 20" in " ".join(told["assumptions"])
    assert Decimal(replayed["answer"]["paid_usd"]) == Decimal("0.0429") == Decimal(explained["paid_usd"])
    assert "assumed: 1 request is of a day without a known" in CliRunner().invoke(explain, [str(log)]).stdout


def test_the_scopes_of_a_model_are_said_to_be_apart(tmp_path: Path) -> None:
    """By us. and by global.: what one wrote is not read by the other here, and explain's bill may be lower."""
    models = SONNET, SONNET.replace("us.", "global.")
    log = log_of(tmp_path / "log.json", [record(number, models[number % 2]) for number in range(4)])
    told = "the scopes of Claude Sonnet 4.5 (us, global) share no entries, as they are priced apart"
    assert any(told in assumption for assumption in answered(replay, log)["assumptions"])
    log = log_of(tmp_path / "log.json", [record(number, SONNET) for number in range(4)])
    assert not any("scopes" in assumption for assumption in answered(replay, log)["assumptions"])


def test_what_was_counted_stays_counted_where_the_counters_of_some_are_missing(tmp_path: Path) -> None:
    """Four calls, one of which counts its reply alone: it costs what the rules make of it, in replay as in explain."""
    records = [record(number) for number in range(4)]
    uncached(records)
    log = log_of(tmp_path / "log.json", records)
    whole = Decimal(answered(replay, log)["answer"]["paid_usd"])
    for name in ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"):
        del records[2]["input"][name]
    log = log_of(tmp_path / "log.json", records)
    replayed, explained = answered(replay, log), answered(explain, log)
    assert replayed["answer"]["counted"] is False
    assert abs(Decimal(replayed["answer"]["paid_usd"]) / whole - 1) < Decimal("0.002")
    assert abs(Decimal(explained["paid_usd"]) / whole - 1) < Decimal("0.002")
