"""What two machines shipped, as one trace: from a folder and from S3, with the prefixes that they share."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

import rockbottom
from rockbottom.cli import main
from rockbottom.ledger import ledger_key
from rockbottom.local import ClockKind, running
from rockbottom.trace import read_trace

SONNET = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number} of the house stands." for number in range(600))


@pytest.fixture(scope="module")
def endpoint() -> Any:
    """The service, with S3 in this process."""
    pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
    with running(clock=ClockKind.MANUAL, start_at=1_790_000_000.0, s3="moto") as one:
        yield one


@pytest.fixture
def shipped(endpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two machines of a fleet ask in turn under the same rules; their ledgers in a folder and in S3."""
    from rockbottom.trace import s3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint.s3_url)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="shipped")
    s3._client.cache_clear()
    clients = {}
    for name in ("a", "b"):
        ledger_key(tmp_path / name, shared=b"one fleet")
        client = boto3.client("bedrock-runtime", endpoint_url=endpoint.url, region_name="us-east-1")
        clients[name] = rockbottom.attach(client, ledger=tmp_path / name, clock=endpoint.state.clock.now)
    for turn in range(3):
        for client in clients.values():
            question = [{"role": "user", "content": [{"text": f"Question {turn}?"}]}]
            client.converse(modelId=SONNET, system=[{"text": RULES}], messages=question)
            endpoint.state.clock.advance(20.0)
    for name in clients:
        for to in (str(tmp_path / "to"), f"s3://shipped/{tmp_path.name}"):
            assert main(["ledger", "ship", to, "--ledger", str(tmp_path / name)]) == 0
    return str(tmp_path / "to"), f"s3://shipped/{tmp_path.name}"


def test_a_trace_of_what_was_shipped_is_the_same_from_both_places(shipped: tuple[str, str]) -> None:
    """Six requests in the order of time, alternately of either machine, all with one first prefix."""
    folder, prefix = (read_trace(place) for place in shipped)
    for reading in (folder, prefix):
        assert (reading.reader, len(reading.trace), reading.damages.count) == ("ledger", 6, 0)
        at = reading.trace.requests.at
        assert (at - at[0]).tolist() == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert folder.trace.blocks.prefix.tolist() == prefix.trace.blocks.prefix.tolist()
    firsts = {folder.trace.blocks.prefix[start] for start in folder.trace.block_offsets[:-1]}
    assert len(firsts) == 1


def test_a_replay_of_what_was_shipped_reads_over_both_machines(
    shipped: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One machine's write is what the other reads: of six system prompts one is written, five are read."""
    capsys.readouterr()
    answers = []
    for place in shipped:
        assert main(["replay", place, "--policy", "none", "--policy", "system", "--on", "2026-09-21", "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    (system,) = [row for row in answers[0]["policies"] if row["policy"] == "system"]
    assert system["read_tokens"] == 5 * system["written_5m_tokens"]


def test_misses_of_what_was_shipped_are_explained(shipped: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """From keyed hashes, as those of one ledger are: six requests, the same findings from both places."""
    capsys.readouterr()
    answers = []
    for place in shipped:
        assert main(["explain", place, "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert answers[0]["requests"] == 6
