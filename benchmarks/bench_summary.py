"""Chargeback of a month: how long `rockbottom ledger summary --by team` takes over the calls of thirty teams.

    python benchmarks/bench_summary.py [--rows 3000000] [--folder FOLDER]

The first pass takes every line in and writes the sums down; the passes after it are those of other processes, each
started anew, as a person starts the command. Rows are made from a seed; a folder that holds them already is used.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "src")]

from rockbottom.ledger import CallRecord, LedgerWriter, volumes_of  # noqa: E402

_NOVEMBER = 1_793_491_200
_MONTH_S = 30 * 86_400
_MODELS = (
    "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-pro-v1:0",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        if not folder.is_dir() or not volumes_of(folder):
            write(folder, given.rows)
        size = sum(volume.path.stat().st_size for volume in volumes_of(folder))
        print(f"{given.rows:,} calls, {size / 1e6:,.0f} MB of lines")
        for name in ("first pass", "second", "third", "fourth"):
            seconds, processor_s, calls = asked(folder)
            print(f"{name:<10} {seconds:6.2f} s, processor {processor_s:6.2f} s  {calls:,} calls in the month")


def write(folder: Path, rows: int) -> None:
    """A month of calls, evenly spread; thirty teams, three models, prices of some six decimals."""
    chance = random.Random(7)
    writer = LedgerWriter(folder, max_bytes=1 << 40)
    for number in range(rows):
        read, fresh, output = chance.randint(0, 9000), chance.randint(20, 900), chance.randint(20, 600)
        cost = (read * 33 + fresh * 330 + output * 1650) / 1e8
        writer.record(CallRecord(
            _NOVEMBER + number * _MONTH_S / rows, _MODELS[number % 3], "Converse", "us", "us-east-1", "default", fresh,
            output, read, cost_usd=f"{cost:.8f}", uncached_usd=f"{cost + read * 297 / 1e8:.8f}",
            family=f"f{number % 90:02}", points=1, minimum=1024, cacheable=2000, family_tokens=3000,
            tags={"team": f"team-{number % 30:02}"}, elapsed_ms=900.0, request_id=f"r{number}", source="client",
            endpoint="aws",
        ))  # fmt: skip
    writer.close()


def asked(folder: Path) -> tuple[float, float, int]:
    """Seconds of one run of the command by the clock and of processor time, and the calls that it summed."""
    command = [sys.executable, "-m", "rockbottom", "ledger", "summary", str(folder), "--by", "team"]
    began, before = perf_counter(), os.times()
    done = subprocess.run([*command, "--month", "2026-11", "--json"], check=True, capture_output=True)
    after = os.times()
    processor_s = after.children_user + after.children_system - before.children_user - before.children_system
    return perf_counter() - began, processor_s, json.loads(done.stdout)["total"]["calls"]


if __name__ == "__main__":
    main()
