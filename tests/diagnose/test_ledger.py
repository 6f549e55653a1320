"""Misses explained from a ledger, which holds hashes and counters and no text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

import rockbottom
from rockbottom.cli.explain import command
from rockbottom.local import ClockKind, Running, running

SONNET = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number} of the house stands." for number in range(900))


class AsItIs:
    """A planner that leaves every request as it is, so that the points are those of the test."""

    def plan(self, request: Any, *, now: float) -> Any:
        return self

    def apply(self, request: Any) -> Any:
        return request

    def observe(self, request: Any, usage: Any, *, now: float) -> None:
        return


@pytest.fixture(scope="module")
def server() -> Any:
    with running(clock=ClockKind.MANUAL, start_at=1_790_000_000.0) as one:
        yield one


@pytest.fixture
def asked(server: Running, tmp_path: Path) -> Callable[..., None]:
    """Asks on the local endpoint with a point behind the system text, recorded in a ledger, then waits."""
    server.state.reset()
    client = boto3.client(
        "bedrock-runtime", endpoint_url=server.url, region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE000000000", aws_secret_access_key="local",
    )  # fmt: skip
    rockbottom.attach(client, ledger=tmp_path, planner=AsItIs(), clock=server.state.clock.now)

    def ask(system: str, question: str, wait: float, point: bool = True) -> None:
        blocks = [{"text": system}, *([{"cachePoint": {"type": "default"}}] if point else [])]
        messages = [{"role": "user", "content": [{"text": question}]}]
        client.converse(modelId=SONNET, system=blocks, messages=messages)
        server.state.clock.advance(wait)

    return ask


def explained(folder: Path) -> dict[str, int]:
    """How often each rule was found."""
    done = CliRunner().invoke(command, [str(folder), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return {one["rule"]: one["misses"] for one in json.loads(done.stdout)["causes"]}


def test_an_entry_that_expired(asked: Callable[..., None], tmp_path: Path) -> None:
    """Two reads in time, then one after six minutes."""
    for wait in (60, 60, 360, 60):
        asked(RULES, f"Question after {wait}?", wait)
    assert explained(tmp_path) == {"RB012": 1}


def test_no_point_where_much_repeats(asked: Callable[..., None], tmp_path: Path) -> None:
    """Three calls without any point: two of them sent again what was sent before."""
    for number in range(3):
        asked(RULES, f"Question {number}?", 30, point=False)
    assert explained(tmp_path) == {"RB001": 2}


def test_a_system_text_that_changes(asked: Callable[..., None], tmp_path: Path) -> None:
    """The hashes share nothing; what the client saw when it sent them says why."""
    for number in range(3):
        asked(f"{RULES} It is now {number} o'clock.", "What now?", 30)
    assert explained(tmp_path) == {"RB003": 2}


def test_calls_that_read_what_they_can_are_no_finding(asked: Callable[..., None], tmp_path: Path) -> None:
    """A write, then reads."""
    for number in range(4):
        asked(RULES, f"Question {number}?", 30)
    assert explained(tmp_path) == {}


def test_the_text_of_the_explanation_fits_a_terminal(asked: Callable[..., None], tmp_path: Path) -> None:
    """With the cause, its cost and what to do, and no place that nobody knows."""
    for wait in (60, 360, 60):
        asked(RULES, f"Question after {wait}?", wait)
    done = CliRunner().invoke(command, [str(tmp_path)], catch_exceptions=False)
    assert "the entry had expired" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_what_a_local_endpoint_said_is_said_to_be_simulated(asked: Callable[..., None], tmp_path: Path) -> None:
    """In the text and in JSON; a log of seconds is not scaled to a month."""
    asked(RULES, "One?", 5)
    asked("Today: " + RULES, "Two?", 5)
    done = CliRunner().invoke(command, [str(tmp_path)], catch_exceptions=False)
    assert "2 of them went to a local endpoint: what follows is simulated" in done.stdout
    document = json.loads(CliRunner().invoke(command, [str(tmp_path), "--json"], catch_exceptions=False).stdout)
    assert document["simulated_requests"] == 2
    assert document["missed_usd_per_month"] is None


def test_a_damaged_line_is_located_and_the_rest_explained(asked: Callable[..., None], tmp_path: Path) -> None:
    """Which file, and where in it."""
    asked(RULES, "One?", 5)
    with (tmp_path / "calls-000001.ndjson").open("ab") as file:
        file.write(b"not a record\n")
    asked(RULES, "Two?", 5)
    done = CliRunner().invoke(command, [str(tmp_path)], catch_exceptions=False)
    assert "1 torn lines were left out; the first: calls-000001.ndjson, byte" in done.stderr
    assert "\n2 requests in" in done.stdout
