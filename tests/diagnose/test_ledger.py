"""Misses explained from a ledger, which holds hashes and counters and no text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from click.testing import CliRunner

import rockbottom
from rockbottom.cli.explain import command
from rockbottom.ledger import CallRecord, LedgerWriter
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
    assert "1 damaged line skipped" in done.stderr
    assert "calls-000001.ndjson, byte" in done.stderr
    assert "\n2 requests in" in done.stdout


HASHES: dict[str, Any] = {"hashes": ("0123456789abcdef",), "depths": (10_000,)}
"""A prompt of one block that every call repeats."""


def ledger_of(folder: Path, *calls: dict[str, Any]) -> Path:
    """Calls of 10,000 input tokens a minute apart on 2 November 2026, billed by AWS."""
    writer = LedgerWriter(folder)
    for number, members in enumerate(calls):
        usual = {"model": "anthropic.claude-sonnet-4-6", "scope": "us", "region": "us-east-1", "tier": "default"}
        call = {**usual, "operation": "Converse", "input": 10_000, "endpoint": "aws", "request_id": f"r{number}"}
        writer.record(CallRecord(1_793_600_000.0 + 60 * number, **{**call, **members}))
    writer.close()
    return folder


def test_models_without_a_price_are_set_apart_and_the_rest_has_a_verdict(tmp_path: Path) -> None:
    """Two calls at $3.30 a million tokens paid 2 x 0.033; the second could have been read at a tenth: 0.0297 missed.

    Titan is not known, with hashes or without; Mistral Large 2407 has no price in us-east-1.
    """
    titan = {"model": "amazon.titan-embed-text-v2:0", "scope": "", "operation": "InvokeModel", "input": 200}
    mistral = {"model": "mistral.mistral-large-2407-v1:0", "scope": "in_region", "input": 1000, **HASHES}
    ledger = ledger_of(tmp_path, HASHES, titan, HASHES, mistral, {**titan, **HASHES})
    done = CliRunner().invoke(command, [str(ledger)], catch_exceptions=False)
    assert "You paid $0.0660, $0.0297 of it because what had been sent before was not read" in done.stdout
    assert "\n2 requests in 2 min" in done.stdout
    assert "3 requests to 2 models set apart, not in what follows:" in done.stderr
    assert "amazon.titan-embed-text-v2:0: 2 requests, 400 tokens" in done.stderr
    assert "mistral.mistral-large-2407-v1:0: 1 request, 1,000 tokens: No price in force" in done.stderr
    strict = CliRunner().invoke(command, [str(ledger), "--strict"])
    assert strict.exit_code != 0


def test_calls_without_hashes_are_counted_with_what_they_cost(tmp_path: Path) -> None:
    """One call of 10,000 tokens at $3.30 a million, and one whose usage never came: at least 0.033."""
    ledger = ledger_of(tmp_path, HASHES, HASHES, {}, {"status": "no usage", "input": 0})
    done = CliRunner().invoke(command, [str(ledger)], catch_exceptions=False)
    shown = " ".join(done.stdout.split())
    assert "You paid at least $0.0990, $0.0297 of it because" in shown
    assert "At least $0.0330 of it went to 2 requests whose prompts could not be read whole" in shown
    document = json.loads(CliRunner().invoke(command, [str(ledger), "--json"]).stdout)
    assert document["alone"] == {"requests": 2, "usd": "0.033", "whole": False}


def test_where_no_model_has_a_price_that_is_the_verdict(tmp_path: Path) -> None:
    """All of them are explained by their tokens."""
    mistral = {"model": "mistral.mistral-large-2407-v1:0", "scope": "in_region", **HASHES}
    done = CliRunner().invoke(command, [str(ledger_of(tmp_path, mistral, mistral))], catch_exceptions=False)
    assert "is not known: none of its models has a known price" in " ".join(done.stdout.split())


def test_a_last_line_without_an_end_is_said(tmp_path: Path) -> None:
    """It is being written, or was cut off."""
    ledger = ledger_of(tmp_path, HASHES, HASHES)
    with (ledger / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{"at":17936')
    done = CliRunner().invoke(command, [str(ledger)], catch_exceptions=False)
    assert "1 last line without an end left out: being written now, or cut off" in done.stderr


def test_a_talk_that_changes_the_host_is_named(tmp_path: Path) -> None:
    """To bedrock-mantle and bedrock-runtime in turn: every call but the first finds what the other host has."""
    items: list[Any] = [{"role": "user", "content": RULES}]
    at = 1_796_200_000.0  # a price of mantle's ids is known from 2026-11-29 on
    with (
        running(clock=ClockKind.MANUAL, start_at=at) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        rockbottom.attach(client, ledger=tmp_path, clock=server.state.clock.now)
        for turn in range(6):
            model = "us.openai.gpt-5.6-luna" if turn % 2 else "openai.gpt-5.6-luna"
            body = {"model": model, "input": items, "prompt_cache_options": {"mode": "implicit"}}
            client.post("/openai/v1/responses", json=body).raise_for_status()
            server.state.clock.advance(10)
            said = {"role": "assistant", "content": [{"type": "output_text", "text": f"Answer {turn}."}]}
            items = [*items, said, {"role": "user", "content": f"And {turn}? " * 900}]
        rockbottom.detach(client)
    assert explained(tmp_path) == {"RB021": 5}
