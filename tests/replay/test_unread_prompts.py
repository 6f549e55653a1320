"""Requests whose prompts are not in the log: paid for, named with their cost, and in no other figure.

Four questions under 10,000 tokens of rules that are marked, a minute apart: the second has no body, the third goes on
with what the service keeps, or its body lies elsewhere and is not there.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cli.explain import command as explain
from rockbottom.cli.replay import command as replay

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
RULES = " ".join(f"Rule {number}: parcels of class {number} are kept a week." for number in range(800))
WRITTEN = (10_000 * Decimal("4.125") + 20 * Decimal("3.3") + 100 * Decimal("16.5")) / 10**6
READ = (10_000 * Decimal("0.33") + 20 * Decimal("3.3") + 100 * Decimal("16.5")) / 10**6
"""$0.042966 and $0.005016 by the price list's prices a million."""

KEPT = {"previous_response_id": "resp_1", "input": "And parcel 2?"}


def record(number: int, **body: Any) -> dict[str, Any]:
    marked = [{"text": RULES}, {"cachePoint": {"type": "default"}}]
    whole = {"system": marked, "messages": [{"role": "user", "content": [{"text": f"Where is parcel {number}?"}]}]}
    counts = (0, 10_000) if number == 0 else (10_000, 0)
    return {
        "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T09:0{number}:00Z", "requestId": f"r{number}",
        "operation": "Converse", "modelId": SONNET, "region": "us-east-1", "accountId": "123456789012",
        "input": {"inputTokenCount": 20, "cacheReadInputTokenCount": counts[0],
                  "cacheWriteInputTokenCount": counts[1], **(body or {"inputBodyJson": whole})},
        "output": {"outputTokenCount": 100},
    }  # fmt: skip


def answered(command: Any, log: Path, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, [str(log), "--json", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"inputBodyJson": None}, 0),
        ({"inputBodyJson": KEPT}, 0),
        ({"inputBodyS3Path": "s3://logs/AWSLogs/data/r2_input.json.gz"}, 1),
        ({"inputBodyJson": {"system": [{"text": RULES}], "messages": {"role": "user"}}}, 1),
    ],
    ids=["kept out of the log", "kept by the service", "offloaded and not there", "of no known shape"],
)
def test_replay_and_explain_say_the_same_was_paid_and_the_same_is_apart(
    tmp_path: Path, body: dict[str, Any], named: int
) -> None:
    """Two compared requests, a write and a read; the two others are two reads, whatever keeps them from being read."""
    log = tmp_path / "log.json"
    records = [record(0), record(1, inputBodyJson=None), record(2, **body), record(3)]
    log.write_text("\n".join(map(json.dumps, records)) + "\n")
    replayed, explained = answered(replay, log), answered(explain, log)
    assert Decimal(replayed["answer"]["paid_usd"]) == Decimal(explained["paid_usd"]) == WRITTEN + READ
    assert replayed["requests"] == explained["requests"] == 2
    for answer in (replayed, explained):
        assert (answer["alone"]["requests"], answer["alone"]["whole"]) == (2, True)
        assert Decimal(answer["alone"]["usd"]) == 2 * READ
    for command in (replay, explain):
        done = CliRunner().invoke(command, [str(log)], catch_exceptions=False)
        shown = " ".join(done.stdout.split())
        assert shown.startswith(f"You paid ${WRITTEN + 3 * READ:.4f}")
        assert f"${2 * READ:.4f} of it went to 2 requests whose prompts could not be read whole" in shown
        assert f"With rockbottom attached and its cachePoints instead of yours the other ${WRITTEN + READ:.4f}" in shown
    attached = Decimal(explained["attached_usd"])
    assert abs(attached - Decimal(replayed["answer"]["attached_usd"])) < Decimal("1e-6")


def test_without_any_prompt_the_least_possible_is_unknown(tmp_path: Path) -> None:
    """Prices need no text; what repeats does."""
    log = tmp_path / "log.json"
    log.write_text("\n".join(json.dumps(record(number, inputBodyJson=None)) for number in range(4)) + "\n")
    answer = answered(replay, log, "--policy", "none")
    assert Decimal(answer["answer"]["paid_usd"]) == WRITTEN + 3 * READ
    assert (answer["answer"]["least_usd"], answer["clairvoyant"]) == (None, None)
    shown = " ".join(CliRunner().invoke(replay, [str(log), "--policy", "none"]).stdout.split())
    assert "What repeats is not known, and so neither is the least possible." in shown
    assert shown.count("least possible") == 2  # the sentence, and that no row says it
    done = CliRunner().invoke(explain, [str(log)])
    assert done.exit_code == 2
    assert f"4 requests whose prompts could not be read whole cost ${WRITTEN + 3 * READ:.4f}" in done.output
