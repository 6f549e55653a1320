"""Model invocation logs in the folder: layout, records, large bodies."""

import errno
import gzip
import json

import pytest

from rockbottom.local import ClockKind, invocation_log, running
from rockbottom.local.invocation_log import InvocationLog, Logged
from rockbottom.trace import Damages, read_trace, reader_of


@pytest.fixture
def logged(tmp_path, kit):
    """An endpoint that logs, with its folder and a way to read its records."""
    with running(clock=ClockKind.MANUAL, start_at=kit.START, log_dir=tmp_path) as one:

        def records():
            kit.control(one, "POST", "logs/flush")
            files = sorted(path for path in tmp_path.rglob("*.json.gz") if path.parent.name != "data")
            return [json.loads(line) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]

        yield one, kit.client_of("bedrock-runtime", one.url), records


def test_converse_is_logged_as_bedrock_logs_it(logged, kit, tmp_path):
    """Account, Region, operation, short model id, request metadata, both bodies, counts beside them."""
    _, client, records = logged
    body = {"system": [{"text": kit.RULES}, kit.POINT], "messages": [kit.user("hi")]}
    reply = client.converse(modelId=kit.SONNET, **body, requestMetadata={"tenant": "a"})
    (record,) = records()
    usage = reply["usage"]
    assert {
        name: record[name]
        for name in (
            "schemaType",
            "schemaVersion",
            "timestamp",
            "accountId",
            "region",
            "operation",
            "modelId",
            "requestMetadata",
            "requestId",
        )
    } == {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-09-21T14:13:20Z",
        "accountId": "123456789012",
        "region": "us-east-1",
        "operation": "Converse",
        "modelId": kit.SONNET,
        "requestMetadata": {"tenant": "a"},
        "requestId": reply["ResponseMetadata"]["RequestId"],
    }
    assert record["input"]["inputBodyJson"]["messages"] == body["messages"]
    assert (record["input"]["inputTokenCount"], record["input"]["cacheWriteInputTokenCount"]) == (
        usage["inputTokens"],
        usage["cacheWriteInputTokens"],
    )
    assert record["output"]["outputTokenCount"] == usage["outputTokens"]
    assert record["output"]["outputBodyJson"]["usage"] == usage  # neither twins nor serverToolUsage
    (path,) = list(tmp_path.rglob("*Z_*.json.gz"))
    assert str(path.relative_to(tmp_path)).startswith(
        "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/09/21/14/"
    )


def test_invoke_model_is_logged_with_the_profile_arn(logged, kit):
    """InvokeModel rows hold the inference-profile ARN and the native bodies; streams an array of chunks."""
    _, client, records = logged
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    client.invoke_model(modelId=kit.SONNET, body=json.dumps(body))
    list(client.invoke_model_with_response_stream(modelId=kit.SONNET, body=json.dumps(body))["body"])
    whole, stream = records()
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{kit.SONNET}"
    assert [record["modelId"] for record in (whole, stream)] == [arn, arn]
    assert whole["input"]["inputBodyJson"] == body
    assert whole["output"]["outputBodyJson"]["usage"]["input_tokens"] == whole["input"]["inputTokenCount"]
    assert [chunk["type"] for chunk in stream["output"]["outputBodyJson"]][-1] == "message_stop"


def test_large_bodies_are_offloaded(logged, kit, tmp_path):
    """Over 100 KB the record holds the path of a file beside it."""
    _, client, records = logged
    client.converse(modelId=kit.SONNET, messages=[kit.user("x " * 60_000)])
    (record,) = records()
    assert "inputBodyJson" not in record["input"]
    key = record["input"]["inputBodyS3Path"].split("/", 3)[3]
    assert key.endswith(f"/data/{record['requestId']}_input.json.gz")
    offloaded = json.loads(gzip.decompress((tmp_path / key).read_bytes()))
    assert offloaded["messages"][0]["content"][0]["text"] == "x " * 60_000
    assert "outputBodyJson" in record["output"]


def test_failures_and_rerouted_calls_are_marked(logged, kit):
    """errorCode on failures; inferenceRegion when another Region served."""
    one, client, records = logged
    with pytest.raises(client.exceptions.ValidationException):
        client.converse(modelId=kit.SONNET, messages=[kit.user("")])
    kit.control(one, "PUT", "routing", {"policy": "round_robin"})
    for _ in range(2):
        client.converse(modelId=kit.SONNET, messages=[kit.user("hi")])
    failed, here, there = records()
    assert failed["errorCode"] == "ValidationException"
    assert "output" not in failed
    assert ("inferenceRegion" in here, there["inferenceRegion"]) == (False, "us-east-2")


def test_what_waits_is_written_when_the_endpoint_stops(tmp_path, kit):
    """Nothing is lost by stopping."""
    with running(log_dir=tmp_path) as one:
        kit.client_of("bedrock-runtime", one.url).converse(modelId=kit.SONNET, messages=[kit.user("hi")])
    (log,) = tmp_path.rglob("*Z_*.json.gz")
    assert log.stat().st_mode & 0o777 == 0o600  # it holds the prompt
    assert list(tmp_path.rglob("amazon-bedrock-logs-permission-check"))


def test_a_body_on_many_lines_is_one_line_of_the_log(tmp_path, kit):
    """Pretty-printed, and with a newline at its end: both readers find every record, members in their order."""
    asked = {
        "messages": [{"role": "user", "content": "one\ntwo"}],
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
    }
    with running(log_dir=str(tmp_path)) as one:
        client = kit.client_of("bedrock-runtime", one.url)
        for body in (json.dumps(asked, indent=2), json.dumps(asked) + "\n", json.dumps(asked, indent=1) + "\r\n"):
            client.invoke_model(modelId=kit.SONNET, body=body)
    damages, reader = Damages(), reader_of(str(tmp_path))
    found = [each for part in reader.parts(str(tmp_path)) for each in reader.invocations(part, damages)]
    assert (len(found), damages.count) == (3, 0)
    assert [list(each.body) for each in found] == [["messages", "anthropic_version", "max_tokens"]] * 3
    assert found[0].body == asked
    reading = read_trace(str(tmp_path))
    assert (len(reading.trace), reading.damages.count) == (3, 0)


def test_a_folder_given_as_text_is_written_to(tmp_path, kit):
    """``log_dir`` takes a path or its text."""
    with running(log_dir=str(tmp_path / "logs")) as one:
        kit.client_of("bedrock-runtime", one.url).converse(modelId=kit.SONNET, messages=[kit.user("hi")])
    assert len(list((tmp_path / "logs").rglob("*Z_*.json.gz"))) == 1


def test_logs_that_could_not_be_written_are_kept_and_written_later(tmp_path, kit):
    """The folder takes nothing for a while: nothing is lost, nothing half stays, each record is there once."""
    with running(clock=ClockKind.MANUAL, start_at=kit.START, log_dir=tmp_path) as one:
        client = kit.client_of("bedrock-runtime", one.url)
        obstacle = tmp_path / "AWSLogs"
        obstacle.write_text("a file where a folder must be")
        for number in range(3):
            client.converse(modelId=kit.SONNET, messages=[kit.user(f"question {number}")])
        assert kit.control(one, "POST", "logs/flush") == {"written": 0}
        assert kit.control(one, "GET", "state")["waitingLogRecords"] == 3
        obstacle.unlink()
        client.converse(modelId=kit.SONNET, messages=[kit.user("question 3")])
        kit.control(one, "POST", "logs/flush")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    lines = [line for path in files if path.suffix == ".gz" for line in gzip.decompress(path.read_bytes()).splitlines()]
    texts = [json.loads(line)["input"]["inputBodyJson"]["messages"][0]["content"][0]["text"] for line in lines]
    assert sorted(texts) == [f"question {number}" for number in range(4)]
    assert {path.suffix for path in files} <= {".gz", ""}


def test_a_file_that_was_not_finished_does_not_stay(tmp_path, monkeypatch):
    """What a full disk cut off is removed, and what a killed process left is removed by the next."""
    (tmp_path / ".rockbottom-log-77").write_bytes(b"half")
    log = InvocationLog(tmp_path)
    assert list(tmp_path.iterdir()) == []
    log.add(Logged(1_790_000_000.0, "1" * 12, "us-east-1", "r" * 36, {"input": {}}, b"{}", None))

    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", full)
        with pytest.raises(OSError, match="No space"):
            log.flush()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert log.waiting == 1
    assert log.flush() == 1
    assert log.waiting == 0


def test_a_log_that_is_never_writable_takes_a_bounded_part_of_memory(tmp_path, monkeypatch):
    """Beyond the bound records are dropped and counted."""
    monkeypatch.setattr(invocation_log, "_HELD_RECORDS", 5)
    log = InvocationLog(tmp_path)
    one = Logged(1_790_000_000.0, "1" * 12, "us-east-1", "r" * 36, {"input": {}}, b"{}", None)
    for _ in range(8):
        log.add(one)
    assert (log.waiting, log.dropped) == (5, 3)
