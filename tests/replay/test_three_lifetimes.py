"""One log with entries of five minutes, of thirty and of an hour: every bill worked out by hand.

Claude Sonnet 4.6 reads at $.30, writes at $3.75 (5m) and $6 (1h) and takes $3 a million; GPT-5.6 Sol reads at $.40,
writes at $5 (30m) and takes $4 (global, on the day of the replay). Each of three fronts is asked three times:

- 10,000 tokens on Claude after 0, 240 and 600 s: within five minutes once, within an hour twice;
- 20,000 tokens on Claude after 1, 3,001 and 7,001 s: within an hour once;
- 8,000 tokens on GPT after 2, 1,502 and 3,602 s: within half an hour once.

Every question has 100 tokens of its own, every answer 50: $.0045 and $.003 of output.
"""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Tier, load_catalog
from rockbottom.cli.replay import command
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.quantities import Ttl
from rockbottom.replay import Rates, Stage, TooManyLifetimes, relaxed
from rockbottom.trace import read_trace

CLAUDE, GPT = "anthropic.claude-sonnet-4-6", "openai.gpt-5.6-sol"
BEGIN = 1793491200.0  # 2026-11-01T00:00:00Z
SHORT = [(0, {"input": 100, "cache_write_5m": 10_000}), (240, {"input": 100, "cache_read": 10_000})]
SHORT.append((600, {"input": 100, "cache_write_5m": 10_000}))
HOUR = [(1, {"input": 100, "cache_write_1h": 20_000}), (3001, {"input": 100, "cache_read": 20_000})]
HOUR.append((7001, {"input": 100, "cache_write_1h": 20_000}))
HALF = [(2, {"cache_write_30m": 8100}), (1502, {"cache_read": 8000, "cache_write_30m": 100})]
HALF.append((3602, {"cache_write_30m": 8100}))  # the service puts a point of its own behind the question


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of the nine calls with what the service counted."""
    folder = tmp_path_factory.mktemp("ledger")
    fronts = ((CLAUDE, "Converse", 10_000, "5m", SHORT), (CLAUDE, "Converse", 20_000, "1h", HOUR))
    calls = [
        CallRecord(
            BEGIN + at, model, operation, "global", "us-east-1", output=50, hashes=(f"{tokens:016x}", f"{at:016x}"),
            depths=(tokens, tokens + 100), sections=(0, 1), marks=(1,), ttls=(ttl,), **counted,
        )
        for model, operation, tokens, ttl, asked in (*fronts, (GPT, "Responses", 8000, "30m", HALF))
        for at, counted in asked
    ]  # fmt: skip
    writer = LedgerWriter(folder)
    for call in sorted(calls, key=lambda call: call.at):
        writer.record(call)
    writer.close()
    return folder


@pytest.fixture(scope="module")
def answer(log: Path) -> dict[str, Any]:
    done = CliRunner().invoke(command, [str(log), "--on", "2026-11-01", "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


HANDS = {
    # policy: read, written for 5m, 30m and 1h, not cached, US dollars of input
    # 90,600 x 3 + 24,300 x 4
    "none": (0, 0, 0, 0, 114_900, ".3690"),
    # 20,000 x 3.75 + 40,000 x 6 + 16,300 x 5 + 30,000 x .30 + 8,000 x .40 + 600 x 3
    "as_recorded": (38_000, 20_000, 16_300, 40_000, 600, ".4105"),
    # 10,000 twice and 20,000 three times for 3.75; 16,000 x 5; 10,000 x .30 + 8,000 x .40; 600 x 3 + 300 x 4
    "system": (18_000, 80_000, 16_000, 0, 900, ".3892"),
    # 10,000 once and 20,000 twice for 6; 16,000 x 5; 40,000 x .30 + 8,000 x .40; 600 x 3 + 300 x 4
    "system_1h": (48_000, 0, 16_000, 50_000, 900, ".3982"),
}


@pytest.mark.parametrize("policy", HANDS)
def test_every_lifetime_is_played_and_billed_as_such(answer: dict[str, Any], policy: str) -> None:
    """A front is read where it comes back within the lifetime that its point names, or that its model has."""
    row = next(row for row in answer["policies"] if row["policy"] == policy)
    told = _figures(row)
    assert told == (*HANDS[policy][:5], Decimal(HANDS[policy][5]))
    assert Decimal(row["usd"]) == told[5] + Decimal(".0075")


def test_what_was_paid_is_what_the_service_counted(answer: dict[str, Any]) -> None:
    """The counters are those that the rules predict, so nothing is left to explain."""
    assert Decimal(answer["answer"]["paid_usd"]) == Decimal(".4105") + Decimal(".0075")
    assert answer["reconciliation"]["difference"] == 0


def test_the_bound_knows_the_future_of_every_lifetime(answer: dict[str, Any]) -> None:
    """10,000 written once for 3.75 and read twice (a point below the hit lengthens an entry without a bill); 20,000
    never cached (.186 for an hour, .18 without); 8,000 written once, read once, once not cached; questions as input."""
    assert _figures(answer["clairvoyant"]) == (28_000, 10_000, 8000, 0, 68_900, Decimal(".3017"))


def test_a_model_of_three_lifetimes_is_refused_by_the_bound(log: Path) -> None:
    """No model has more than two; the bound would choose between the first and the last in silence."""
    catalog, on = load_catalog(), date(2026, 11, 1)
    model = catalog.model(f"global.{CLAUDE}")
    rules = replace(catalog.rules(model, on), ttls=tuple(Ttl))
    rates = Rates(model, Tier.DEFAULT, on, catalog.price_book)
    stage = Stage.of(read_trace(str(log)).trace, rules, behaviour_of(catalog.switches), rates)
    with pytest.raises(TooManyLifetimes, match="5m, 30m, 1h"):
        relaxed(stage)


def _figures(row: dict[str, Any]) -> tuple[Any, ...]:
    half = row.get("written_at", {}).get("30m", 0)
    counts = row["read_tokens"], row["written_5m_tokens"], half, row["written_1h_tokens"], row["uncached_tokens"]
    return (*counts, Decimal(row["input_usd"]))
