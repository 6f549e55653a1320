"""The tools of `rockbottom mcp`, asked by the protocol's own client over real stdin and stdout."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the extra mcp: make setup")
pytest.importorskip("numba", reason="needs the replay engine: make setup")
pytest.importorskip("duckdb", reason="needs the tables of a ledger: make setup")

from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from rockbottom.cli import mcp
from rockbottom.cli.mcp import _bounded
from rockbottom.ledger import CallRecord, LedgerWriter

_REQUEST = {
    "modelId": "amazon.nova-pro-v1:0",
    "system": [{"text": "You answer from the handbook. " * 400}],
    "messages": [{"role": "user", "content": [{"text": "What does Basic cost?"}]}],
}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with a ledger of three calls of two teams, and a request."""
    monkeypatch.chdir(tmp_path)
    ledger = LedgerWriter(tmp_path / "ledger")
    for second, (team, cost) in enumerate([("search", "0.010"), ("search", "0.020"), ("billing", "0.005")]):
        ledger.record(
            CallRecord(
                at=1_795_900_000.0 + second, model="amazon.nova-pro-v1:0", operation="Converse", scope="in_region",
                region="us-east-1", input=100, output=20, cache_read=900, cost_usd=cost, uncached_usd="0.040",
                tags={"team": team}, endpoint="aws", source="client",
            )
        )  # fmt: skip
    ledger.close()
    (tmp_path / "request.json").write_text(json.dumps(_REQUEST))
    (tmp_path / "logs").mkdir()
    lines = (json.dumps(_logged(number)) for number in range(3))
    (tmp_path / "logs" / "calls.json").write_text("\n".join(lines))
    return tmp_path


def _logged(number: int) -> dict[str, Any]:
    """A record of Bedrock's invocation log, with the members that AWS documents."""
    body = {name: value for name, value in _REQUEST.items() if name != "modelId"}
    answer = {"message": {"role": "assistant", "content": [{"text": "12 euros."}]}}
    usage = {"inputTokens": 2810, "outputTokens": 4, "totalTokens": 2814}
    return {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": f"2026-11-28T09:0{number}:00Z",
        "accountId": "111122223333", "region": "us-east-1", "requestId": f"r{number}", "operation": "Converse",
        "modelId": "amazon.nova-pro-v1:0",
        "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 2810},
        "output": {
            "outputContentType": "application/json", "outputTokenCount": 4,
            "outputBodyJson": {"output": answer, "stopReason": "end_turn", "usage": usage},
        },
    }  # fmt: skip


@asynccontextmanager
async def _session(folder: Path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    argv = ["-m", "rockbottom", "mcp"]
    server = StdioServerParameters(command=sys.executable, args=argv, env=environment, cwd=folder)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        yield session


def _ask(folder: Path, *calls: tuple[str, dict[str, Any]]) -> list[tuple[bool, str]]:
    async def asked() -> list[tuple[bool, str]]:
        async with _session(folder) as session:
            answers = [await session.call_tool(name, arguments) for name, arguments in calls]
        return [(bool(answer.is_error), "".join(part.text for part in answer.content)) for answer in answers]

    return asyncio.run(asyncio.wait_for(asked(), 200))


def _printed(folder: Path, *arguments: str) -> str:
    argv = [sys.executable, "-m", "rockbottom", *arguments]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True, env=environment).stdout


def _state_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_the_tools_are_five_and_read_only(here):
    """An agent may call them without asking."""

    async def listed():
        async with _session(here) as session:
            return (await session.list_tools()).tools

    tools = asyncio.run(asyncio.wait_for(listed(), 100))
    assert [tool.name for tool in tools] == ["explain", "replay", "prices", "plan", "ledger_summary"]
    assert all(tool.annotations.read_only_hint and not tool.annotations.destructive_hint for tool in tools)
    assert all(tool.description for tool in tools)


def test_each_tool_says_what_its_command_says_and_writes_nothing(here):
    """Word for word; and the folder is afterwards as it was."""
    before = _state_of(here)
    answers = _ask(
        here,
        ("prices", {"model": "nova-pro", "region": "eu-central-1"}),
        ("plan", {"path": "request.json"}),
        ("plan", {"request": json.dumps(_REQUEST)}),
        ("ledger_summary", {"path": "ledger", "by": "team"}),
        ("explain", {"path": "logs"}),
        ("replay", {"path": "logs"}),
    )
    assert _state_of(here) == before
    assert [text for failed, text in answers if failed] == []
    texts = [text for _, text in answers]
    assert texts[0].rstrip() == _printed(here, "prices", "show", "nova-pro", "--region", "eu-central-1").rstrip()
    assert texts[1] == texts[2] == _printed(here, "plan", "request.json").rstrip()
    assert texts[3].rstrip() == _printed(here, "ledger", "summary", "ledger", "--by", "team").rstrip()
    assert texts[4].startswith(_printed(here, "explain", "logs").rstrip())
    assert texts[5].startswith(_printed(here, "replay", "logs").rstrip())


def test_what_cannot_be_answered_is_an_error_with_the_commands_own_words(here):
    """And the next call is answered as ever; an option in disguise is a value."""
    answers = _ask(
        here,
        ("explain", {"path": "nowhere"}),
        ("prices", {"model": "no-such-model"}),
        ("prices", {"model": "--help"}),
        ("replay", {"path": "ledger", "by": "team --html page.html"}),
        ("plan", {}),
        ("ledger_summary", {"ledger": "logs"}),
        ("ledger_summary", {"folder": "ledger"}),
        ("explain", {}),
        ("prices", {"model": "nova-pro"}),
    )
    assert [failed for failed, _ in answers] == [True] * 8 + [False]
    assert f"there is no {here / 'nowhere'}" in answers[0][1]
    assert "no-such-model" in answers[1][1]
    assert "give either path or request" in answers[4][1]
    assert f"{here / 'logs'} holds no ledger" in answers[5][1]
    assert "ledger_summary has no argument folder; ledger_summary takes path, by, month, side" in answers[6][1]
    assert "explain needs the argument path; explain takes path, by" in answers[7][1]
    assert not (here / "page.html").exists()


def test_a_long_answer_ends_at_a_line_and_says_how_much_is_missing():
    """30 characters hold two whole lines of 12."""
    text = "\n".join(f"line {number:>6}" for number in range(10))
    assert _bounded(text, 30) == ("line      0\nline      1\n... 8 more lines; ask about fewer files, or with by")
    assert _bounded(text) == text


def test_a_ledger_that_grows_and_rotates_between_two_questions_is_answered_as_it_is(here):
    """Sums of closed volumes are kept beside a copy; a new call is counted, and one of a removed volume is not."""
    from rockbottom.cli.mcp import _mirrored

    ledger = here / "ledger"
    first = next(ledger.glob("calls-*.ndjson"))
    seen = _mirrored(ledger)
    assert [link.name for link in seen.glob("calls-*.ndjson")] == [first.name]
    later = first.with_name("calls-000002.ndjson")
    later.write_bytes(first.read_bytes().splitlines(keepends=True)[0])
    assert _mirrored(ledger) == seen
    assert sorted(link.name for link in seen.glob("calls-*.ndjson")) == [first.name, later.name]
    first.unlink()
    _mirrored(ledger)
    assert [link.name for link in seen.glob("calls-*.ndjson")] == [later.name]
    assert sorted(path.name for path in ledger.iterdir() if path.suffix == ".ndjson") == [later.name]


def test_an_agent_that_ends_before_its_answer_is_no_bug_of_ours(here):
    """Its end of the pipe is closed while a tool runs: the server ends without a word of an internal error."""
    argv = [sys.executable, "-m", "rockbottom", "mcp"]
    server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "agent", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "prices", "arguments": {"model": "nova"}},
        },
    ]
    server.stdin.write("".join(json.dumps(message) + "\n" for message in messages[:1]).encode())
    server.stdin.flush()
    assert server.stdout.readline()
    server.stdout.close()
    server.stdin.write("".join(json.dumps(message) + "\n" for message in messages[1:]).encode())
    server.stdin.close()
    assert server.stderr is not None
    assert b"internal error" not in server.stderr.read()
    assert server.wait(60) in (0, 141)


def _in_process(monkeypatch, every_s: float) -> "Client":
    monkeypatch.setattr(mcp, "_PROGRESS_S", every_s)
    mcp._turns.cache_clear()  # of another event loop
    return Client(mcp.server())


def test_a_long_call_tells_how_long_it_has_taken(monkeypatch):
    """By the protocol's progress notifications, before the answer comes."""
    told: list[str] = []

    async def asked() -> Any:
        async def progress(seconds: float, total: float | None, message: str | None) -> None:
            told.append(message or "")

        async with _in_process(monkeypatch, 0.01) as client:
            return await client.call_tool("prices", {"model": "nova-pro"}, progress_callback=progress)

    answer = asyncio.run(asyncio.wait_for(asked(), 100))
    assert not answer.is_error
    assert told[0] == "prices: under 1 s so far"


def test_a_call_that_is_cancelled_ends_its_command(monkeypatch, tmp_path):
    """The agent gives up while the command runs; nothing of it is left."""
    command = tmp_path / "python"
    command.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 300\n")
    command.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(command))
    pid = tmp_path / "pid"

    async def asked() -> None:
        async with _in_process(monkeypatch, 0.01) as client:
            call = asyncio.create_task(client.call_tool("prices", {"model": "nova-pro"}))
            while not pid.exists() or not pid.read_text().strip():
                await asyncio.sleep(0.01)
            call.cancel()
            while _runs(int(pid.read_text())):
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(asked(), 30))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_ledger_is_named_as_other_paths_are_and_by_its_old_name(here):
    """The argument was called ledger once; agents that learned it go on."""
    (failed, new), (failed_old, old) = _ask(
        here,
        ("ledger_summary", {"path": "ledger", "by": "team"}),
        ("ledger_summary", {"ledger": "ledger", "by": "team"}),
    )
    assert (failed, failed_old) == (False, False)
    assert new == old
