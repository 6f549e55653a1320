"""The same three records in every file that people save them in: the same columns, and the same text."""

import csv
import gzip
import io
import json

import pytest

from rockbottom.cli import main
from rockbottom.trace import Damages, read_trace, reader_of

RULES = " ".join(f"Rule {number}: a parcel of class {number} waits {number % 20} days." for number in range(400))
STREAM = "aws/bedrock/modelinvocations"


def record(number: int) -> dict:
    """A Converse call: 20 tokens not cached, 4,600 written by the first and read by the others, 7 answered."""
    body = {"system": [{"text": RULES}, {"cachePoint": {"type": "default"}}],
            "messages": [{"role": "user", "content": [{"text": f'Où est "{number}" {{en €}}?'}]}]}  # fmt: skip
    return {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": f"2026-09-01T10:00:{10 * number:02d}Z",
        "accountId": "111122223333", "region": "us-east-1", "requestId": f"r{number}", "operation": "Converse",
        "modelId": "us.anthropic.claude-sonnet-4-6",
        "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 20,
                  "cacheReadInputTokenCount": 4600 if number else 0,
                  "cacheWriteInputTokenCount": 0 if number else 4600},
        "output": {"outputContentType": "application/json", "outputTokenCount": 7, "outputBodyJson": {}},
    }  # fmt: skip


RECORDS = [record(number) for number in range(3)]
TEXTS = [json.dumps(one) for one in RECORDS]
EVENTS = {"events": [{"logStreamName": STREAM, "timestamp": 1, "message": text} for text in TEXTS],
          "searchedLogStreams": [{"logStreamName": STREAM}]}  # fmt: skip
ROWS = {"results": [[{"field": "@timestamp", "value": one["timestamp"]}, {"field": "@message", "value": text},
                     {"field": "@ptr", "value": "Cm4="}] for one, text in zip(RECORDS, TEXTS, strict=True)],
        "statistics": {"recordsMatched": 3.0}, "status": "Complete"}  # fmt: skip


def envelope(texts: list[str], kind: str = "DATA_MESSAGE") -> str:
    """What a subscription delivers."""
    events = [{"id": str(number), "timestamp": 1, "message": text} for number, text in enumerate(texts)]
    return json.dumps({"messageType": kind, "owner": "111122223333", "logGroup": "g", "logEvents": events})


def table(*rows) -> str:
    """These rows as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def athena(one: dict) -> list[str]:
    """A row of SELECT * from a table whose columns are structs: names small, objects as {name=value}."""
    given = one["input"]
    body = json.dumps(given["inputBodyJson"])
    return [
        one["timestamp"].replace("T", " ").replace("Z", ".000 UTC"), one["modelId"], one["requestId"], "Converse",
        f"{{inputcontenttype=application/json, inputbodyjson={body}, inputtokencount=20, "
        f"cachereadinputtokencount={given['cacheReadInputTokenCount']}, "
        f"cachewriteinputtokencount={given['cacheWriteInputTokenCount']}}}",
        "{outputcontenttype=application/json, outputbodyjson=null, outputtokencount=7}",
    ]  # fmt: skip


FILES = {
    "lines": "\n".join(TEXTS),
    "pretty list": json.dumps(RECORDS, indent=2),
    "list on one line": json.dumps(RECORDS),
    "pretty, one after another": "\n".join(json.dumps(one, indent=4) for one in RECORDS),
    "export task": "\n".join(f"{one['timestamp']} {text}" for one, text in zip(RECORDS, TEXTS, strict=True)),
    "tail --format short": "".join(f"2026-09-01T10:00:00 {text}\n" for text in TEXTS),
    "tail --format detailed": "".join(f"2026-09-01T10:00:00.000000+00:00 {STREAM} {text}\n" for text in TEXTS),
    "tail --format json": "".join(
        f"2026-09-01T10:00:00.000000+00:00 {STREAM}\n{json.dumps(one, indent=4)}\n\n" for one in RECORDS
    ),
    "filter-log-events": json.dumps(EVENTS),
    "filter-log-events, printed": json.dumps(EVENTS, indent=4),
    "get-query-results": json.dumps(ROWS),
    "get-query-results, printed": json.dumps(ROWS, indent=4),
    "console JSON": json.dumps([{"@timestamp": one["timestamp"], "@message": one} for one in RECORDS]),
    "console JSON, text": json.dumps([{"@timestamp": "x", "@message": text} for text in TEXTS]),
    "console CSV of Insights": table(("@timestamp", "@message"), *(("x", text) for text in TEXTS)),
    "console CSV of events": table(("timestamp", "message"), *((1, text) for text in TEXTS)),
    "Firehose, nothing between": "".join(envelope([text]) for text in TEXTS),
    "Firehose, lines": "\n".join([envelope(["CWL CONTROL MESSAGE: Checking health"], "CONTROL_MESSAGE"),
                                  envelope(TEXTS)]),
    "Athena CSV": table(("timestamp", "modelid", "requestid", "operation", "input", "output"), *map(athena, RECORDS)),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_the_same_records_however_they_were_saved(tmp_path, kind):
    """13,860 tokens of prompt; two blocks a request of which the first recurs; every text to its last sign."""
    path = tmp_path / "saved.json"
    path.write_text(FILES[kind], encoding="utf-8")
    reading = read_trace(str(path))
    assert (len(reading.trace), reading.damages.count) == (3, 0)
    assert int(reading.trace.requests.tokens_in.sum()) == 3 * 4620
    assert reading.trace.requests.observed_read.tolist() == [0, 4600, 4600]
    assert reading.trace.requests.tokens_out.tolist() == [7] * 3
    prefixes = reading.trace.blocks.prefix.tolist()
    assert len(prefixes) == 6
    assert prefixes[0] == prefixes[2] == prefixes[4]
    assert reading.trace.points.after.tolist() == [1, 1, 1]
    damages = Damages()
    found = list(reader_of(str(path)).invocations(str(path), damages))
    assert [one.body for one in found] == [one["input"]["inputBodyJson"] for one in RECORDS]
    assert damages.count == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("kind", ["lines", "filter-log-events, printed"])
def test_what_powershell_writes(tmp_path, encoding, kind):
    """A byte order mark, or two bytes a character with and without one."""
    (tmp_path / "saved.json").write_bytes(FILES[kind].replace("\n", "\r\n").encode(encoding))
    reading = read_trace(str(tmp_path))
    assert (len(reading.trace), reading.damages.count) == (3, 0)
    assert int(reading.trace.requests.tokens_in.sum()) == 3 * 4620


def test_what_cmd_exe_writes_is_read_and_said(tmp_path, capsys):
    """Windows-1252 instead of UTF-8: the text is right, and how it was read is said."""
    events = {"events": [{"message": json.dumps(one, ensure_ascii=False)} for one in RECORDS]}
    path = tmp_path / "saved.json"
    path.write_bytes(json.dumps(events, ensure_ascii=False).encode("cp1252"))
    damages = Damages()
    found = list(reader_of(str(path)).invocations(str(path), damages))
    assert [one.body for one in found] == [one["input"]["inputBodyJson"] for one in RECORDS]
    assert (damages.count, damages.respelled) == (0, 3)
    assert main(["replay", str(path), "--on", "2026-09-01", "--policy", "none", "--json"]) == 0
    assert "3 records are not UTF-8" in capsys.readouterr().err


def test_a_packed_envelope_in_a_packed_file(tmp_path):
    """A subscription packs what it sends, and Firehose packs the file once more."""
    inner = b"".join(gzip.compress(envelope([text]).encode()) for text in TEXTS)
    (tmp_path / "stream-1-2026-09-01-10-00-00-abc").write_bytes(gzip.compress(inner))
    assert len(read_trace(str(tmp_path)).trace) == 3


def test_columns_of_counts_only(tmp_path):
    """A query that asked for members, not for @message: counted, without bodies."""
    names = ("timestamp", "modelId", "input.inputTokenCount", "input.cacheReadInputTokenCount",
             "output.outputTokenCount")  # fmt: skip
    values = [(one["timestamp"], one["modelId"], "20", "4600", "7") for one in RECORDS]
    rows = [[{"field": name, "value": cell} for name, cell in zip(names, row, strict=True)] for row in values]
    (tmp_path / "saved.json").write_text(json.dumps({"results": rows, "status": "Complete"}))
    requests = read_trace(str(tmp_path)).trace.requests
    assert (requests.tokens_in.tolist(), requests.tokens_out.tolist()) == ([4620] * 3, [7] * 3)


def test_explain_reads_what_cloudwatch_printed(tmp_path, capsys):
    """A clock in the system prompt, found in the reply of a query of Logs Insights."""
    clocked = []
    for number, one in enumerate(RECORDS):
        body = {**one["input"]["inputBodyJson"], "system": [{"text": f"It is 10:0{number}. {RULES}"},
                                                             {"cachePoint": {"type": "default"}}]}  # fmt: skip
        counts = {"inputTokenCount": 20, "cacheWriteInputTokenCount": 4600}
        clocked.append({**one, "input": {"inputBodyJson": body, **counts}})
    rows = [[{"field": "@message", "value": json.dumps(one)}] for one in clocked]
    (tmp_path / "saved.json").write_text(json.dumps({"results": rows}, indent=4))
    assert main(["explain", str(tmp_path / "saved.json"), "--json"]) == 0
    assert [cause["rule"] for cause in json.loads(capsys.readouterr().out)["causes"]] == ["RB003"]


def test_explain_says_which_formats_hold_no_text(tmp_path, capsys):
    """Block ids cannot be explained: which command reads them is said."""
    (tmp_path / "m.jsonl").write_text('{"timestamp": 1, "input_length": 9, "output_length": 1, "hash_ids": [1]}\n')
    assert main(["explain", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "the format mooncake holds no text" in said
    assert "rockbottom replay" in said


def test_two_logs_are_not_taken_for_two_requests(tmp_path, capsys):
    """A.json and B.json hold one request each; files with more are read as logs."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(FILES["lines"].replace('"r', f'"{name}'))
    assert main(["explain", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["requests"] == 6
