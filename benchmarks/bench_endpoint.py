"""The local endpoint under 64 connections, beside moto's server and MiniStack on the same machine in the same run.

    python benchmarks/bench_endpoint.py [--requests 5000] [--rounds 3] [--json FILE]

Server and load generator are two processes, which on a machine with two cores share them with everything else that
runs. Requests per second depend on that; the server's CPU time per request depends on it less, and is the figure to
trust where the machine is busy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

from benchmarks.endpoint.servers import NotThere, Server, ministack, moto, rockbottom  # noqa: E402

_WANTED = 1000
_PEER_SECONDS = 15
_OWN_SECONDS = 60
Row = dict[str, Any]
_NOTES = """\
Converse: a body of 37 KB, 8,000 input tokens as rockbottom estimates them: a system text with a cachePoint, six earlier
messages, and a question of 1 KB that is new in every request; one request in 50 has a new system text as well and must
write it, all others must read. rockbottom validates, counts, and answers from the prompt; input, read, write and total
of every reply are compared with those that the cache semantics give outside the endpoint. MiniStack takes the same
bodies and answers a fixed text without cache counters, so only its HTTP status is checked: it does much less. moto's
server has no bedrock-runtime. The simple calls are lists: ListFoundationModels, and on moto, which lacks it,
ListCustomModels (an empty list). moto's server closes the connection after every reply, which its clients pay for too.
Measured on as many requests as a server answers in its time, at most those asked for.
"""


class Generator:
    """The load generator's process."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program

    def run(self, server: Server, what: str, **order: Any) -> Row:
        """One round against a server."""
        order = {"port": server.port, "pid": server.pid, **order}
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        print(json.dumps(order), file=self._program.stdin, flush=True)
        line = self._program.stdout.readline()
        if not line:
            raise NotThere("the load generator stopped")
        found = json.loads(line)
        replies = max(found["replies"], 1)
        cpu = found["server_cpu"]
        return {
            "server": server.name,
            "call": what,
            "replies": found["replies"],
            "right": found["replies"] - found["wrong"],
            "first_wrong": found["first_wrong"],
            "per_second": found["replies"] / found["seconds"],
            "median_ms": found["median_ms"],
            "p99_ms": found["p99_ms"],
            "cpu_ms": cpu / replies * 1000 if cpu is not None else None,
            "load_cpu_ms": found["load_cpu_ms"],
            "rss_mib": server.memory_mib(),
        }


@contextmanager
def _generator() -> Iterator[Generator]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT / "src"), str(_ROOT)])}
    command = [sys.executable, "-m", "benchmarks.endpoint.load"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=_ROOT
    ) as program:
        try:
            yield Generator(program)
        finally:
            program.terminate()


def _own(requests: int, rounds: int) -> list[Row]:
    rows: list[Row] = []
    with rockbottom() as server, _generator() as load:
        converse: Row = {"kind": "converse", "seed": 1, "counters": True, "max_seconds": _OWN_SECONDS}
        for number in range(rounds):
            rows.append(load.run(server, "Converse", **converse, warm=number == 0, requests=requests))
            _print(rows[-1])
        simple: Row = {"kind": "simple", "path": "/foundation-models", "host": "bedrock.us-east-1.amazonaws.com"}
        rows.append(
            load.run(server, "ListFoundationModels", **simple, requests=min(requests, 2000), max_seconds=_PEER_SECONDS)
        )
        _print(rows[-1])
    return rows


def _peers(requests: int, cache: Path) -> Iterator[Row]:
    host = "bedrock.us-east-1.amazonaws.com"
    limits: Row = {"requests": min(requests, 2000), "max_seconds": _PEER_SECONDS}
    listing: Row = {"kind": "simple", "path": "/foundation-models", "host": host, **limits}
    try:
        with ministack(cache) as server, _generator() as load:
            yield load.run(server, "Converse", kind="converse", seed=1, counters=False, warm=True, **limits)
            yield load.run(server, "ListFoundationModels", **listing)
    except NotThere as error:
        print(f"MiniStack is left out: {error}")
    try:
        with moto() as server, _generator() as load:
            yield load.run(server, "ListCustomModels", kind="simple", path="/custom-models", host=host, **limits)
    except NotThere as error:
        print(f"moto is left out: {error}")


def _figure(value: float | None, places: int) -> str:
    return "?" if value is None else f"{value:,.{places}f}"


def _print(row: Row) -> None:
    print(
        f"{row['server']:10} {row['call']:20} {_figure(row['per_second'], 0):>7} {_figure(row['median_ms'], 1):>8} "
        f"{_figure(row['p99_ms'], 1):>8} {_figure(row['cpu_ms'], 2):>7} {_figure(row['rss_mib'], 0):>7} "
        f"{row['right']:>6,}/{row['replies']:,}",
        flush=True,
    )
    for wrong in row["first_wrong"]:
        print(f"  the first that was not right: {wrong}")


def _load_average() -> str:
    return ", ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "not known"


def _conclude(rows: list[Row]) -> None:
    own = [row for row in rows if row["server"] == "rockbottom" and row["call"] == "Converse"]
    best = max(own, key=lambda row: row["per_second"])
    middle = statistics.median(row["per_second"] for row in own)
    print(
        f"\nConverse: {best['per_second']:,.0f} requests a second in the best of {len(own)} rounds, {middle:,.0f} in "
        f"the median; wanted {_WANTED:,}: {'reached' if best['per_second'] >= _WANTED else 'not reached in this run'}."
    )
    if best["cpu_ms"] is not None:
        print(
            f"CPU per request: server {best['cpu_ms']:.2f} ms, which on a core of its own is "
            f"{1000 / best['cpu_ms']:,.0f} a second; load generator {best['load_cpu_ms']:.2f} ms."
        )
    for row in rows:
        if row["server"] != "rockbottom" and row["per_second"]:
            ratio = best["per_second"] / row["per_second"]
            cpu = f", {row['cpu_ms'] / best['cpu_ms']:.1f} x its CPU" if row["cpu_ms"] and best["cpu_ms"] else ""
            print(f"Our Converse beside {row['server']}'s {row['call']}: {ratio:.1f} x the requests a second{cpu}.")


def main(arguments: list[str]) -> int:
    """Measure and print; the exit code tells whether every counter was right, not how fast anything was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=_ROOT / "runs" / "peers", help="where environments are kept")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    before = _load_average()
    print(f"64 connections; load average {before}; {os.cpu_count()} cores\n\n{_NOTES}")
    print("server     call                     req/s   median     p99 ms  CPU ms RSS MiB  right/replies")
    rows = _own(options.requests, options.rounds)
    for row in _peers(options.requests, options.cache):
        rows.append(row)
        _print(row)
    _conclude(rows)
    print(f"Load average at the end: {_load_average()}.")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"load_average": before, "rows": rows}, indent=1))
    return 0 if all(row["right"] == row["replies"] for row in rows if row["server"] == "rockbottom") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
