"""Invocation logs followed live: from a folder, an S3 prefix and a log group, with who spends what, and the quota."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.trace import Tail, read_trace
from rockbottom.trace.log_groups import _client as logs_client
from rockbottom.trace.s3 import _client as s3_client
from rockbottom.watch import LogView, Snapshot, period_named

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC).timestamp()
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))
MODEL = "us.anthropic.claude-sonnet-4-6"
ROLE = "arn:aws:sts::111122223333:assumed-role/support"


def record(number: int, at: float = NOON, *, hit: bool = True, **members: Any) -> dict[str, Any]:
    """One Converse call of the team support; its rules are read, or written where it is no hit."""
    body = {
        "system": [{"text": RULES}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": f"question {number}"}]}],
        "inferenceConfig": {"maxTokens": 1000},
    }
    counts = {"cacheReadInputTokenCount": 4600 if hit else 0, "cacheWriteInputTokenCount": 0 if hit else 4600}
    return {
        "schemaType": "ModelInvocationLog", "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
        "requestId": f"r{number}", "operation": "Converse", "modelId": MODEL, "accountId": "111122223333",
        "region": "us-east-1", "identity": {"arn": f"{ROLE}/session-{number}"}, "requestMetadata": {"team": "support"},
        "input": {"inputBodyJson": body, "inputTokenCount": 20, **counts},
        "output": {"outputTokenCount": 10, "outputBodyJson": {}}, **members,
    }  # fmt: skip


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


class Clock:
    """Instants that a test sets."""

    def __init__(self) -> None:
        self.now = NOON + 60

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def followed(clock: Clock) -> Iterator[Any]:
    """Follows a source to its present end, and gives what the view says of the last hour."""
    views: list[LogView] = []

    def look(source: str, since: float = NOON - 3600, **quotas: int) -> Snapshot:
        if not views:
            named = {name.replace("_", "-"): tokens for name, tokens in quotas.items()}
            ids = {load_catalog().model(name).model.id: tokens for name, tokens in named.items()}
            views.append(LogView(source, load_catalog(), clock, clock, since=since, key=b"k" * 32, quotas=ids))
        while not views[0].follow(5):
            pass
        return views[0].snapshot(period_named("1h"))

    yield look
    for view in views:
        view.close()


def test_a_file_that_grows_is_read_on(tmp_path: Path, followed: Any) -> None:
    """What was there, then what came; half a line waits for its end; a record that comes twice counts once."""
    path = tmp_path / "calls.json"
    path.write_bytes(lines(record(0, hit=False), record(1, NOON + 1)))
    shot = followed(str(tmp_path))
    assert (shot.total.calls, shot.total.read, shot.total.write, shot.simulated) == (2, 4600, 4600, False)
    whole = lines(record(1, NOON + 1), record(2, NOON + 2))
    with path.open("ab") as file:
        file.write(whole[:-30])
    assert followed(str(tmp_path)).total.calls == 2
    with path.open("ab") as file:
        file.write(whole[-30:])
    (tmp_path / "more.json.gz").write_bytes(gzip.compress(lines(record(3, NOON + 3))))
    assert followed(str(tmp_path)).total.calls == 4


def test_the_last_record_counts_without_a_newline_and_in_two_bytes_a_sign(tmp_path: Path, followed: Any) -> None:
    """As exports end, and as Windows writes them: the same calls as a replay of the folder has."""
    (tmp_path / "export.json").write_bytes(lines(record(0, hit=False), record(1, NOON + 1))[:-1])
    (tmp_path / "windows.json").write_bytes(lines(record(2, NOON + 2)).decode().encode("utf-16"))
    assert followed(str(tmp_path)).total.calls == 3 == len(read_trace(str(tmp_path)).trace)
    with (tmp_path / "export.json").open("ab") as file:
        file.write(b"\n" + lines(record(3, NOON + 3)))
    assert followed(str(tmp_path)).total.calls == 4


def test_who_spends_is_told_by_identity_and_tags(tmp_path: Path, followed: Any) -> None:
    """A role stands for all of its sessions; metadata are tags."""
    (tmp_path / "calls.json").write_bytes(lines(record(0), record(1, NOON + 1)))
    names = {line.name: line.calls for line in followed(str(tmp_path)).tags}
    assert names == {f"identity={ROLE}": 2, "team=support": 2}


def test_how_near_the_quota_a_minute_came(tmp_path: Path, followed: Any) -> None:
    """Input 20 and a write of 4,600 count, a read does not; 10 tokens of output burn 5 times; 1,000 are reserved.

    4,620 + 50 and 20 + 50 are 4,740 settled; 4,620 + 1,000 and 20 + 1,000 are 6,640 reserved, of 10,000 66%.
    """
    (tmp_path / "calls.json").write_bytes(lines(record(0, hit=False), record(1, NOON + 1), record(2, NOON - 600)))
    shot = followed(str(tmp_path), sonnet_4_6=10_000)
    (minute,) = shot.quota
    assert (minute.at, minute.settled, minute.reserved, minute.burndown) == (int(NOON), 4_740, 6_640, 5)
    assert minute.share == pytest.approx(0.664)
    assert any("66% of 10,000" in sentence for sentence in shot.measured)


def test_misses_and_their_causes_are_told(tmp_path: Path, followed: Any) -> None:
    """Six minutes after the last use, five-minute entries are gone."""
    calls = [record(0, NOON - 900, hit=False), record(1, NOON - 890), record(2, NOON - 500, hit=False)]
    (tmp_path / "calls.json").write_bytes(lines(*calls))
    causes = {line.rule: line.misses for line in followed(str(tmp_path)).causes}
    assert causes == {"RB012": 1}


def test_what_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path, followed: Any) -> None:
    """A damaged line, a call that AWS refused, and a model that nobody knows, which is counted without a price."""
    refused = record(1, errorCode="ThrottlingException")
    (tmp_path / "calls.json").write_bytes(
        lines(record(0), refused, record(2, modelId="acme.unheard-of-v1:0")) + b'{"modelId": 7}\n'
    )
    shot = followed(str(tmp_path))
    assert (shot.total.calls, shot.total.unpriced) == (2, 1)
    assert any("1 damaged record left out" in notice for notice in shot.notices)
    assert any("1 call that AWS refused" in notice for notice in shot.notices)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account of moto's."""
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for cached in (logs_client, s3_client):
        cached.cache_clear()
    with mock_aws():
        yield
    for cached in (logs_client, s3_client):
        cached.cache_clear()


def test_objects_are_read_as_they_are_delivered(aws: None, clock: Clock) -> None:
    """Each once; of two Regions; bodies and permission checks are none; a late one in the hour before is found."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="my-logs")
    root = "AWSLogs/111122223333/BedrockModelInvocationLogs/"

    def put(name: str, body: bytes = b"{}\n") -> None:
        s3.put_object(Bucket="my-logs", Key=root + name, Body=body)

    put("us-east-1/2026/11/10/11/20261110T110000000Z_a.json.gz")
    put("us-east-1/2026/11/10/11/data/x_input.json.gz")
    put("us-east-1/amazon-bedrock-logs-permission-check")
    put("eu-west-1/2026/11/10/10/20261110T100000000Z_b.json.gz")
    tail = Tail("s3://my-logs/AWSLogs/", 0.0, clock)
    assert len(list(tail.pieces())) == 2
    assert list(tail.pieces()) == []
    put("us-east-1/2026/11/10/11/20261110T105500000Z_late.json.gz")
    put("us-east-1/2026/11/10/12/20261110T120000000Z_c.json.gz")
    put("eu-west-1/2026/11/10/10/20261110T100500000Z_d.json.gz")
    assert [name.rpartition("_")[2] for name, _ in tail.pieces()] == ["d.json.gz", "late.json.gz", "c.json.gz"]
    put("ap-south-1/2026/11/10/12/20261110T120000000Z_new-region.json.gz")
    clock.now += 601
    assert [name.rpartition("_")[2] for name, _ in tail.pieces()] == ["new-region.json.gz"]


def test_a_log_group_is_followed_and_replayed(aws: None, clock: Clock, followed: Any) -> None:
    """Events that come late are taken in; replay reads the same log group from its beginning."""
    now = datetime.now(UTC).timestamp()
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="/bedrock")
    logs.create_log_stream(logGroupName="/bedrock", logStreamName="s")

    def log(*records: dict[str, Any]) -> None:
        events = [{"timestamp": int(now * 1000), "message": json.dumps(one)} for one in records]
        logs.put_log_events(logGroupName="/bedrock", logStreamName="s", logEvents=events)

    clock.now = now
    log(record(0, now - 30, hit=False), record(1, now - 20))
    assert followed("log-group:/bedrock", now - 3600).total.calls == 2
    log(record(2, now - 40), record(3, now - 1))
    assert followed("log-group:/bedrock").total.calls == 2  # AWS is not asked again at once
    clock.now += 20
    assert followed("log-group:/bedrock").total.calls == 4
    reading = read_trace("log-group:/bedrock")
    assert (reading.reader, len(reading.trace)) == ("bedrock-logs", 4)
    assert len(read_trace("log-group:/bedrock@1h").trace) == 4


def test_the_command_shows_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One frame, and JSON with the fullest minutes; a ledger and logs exclude each other."""
    now = datetime.now(UTC).timestamp()
    (tmp_path / "calls.json").write_bytes(lines(record(0, now - 90, hit=False), record(1, now - 80)))
    assert main(["watch", "--logs", str(tmp_path), "--once", "--quota", "sonnet-4-6=10,000"]) == 0
    told = capsys.readouterr().out
    assert "2 calls" in told
    assert "team=support" in told
    assert main(["watch", "--logs", str(tmp_path), "--json"]) == 0
    shot = json.loads(capsys.readouterr().out)
    assert shot["quota"][0]["model"] == "anthropic.claude-sonnet-4-6"
    assert shot["ledger"]["folder"] == str(tmp_path)
    assert main(["watch", "--logs", str(tmp_path), "--ledger", str(tmp_path), "--once"]) == 2
    assert main(["watch", "--logs", str(tmp_path), "--once", "--quota", "sonnet"]) == 2


def test_a_replay_follows_logs_while_they_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once for what was there, once more for what came; nothing while nothing comes.

    A write of 4,600 tokens at $4.125 a million, 20 at $3.30 and 10 at $16.50 are $0.019206; then a read of 4,600 at
    $0.33 and the rest again, $0.020955 in all.
    """
    from datetime import date

    from rockbottom.cli.replay_following import followed as replayed
    from rockbottom.replay import ReplayQuestion
    from rockbottom.trace import ReaderSettings

    path = tmp_path / "calls.json"
    path.write_bytes(lines(record(0, hit=False)))
    rounds = iter([b"", lines(record(1, NOON + 1)), None])

    def wait(seconds: float) -> None:
        came = next(rounds)
        if came is None:
            raise KeyboardInterrupt
        with path.open("ab") as file:
            file.write(came)

    question = ReplayQuestion((), date(2026, 11, 10))
    replayed(str(tmp_path), ReaderSettings(), question, load_catalog(), 1.0, lambda: NOON, wait, as_json=True)
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["requests"], round(float(one["answer"]["paid_usd"]), 6)) for one in answers] == [
        (1, 0.019206), (2, 0.020955),
    ]  # fmt: skip


def test_calls_of_responses_are_told_as_such(followed: Any, tmp_path: Path) -> None:
    """Their log names the operation and the model; 2,000 tokens written for thirty minutes, then read."""
    items = [{"role": "system", "content": RULES}, {"role": "user", "content": "Hello"}]
    body = {"model": "us.openai.gpt-5.6-luna", "input": items, "max_output_tokens": 500}
    counts = [(2, 0, 4000), (2, 4000, 0)]
    made = [
        record(
            number, NOON + number, operation="Responses", modelId="us.openai.gpt-5.6-luna",
            input={
                "inputBodyJson": body, "inputTokenCount": plain, "cacheReadInputTokenCount": read,
                "cacheWriteInputTokenCount": written,
            },
        )
        for number, (plain, read, written) in enumerate(counts)
    ]  # fmt: skip
    (tmp_path / "a.ndjson").write_bytes(lines(*made))
    total = followed(str(tmp_path)).total
    assert (total.calls, total.unpriced) == (2, 0)
    # Luna through us.: input 0.22, read 0.022, write 0.275, output 1.32 dollars a million.
    by_hand = 4 * 0.22 + 4000 * 0.022 + 4000 * 0.275 + 20 * 1.32
    assert float(total.cost_usd or 0) == pytest.approx(by_hand / 1e6)
