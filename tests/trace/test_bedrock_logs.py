"""Model invocation logs, in the shapes that were documented and recorded, become the columns that they should."""

import gzip
import json
from pathlib import Path

import pytest

from rockbottom.quantities import Ttl
from rockbottom.trace import NO_TTL, ApiCode, ReaderSettings, Reading, UnreadableSource, read_trace

POINT = {"cachePoint": {"type": "default"}}
HOUR = {"cachePoint": {"type": "default", "ttl": "1h"}}


def converse(number: int, **changes) -> dict:
    """A Converse record with system, tools and a point after each; 100 tokens uncached, 900 read, 50 written."""
    record = {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": f"2026-09-01T10:00:{number:02d}Z",
        "accountId": "111122223333", "region": "us-west-2", "inferenceRegion": "us-east-2", "requestId": f"r{number}",
        "operation": "Converse", "modelId": "us.anthropic.claude-sonnet-4-6",
        "requestMetadata": {"session": "s-1"},
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {
                "messages": [{"role": "user", "content": [{"text": "What is in the basket?"}, POINT]}],
                "system": [{"text": "You are a helpful shop assistant."}, HOUR],
                "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {}}}}]},
            },
            "inputTokenCount": 100, "cacheReadInputTokenCount": 900, "cacheWriteInputTokenCount": 50,
        },
        "output": {
            "outputContentType": "application/json", "outputTokenCount": 41,
            "outputBodyJson": {"usage": {"inputTokens": 100, "outputTokens": 41, "totalTokens": 1091,
                                         "cacheReadInputTokens": 900, "cacheWriteInputTokens": 50,
                                         "cacheDetails": [{"ttl": "1h", "inputTokens": 20},
                                                          {"ttl": "5m", "inputTokens": 30}]}},
        },
    }  # fmt: skip
    record.update(changes)
    return record


def native(number: int, text: str, control: dict | None, **changes) -> dict:
    """An InvokeModel record of a Claude body, with cache_control on its last block if given."""
    block = {"type": "text", "text": text, **({"cache_control": control} if control else {})}
    body = {"anthropic_version": "bedrock-2023-05-31", "system": "Be brief.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "one"}, block]}]}  # fmt: skip
    counts = {"inputTokenCount": 10, "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 90}
    changes = {"input": {"inputBodyJson": body, **counts}, "output": {"outputTokenCount": 5}, **changes}
    return converse(number, operation="InvokeModel", **changes)


@pytest.fixture
def read(tmp_path: Path):
    """Writes records (or raw lines) into one gzip file of a folder and reads the folder."""

    def reading(*records, key: bytes = b"") -> Reading:
        lines = [line if isinstance(line, str) else json.dumps(line, separators=(",", ":")) for line in records]
        (tmp_path / "log.json.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
        return read_trace(str(tmp_path), ReaderSettings(key))

    return reading


def test_counters_of_converse(read):
    """Uncached, read and written by TTL come from the record; the whole prompt is their sum."""
    requests = read(converse(0)).trace.requests
    assert (requests.observed_input[0], requests.observed_read[0]) == (100, 900)
    assert (requests.observed_writes[Ttl.FIVE_MINUTES][0], requests.observed_writes[Ttl.ONE_HOUR][0]) == (30, 20)
    assert (requests.tokens_in[0], requests.tokens_out[0]) == (1050, 41)


def test_order_sections_points_and_names(read):
    """Tools, system, messages; a point after the system for an hour and one after the message."""
    trace = read(converse(0)).trace
    assert trace.blocks.section.tolist() == [0, 1, 2]
    assert list(zip(trace.points.after.tolist(), trace.points.ttl.tolist(), strict=True)) == [
        (2, Ttl.ONE_HOUR.code),
        (3, NO_TTL),
    ]
    assert trace.names["region"] == ("us-west-2", "us-east-2")
    assert trace.names["session"] == ("s-1",)
    assert trace.requests.api.tolist() == [ApiCode.CONVERSE]
    assert trace.blocks.depth[-1] == 1048  # of 1,050 counted two are the header of the answer, which no block holds


def test_counters_at_the_top_level(read):
    """One recorded shape has the cache counters beside ``input``."""
    record = converse(0, cacheReadInputTokenCount=7, cacheWriteInputTokenCount=5, output={"outputTokenCount": 1})
    for name in ("cacheReadInputTokenCount", "cacheWriteInputTokenCount"):
        del record["input"][name]
    requests = read(record).trace.requests
    assert (requests.observed_read[0], requests.observed_writes[Ttl.FIVE_MINUTES][0]) == (7, 5)


def test_a_native_body_with_cache_control(read):
    """The marker is a point behind its block and no part of it, so the next turn without it is the same prefix."""
    trace = read(native(0, "two", {"type": "ephemeral", "ttl": "1h"}), native(1, "two", None)).trace
    first, second = trace.blocks.prefix[:3].tolist(), trace.blocks.prefix[3:].tolist()
    assert first == second
    assert trace.points.after.tolist() == [3]
    assert trace.points.ttl.tolist() == [Ttl.ONE_HOUR.code]
    assert trace.requests.observed_writes[Ttl.ONE_HOUR].tolist() == [90, 0]


def test_writes_are_of_the_lifetime_that_all_points_ask_for(read):
    """Thirty minutes as much as an hour; where the points differ nothing tells, and they stand under five minutes."""
    records = [native(number, "two", {"type": "ephemeral", "ttl": ttl}) for number, ttl in enumerate(("30m", "1h"))]
    records += [converse(2, output={"outputTokenCount": 5})]
    records[2]["input"]["cacheWriteInputTokenCount"] = 7
    trace = read(*records).trace
    assert trace.points.ttl.tolist() == [3, 2, 2, 0]
    assert {ttl.value: tokens.tolist() for ttl, tokens in trace.requests.observed_writes.items()} == {
        "5m": [0, 0, 7], "30m": [90, 0, 0], "1h": [0, 90, 0],
    }  # fmt: skip


def test_a_changed_parameter_changes_every_prefix(read):
    """Thinking is part of the key of all sections."""
    changed = converse(1)
    changed["input"]["inputBodyJson"]["additionalModelRequestFields"] = {
        "thinking": {"type": "enabled", "budget_tokens": 1024}
    }
    trace = read(converse(0), changed).trace
    assert set(trace.blocks.prefix[:3].tolist()).isdisjoint(trace.blocks.prefix[3:].tolist())


def test_a_streamed_reply(read):
    """A stream's events are a list; usage stands in message_start."""
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 4,
         "cache_creation_input_tokens": 6, "cache_creation": {"ephemeral_5m_input_tokens": 2,
                                                              "ephemeral_1h_input_tokens": 4}}}},
        {"type": "message_delta", "usage": {"output_tokens": 9}},
    ]  # fmt: skip
    record = native(0, "two", None, output={"outputBodyJson": events})
    record["input"] = {"inputBodyJson": record["input"]["inputBodyJson"]}
    requests = read(record).trace.requests
    assert (
        requests.observed_read[0],
        requests.observed_writes[Ttl.FIVE_MINUTES][0],
        requests.observed_writes[Ttl.ONE_HOUR][0],
    ) == (4, 2, 4)
    assert requests.tokens_out[0] == 9


def test_an_offloaded_body(read, tmp_path):
    """A body over 100 KB stands in ``data/`` beside the log."""
    record = converse(0)
    body = record["input"].pop("inputBodyJson")
    record["input"]["inputBodyS3Path"] = "s3://bucket/prefix/data/abc_input.json.gz"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "abc_input.json.gz").write_bytes(gzip.compress(json.dumps(body).encode()))
    assert len(read(record).trace.blocks.depth) == 3


def test_a_folder_is_known_by_its_logs_whatever_bodies_lie_in_front_of_them(tmp_path):
    """Forty bodies whose names come before that of the log."""
    (tmp_path / "data").mkdir()
    for number in range(40):
        (tmp_path / "data" / f"{number}_input.json.gz").write_bytes(gzip.compress(b'{"prompt": "x"}'))
    (tmp_path / "records.json").write_text(json.dumps(converse(1)) + "\n")
    assert read_trace(str(tmp_path)).reader == "bedrock-logs"


def test_an_offloaded_body_that_is_missing_is_located(read):
    """The request keeps its counters; that its body is missing is said."""
    record = converse(0)
    del record["input"]["inputBodyJson"]
    record["input"]["inputBodyS3Path"] = "s3://bucket/prefix/data/gone_input.json.gz"
    reading = read(record)
    assert reading.trace.requests.observed_read.tolist() == [900]
    assert "gone_input" in reading.damages.first[0].why
    assert reading.damages.first[0].place.endswith("log.json.gz:1")


def test_damage_duplicates_order_and_failures(read):
    """Broken lines are located, repeated request ids counted once, late records sorted, failures left out."""
    reading = read(converse(5), '{"modelId": "x', converse(5), converse(1), converse(2, errorCode="Throttling"))
    assert reading.trace.requests.at.tolist() == [1788256801.0, 1788256805.0]
    assert (reading.damages.count, reading.duplicates, reading.reordered, reading.damages.failed) == (1, 1, 1, 1)
    assert reading.damages.first[0].place.endswith("log.json.gz:2")


def test_a_file_cut_short_keeps_what_was_read(read, tmp_path):
    """The last part of a gzip file is missing: the lines before count, the damage is located."""
    read(*(converse(number) for number in range(60)))
    whole = (tmp_path / "log.json.gz").read_bytes()
    (tmp_path / "log.json.gz").write_bytes(whole[:-8])
    reading = read_trace(str(tmp_path), name="bedrock-logs")
    assert reading.damages.count >= 1


def test_hashes_are_keyed(read):
    """Another secret gives other hashes; the same secret the same."""
    one, two, again = (read(converse(0), key=key).trace.blocks.prefix.tolist() for key in (b"a", b"b", b"a"))
    assert one == again
    assert set(one).isdisjoint(two)


def test_an_unknown_source_is_one_error(tmp_path):
    """What is asked for does not exist, or its format is not known."""
    with pytest.raises(UnreadableSource, match="no such file"):
        read_trace(str(tmp_path / "nothing"))
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(UnreadableSource, match="format is not recognised"):
        read_trace(str(tmp_path / "x.txt"))


def test_cloudwatch_exports(tmp_path):
    """An export task's lines begin with an instant; the CLI prints events with the record as text."""
    record = json.dumps(converse(0), separators=(",", ":"))
    (tmp_path / "000000.gz").write_bytes(gzip.compress(f"2026-09-01T10:00:01.000Z {record}\n".encode()))
    (tmp_path / "events.json").write_text(json.dumps({"events": [{"timestamp": 1, "message": record}]}))
    for name in ("000000.gz", "events.json"):
        reading = read_trace(str(tmp_path / name))
        assert (reading.reader, reading.trace.requests.observed_read.tolist()) == ("cloudwatch", [900])


ROUTER = "arn:aws:bedrock:us-west-2:111122223333:prompt-router/abc"
CHOICE = {"trace": {"promptRouter": {"invokedModelId": "us.amazon.nova-pro-v1:0"}}}


def test_a_request_to_a_prompt_router_is_of_the_model_that_its_reply_names(read):
    """Of a plain reply, of the last event of a stream, and of a reply that was not logged, the router's own id."""
    reading = read(
        converse(0, modelId=ROUTER, output={"outputBodyJson": CHOICE, "outputTokenCount": 1}),
        converse(1, modelId=ROUTER, operation="ConverseStream",
                 output={"outputBodyJson": [{"messageStop": {}}, {"metadata": CHOICE}], "outputTokenCount": 1}),
        converse(2, modelId=ROUTER, output={"outputTokenCount": 1}),
    )  # fmt: skip
    names = reading.trace.names["model"]
    assert [names[code] for code in reading.trace.requests.model] == ["us.amazon.nova-pro-v1:0"] * 2 + [ROUTER]
