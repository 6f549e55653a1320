"""The ledger as a trace: what was recorded while calls were made can be replayed under other policies."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

import rockbottom
from rockbottom.cli.replay import command
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter
from rockbottom.local import ClockKind, running
from rockbottom.quantities import Ttl
from rockbottom.trace import read_trace

SONNET = "us.anthropic.claude-sonnet-4-6"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two conversations of eight turns, a minute apart, recorded by an attached client on the local endpoint."""
    folder = tmp_path_factory.mktemp("ledger")
    with running(clock=ClockKind.MANUAL, start_at=1_790_000_000.0) as endpoint:
        client = boto3.client(
            "bedrock-runtime", endpoint_url=endpoint.url, region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE000000000", aws_secret_access_key="local",
        )  # fmt: skip
        rockbottom.attach(client, ledger=folder, clock=endpoint.state.clock.now)
        for name in ("a", "b"):
            _converse(client, endpoint.state.clock, name)
    return folder


def _converse(client: Any, clock: Any, name: str) -> None:
    system = [{"text": " ".join(f"Rule {number} of the house stands." for number in range(600))}]
    messages: list[Any] = []
    with rockbottom.tagged(session=name):
        for turn in range(8):
            messages.append({"role": "user", "content": [{"text": f"Question {turn} of {name}, please, at length."}]})
            reply = client.converse(modelId=SONNET, system=system, messages=messages)
            messages.append(reply["output"]["message"])
            clock.advance(60.0)


def test_a_recorded_ledger_is_a_trace(recorded: Path) -> None:
    """Every call is a request with its counters, its prefixes, its points and its session."""
    calls = list(LedgerReader(recorded).calls())
    found = read_trace(str(recorded))
    trace = found.trace
    assert (found.reader, len(trace), found.damages.count) == ("ledger", 16, 0)
    assert trace.requests.observed_read.tolist() == [call.cache_read for call in calls]
    assert trace.names["model"] == (SONNET,)
    assert trace.names["session"] == ("a", "b")
    assert len(trace.points.after) == sum(call.points for call in calls)
    last = slice(trace.block_offsets[7], trace.block_offsets[8])
    assert trace.blocks.section[last].tolist() == [1] + [2] * 15
    assert trace.blocks.depth[last][-1] == trace.requests.tokens_in[7]
    first = trace.blocks.prefix[slice(*trace.block_offsets[:2])]
    assert first[0] == trace.blocks.prefix[trace.block_offsets[8]]  # both conversations have the same system


def test_replay_bills_the_ledger_under_every_policy(recorded: Path) -> None:
    """Without caching it costs what the records say; as recorded it costs what the records say it cost."""
    done = CliRunner().invoke(command, [str(recorded), "--on", "2026-09-21", "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    policies = {row["policy"]: row for row in document["policies"]}
    calls = list(LedgerReader(recorded).calls())
    uncached = sum(Decimal(call.uncached_usd or 0) for call in calls)
    cost = sum(Decimal(call.cost_usd or 0) for call in calls)
    assert Decimal(str(policies["none"]["usd"])) == uncached
    assert abs(Decimal(str(policies["as_recorded"]["usd"])) / cost - 1) < Decimal("0.02")
    assert cost < uncached
    assert document["simulated_requests"] == 16


def test_replay_says_what_was_simulated(recorded: Path) -> None:
    """Money that AWS never billed is never shown as if it had been."""
    done = CliRunner().invoke(
        command, [str(recorded), "--on", "2026-09-21", "--policy", "none"], catch_exceptions=False
    )
    assert "16 of them went to a local endpoint: what follows is simulated" in done.stdout


def test_what_a_call_recorded_is_what_its_row_says(tmp_path: Path) -> None:
    """Depths are stretched to what was counted, 150 tokens up to the cachePoint and 200 in all; lifetimes, weights and
    sections are kept; failures are counted.
    """
    writer = LedgerWriter(tmp_path)
    writer.record(
        CallRecord(
            5.0, "m", "InvokeModel", "global", "eu-west-1", "flex", input=50, cache_read=100, cache_write_1h=50,
            hashes=("00000000000000ff", "ff00000000000000", "0000000000000001"), depths=(40, 80, 100), sections=(1, 2),
            output=7, weights=(3, 1, 2), marks=(2,), ttls=("1h",), tags={"session": "s"}, request_id="r",
        )
    )  # fmt: skip
    writer.record(CallRecord(6.0, "m", "Converse", status="failed"))
    writer.record(CallRecord(7.0, "m", "Converse", status="no usage"))
    found = read_trace(str(tmp_path))
    trace = found.trace
    assert (len(trace), found.damages.failed, found.damages.count) == (1, 1, 1)
    assert trace.blocks.prefix.tolist() == [0xFF, 0xFF << 56, 1]
    assert trace.blocks.depth.tolist() == [75, 150, 200]
    assert trace.blocks.section.tolist() == [0, 1, 2]
    assert trace.blocks.weight.tolist() == [3, 1, 2]
    assert (trace.points.after.tolist(), trace.points.ttl.tolist()) == ([2], [Ttl.ONE_HOUR.code])
    assert (trace.names["model"], trace.names["region"], trace.names["tier"]) == (
        ("global.m",),
        ("eu-west-1",),
        ("flex",),
    )
    assert trace.requests.served.tolist() == [-1]
    assert (trace.requests.observed_writes[Ttl.ONE_HOUR].tolist(), trace.requests.tokens_in.tolist()) == ([50], [200])


def test_a_ledger_whose_first_line_is_damaged_is_still_one(recorded: Path, tmp_path: Path) -> None:
    """It is recognised by any whole record near its beginning."""
    lines = (recorded / "calls-000001.ndjson").read_bytes()
    (tmp_path / "calls-000001.ndjson").write_bytes(b"not a record\n" + lines)
    reading = read_trace(str(tmp_path))
    assert reading.reader == "ledger"
    assert len(reading.trace) == 16


@pytest.mark.parametrize(
    "damage",
    [{"depths": (900, 950)}, {"hashes": ("01234%67",)}, {"marks": (7,)}, {"ttls": ()}, {"weights": (1, 1)},
     {"sections": (2, 1)}, {"input": 10**9, "cache_read": 10**9, "cache_write_5m": 10**9}],
)  # fmt: skip
def test_a_call_whose_prefixes_do_not_fit_is_counted_and_left_out(damage: dict[str, Any], tmp_path: Path) -> None:
    """One of two lines is damaged, in a way that leaves it a record."""
    whole: dict[str, Any] = {
        "input": 100,
        "hashes": ("0123456789abcdef",),
        "depths": (900,),
        "marks": (1,),
        "ttls": ("",),
    }
    writer = LedgerWriter(tmp_path)
    for number, members in enumerate((whole, {**whole, **damage})):
        writer.record(CallRecord(1e9 + number, "anthropic.claude-sonnet-4-6", "Converse", **members))
    writer.close()
    reading = read_trace(str(tmp_path))
    assert (len(reading.trace), reading.damages.count) == (1, 1)
    assert "do not fit together" in reading.damages.first[0].why
