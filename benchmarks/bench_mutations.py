"""Damaged files: what every reader makes of thousands of them.

    python benchmarks/bench_mutations.py [--files 80000] [--seconds 600] [--seed 7]

Each format is written once, then damaged again and again: bits flipped, bytes cut out, doubled, put in, the end cut
off. A reader must read, say what it skipped, or refuse with a message of its own; any other exception is a fault.

So is a wrong total without a word. A Parquet file that is read must hold exactly what it held before. A text is read
a second time by the plain rules of its format (json, csv, gzip of the standard library): where these find it whole,
its requests and tokens must be those that the reader has; where they do not, the reader must have those of the good
file, or say that something is wrong. A digit that became another digit is another count, which nothing can tell.
"""

import argparse
import csv
import gzip
import io
import json
import random
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "src")]

from rockbottom.ledger import CallRecord, LedgerWriter  # noqa: E402
from rockbottom.quantities import RockbottomError  # noqa: E402
from rockbottom.trace import Damages, Reading, read_trace, reader_of, write_parquet  # noqa: E402

_MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
_START = 1_793_523_600
_REQUESTS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=80_000)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    chance, began, counts = random.Random(given.seed), perf_counter(), Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        bases = written(Path(scratch))
        for number in range(given.files):
            if perf_counter() - began > given.seconds:
                break
            name = list(bases)[number % len(bases)]
            file, data = bases[name]
            for fault in tried(name, file, damaged(data, chance)):
                counts["faults"] += 1
                print(f"{name} {number}: {fault}")
            counts["files"] += 1
            counts[name] += 1
    print(
        f"{counts['files']:,} files in {perf_counter() - began:.0f} s, {counts['faults']} faults: "
        f"{', '.join(f'{name} {counts[name]:,}' for name in bases)}"
    )
    sys.exit(counts["faults"] > 0)


def written(folder: Path) -> dict[str, tuple[Path, bytes]]:
    """A good file of each format, by its name."""
    lines = [json.dumps(record(number)) for number in range(_REQUESTS)]
    text = "\n".join(lines).encode() + b"\n"
    events = {"events": [{"timestamp": (_START + n) * 1000, "message": line} for n, line in enumerate(lines)]}
    rows = {"results": [[{"field": "@message", "value": line}] for line in lines], "status": "Complete"}
    table = "@timestamp,@message\n" + "".join(f'2026-11-01,"{line.replace(chr(34), chr(34) * 2)}"\n' for line in lines)
    good = {
        "log.json": text, "log.json.gz": gzip.compress(text), "utf16.json": text.decode().encode("utf-16"),
        "events.json": json.dumps(events).encode(), "rows.json": json.dumps(rows).encode(), "table.csv": table.encode(),
    }  # fmt: skip
    made: dict[str, tuple[Path, bytes]] = {}
    for name, data in good.items():
        made[name] = place(folder, name, data)
    writer = LedgerWriter(folder / "ledger")
    for number in range(_REQUESTS):
        writer.record(CallRecord(
            _START + number, "anthropic.claude-sonnet-4-5-20250929-v1:0", "Converse", "us", "us-east-1", "default", 100,
            50, 900, cost_usd="0.001", uncached_usd="0.003", hashes=("0123456789abcdef",), depths=(900,),
            sections=(0, 1), marks=(1,), ttls=("",), request_id=f"r{number}",
        ))  # fmt: skip
    writer.close()
    volume = next((folder / "ledger").glob("calls-*.ndjson"))
    made["ledger"] = volume, volume.read_bytes()
    trace = read_trace(str(made["log.json"][0])).trace
    parquet = folder / "parquet" / "trace.parquet"
    parquet.parent.mkdir()
    write_parquet(trace, parquet)
    made["parquet"] = parquet, parquet.read_bytes()
    return made


def place(folder: Path, name: str, data: bytes) -> tuple[Path, bytes]:
    file = folder / name.partition(".")[0] / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    return file, data


def record(number: int) -> dict[str, object]:
    """A record of an invocation log; every other one with a cachePoint."""
    point = [{"cachePoint": {"type": "default"}}] if number % 2 else []
    content = [{"text": "A document that repeats. " * 40}, *point, {"text": f"Question {number}"}]
    return {
        "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T09:{number:02}:00Z", "requestId": f"r{number}",
        "operation": "Converse", "modelId": _MODEL, "region": "us-east-1", "accountId": "123456789012",
        "requestMetadata": {"team": "search"},
        "input": {"inputBodyJson": {"messages": [{"role": "user", "content": content}]},
                  "inputTokenCount": 1000 + number, "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0},
        "output": {"outputTokenCount": 20, "outputBodyJson": {"usage": {"inputTokens": 1000 + number}}},
    }  # fmt: skip


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The data damaged one to four times."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_WAYS)(data, chance)
    return data


def _flipped(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _cut_out(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + data[at + chance.randint(1, 200) :]


def _ended(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + data[at : at + chance.randint(1, 500)] * 2 + data[at:]


def _put_in(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(_PIECES) + data[at:]


_PIECES = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"null", b"1e999", b"-1", b"[" * 3000, b"}", b'"', b"\n\n", b"\xc3(",
    b"9" * 40, b"{}\n", b'{"modelId":"x"}\n', b"1.5", b"\\ud800", b"true",
)  # fmt: skip
_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flipped, _flipped, _cut_out, _ended, _doubled, _put_in)


def tried(name: str, file: Path, data: bytes) -> list[str]:
    """What is wrong with how a damaged file was taken: nothing, as a rule."""
    file.write_bytes(data)
    faults: list[str] = []
    with redirect_stderr(io.StringIO()):
        try:
            reading = read_trace(str(file))
        except RockbottomError:
            return faults
        except Exception as error:
            return [f"read_trace: {type(error).__name__}: {error}"[:300]]
        faults += miscounted(name, data, reading)
        faults += explained(file)
    return faults


class Totals(NamedTuple):
    """Requests of a file, the tokens of their prompts, and those of their answers."""

    requests: int
    tokens_in: int
    tokens_out: int


_GOOD = Totals(_REQUESTS, sum(1000 + number for number in range(_REQUESTS)), 20 * _REQUESTS)
_GOOD_OF = {"ledger": Totals(_REQUESTS, 1000 * _REQUESTS, 50 * _REQUESTS)}


def miscounted(name: str, data: bytes, reading: Reading) -> list[str]:
    """A wrong total without a word."""
    requests = reading.trace.requests
    read = Totals(
        len(reading.trace), int(requests.tokens_in.sum(dtype="int64")), int(requests.tokens_out.sum(dtype="int64"))
    )
    good = _GOOD_OF.get(name, _GOOD)
    damages = reading.damages
    said = (
        damages.count + damages.failed + damages.simulated + damages.elsewhere + damages.repeated + damages.unfinished
    )
    counters_lack = not reading.trace.is_observed or bool((requests.tokens_out < 0).any())
    if read == good or (name != "parquet" and (said or reading.duplicates or counters_lack)):
        return []
    if name == "parquet":
        return [f"{read} of a Parquet file of {good}, without a word"]
    try:
        plain = plainly_read(name, data)
    except _NOT_WHOLE as error:
        return [f"{read} instead of {good}, without a word, of a file that is not whole: {error}"[:300]]
    return [] if plain == read else [f"{read}, without a word; the file says {plain}"]


_NOT_WHOLE = (ValueError, KeyError, TypeError, EOFError, OSError, AttributeError, zlib.error, csv.Error, RecursionError)


def plainly_read(name: str, data: bytes) -> Totals:
    """The totals by the plain rules of a format. Raises one of ``_NOT_WHOLE`` where it breaks them."""
    rows = [_counts_of(name, json.loads(line)) for line in _texts_of(name, data) if line.strip(_CLOSINGS)]
    return Totals(len(rows), sum(row[0] for row in rows), sum(row[1] for row in rows))


_CLOSINGS = " \t\r]},"
"""A line of these alone ends a printed document, and holds nothing."""


def _texts_of(name: str, data: bytes) -> Iterator[str]:
    """The records of a file as text."""
    if name == "utf16.json":
        yield from data.decode("utf-16").split("\n")
        return
    text = (gzip.decompress(data) if name == "log.json.gz" else data).decode("utf-8", "replace")
    if name == "events.json":
        yield from (event["message"] for event in json.loads(text)["events"])
    elif name == "rows.json":
        for row in json.loads(text)["results"]:
            yield from (field["value"] for field in row if field["field"] == "@message")
    elif name == "table.csv":
        yield from (row["@message"] for row in csv.DictReader(io.StringIO(text, newline=""), strict=True))
    else:
        yield from text.split("\n")


def _counts_of(name: str, row: Any) -> tuple[int, int]:
    """Tokens of a record's prompt and answer."""
    if name == "ledger":
        read = sum(_count(row.get(unit, 0)) for unit in ("input", "cache_read", *_WRITTEN))
        return read, _count(row.get("output", 0))
    given = row.get("input") or {}
    cached = (given.get("cacheReadInputTokenCount"), given.get("cacheWriteInputTokenCount"))
    fresh = given.get("inputTokenCount")
    fresh = row["output"]["outputBodyJson"]["usage"]["inputTokens"] if fresh is None else fresh
    return sum(_count(value or 0) for value in (fresh, *cached)), _count(row["output"]["outputTokenCount"])


_WRITTEN = ("cache_write_5m", "cache_write_30m", "cache_write_1h")


def _count(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value) or int(value) < 0:
        raise ValueError(f"{value!r} is no count")
    return int(value)


def explained(file: Path) -> list[str]:
    """The same file read for its text."""
    try:
        reader = reader_of(str(file))
        if reader.invocations is not None:
            for part in reader.parts(str(file)):
                sum(1 for _ in reader.invocations(part, Damages()))
    except RockbottomError:
        return []
    except Exception as error:
        return [f"invocations: {type(error).__name__}: {error}"[:300]]
    return []


if __name__ == "__main__":
    main()
