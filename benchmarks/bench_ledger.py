"""The ledger of calls: what recording costs a call, whether four processes lose any, and how fast it is asked.

    python benchmarks/bench_ledger.py [--rows 200000] [--folder FOLDER] [--json FILE]

``--rows 10000000`` makes the ledger that a page must stay responsive over: some 4.5 GB of lines.
"""

import argparse
import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

import msgspec

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "src")]

from rockbottom.catalog import load_catalog  # noqa: E402
from rockbottom.client.books import Books  # noqa: E402
from rockbottom.client.calls import Call  # noqa: E402
from rockbottom.client.recording import Recorder  # noqa: E402
from rockbottom.client.whereabouts import Whereabouts  # noqa: E402
from rockbottom.dialects import RequestReader  # noqa: E402
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter  # noqa: E402
from rockbottom.quantities import Usage  # noqa: E402
from rockbottom.tables import LedgerTables  # noqa: E402

_MODEL = "us.anthropic.claude-sonnet-4-6"
_START = 1_780_000_000
_DAYS = 30
_PAUSE = _DAYS * 86_400 / 10_000_000  # ten million calls are 30 days of them; fewer are the latest hours
_BLOCKS = 60
_NOTES = """\
Recording is measured from the moment a call's usage is known to the moment its record is in the file (in the page cache
of the system: nothing is forced to the disk), the price looked up once before as the client does for its own books. The
conversation has 60 blocks of messages and grows by two with each call. Peers in the same run: the bare os.write of the
same line; json.dumps and a logging.FileHandler; and one INSERT a call into SQLite (WAL, synchronous off: the fastest it
has). Four processes write at 2,500 calls a second each, then as fast as they can; every record is read back and
counted. Page queries are those of a live page: totals and series of the last hour, day and 30 days, the split by model
and by tag, the worst families, the latest misses; the median of five runs each.
"""

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000, help="calls in the ledger that is asked")
    parser.add_argument("--calls", type=int, default=4000, help="calls recorded in each way")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long four processes write")
    parser.add_argument("--folder", type=Path, help="where to make the ledger; a temporary folder by default")
    parser.add_argument("--json", type=Path, dest="as_json", help="write the figures to a file")
    parser.add_argument("--writer", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.writer:
        return _write(*given.writer)
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        folder = Path(made)
        found = {
            "load": os.getloadavg()[0],
            "recording": recording(folder, given.calls),
            "processes": [processes(folder / "paced", 2500.0, given.seconds), processes(folder / "full", 0.0, 1.0)],
            "asking": asking(folder / "asked", given.rows),
        }
    found["load_after"] = os.getloadavg()[0]
    _print(found)
    if given.as_json:
        given.as_json.write_text(json.dumps(found, indent=2))
    return None


# What recording costs -----------------------------------------------------------------------------------------------


def recording(folder: Path, calls: int = 4000) -> list[Row]:
    """Microseconds a call, for each way of keeping it."""
    rows: list[Row] = []
    for name, key in (("ledger", None), ("ledger with prefix hashes", b"k" * 32)):
        writer = LedgerWriter(folder / name)
        rows.append(_timed(f"{name}: record and write", _client_steps(writer, key, calls)))
        size = sum(path.stat().st_size for path in (folder / name).iterdir()) / calls
        rows[-1]["bytes"] = round(size)
    line = (folder / "ledger" / "calls-000001.ndjson").read_bytes().split(b"\n")[0] + b"\n"
    call = msgspec.json.decode(line, type=CallRecord)
    writer = LedgerWriter(folder / "ready")
    rows.append(_timed("ledger: write a ready record", (lambda: writer.record(call) for _ in range(calls))))
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    rows.append(_timed("bare os.write of the line", (lambda: os.write(file, line) for _ in range(calls))))
    rows.append(_timed("json.dumps and logging", _logging_steps(folder / "log", call, calls)))
    rows.append(_timed("SQLite, one INSERT a call", _sqlite_steps(folder / "peer.sqlite", call, calls)))
    return rows


def _client_steps(writer: LedgerWriter, key: bytes | None, calls: int) -> Iterator[Callable[[], None]]:
    catalog = load_catalog()
    reader, books = RequestReader(catalog), Books(catalog)
    recorder = Recorder([writer], {"app": "bench"}, key, print)
    where = Whereabouts("us-east-1", "aws")
    for turn in range(calls):
        request = _conversation(turn % 40)
        reading = reader.read(request)
        usage = Usage(input=120, output=350, cache_read=18_000, cache_write_5m=400)
        call = Call(float(turn), request, request, reading, operation="ConverseStream", whereabouts=where, left=1.0)
        call.tags, call.first, call.request_id = {"tenant": "acme", "feature": "chat"}, 1.4, f"request-{turn:028}"
        costs = books.costs(reading.model, reading.tier, usage, date_of(turn), where.region)
        _ = reading.hashes  # made when they are first asked for, of an attached call by its planner
        yield lambda: recorder.record(call, usage, costs, 1024, 3.0, False)  # noqa: B023


def date_of(_: int) -> Any:
    from datetime import date

    return date(2026, 6, 1)


def _conversation(turn: int) -> Row:
    messages = [
        {"role": ("user", "assistant")[n % 2], "content": [{"text": f"message {n} with some words of its own"}]}
        for n in range(_BLOCKS + 2 * turn + 1)
    ]
    messages[-1]["content"].append({"cachePoint": {"type": "default"}})
    return {"modelId": _MODEL, "system": [{"text": "You are a careful assistant. " * 400}], "messages": messages}


def _logging_steps(path: Path, call: CallRecord, calls: int) -> Iterator[Callable[[], None]]:
    import logging

    logger = logging.Logger("peer")
    logger.addHandler(logging.FileHandler(path))
    made = msgspec.to_builtins(call)
    return (lambda: logger.info(json.dumps(made)) for _ in range(calls))


def _sqlite_steps(path: Path, call: CallRecord, calls: int) -> Iterator[Callable[[], None]]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    row = [value for value in msgspec.to_builtins(call).values() if not isinstance(value, dict | list)]
    connection.execute(f"CREATE TABLE calls ({', '.join(f'c{n}' for n in range(len(row)))})")
    insert = f"INSERT INTO calls VALUES ({', '.join('?' * len(row))})"
    return (lambda: connection.execute(insert, row) for _ in range(calls))


def _timed(name: str, steps: Iterator[Callable[[], Any]]) -> Row:
    times: list[float] = []
    for step in steps:
        begun = perf_counter()
        step()
        times.append((perf_counter() - begun) * 1e6)
    times.sort()
    return {
        "what": name,
        "median_us": round(statistics.median(times), 1),
        "p99_us": round(times[int(len(times) * 0.99)], 1),
        "most_us": round(times[-1], 1),
    }


# Four processes -----------------------------------------------------------------------------------------------------


def processes(folder: Path, per_second: float, seconds: float, count: int = 4) -> Row:
    """Calls a second from several processes, and how many of them are in the ledger."""
    begun = perf_counter()
    writers = [
        subprocess.Popen(
            [sys.executable, __file__, "--writer", str(folder), str(n), str(per_second), str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(count)
    ]
    told = [json.loads(one.communicate()[0]) for one in writers]
    wall = perf_counter() - begun
    found: Counter[tuple[str, int]] = Counter()
    reader = LedgerReader(folder)
    for call in reader.calls():
        found[call.tags["writer"], call.input] += 1
    expected = {(str(n), number) for n, one in enumerate(told) for number in range(one["calls"])}
    return {
        "asked_per_second": per_second * count or None,
        "calls": sum(one["calls"] for one in told),
        "per_second": round(sum(one["calls"] / one["seconds"] for one in told)),
        "cpu_us": round(sum(one["cpu"] for one in told) / sum(one["calls"] for one in told) * 1e6, 1),
        "lost": len(expected - set(found)),
        "doubled": sum(times - 1 for times in found.values()),
        "damaged": reader.damaged_count,
        "wall_s": round(wall, 1),
    }


def _write(folder: str, name: str, per_second: str, seconds: str) -> None:
    rate, until = float(per_second), float(seconds)
    writer = LedgerWriter(folder)
    sleep(0.3)  # all are there before the first begins
    begun, cpu, number = perf_counter(), os.times(), 0
    while (now := perf_counter() - begun) < until:
        if rate and number > now * rate:
            sleep(max(0.0, number / rate - now))
            continue
        writer.record(
            CallRecord(
                float(number), _MODEL, "Converse", "us", "us-east-1", "default", number, 300, 18_000,
                cost_usd="0.0123456789", uncached_usd="0.0623456789", family="ab12cd", family_tokens=8000,
                tags={"writer": name, "tenant": "acme"}, elapsed_ms=900.0, request_id=f"{name}-{number}",
                source="client",
            )
        )  # fmt: skip
        number += 1
    spent = os.times()
    used = spent.user - cpu.user + spent.system - cpu.system
    print(json.dumps({"calls": number, "seconds": perf_counter() - begun, "cpu": used, "dropped": writer.dropped}))


# Asking -------------------------------------------------------------------------------------------------------------


def asking(folder: Path, rows: int) -> Row:
    """How long the index takes to catch up, and then to answer what a page asks."""
    begun = perf_counter()
    size = _generate(folder, rows)
    generated = perf_counter() - begun
    begun = perf_counter()
    cpu = process_time()
    with LedgerTables(folder, clock=lambda: _START + rows * _PAUSE) as tables:
        taken = tables.catch_up()
        wall, used = perf_counter() - begun, process_time() - cpu
        begun = perf_counter()
        again = tables.catch_up()
        idle = perf_counter() - begun
        assert (taken, again) == (rows, 0), (taken, again)
        _append(folder, rows, 100)
        begun = perf_counter()
        assert tables.catch_up() == 100
        fresh = perf_counter() - begun
    begun = perf_counter()
    with LedgerTables(folder, clock=lambda: _START + rows * _PAUSE) as tables:
        tables.catch_up()
        opened = perf_counter() - begun
        [kinds] = tables.rows("SELECT count(*) AS hours FROM hours")
        begun = perf_counter()
        tables.rows("SELECT count(*) FROM calls")
        rows_s = perf_counter() - begun
        queries = _queries(tables, _START + rows * _PAUSE)
    return {
        "rows": rows,
        "lines_mb": round(size / 1e6),
        "sums_mb": round(sum(path.stat().st_size for path in folder.glob("tables/*.sums*")) / 1e6, 1),
        "rows_mb": round(sum(path.stat().st_size for path in folder.glob("tables/*.rows*")) / 1e6, 1),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "hour_rows": kinds["hours"],
        "generated_s": round(generated, 1),
        "caught_up_s": round(wall, 1),
        "caught_up_cpu_us": round(used / rows * 1e6, 1),
        "rows_per_second": round(rows / wall),
        "opened_ms": round(opened * 1000, 1),
        "calls_as_rows_s": round(rows_s, 1),
        "nothing_new_ms": round(idle * 1000, 1),
        "hundred_new_ms": round(fresh * 1000, 1),
        "peer_rows_per_second": _peer_rate(folder, min(rows, 100_000)),
        "queries": queries,
    }


def _peer_rate(folder: Path, rows: int) -> int:
    """json.loads and one executemany of the same lines: what any program would do."""
    with (folder / "calls-000001.ndjson").open("rb") as file:
        lines = [line for _, line in zip(range(rows), file, strict=False)]
    connection = sqlite3.connect(folder / "peer.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    names = ("at", "model", "operation", "region", "input", "output", "cache_read", "cost_usd", "family", "request_id")
    connection.execute(f"CREATE TABLE calls ({', '.join(names)}, tags)")
    begun = perf_counter()
    made = (json.loads(line) for line in lines)
    values = ([*(one.get(name) for name in names), json.dumps(one.get("tags"))] for one in made)
    connection.executemany(f"INSERT INTO calls VALUES ({', '.join('?' * 11)})", values)
    connection.commit()
    return round(len(lines) / (perf_counter() - begun))


def _generate(folder: Path, rows: int) -> int:
    folder.mkdir(parents=True)
    chance, encode = random.Random(6), msgspec.json.Encoder().encode
    number, size, total, file = 0, 0, 0, None
    for start in range(0, rows, 10_000):
        if file is None or size > 16 << 20:
            number, size = number + 1, 0
            file = (folder / f"calls-{number:06}.ndjson").open("wb")
        lines = [encode(_made(chance, _START + n * _PAUSE, n)) for n in range(start, min(start + 10_000, rows))]
        data = b"\n".join(lines) + b"\n"
        file.write(data)
        file.flush()
        size, total = size + len(data), total + len(data)
    return total


def _append(folder: Path, begin: int, rows: int) -> None:
    chance, writer = random.Random(7), LedgerWriter(folder, max_bytes=1 << 40)
    for n in range(rows):
        writer.record(_made(chance, _START + (begin + n) * _PAUSE, begin + n))


def _made(chance: random.Random, at: float, number: int) -> CallRecord:
    """A call of one of 8 tenants, 3 features and 2 models, in one of 40 families; one in 25 misses."""
    draw = chance.getrandbits(30)
    model = ("anthropic.claude-sonnet-4-6", "amazon.nova-pro-v1:0")[draw & 1]
    miss = draw % 25 == 0
    prompt = 4000 + draw % 30_000
    return CallRecord(
        at, model, "Converse", "us", "us-east-1", "default", 150, 200 + draw % 400,
        0 if miss else prompt, prompt if miss else 200,
        cost_usd=f"0.0{draw % 100_000:05}125", uncached_usd=f"0.1{draw % 100_000:05}375",
        family=f"{(draw >> 3) % 40:06x}", family_tokens=4000 + (draw >> 3) % 40, points=2, minimum=1024,
        cacheable=prompt, tags={"feature": f"feature-{(draw >> 9) % 3}", "tenant": f"tenant-{(draw >> 5) % 8}"},
        first_ms=400.0 + draw % 900, elapsed_ms=2000.0 + draw % 5000, request_id=f"{number:032x}", source="client",
        endpoint="aws", cause="RB003" if miss else "",
    )  # fmt: skip


_TOTALS = (
    "sum(calls), sum(input), sum(cache_read), sum(cache_write_5m + cache_write_30m + cache_write_1h), "
    "sum(output), usd_sum(cost_picousd), usd_sum(uncached_picousd)"
)
_QUERIES = {
    "totals of the last hour": (f"SELECT {_TOTALS} FROM minutes WHERE minute >= $1", 3600),
    "series of the last hour by minute": (
        f"SELECT minute, {_TOTALS} FROM minutes WHERE minute >= $1 GROUP BY minute", 3600,
    ),
    "series of the last day by minute": (
        f"SELECT minute, {_TOTALS} FROM minutes WHERE minute >= $1 GROUP BY minute", 86_400,
    ),
    "totals of 30 days": (f"SELECT {_TOTALS} FROM hours WHERE hour >= $1", _DAYS * 86_400),
    "series of 30 days by hour and model": (
        f"SELECT hour, model, {_TOTALS} FROM hours WHERE hour >= $1 GROUP BY hour, model", _DAYS * 86_400,
    ),
    "30 days by tenant": (
        f"SELECT tags ->> 'tenant' AS tenant, {_TOTALS} FROM hours WHERE hour >= $1 GROUP BY tenant",
        _DAYS * 86_400,
    ),
    "worst families of 30 days": (
        "SELECT family, sum(cache_write_5m) AS w, sum(calls) FROM families WHERE hour >= $1 GROUP BY family "
        "ORDER BY w DESC LIMIT 20", _DAYS * 86_400,
    ),
    "latest 50 misses": (
        "SELECT time, model, family, cause, cost_usd FROM calls WHERE \"at\" >= $1 AND cache_read = 0 AND points > 0 "
        "ORDER BY time DESC LIMIT 50", _DAYS * 86_400,
    ),
}  # fmt: skip


def _queries(tables: LedgerTables, now: float) -> list[Row]:
    rows: list[Row] = []
    for name, (sql, window) in _QUERIES.items():
        times: list[float] = []
        for _ in range(5):
            begun = perf_counter()
            found = tables.rows(sql, [now - window])
            times.append((perf_counter() - begun) * 1000)
        rows.append(
            {
                "what": name,
                "rows": len(found),
                "median_ms": round(statistics.median(times), 1),
                "most_ms": round(max(times), 1),
            }
        )
    return rows


def _print(found: Row) -> None:
    print(_NOTES)
    print(f"load average {found['load']:.2f} before, {found['load_after']:.2f} after, {os.cpu_count()} processors\n")
    print(f"{'a call':<44}{'median us':>10}{'p99 us':>10}{'most us':>10}")
    for row in found["recording"]:
        tail = f"  {row['bytes']:,} bytes a call" if "bytes" in row else ""
        print(f"{row['what']:<44}{row['median_us']:>10}{row['p99_us']:>10}{row['most_us']:>10}{tail}")
    print()
    for row in found["processes"]:
        asked = f"{row['asked_per_second']:,.0f} calls/s asked" if row["asked_per_second"] else "as fast as they can"
        print(
            f"4 processes, {asked}: {row['per_second']:,} calls/s, {row['calls']:,} calls, lost {row['lost']}, "
            f"doubled {row['doubled']}, damaged {row['damaged']}, {row['cpu_us']} us of processor a call"
        )
    asked = found["asking"]
    print(
        f"\ntables: {asked['rows']:,} calls ({asked['lines_mb']:,} MB of lines) caught up in {asked['caught_up_s']} s, "
        f"{asked['caught_up_cpu_us']} us of processor each, {asked['rows_per_second']:,} a second (peer, into SQLite, "
        f"fewer columns and no sums: {asked['peer_rows_per_second']:,}); sums {asked['sums_mb']:,} MB, "
        f"{asked['hour_rows']:,} hour rows; opened again in {asked['opened_ms']} ms; calls as rows, "
        f"{asked['rows_mb']:,} MB, made in {asked['calls_as_rows_s']} s; {asked['memory_mb']:,} MB of memory at most\n"
        f"100 new calls taken in: {asked['hundred_new_ms']} ms; nothing new: {asked['nothing_new_ms']} ms\n"
    )
    print(f"{'a page asks':<44}{'median ms':>10}{'most ms':>10}{'rows':>10}")
    for row in asked["queries"]:
        print(f"{row['what']:<44}{row['median_ms']:>10}{row['most_ms']:>10}{row['rows']:>10}")


if __name__ == "__main__":
    main()
