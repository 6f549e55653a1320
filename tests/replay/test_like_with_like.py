"""Logs whose counters are not what the rules make of them: the bills of the rules are brought to what was counted."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cli.advise import command as advise
from rockbottom.cli.explain import command as explain
from rockbottom.cli.replay import command as replay

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
START = datetime(2026, 11, 1, 9, tzinfo=UTC).timestamp()
RULES = " ".join(f"Rule {number}: parcels of class {number} are kept a week." for number in range(800))
DROPPED = frozenset({7, 13})
"""Requests whose entry the service had dropped early: what they could have read they wrote again."""


def record(number: int) -> str:
    """One of twenty requests with a cachePoint behind the system text, a minute apart; 10,000 tokens and 20."""
    body: dict[str, Any] = {
        "system": [{"text": RULES}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": f"Where is parcel {number}?"}]}],
    }
    written = number == 0 or number in DROPPED
    stamp = datetime.fromtimestamp(START + 60 * number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({
        "schemaType": "ModelInvocationLog", "timestamp": stamp, "requestId": f"r{number}", "operation": "Converse",
        "modelId": SONNET, "region": "us-east-1", "accountId": "123456789012",
        "input": {"inputBodyJson": body, "inputTokenCount": 20,
                  "cacheReadInputTokenCount": 0 if written else 10_000,
                  "cacheWriteInputTokenCount": 10_000 if written else 0},
        "output": {"outputTokenCount": 100},
    })  # fmt: skip


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "log.jsonl"
    path.write_text("\n".join(map(record, range(20))) + "\n")
    return path


def answered(command: Any, log: Path, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, [str(log), "--json", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


PAID = (30_000 * Decimal("4.125") + 170_000 * Decimal("0.33") + 400 * Decimal("3.3") + 2_000 * Decimal("16.5")) / 10**6
"""$0.21417: three writes, seventeen reads, twenty questions and answers, at the price list's prices a million."""


def test_the_planner_is_not_credited_with_what_the_service_dropped(log: Path) -> None:
    """It would put its points where they are; the rules know of one write only and make $0.13827 of what was sent.

    Compared with what was counted that would seem a third less.
    """
    answer = answered(replay, log, "--on", "2026-11-01")["answer"]
    assert Decimal(answer["paid_usd"]) == PAID
    assert Decimal(answer["ruled_usd"]) == pytest.approx(Decimal("0.13827"), rel=Decimal("0.01"))
    assert abs(Decimal(answer["attached_usd"]) / PAID - 1) < Decimal("0.01")
    assert Decimal(answer["least_usd"]) <= PAID


def test_the_gap_is_said(log: Path) -> None:
    text = " ".join(CliRunner().invoke(replay, [str(log), "--on", "2026-11-01"]).stdout.split())
    assert text.startswith("You paid $0.2142.")
    assert "The rules predict $0.13" in text
    explained = " ".join(CliRunner().invoke(explain, [str(log)]).stdout.split())
    assert "more than the rules predict; the bill with rockbottom is scaled to it" in explained


def test_explain_and_advise_say_the_same(log: Path) -> None:
    """Explain by its sentence, advise by the row of its lever."""
    text = " ".join(CliRunner().invoke(explain, [str(log)]).stdout.split())
    told = text.partition(" it would have been $")[2]
    assert abs(Decimal(told.split()[0]) / PAID - 1) < Decimal("0.01")
    advice = answered(advise, log)
    assert Decimal(advice["today_usd"]) == PAID
    rows = {row["lever"]: row for row in advice["levers"]}
    assert abs(Decimal(rows["rockbottom attached"]["saves_alone_usd"])) < PAID / 100


def unmarked(number: int) -> str:
    """The same question asked of Haiku without a cachePoint: as the rules say, nothing is read or written."""
    sent = json.loads(record(number))
    del sent["input"]["inputBodyJson"]["system"][1]
    counts = {"inputTokenCount": 10_020, "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0}
    sent.update(modelId=HAIKU, requestId=f"h{number}", input=sent["input"] | counts)
    return json.dumps(sent)


BARE = (20 * 10_020 * Decimal("1.1") + 2_000 * Decimal("5.5")) / 10**6
"""$0.23144 is what Haiku's questions cost at its prices a million."""

CACHED = (10_000 * Decimal("1.375") + 190_000 * Decimal("0.11") + 400 * Decimal("1.1") + 2_000 * Decimal("5.5")) / 10**6
"""$0.04609 with the instructions written once: nothing is to be added to it for what Sonnet's service dropped."""

HAIKU_FIRST = (CACHED, PAID, PAID + CACHED)


@pytest.mark.parametrize("command", [replay, explain])
def test_what_one_model_dropped_is_not_laid_on_another(log: Path, tmp_path: Path, command: Any) -> None:
    """Sonnet's bill stays what was counted of it, Haiku's falls to one write and reads, by label too."""
    both = tmp_path / "both.jsonl"
    both.write_text(log.read_text() + "\n".join(map(unmarked, range(20))) + "\n")
    found = answered(command, both, "--by", "model")
    answer = found.get("answer", found)
    assert Decimal(answer["paid_usd"]) == PAID + BARE
    by_label = [Decimal(group["attached_usd"]) for group in sorted(found["groups"], key=lambda group: group["label"])]
    for attached, expected in zip([*by_label, Decimal(answer["attached_usd"])], HAIKU_FIRST, strict=True):
        assert abs(attached / expected - 1) < Decimal("0.01")
