"""Logs under an S3 prefix, over real HTTP: replay, import and explain read them where they lie."""

import gzip
import json
from pathlib import Path

import pytest

boto3 = pytest.importorskip("boto3", reason="needs boto3: pip install 'rockbottom[aws]'")
pytest.importorskip("flask", reason="needs moto's server: pip install 'rockbottom[local-s3]'")

from moto.server import ThreadedMotoServer  # noqa: E402

from rockbottom.cli import main  # noqa: E402
from rockbottom.trace import UnreadableSource, read_trace  # noqa: E402
from rockbottom.trace.s3 import _client  # noqa: E402
from rockbottom.trace.sources import log_names, passed_over  # noqa: E402

MODEL = "global.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))
PREFIX = "AWSLogs/111122223333/BedrockModelInvocationLogs/us-east-1/2026/09/01/10"


@pytest.fixture(scope="module")
def server():
    """An S3 that speaks HTTP, and lists three keys a page."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    one = ThreadedMotoServer(port=0, verbose=False)
    one.start()
    host, port = one.get_host_and_port()
    yield f"http://{host}:{port}"
    one.stop()
    patch.undo()


@pytest.fixture
def s3(server, monkeypatch):
    """A client of it with an empty bucket ``logs``; what reads logs finds it by its environment."""
    for name, value in {"AWS_ENDPOINT_URL_S3": server, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
                        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    _client.cache_clear()
    client = boto3.client("s3")
    client.create_bucket(Bucket="logs")
    yield client
    _client.cache_clear()
    if any(bucket["Name"] == "logs" for bucket in client.list_buckets()["Buckets"]):
        client.delete_bucket_policy(Bucket="logs")
        for page in client.get_paginator("list_objects_v2").paginate(Bucket="logs"):
            for item in page.get("Contents", ()):
                client.delete_object(Bucket="logs", Key=item["Key"])
        client.delete_bucket(Bucket="logs")


def record(number: int, clock: str = "", **changes) -> dict:
    """One Converse call; with ``clock`` its system prompt begins with the time."""
    body = {"system": [{"text": f"{clock}{RULES}"}, {"cachePoint": {"type": "default"}}],
            "messages": [{"role": "user", "content": [{"text": f"question {number}"}]}]}  # fmt: skip
    hit = number > 0 and not clock
    return {
        "schemaType": "ModelInvocationLog", "timestamp": f"2026-09-01T10:00:{number:02d}Z", "requestId": f"r{number}",
        "operation": "Converse", "modelId": MODEL, "accountId": "111122223333", "region": "us-east-1",
        "input": {"inputBodyJson": body, "inputTokenCount": 20, "cacheReadInputTokenCount": 4600 if hit else 0,
                  "cacheWriteInputTokenCount": 0 if hit else 4600},
        "output": {"outputTokenCount": 10, "outputBodyJson": {}}, **changes,
    }  # fmt: skip


def put(s3, key: str, *records: dict | str) -> None:
    lines = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records).encode()
    s3.put_object(Bucket="logs", Key=key, Body=gzip.compress(lines) if key.endswith(".gz") else lines)


def test_every_page_of_a_prefix_is_read(s3):
    """Seven gzip files, three keys a page; another prefix, the data folder and the permission check do not count."""
    for number in range(7):
        put(s3, f"{PREFIX}/{number}.json.gz", record(number))
    put(s3, f"{PREFIX}/amazon-bedrock-logs-permission-check", "not a log")
    put(s3, f"{PREFIX}/data/r0_input.json.gz", "{}")
    put(s3, "other/8.json.gz", record(8))
    reading = read_trace("s3://logs/AWSLogs/")
    assert (reading.reader, len(reading.trace), reading.damages.count) == ("bedrock-logs", 7, 0)
    assert reading.trace.requests.observed_read.tolist() == [0] + [4600] * 6


def test_an_offloaded_body_is_fetched(s3):
    """By the address in the record; one that is gone is located and the request kept with its counters."""
    there, gone = record(0), record(1)
    for one, name in ((there, "there"), (gone, "gone")):
        body = one["input"].pop("inputBodyJson")
        one["input"]["inputBodyS3Path"] = f"s3://logs/{PREFIX}/data/{name}_input.json.gz"
        if name == "there":
            put(s3, f"{PREFIX}/data/{name}_input.json.gz", json.dumps(body))
    put(s3, f"{PREFIX}/0.json.gz", there, gone)
    reading = read_trace(f"s3://logs/{PREFIX}")
    assert reading.trace.block_offsets.tolist() == [0, 2, 2]
    assert reading.damages.first[0].place == f"s3://logs/{PREFIX}/0.json.gz:2"
    assert "gone_input" in reading.damages.first[0].why


def test_a_body_in_another_bucket_or_prefix_is_refused(s3):
    """Both are there and could be read; the records keep their counters, and each refusal is counted."""
    s3.create_bucket(Bucket="others")
    body = json.dumps(record(0)["input"]["inputBodyJson"])
    s3.put_object(Bucket="others", Key=f"{PREFIX}/data/r0_input.json", Body=body.encode())
    put(s3, "notes/r1_input.json", body)
    records = [record(0), record(1)]
    for one, where in zip(records, (f"others/{PREFIX}/data/r0_input.json", "logs/notes/r1_input.json"), strict=True):
        del one["input"]["inputBodyJson"]
        one["input"]["inputBodyS3Path"] = f"s3://{where}"
    put(s3, f"{PREFIX}/0.json.gz", *records)
    reading = read_trace(f"s3://logs/{PREFIX}")
    assert (reading.trace.block_offsets.tolist(), reading.damages.count) == ([0, 0, 0], 2)
    assert all("outside of the log's own prefix" in damage.why for damage in reading.damages.first)
    s3.delete_object(Bucket="others", Key=f"{PREFIX}/data/r0_input.json")
    s3.delete_bucket(Bucket="others")


def test_what_cloudwatch_exports_to_s3(s3):
    """Lines with their instant in front."""
    put(s3, "exports/task/stream/000000.gz", f"2026-09-01T10:00:00.000Z {json.dumps(record(0))}")
    put(s3, "exports/aws-logs-write-test", "Permission Check Successful")
    assert len(read_trace("s3://logs/exports").trace) == 1


def test_every_format_is_read_from_s3(s3):
    """Block ids of another project's trace; nothing but the address is different."""
    put(s3, "traces/m.jsonl", {"timestamp": 1000, "input_length": 600, "output_length": 7, "hash_ids": [4, 5]})
    reading = read_trace("s3://logs/traces")
    assert (reading.reader, reading.trace.requests.tokens_in.tolist()) == ("mooncake", [600])


def test_import_and_replay_from_s3(s3, tmp_path, capsys):
    """A damaged object among good ones is named by its address."""
    for number in range(3):
        put(s3, f"{PREFIX}/{number}.json.gz", record(number))
    s3.put_object(Bucket="logs", Key=f"{PREFIX}/9.json.gz", Body=gzip.compress(b"x" * 10_000)[:40])
    out = tmp_path / "trace.parquet"
    assert main(["trace", "import", "s3://logs/AWSLogs", "--out", str(out)]) == 0
    assert f"s3://logs/{PREFIX}/9.json.gz" in capsys.readouterr().err
    assert main(["replay", str(out), "--on", "2026-09-01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["requests"] == 3


def test_explain_reads_s3_too(s3, capsys):
    """A clock in the system prompt, named with the address of the line."""
    for number in range(3):
        put(s3, f"{PREFIX}/{number}.json.gz", record(number, clock=f"It is 10:00:{number:02d}. "))
    assert main(["explain", "s3://logs/AWSLogs", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [cause["rule"] for cause in report["causes"]] == ["RB003"]
    assert report["causes"][0]["findings"][0]["where"].startswith(f"s3://logs/{PREFIX}/")


@pytest.mark.parametrize("command", [["replay"], ["explain"], ["trace", "info"]])
def test_a_bucket_that_is_not_there_is_one_message(s3, capsys, command):
    """Exit code 2, what S3 said, and what to do."""
    assert main([*command, "s3://no-such-bucket-here/x"]) == 2
    said = capsys.readouterr().err
    assert "s3://no-such-bucket-here/x" in said
    assert "does not exist" in said
    assert "aws s3 ls" in said


def test_access_denied_names_the_permissions(s3):
    """Refused by a policy of the bucket: which permissions are needed."""
    put(s3, f"{PREFIX}/0.json.gz", record(0))
    places = ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"]
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": places}
    s3.put_bucket_policy(Bucket="logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    with pytest.raises(UnreadableSource, match=r"AccessDenied|Access Denied|Forbidden") as refused:
        read_trace(f"s3://logs/{PREFIX}/0.json.gz")
    assert "s3:GetObject" in (refused.value.fix or "")


def test_a_prefix_without_logs_is_said(s3):
    """Nothing under it, or nothing that is a log."""
    put(s3, "notes/readme.txt", "hello")
    put(s3, "notes/november/", "")  # as the console makes a folder
    with pytest.raises(UnreadableSource, match="no log file"):
        read_trace("s3://logs/notes")


def test_a_file_without_an_ending_is_a_log_where_it_begins_as_one(tmp_path):
    """Firehose gives its objects no ending, and whoever copies them may rename them; a Makefile is no log."""
    (tmp_path / "delivered").write_bytes(gzip.compress(b'{"modelId": "m"}\n'))
    (tmp_path / "lines").write_text('{"modelId": "m"}\n')
    (tmp_path / "Makefile").write_text("all:\n")
    (tmp_path / "notes.txt").write_text("{}\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "abc_input.json.gz").write_bytes(b"")
    assert [Path(name).name for name in log_names(str(tmp_path))] == ["delivered", "lines"]
    assert [Path(name).name for name in passed_over(str(tmp_path))] == ["Makefile", "notes.txt"]
