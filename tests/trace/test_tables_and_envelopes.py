"""Logs as people have them: tables of Excel, columns of any name, envelopes of a subscription, nothing at all."""

import bz2
import csv
import gzip
import json
import lzma
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rockbottom.cli import main
from rockbottom.trace import UnreadableSource, csv_rows, read_trace, reader_of
from rockbottom.trace.tables import header_of
from tests.replay.attached import Sent, documents_with_questions, logged

REQUESTS = list(documents_with_questions(2, 3))
LINES = [logged(sent, 3_000, number) for number, sent in enumerate(REQUESTS)]


def totals(path: Path) -> tuple[int, int, int]:
    """Requests, their tokens, and damage."""
    reading = read_trace(str(path))
    assert reading.reader == "cloudwatch"
    return len(reading.trace), int(reading.trace.requests.tokens_in.sum()), reading.damages.count


def table(path: Path, names: list[str], delimiter: str, encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(names)
        writer.writerows(["2026-11-01 09:00:00", line] for line in LINES)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("column", ["@message", "line"])
def test_a_table_whatever_stands_between_columns_and_whatever_they_are_called(
    tmp_path: Path, delimiter: str, column: str
) -> None:
    """Excel saves semicolons where a comma is a decimal point; queries of Logs Insights rename columns."""
    path = table(tmp_path / "log.csv", ["@timestamp", column], delimiter, "utf-8-sig")
    assert totals(path) == (6, 18_000, 0)
    assert len(list(reader_of(str(path)).invocations(str(path), read_trace(str(path)).damages))) == 6  # type: ignore[misc]


def test_a_first_line_that_runs_into_a_record_is_no_header(tmp_path: Path) -> None:
    """The line break behind the header is lost: the first record stands in it, and that is said."""
    path = table(tmp_path / "log.csv", ["@timestamp", "@message"], ",")
    path.write_text(path.read_text().replace("@message\n", "@message", 1))
    reading = read_trace(str(path), name="cloudwatch")
    assert reading.damages.count >= 1
    # All from the middle of the header to the middle of the first record is lost.
    record = b'2026-11-01,"{""modelId"": ""us.anthropic.claude-sonnet-4-5"", ""region"": ""us-east-1""}"'
    assert header_of(b"@timestamp,body", record) is not None
    assert header_of(b'@timestamp,bo.anthropic.claude-sonnet-4-5"", ""region"": ""us-east-1""}"', record) is None


def packed(lines: list[str]) -> str:
    events = [{"id": str(number), "timestamp": 1, "message": line} for number, line in enumerate(lines)]
    whole = {"messageType": "DATA_MESSAGE", "logGroup": "/bedrock", "logEvents": events}
    return b64encode(gzip.compress(json.dumps(whole).encode())).decode()


def test_envelopes_that_a_subscription_hands_to_lambda(tmp_path: Path) -> None:
    """One of CloudWatch Logs, and records of a Kinesis stream; what cannot be unpacked is damage."""
    one, stream, torn = (tmp_path / name for name in ("one.json", "stream.json", "torn.json"))
    one.write_text(json.dumps({"awslogs": {"data": packed(LINES)}}))
    records = [{"kinesis": {"data": packed(LINES[start : start + 2])}} for start in (0, 2, 4)]
    stream.write_text(json.dumps({"Records": records}))
    torn.write_text(json.dumps({"Records": [records[0], {"kinesis": {"data": "no base64"}}]}))
    assert (totals(one), totals(stream)) == ((6, 18_000, 0), (6, 18_000, 0))
    assert totals(torn) == (2, 6_000, 1)


def test_a_source_with_nothing_in_it_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(" \n")
    with pytest.raises(UnreadableSource, match="is empty"):
        reader_of(str(tmp_path / "log.json"))


@pytest.mark.parametrize("command", ["replay", "explain"])
def test_where_every_call_failed_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    failed = [{**json.loads(line), "errorCode": "ThrottlingException"} for line in LINES]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, failed)))
    assert main([command, str(tmp_path / "log.jsonl")]) == 2
    assert "6 calls in it failed, which cost nothing" in capsys.readouterr().err


def test_explain_sets_requests_without_a_price_apart_and_prices_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of eight went to a Region for which no price of the model is known; six at 3,000 tokens are 18,000."""
    elsewhere = [{**json.loads(line), "requestId": f"x{n}", "modelId": "amazon.nova-pro-v1:0", "region": "mars-north-1"}
                 for n, line in enumerate(LINES[:2])]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("\n".join([*LINES, *map(json.dumps, elsewhere)]))
    assert main(["explain", str(tmp_path / "log.jsonl"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["requests"], told["input_tokens"]) == (6, 18_000)
    assert [(one["model"], one["requests"]) for one in told["set_apart"]] == [("amazon.nova-pro-v1:0", 2)]
    assert told["paid_usd"] == "0.0594"  # at 3.30 a million
    assert main(["explain", str(tmp_path / "log.jsonl"), "--strict"]) == 2


def test_writes_that_cost_nothing_are_said_to_be_contested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nova's cache writes are at 0 in the price list; other sources have 1.25 times the input, or the input."""
    body = {
        "system": [{"text": "Be polite in every way. " * 400}],
        "messages": [{"role": "user", "content": [{"text": "a"}]}],
    }
    lines = [logged(Sent(1_793_523_600 + 3_600 * n, body, "amazon.nova-pro-v1:0"), 2_400, n) for n in range(4)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    assert main(["replay", str(tmp_path / "log.jsonl"), "--on", "2026-11-01", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["assumptions"]
    assert "cache writes of Nova Pro cost nothing by the price list; other sources contest that" in said
    assert main(["advise", str(tmp_path / "log.jsonl"), "--on", "2026-11-01"]) == 0
    assert "cache writes of Nova Pro cost nothing" in " ".join(capsys.readouterr().out.split())


def test_litter_in_a_folder_and_one_file_cut_short_leave_the_rest(tmp_path: Path) -> None:
    """Markers of other programs are no traffic; of a gzip file that breaks off at its end what was read counts."""
    for number in range(3):
        data = gzip.compress("\n".join(LINES[2 * number : 2 * number + 2]).encode())
        (tmp_path / f"{number}.json.gz").write_bytes(data if number != 1 else data[:-6])
    (tmp_path / ".DS_Store").write_bytes(b"\0\1\2")
    (tmp_path / "_SUCCESS").write_text("")
    reading = read_trace(str(tmp_path))
    assert len(reading.trace) >= 4
    assert [Path(damage.place.partition(":")[0]).name for damage in reading.damages.first] == ["1.json.gz"]


def small(record: dict[str, Any], levels: int) -> dict[str, Any]:
    """The record as Athena and Glue hand it on: names in small letters, those of ``input`` and ``output`` too."""
    return {
        name.lower(): small(value, levels - 1) if levels and isinstance(value, dict) else value
        for name, value in record.items()
    }


def test_a_record_whose_names_a_table_made_small_keeps_its_counters_and_its_text(tmp_path: Path) -> None:
    """``UNLOAD ... WITH (format = 'JSON')`` writes objects; they were read as requests of a few tokens without text."""
    log = tmp_path / "unload.json"
    log.write_text("".join(json.dumps(small(json.loads(line), 1)) + "\n" for line in LINES))
    reading = read_trace(str(log))
    whole = read_trace(str(written(tmp_path / "log.json", "".join(line + "\n" for line in LINES).encode())))
    assert (len(reading.trace), int(reading.trace.requests.tokens_in.sum())) == (6, 18_000)
    assert len(reading.trace.blocks.depth) == len(whole.trace.blocks.depth) > 6


def test_a_body_that_a_pipeline_wrote_as_text_is_read(tmp_path: Path) -> None:
    records = [json.loads(line) for line in LINES]
    for record in records:
        record["input"]["inputBodyJson"] = json.dumps(record["input"]["inputBodyJson"])
    log = written(tmp_path / "log.json", "".join(json.dumps(record) + "\n" for record in records).encode())
    reading = read_trace(str(log))
    assert (len(reading.trace), int(reading.trace.requests.tokens_in.sum())) == (6, 18_000)
    assert len(reading.trace.blocks.depth) > 6
    assert len(list(reader_of(str(log)).invocations(str(log), reading.damages))) == 6  # type: ignore[misc]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, gzip.compress], ids=["bzip2", "xz", "gzip"])
def test_a_packed_log_is_unpacked(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    log = written(tmp_path / "log.json.packed", pack("".join(line + "\n" for line in LINES).encode()))
    reading = read_trace(str(log))
    assert (len(reading.trace), int(reading.trace.requests.tokens_in.sum()), reading.damages.count) == (6, 18_000, 0)


@pytest.mark.parametrize(
    ("head", "packing"), [(b"\x28\xb5\x2f\xfd", "with zstd"), (b"PK\x03\x04", "in a zip archive")], ids=["zstd", "zip"]
)
def test_a_log_packed_in_a_way_that_is_not_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], head: bytes, packing: str
) -> None:
    log = written(tmp_path / "log.json.packed", head + bytes(200))
    assert main(["replay", str(log)]) == 2
    assert f"is packed {packing}, which is not read" in capsys.readouterr().err


def test_the_limit_of_csv_of_the_process_stays_as_it_was() -> None:
    """Reading fields of more than 131,072 characters, Python's own limit, between two rows too."""
    longest = csv.field_size_limit()
    rows = csv_rows(["a," + "x" * 200_000 + "\n", "b,c\n"], 1_000_000)
    assert len(next(rows)[1]) == 200_000
    assert csv.field_size_limit() == longest
    assert list(rows) == [["b", "c"]]
    assert csv.field_size_limit() == longest
