"""Calls counted at no token at all: a guardrail stopped the prompt, so that no model saw it, nothing was billed and
nothing was cached. The kind of record is from elastic/integrations#11014.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rockbottom.catalog import load_catalog
from rockbottom.cli.explain import command as explain
from rockbottom.cli.replay import command as replay
from rockbottom.client.notices import Noticer
from rockbottom.dialects import RequestReader
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.plan import Planner
from rockbottom.quantities import NO_USAGE
from rockbottom.trace import read_trace

SONNET = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Parcels of class {number} are kept {7 + number % 21} days." for number in range(400))
STOPPED = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


def record(number: int, **counts: int) -> dict[str, Any]:
    """A question behind long rules, half a minute after the one before."""
    body = {"system": [{"text": RULES}], "messages": [{"role": "user", "content": [{"text": f"Class {number}?"}]}]}
    usage = {"inputTokens": counts.get("inputTokenCount", 0), "outputTokens": counts.get("outputTokenCount", 0)}
    return {
        "schemaType": "ModelInvocationLog", "timestamp": f"2026-09-21T14:{number // 2:02}:{number % 2 * 30:02}Z",
        "accountId": "111122223333", "region": "us-east-1", "requestId": f"r{number}", "operation": "Converse",
        "modelId": SONNET, "input": {"inputBodyJson": body, "inputTokenCount": usage["inputTokens"]},
        "output": {"outputTokenCount": usage["outputTokens"], "outputBodyJson": {"usage": usage}},
    }  # fmt: skip


def billed(number: int) -> dict[str, Any]:
    return record(number, inputTokenCount=4000, outputTokenCount=20)


def written(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in records))
    return path


@pytest.fixture
def logs(tmp_path: Path) -> tuple[Path, Path]:
    """Four billed requests, and the same with two stopped ones among them, the first before all others."""
    asked = [billed(number) for number in (2, 3, 5, 6)]
    return written(tmp_path / "billed.json", asked), written(tmp_path / "all.json", [record(0), *asked, record(4)])


def test_a_stopped_prompt_is_left_out_and_counted(logs: tuple[Path, Path]) -> None:
    reading = read_trace(str(logs[1]))
    assert (len(reading.trace), reading.damages.stopped, reading.damages.count) == (4, 2, 0)


def test_replay_and_explain_cost_the_same_with_and_without_stopped_prompts(logs: tuple[Path, Path]) -> None:
    """The first bill of a policy without caching is 4 x 4,000 tokens at $3.30 and 80 at $16.50 a million: $0.05412."""
    documents = [json.loads(CliRunner().invoke(replay, [str(log), "--json"]).stdout) for log in logs]
    assert documents[0]["policies"] == documents[1]["policies"]
    assert float({row["policy"]: row for row in documents[1]["policies"]}["none"]["usd"]) == pytest.approx(0.05412)
    plain, whole = (json.loads(CliRunner().invoke(explain, [str(log), "--json"]).stdout) for log in logs)
    assert (plain["requests"], plain["attached"]) == (whole["requests"], whole["attached"])


@pytest.mark.parametrize("command", [replay, explain], ids=["replay", "explain"])
def test_both_say_how_many_were_stopped(logs: tuple[Path, Path], command: Any) -> None:
    done = CliRunner().invoke(command, [str(logs[1])])
    assert "2 calls were counted at no token and left out: no model saw the prompt" in done.stderr


def test_those_of_a_ledger_are_left_out_too(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path)
    hashes = {"hashes": ("00000000000000ff", "0000000000000001"), "depths": (40, 50), "sections": (0, 1)}
    writer.record(CallRecord(5.0, SONNET, "Converse", request_id="a", **hashes))
    writer.record(CallRecord(6.0, SONNET, "Converse", request_id="b", input=50, output=2, **hashes))
    writer.close()
    reading = read_trace(str(tmp_path))
    assert (len(reading.trace), reading.damages.stopped) == (1, 1)
    done = CliRunner().invoke(explain, [str(tmp_path)])
    assert "1 call was counted at no token and left out" in done.stderr


def test_an_image_model_is_still_named_as_such(tmp_path: Path) -> None:
    """Its record counts no tokens either, and its body has no prompt of blocks: it is set apart with its name."""
    canvas = record(1)
    canvas |= {"modelId": "amazon.nova-canvas-v1:0", "operation": "InvokeModel"}
    canvas["input"]["inputBodyJson"] = {"taskType": "TEXT_IMAGE"}
    reading = read_trace(str(written(tmp_path / "log.json", [canvas, billed(2)])))
    assert (len(reading.trace), reading.damages.stopped) == (2, 0)


def test_a_planner_learns_nothing_from_a_stopped_prompt() -> None:
    """What it was to write is not there: the next request writes, and is not taken for one that lost its entry."""
    planner, request = Planner(), billed(0)["input"]["inputBodyJson"]
    tools = [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}]
    request = {**request, "modelId": SONNET, "toolConfig": {"tools": tools}}
    first = planner.plan(request, now=1_795_000_000.0)
    planner.observe(request, STOPPED, now=1_795_000_001.0)
    second = planner.plan(request, now=1_795_000_020.0)
    assert first.written_5m > 0
    assert (second.read, second.written_5m) == (0, first.written_5m)


def test_no_notice_says_that_a_stopped_prompt_was_not_cached() -> None:
    catalog = load_catalog()
    point = {"cachePoint": {"type": "default"}}
    body = {
        "modelId": SONNET,
        "system": [{"text": RULES}, point],
        "messages": [{"role": "user", "content": [{"text": "?"}]}],
    }
    request, noticer = RequestReader(catalog).read(body), Noticer()
    assert [noticer.look(request, NO_USAGE, 1024) for _ in range(5)] == [[]] * 5
