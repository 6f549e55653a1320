"""Logs of parallel requests with cachePoints: what the planner has them wait for is no gap of the rules."""

import json
from collections.abc import Sequence
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
START = datetime(2026, 11, 1, 9, tzinfo=UTC).timestamp()
RULES = " ".join(f"Rule {number}: parcels of class {number} are kept a week." for number in range(800))
MTOK = 10**6
OWN = (20 * Decimal("3.3") + 100 * Decimal("16.5")) / MTOK
"""The question of twenty tokens and the answer of a hundred, at the price list's prices a million."""
WRITE, READ, BARE = (10_000 * Decimal(price) / MTOK for price in ("4.125", "0.33", "3.3"))


def record(number: int, at: float, counts: tuple[int, int, int], *, marked: bool = True) -> str:
    """A request on the same 10,000 tokens of rules; what was read, written and neither."""
    point = [{"cachePoint": {"type": "default"}}] if marked else []
    body: dict[str, Any] = {
        "system": [{"text": RULES}, *point],
        "messages": [{"role": "user", "content": [{"text": f"Where is parcel {number}?"}]}],
    }
    read, written, uncached = counts
    return json.dumps({
        "schemaType": "ModelInvocationLog", "timestamp": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "requestId": f"r{number}", "operation": "Converse", "modelId": SONNET, "region": "us-east-1",
        "accountId": "123456789012",
        "input": {"inputBodyJson": body, "inputTokenCount": uncached, "cacheReadInputTokenCount": read,
                  "cacheWriteInputTokenCount": written},
        "output": {"outputTokenCount": 100},
    })  # fmt: skip


@pytest.fixture(scope="module")
def herds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four times in eight hours twenty requests at once: each writes what the others write."""
    lines = [record(number, START + 7200 * (number // 20), (0, 10_000, 20)) for number in range(80)]
    return _written(tmp_path_factory, lines)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six requests of one second, one after the other: three without points, then a write and two reads."""
    counts = [(0, 0, 10_020)] * 3 + [(0, 10_000, 20)] + [(10_000, 0, 20)] * 2
    lines = [record(number, START, counts[number], marked=number > 2) for number in range(6)]
    return _written(tmp_path_factory, lines)


def _written(folders: pytest.TempPathFactory, lines: Sequence[str]) -> Path:
    path = folders.mktemp("logs") / "log.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def answered(command: Any, log: Path, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, [str(log), "--json", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def explained_usd(log: Path) -> Decimal:
    """The planner's bill in explain's first sentence."""
    text = " ".join(CliRunner().invoke(explain, [str(log)]).stdout.split())
    return Decimal(text.partition(" it would have been $")[2].split()[0])


PAID = 80 * (WRITE + OWN)
HELD = 4 * WRITE + 76 * READ + 80 * OWN
"""$3.43728 and $0.55308: eighty writes, and a write and nineteen reads four times."""


def test_a_herd_that_writes_at_once_is_cheaper_attached(herds: Path) -> None:
    """The planner has nineteen of twenty wait. What they paid is not the rules' error, so nothing is scaled by it."""
    answer = answered(replay, herds, "--on", "2026-11-01")["answer"]
    assert Decimal(answer["paid_usd"]) == PAID
    assert abs(Decimal(answer["parallel_usd"]) / (PAID - HELD) - 1) < Decimal("0.01")
    assert abs(Decimal(answer["attached_usd"]) / HELD - 1) < Decimal("0.02")
    assert Decimal(answer["least_usd"]) <= Decimal(answer["attached_usd"])
    assert "scaled" not in CliRunner().invoke(replay, [str(herds), "--on", "2026-11-01"]).stdout
    assert abs(explained_usd(herds) / HELD - 1) < Decimal("0.02")


def test_advice_on_a_herd_is_to_attach_and_not_to_set_the_points_it_has(herds: Path) -> None:
    """Points by hand are there and did not help; batch bills the plain input at half its price."""
    rows = {row["lever"]: row for row in answered(advise, herds)["levers"]}
    assert abs(Decimal(rows["rockbottom attached"]["saves_alone_usd"]) / (PAID - HELD) - 1) < Decimal("0.02")
    assert Decimal(rows["caching"]["saves_alone_usd"] or 0) <= 0
    batch = PAID - 80 * (BARE + OWN) / 2
    assert abs(Decimal(rows["batch"]["saves_alone_usd"]) / batch - 1) < Decimal("0.01")


def test_requests_of_one_second_are_explained_as_they_are_replayed(second: Path) -> None:
    """The log does not say how soon a reply began: what was read shows that it had. Attached: one write, five reads."""
    expected = WRITE + 5 * READ + 6 * OWN
    answer = answered(replay, second, "--on", "2026-11-01")["answer"]
    assert abs(Decimal(answer["attached_usd"]) / expected - 1) < Decimal("0.02")
    assert abs(explained_usd(second) / expected - 1) < Decimal("0.02")
