"""What no record should hold, and files that are not whole: counted, located, skipped or read; the rest goes on."""

import gzip
import json
import resource
import time

import pytest

from rockbottom.cli import main
from rockbottom.trace import Damages, read_trace, reader_of, splitting

BODY = {"messages": [{"role": "user", "content": [{"text": "What waits?"}]}]}


def record(number: int, **counts) -> dict:
    """A Converse call with 20 tokens of input, if not told otherwise."""
    return {
        "schemaType": "ModelInvocationLog", "timestamp": f"2026-09-01T10:00:{number:02d}Z", "requestId": f"r{number}",
        "operation": "Converse", "modelId": "us.anthropic.claude-sonnet-4-6", "region": "us-east-1",
        "input": {"inputBodyJson": BODY, "inputTokenCount": 20, **counts}, "output": {"outputTokenCount": 7},
    }  # fmt: skip


def line(number: int, **counts) -> bytes:
    return json.dumps(record(number, **counts)).encode()


DEEP = line(1).replace(b'"What waits?"', b"[" * 2_000 + b"]" * 2_000)
ODD = {
    "nested 2,000 deep": (DEEP, "nested too deep"),
    "a count above 31 bits": (line(1, inputTokenCount=3_000_000_000), "2147483647"),
    "counts whose sum is above 31 bits": (
        line(1, cacheReadInputTokenCount=2_000_000_000, cacheWriteInputTokenCount=2_000_000_000), "4,000,000,020"),
    "a negative count": (line(1, inputTokenCount=-5), ">= 0"),
    "half a token": (line(1, inputTokenCount=20.5), "float"),
    "a line cut off": (line(1)[:200], "truncated"),
    "no object": (b"Permissions Check Successful.", "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_one_odd_record_among_good_ones(tmp_path, kind):
    """Counted once, with its line, and the records around it are read."""
    odd, why = ODD[kind]
    (tmp_path / "log.json").write_bytes(b"\n".join([line(0), odd, line(2)]))
    reading = read_trace(str(tmp_path))
    assert reading.trace.requests.tokens_in.tolist() == [20, 20]
    assert (reading.damages.count, reading.damages.first[0].place) == (1, f"{tmp_path / 'log.json'}:2")
    assert why in reading.damages.first[0].why
    damages = Damages()
    found = list(reader_of(str(tmp_path)).invocations(str(tmp_path / "log.json"), damages))
    assert ([one.request_id for one in found], damages.count) == (["r0", "r2"], 1)


def test_counts_in_other_spellings_are_read(tmp_path):
    """A float without a fraction and a text of digits, as some pipelines rewrite them; nothing is lost."""
    lines = [line(0, inputTokenCount=6137.0), line(1, inputTokenCount="6137"), line(2, cacheReadInputTokenCount=None)]
    (tmp_path / "log.json").write_bytes(b"\n".join(lines))
    reading = read_trace(str(tmp_path))
    assert (reading.trace.requests.tokens_in.tolist(), reading.damages.count) == ([6137, 6137, 20], 0)
    assert len(reading.trace.blocks.depth) == 3


def test_instants_with_and_without_an_offset(tmp_path):
    """12:00 at +02:00 is 10:00 UTC (1788256800), and what names no offset is in UTC."""
    stamps = ("2026-09-01T12:00:00+02:00", "2026-09-01T10:00:00", "2026-09-01T10:00:00.000Z")
    lines = [json.dumps({**record(number), "timestamp": stamp}) for number, stamp in enumerate(stamps)]
    (tmp_path / "log.json").write_text("\n".join(lines))
    assert read_trace(str(tmp_path)).trace.requests.at.tolist() == [1788256800.0] * 3
    found = reader_of(str(tmp_path)).invocations(str(tmp_path / "log.json"), Damages())
    assert [one.at for one in found] == [1788256800.0] * 3


def test_a_latin_1_byte_is_read_for_what_it_is(tmp_path):
    """One byte that is no UTF-8 in a text of a line that is: é, in columns and in the text."""
    odd = line(1).replace(b"What waits?", "Où est le café? ".encode() + b"caf\xe9")
    (tmp_path / "log.json").write_bytes(b"\n".join([line(0), odd]))
    assert len(read_trace(str(tmp_path)).trace) == 2
    found = list(reader_of(str(tmp_path)).invocations(str(tmp_path / "log.json"), Damages()))
    assert found[1].body["messages"][0]["content"][0]["text"] == "Où est le café? café"


def test_a_content_block_that_is_no_object_leaves_a_request_without_its_prompt(tmp_path):
    """As in explain: it was counted, and what repeats of it is not known."""
    odd = json.loads(line(1))
    odd["input"]["inputBodyJson"]["messages"][0]["content"] = [7]
    (tmp_path / "log.json").write_text(json.dumps(odd))
    reading = read_trace(str(tmp_path))
    assert (len(reading.trace), len(reading.trace.blocks.kind), reading.damages.count) == (1, 0, 1)


def test_one_damaged_file_among_good_ones(tmp_path):
    """Cut off, mutated, empty, no gzip at all, the first by name included: each is located, the good ones are read."""
    good = gzip.compress(b"\n".join(line(number) for number in range(3)))
    mutated = bytearray(good)
    mutated[len(good) // 2] ^= 0xFF
    files = {"0.json.gz": good[:40], "1.json.gz": bytes(mutated), "2.json.gz": good, "3.json.gz": b"",
             "4.json.gz": b"\x1f\x8bnonsense", "5.json.gz": line(9)}  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    reading = read_trace(str(tmp_path))
    assert reading.reader == "bedrock-logs"
    assert {1788256800.0 + number for number in (0, 1, 2, 9)} <= set(reading.trace.requests.at.tolist())
    located = {damage.place.rpartition("/")[2].partition(":")[0] for damage in reading.damages.first}
    assert {"0.json.gz", "1.json.gz", "4.json.gz"} <= located
    assert "2.json.gz" not in located


@pytest.mark.parametrize("head", [b"", b'{"schemaType": "'])
def test_a_line_without_end_takes_neither_memory_nor_time(tmp_path, head):
    """200 MB of one letter in 200 KB: one damage; what was read of the file before is kept."""
    packed = gzip.compress(line(0) + b"\n" + head) + gzip.compress(b"a" * (20 << 20), 1) * 10
    (tmp_path / "log.json.gz").write_bytes(packed)
    read_trace(str(tmp_path / "log.json.gz"), name="bedrock-logs")  # what is loaded and compiled does not count
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    reading = read_trace(str(tmp_path / "log.json.gz"))
    assert (len(reading.trace), reading.damages.count) == (1, 1)
    assert time.process_time() - start < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_a_value_that_is_too_long_is_passed_over(tmp_path, monkeypatch):
    """Counted and located; the next document of the file is read."""
    monkeypatch.setattr(splitting, "LONGEST_BYTES", 4_000)
    long = json.dumps(record(0), indent=1).replace("What waits?", "x" * 5_000)
    (tmp_path / "log.json").write_text(f"{long}\n{line(1).decode()}\n")
    reading = read_trace(str(tmp_path))
    assert reading.trace.requests.at.tolist() == [1788256801.0]
    assert (reading.damages.count, "of more than" in reading.damages.first[0].why) == (1, True)


def test_a_document_that_breaks_off_hides_no_record_behind_it(tmp_path):
    """A printed record without its end, then records a line."""
    broken = json.dumps(record(0), indent=1)[:150]
    (tmp_path / "log.json").write_text(f"{broken}\n{line(1).decode()}\n{line(2).decode()}\n")
    reading = read_trace(str(tmp_path))
    assert (reading.trace.requests.at.tolist(), reading.damages.count) == ([1788256801.0, 1788256802.0], 1)


OUTSIDE = ["s3://logs/AWSLogs/../../secret_input.json.gz", "s3://logs//etc/secret_input.json.gz",
           "/etc/secret_input.json.gz", "file:///etc/secret_input.json.gz", "s3://logs/"]  # fmt: skip


@pytest.mark.parametrize("where", OUTSIDE)
def test_a_body_outside_of_the_logs_own_folder_is_refused(tmp_path, where, capsys):
    """The record keeps its counts; that its body was refused is counted and said."""
    folder = tmp_path / "AWSLogs" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "secret_input.json.gz").write_bytes(gzip.compress(json.dumps(BODY).encode()))
    (folder / "secret_input.json.gz").write_bytes(gzip.compress(json.dumps(BODY).encode()))
    one = record(0)
    one["input"] = {"inputBodyS3Path": where, "inputTokenCount": 20}
    (tmp_path / "AWSLogs" / "log.json").write_text(json.dumps(one))
    reading = read_trace(str(tmp_path / "AWSLogs"))
    assert (reading.trace.requests.tokens_in.tolist(), len(reading.trace.blocks.depth)) == ([20], 0)
    assert (reading.damages.count, "own folder" in reading.damages.first[0].why) == (1, True)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path):
    """The file is there by name, and is another's."""
    (tmp_path / "secret.json").write_text(json.dumps(BODY))
    folder = tmp_path / "logs" / "data"
    folder.mkdir(parents=True)
    (folder / "r0_input.json").symlink_to(tmp_path / "secret.json")
    one = record(0)
    one["input"] = {"inputBodyS3Path": "s3://logs/p/data/r0_input.json", "inputTokenCount": 20}
    (tmp_path / "logs" / "log.json").write_text(json.dumps(one))
    reading = read_trace(str(tmp_path / "logs"))
    assert (len(reading.trace.blocks.depth), reading.damages.count) == (0, 1)


def test_what_is_wrong_is_said_by_both_commands(tmp_path, capsys):
    """Where and why, and the rest is answered."""
    (tmp_path / "log.json").write_bytes(b"\n".join([line(0), DEEP, line(2)]))
    for command in (["replay", "--on", "2026-09-01", "--policy", "none"], ["explain"]):
        assert main([command[0], str(tmp_path), *command[1:]]) == 0
        said = capsys.readouterr().err
        assert "1 damaged line skipped" in said
        assert "log.json:2: nested too deep" in said


TWO = [line(number).decode() for number in range(2)]
EVENTS = ", ".join(json.dumps({"message": line}) for line in TWO)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f'{TWO[0]}}}\n{TWO[1]}\n', 2),  # a bracket too many behind a record
        (f'{TWO[0]}1000\n{TWO[1]}\n', 2),
        (f'{TWO[0]}, "requestId": "lost"}}\n{TWO[1]}\n', 2),
        ('{"events": [' + EVENTS.replace('}, {', '}, {}, 7000, "message": "', 1) + "]}", None),
        ('{"events": [' + EVENTS.replace(', {"message"', ', k"message"', 1) + "]}", None),
        ('{"events": [' + json.dumps({"message": TWO[0]}) + ", ", 1),  # the rest of a list is gone
    ],
)  # fmt: skip
def test_what_stands_between_records_and_is_none_is_said(tmp_path, text, read):
    """A bracket that was lost takes a record with it, which no value shows: what is left between values does."""
    path = tmp_path / "log.json"
    path.write_text(text)
    reading = read_trace(str(path))
    assert reading.damages.count >= 1
    assert read is None or len(reading.trace) == read


def test_half_a_character_at_the_end_of_utf_16_is_said(tmp_path):
    """The second record is cut off inside its last character but one; the first counts."""
    path = tmp_path / "log.json"
    path.write_bytes(f"{TWO[0]}\n{{".encode("utf-16")[:-1])
    reading = read_trace(str(path))
    assert (len(reading.trace), reading.damages.count) == (1, 1)


def test_a_table_that_ends_inside_a_quoted_field_is_cut_short(tmp_path):
    """Cut off where the last record ends, before the quote that closes its cell: the record counts, and it is said."""
    rows = "".join(f',"{one.replace(chr(34), chr(34) * 2)}"\n' for one in TWO)
    path = tmp_path / "log.csv"
    path.write_text("@timestamp,@message\n" + rows[:-2])
    reading = read_trace(str(path))
    assert (len(reading.trace), reading.damages.count) == (2, 1)
