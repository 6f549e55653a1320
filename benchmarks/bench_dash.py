"""How fast the page of ``rockbottom dash`` answers over a large ledger, while a program goes on recording.

A ledger of thirty days is generated (three models, five tenants, forty prefixes, 4 percent misses), taken in, and then
asked over HTTP for every period, each answer made anew. Beside it stands its peer: the same sums asked of the ledger in
plain SQL over a table of its calls, which is what a page without sums would have to do. ``--calls 10000000`` is the
large one (some 4.4 GB); ``--keep FOLDER`` keeps the ledger and its sums for the next time.
"""

import argparse
import http.client
import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rockbottom.catalog import load_catalog
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.ledger.places import volume_path
from rockbottom.watch import PERIODS, View
from rockbottom.watch.server import Dash

_DAYS = 30
_VOLUME = 16 << 20
_MODELS = (
    ("anthropic.claude-sonnet-4-6", "0.0041", "0.0152"),
    ("anthropic.claude-haiku-4-5-20251001-v1:0", "0.0014", "0.0050"),
    ("amazon.nova-pro-v1:0", "0.0009", "0.0021"),
)


def _calls(count: int, now: float) -> Iterator[CallRecord]:
    chance = random.Random(1)
    step = _DAYS * 86_400 / count
    for number in range(count):
        place = chance.randrange(40)
        model, cost, uncached = _MODELS[place % 3]
        miss = chance.random() < 0.04
        first = 200 + 900 * chance.random() ** 3
        yield CallRecord(
            at=round(now - _DAYS * 86_400 + number * step, 3), model=model, operation="ConverseStream", scope="us",
            region="us-east-1", tier="default", input=180, output=240, cache_read=0 if miss else 4000,
            cache_write_5m=4000 if miss else 0, cost_usd=uncached if miss else cost, uncached_usd=uncached,
            family=f"{place:06x}", family_tokens=4000, points=1, minimum=1024, cacheable=4000,
            tags={"feature": "chat" if place % 2 else "search", "tenant": f"tenant-{place % 5}"},
            first_ms=round(first, 1), elapsed_ms=round(first + 2000, 1), source="client", endpoint="aws",
        )  # fmt: skip


def _write(folder: Path, count: int, now: float) -> int:
    """The ledger as a writer would have left it; its bytes."""
    encode, lines, size, number, total = msgspec.json.Encoder().encode, list[bytes](), 0, 1, 0
    folder.mkdir(parents=True, exist_ok=True)
    for call in _calls(count, now):
        lines.append(encode(call) + b"\n")
        size += len(lines[-1])
        if size >= _VOLUME:
            volume_path(folder, number).write_bytes(b"".join(lines))
            lines, size, number, total = [], 0, number + 1, total + size
    volume_path(folder, number).write_bytes(b"".join(lines))
    return total + size


def _take_in(folder: Path) -> None:
    view = View(folder, load_catalog(), time.time, time.monotonic)
    wall, processor = time.perf_counter(), time.process_time()
    while not view.follow(5.0):
        print(f"\r  taking in: {view.share_read():.0%} ", end="", flush=True)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    calls = view.snapshot(PERIODS[-1]).ledger.calls
    view.close()
    print(f"\r  taken in: {calls:,} calls in {wall:.1f} s, {processor / max(1, calls) * 1e6:.1f} us of processor each")
    kept = sum(path.stat().st_size for path in folder.glob("tables/*"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"  sums: {kept / 1e6:.1f} MB; {memory / 1e3:,.0f} MB of memory at most")
    wall = time.perf_counter()
    view = View(folder, load_catalog(), time.time, time.monotonic)
    while not view.follow(5.0):
        pass
    view.snapshot(PERIODS[-1])
    view.close()
    print(f"  started again, to the first answer: {time.perf_counter() - wall:.2f} s")


def _answers(folder: Path, times: int) -> None:
    """Each period asked ``times`` times over HTTP, with a writer that records 100 calls a second meanwhile."""
    dash = Dash(View(folder, load_catalog(), time.time, time.monotonic), "127.0.0.1", 0)
    server = threading.Thread(target=dash.serve)
    writer = subprocess.Popen([sys.executable, __file__, "--record", str(folder)])
    server.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", dash.server_address[1])
        for period in PERIODS:
            took: list[float] = []
            for _ in range(times + 1):
                dash.answers.forget()
                began = time.perf_counter()
                connection.request("GET", f"/api/snapshot?period={period.name}")
                body = connection.getresponse().read()
                took.append((time.perf_counter() - began) * 1000)
            took.pop(0)
            calls = json.loads(body)["total"]["calls"]
            high = sorted(took)[-max(1, len(took) // 20)]
            print(f"  {period.name:>4} {calls:>12,} {statistics.median(took):>10.1f} {high:>10.1f} {max(took):>10.1f}")
        connection.close()
    finally:
        writer.terminate()
        writer.wait()
        dash.stop()
        server.join()


def _record(folder: Path) -> None:
    """The program that goes on recording, a process of its own, until it is ended."""
    writer = LedgerWriter(folder, max_bytes=1 << 40)
    (last,) = _calls(1, time.time())
    while True:
        writer.record(msgspec.structs.replace(last, at=time.time()))
        time.sleep(0.01)


def _peer(count: int, now: float) -> None:
    """The sums of thirty days by model, over a plain table of calls in memory."""
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE calls (at REAL, model TEXT, input INT, output INT, read INT, written INT, cost INT)")
    rows = (
        (call.at, call.model, call.input, call.output, call.cache_read, call.cache_write_5m, 4100)
        for call in _calls(count, now)
    )
    table.executemany("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    began = time.perf_counter()
    table.execute(
        "SELECT model, COUNT(*), SUM(input), SUM(output), SUM(read), SUM(written), SUM(cost) FROM calls "
        "WHERE at >= ? GROUP BY model",
        (now - _DAYS * 86_400,),
    ).fetchall()
    took = time.perf_counter() - began
    print(f"  peer: {count:,} rows summed by model in plain SQL in {took * 1000:,.0f} ms, for one of five tables")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.record:
        _record(asked.record)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch) / "ledger"
        now = time.time()
        print(f"rockbottom dash over {asked.calls:,} calls of thirty days, load {os.getloadavg()[0]:.1f}")
        if not any(folder.glob("calls-*.ndjson")):
            print(f"  ledger: {_write(folder, asked.calls, now) / 1e6:,.0f} MB")
        _take_in(folder)
        print("  period       calls  median ms     95% ms     max ms   (over HTTP, made anew, 100 calls/s recorded)")
        _answers(folder, asked.times)
        _peer(min(asked.calls, 1_000_000), now)


if __name__ == "__main__":
    main()
