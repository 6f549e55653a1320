"""The JSON of replay, explain, trace info and check: members, their order and the spelling of every number.

The files in ``recorded`` are what the commands printed at commit 2a36881, when they still put their JSON together
member by member, on the requests made here. Since then ``column_bytes`` has grown by one byte a block, which says where
messages begin; what was added follows (paid_usd, prompts, attached, repeated_requests); the span of a replay is that of
all its models, 10:00 to 12:31, 9,060 seconds, where it was that of the first alone.
"""

import json
import re
from datetime import date as calendar_date
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cli import check, main

_ROW = re.compile(r"\.csv:\d+")  # a price row named in an answer; its number changes with every row above it
RECORDED = Path(__file__).parent / "recorded"
HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
POINT = {"cachePoint": {"type": "default"}}
HANDBOOK = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(900))
POLICIES = [f"--policy={name}" for name in ("none", "as_recorded", "system", "system_1h_tail_5m", "keep_alive")]
REPLAY = ["replay", "log.jsonl", "--on=2026-11-01", "--json", *POLICIES]

COMMANDS = {
    "replay": REPLAY,
    "replay-crossed": ["replay", "log.jsonl", "--on=2026-11-01", "--json", "--policy=none", "--tier=default,flex"],
    "replay-without-counters": [
        "replay",
        "bare.jsonl",
        "--on=2026-11-01",
        "--json",
        "--policy=none",
        "--policy=system",
    ],
    "replay-ledger": ["replay", "ledger", "--on=2026-11-01", "--json", *POLICIES[:3]],
    "explain": ["explain", "log.jsonl", "--json"],
    "explain-without-counters": ["explain", "bare.jsonl", "--json", "--no-prove"],
    "explain-pair": ["explain", "one.json", "two.json", "--json"],
    "explain-ledger": ["explain", "ledger", "--json"],
    "trace-info": ["trace", "info", "log.jsonl", "--json"],
    "check-new": ["check", "support.json", "turns.json", "missing.json", "--json", "--max-usd=100"],
    "check-changed": ["check", "--json"],
    "check-accepted": ["check", "--json", "--accept"],
}


def record(number: int, at: str, system: str, turns: int, model: str = HAIKU, *, read: int = 0, write: int = 0, rest=9):
    """One record of a model invocation log; no counters where ``rest`` is None."""
    messages = []
    for turn in range(turns):
        messages.append({"role": "user", "content": [{"text": f"Question {turn}: " + "why " * 120}]})
        messages.append({"role": "assistant", "content": [{"text": f"Because of {turn}."}]})
    messages[-2]["content"].append(POINT)
    counters = {"inputTokenCount": rest, "cacheReadInputTokenCount": read, "cacheWriteInputTokenCount": write}
    return {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": at, "accountId": "111122223333",
        "region": "us-east-1", "inferenceRegion": "us-west-2" if number % 5 == 4 else "us-east-1",
        "requestId": f"request-{number}", "operation": "Converse", "modelId": model,
        "input": {
            "inputContentType": "application/json", **({} if rest is None else counters),
            "inputBodyJson": {"system": [{"text": system}, POINT], "messages": messages[:-1]},
        },
        "output": {"outputContentType": "application/json", **({} if rest is None else {"outputTokenCount": 7})},
    }  # fmt: skip


def records(*, counted: bool = True):
    """A conversation on a handbook with two pauses, texts with a clock in them, and prompts above 200,000 tokens."""
    rest = 11 if counted else None
    yield record(0, "2026-10-01T10:00:00Z", HANDBOOK, 1, write=11_200, rest=rest)
    yield record(1, "2026-10-01T10:01:00Z", HANDBOOK, 2, read=11_200, write=160, rest=rest)
    yield record(2, "2026-10-01T10:09:30Z", HANDBOOK, 3, write=11_500, rest=rest)
    yield record(3, "2026-10-01T10:10:00Z", HANDBOOK, 4, read=11_500, write=150, rest=rest)
    yield record(4, "2026-10-01T10:11:00Z", HANDBOOK, 5, read=0, write=11_800, rest=rest)
    for number in range(5, 9):
        clock = f"It is 2026-10-01T11:0{number}:17Z. "
        yield record(number, f"2026-10-01T11:0{number}:17Z", clock + HANDBOOK, 1, write=11_230, rest=rest)
    yield record(9, "2026-10-01T11:30:00Z", HANDBOOK, 1, SONNET, write=210_000, rest=rest)
    yield record(10, "2026-10-01T11:31:00Z", HANDBOOK, 2, SONNET, read=210_000, write=150, rest=rest)
    yield record(11, "2026-10-01T12:31:00Z", HANDBOOK + " New.", 3, SONNET, read=0, write=11_210, rest=rest)


def calls():
    """Lines of a ledger as an attached client records them; two of the calls went to a local endpoint."""
    for number in range(6):
        yield {
            "at": 1_790_000_000.0 + 400 * number, "model": "anthropic.claude-haiku-4-5-20251001-v1:0",
            "operation": "Converse", "scope": "global", "region": "us-east-1", "tier": "default",
            "request_id": f"call-{number}", "input": 30, "cache_write_5m": 6_000, "output": 50, "elapsed_ms": 900.0,
            "points": 1, "status": "ok", "hashes": ["aa" * 8, f"{number:02x}" * 8], "depths": [6_000, 6_030],
            "sections": [0, 1], "weights": [1, 1], "marks": [1], "ttls": ["5m"],
            "endpoint": "local" if number > 3 else "aws",
        }  # fmt: skip


def support(text: str):
    """The arguments of converse() with a point behind the system text."""
    return {
        "modelId": SONNET,
        "system": [{"text": text}, POINT],
        "messages": [{"role": "user", "content": [{"text": "Where is my parcel?"}]}],
    }


def lines(values) -> str:
    """JSON lines."""
    return "".join(json.dumps(value, separators=(",", ":")) + "\n" for value in values)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The inputs in the working folder, on 2026-11-01."""

    class FirstOfNovember(calendar_date):
        @classmethod
        def today(cls) -> calendar_date:
            return calendar_date(2026, 11, 1)

    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "date", FirstOfNovember)
    log = list(records())
    Path("log.jsonl").write_text(lines([*log, log[3]]) + '{"modelId": "cut')
    Path("bare.jsonl").write_text(lines(records(counted=False)))
    Path("one.json").write_text(json.dumps(log[5]))
    Path("two.json").write_text(json.dumps(log[6]))
    Path("ledger").mkdir()
    Path("ledger", "calls-000001.ndjson").write_text(lines(calls()))
    Path("support.json").write_text(json.dumps(support(HANDBOOK)))
    Path("turns.json").write_text(json.dumps([support(HANDBOOK), support(HANDBOOK)]))
    return tmp_path


def printed(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints; of those of ``check`` the steps before it are run first."""
    if name in ("check-changed", "check-accepted"):
        main(["check", "support.json", "turns.json", "--accept", "--with-text", "--requests-per-month=1000"])
        Path("support.json").write_text(json.dumps(support("It is 14:00:01. " + HANDBOOK)))
        Path("turns.json").unlink()
    capsys.readouterr()
    main(COMMANDS[name])
    return _ROW.sub(".csv:N", capsys.readouterr().out)


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_as_recorded(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Letter by letter."""
    assert printed(name, capsys) == (RECORDED / f"{name}.json").read_text()
