"""Log records with their text: every shape that Bedrock and CloudWatch deliver."""

import gzip
import json
from random import Random

import pytest

pytest.importorskip("numpy", reason="rockbottom.trace needs it: pip install 'rockbottom[replay]'")

from rockbottom.prompt import Api
from rockbottom.quantities import Usage
from rockbottom.trace import Damages, UnreadableSource, reader_of
from rockbottom.trace.invocations import first_two, only_one

BODY = {"system": [{"text": "Be brief."}], "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
RECORD = {
    "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": "2026-09-01T10:00:00Z",
    "accountId": "111122223333", "region": "us-east-1", "requestId": "r1", "operation": "Converse",
    "modelId": "us.anthropic.claude-sonnet-4-6", "inferenceRegion": "us-west-2",
    "input": {"inputBodyJson": BODY, "inputTokenCount": 2, "cacheReadInputTokenCount": 95500,
              "cacheWriteInputTokenCount": 40},
    "output": {"outputTokenCount": 41, "outputBodyJson": {"metrics": {"latencyMs": 900}, "usage": {
        "inputTokens": 2, "outputTokens": 41, "cacheDetails": [{"ttl": "1h", "inputTokens": 30}]}}},
}  # fmt: skip


def changed(**members):
    """A record with other members."""
    return {**RECORD, **members}


def read(path, *records):
    """These records written as lines and read back."""
    path.write_text("\n".join(map(json.dumps, records)))
    found, _ = invocations(path)
    return found


def invocations(path):
    """Every request in a file or folder, and what was wrong."""
    damages, reader = Damages(), reader_of(str(path))
    found = [one for part in reader.parts(str(path)) for one in reader.invocations(part, damages)]
    return found, damages


def test_a_converse_record(tmp_path):
    """Counters, Regions, latency, and the write split by TTL: 30 of 40 for an hour."""
    (found,) = read(tmp_path / "log.json", RECORD)
    assert found.usage == Usage(2, 41, 95500, 10, 0, 30)
    assert (found.region, found.served, found.latency_s, found.at) == ("us-east-1", "us-west-2", 0.9, 1788256800.0)
    assert found.api is Api.CONVERSE
    assert found.body == BODY


def test_an_invoke_record_with_counters_in_the_reply_only(tmp_path):
    """Snake case, and the split of cache_creation."""
    usage = {
        "input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 60,
        "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 10},
    }  # fmt: skip
    record = changed(
        operation="InvokeModel", input={"inputBodyJson": BODY}, output={"outputBodyJson": {"usage": usage}}
    )
    (found,) = read(tmp_path / "log.json", record)
    assert found.usage == Usage(3, 4, 5, 50, 0, 10)
    assert found.api is Api.INVOKE


def test_a_streamed_reply_is_a_list_of_events(tmp_path):
    """Usage in message_start, the first byte's latency in the last event."""
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 3, "cache_creation_input_tokens": 60}}},
        {"type": "message_delta", "usage": {"output_tokens": 9}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"firstByteLatency": 250, "inputTokenCount": 3}},
    ]
    record = changed(operation="InvokeModelWithResponseStream", input={"inputBodyJson": BODY},
                     output={"outputBodyJson": events})  # fmt: skip
    (found,) = read(tmp_path / "log.json", record)
    assert (found.usage, found.latency_s) == (Usage(3, 9, 0, 60), 0.25)


def test_counters_at_the_top_level_are_taken_too(tmp_path):
    """One published fixture has them there."""
    record = changed(input={"inputBodyJson": BODY, "inputTokenCount": 2}, output={}, cacheReadInputTokenCount=7)
    (found,) = read(tmp_path / "log.json", record)
    assert found.usage == Usage(2, 0, 7)


def test_writes_without_a_split_follow_the_points(tmp_path):
    """Every point asked for an hour, so the write was for an hour."""
    body = {**BODY, "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}]}
    given = {"inputBodyJson": body, "inputTokenCount": 2, "cacheWriteInputTokenCount": 40}
    (found,) = read(tmp_path / "log.json", changed(input=given, output={}))
    assert found.usage == Usage(2, 0, 0, 0, 0, 40)


def test_a_large_body_stands_beside_the_log(tmp_path):
    """In data/, gzip; where it is missing the record is named, and is there without it."""
    folder = tmp_path / "AWSLogs" / "10"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "r1_input.json.gz").write_bytes(gzip.compress(json.dumps(BODY).encode()))
    near = changed(input={"inputBodyS3Path": "s3://bucket/AWSLogs/10/data/r1_input.json.gz", "inputTokenCount": 2})
    far = changed(input={"inputBodyS3Path": "s3://bucket/AWSLogs/10/data/r2_input.json.gz"})
    (folder / "log.json.gz").write_bytes(gzip.compress(f"{json.dumps(near)}\n{json.dumps(far)}\n".encode()))
    (folder / "amazon-bedrock-logs-permission-check").write_bytes(b"")
    (first, second), damages = invocations(tmp_path)
    assert (first.body, second.body) == (BODY, {})
    assert "r2_input" in damages.first[0].why


def test_exports_of_cloudwatch(tmp_path):
    """Lines that begin with their instant, and what ``aws logs filter-log-events`` prints."""
    (tmp_path / "000000.gz").write_bytes(gzip.compress(f"2026-09-01T10:00:00.000Z {json.dumps(RECORD)}\n".encode()))
    (tmp_path / "printed.json").write_text(json.dumps({"events": [{"message": json.dumps(RECORD)}]}, indent=2))
    assert [found.request_id for found in invocations(tmp_path)[0]] == ["r1", "r1"]


def test_a_file_cut_short_gives_what_it_holds(tmp_path):
    """The end of the gzip stream is missing."""
    unlike = Random(1)  # so much of it, and so varied, that a fast unpacker has given lines before it meets the end
    lines = [json.dumps(changed(requestId=f"{unlike.getrandbits(4000):x}")) for _ in range(2000)]
    data = gzip.compress("\n".join(lines).encode())
    (tmp_path / "log.json.gz").write_bytes(data[: len(data) // 2])
    good, damages = invocations(tmp_path)
    assert good
    assert damages.first[-1].place == str(tmp_path / "log.json.gz")


def test_one_file_one_request(tmp_path):
    """A body, a batch record or a log record; anything else is refused."""
    for name, value in {"body": BODY, "batch": {"recordId": "1", "modelInput": BODY}, "log": RECORD}.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(value, indent=1))
        assert only_one(path, *first_two(path)).body == BODY
    for text in ("[1]", "{", '{"a": 1}'):
        path.write_text(text)
        with pytest.raises(UnreadableSource):
            only_one(path, *first_two(path))
