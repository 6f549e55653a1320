"""Replicas in processes of their own that share through a real server: what they pay together.

    python -m benchmarks.placement.members miniswe --replicas 1,4,16

Needs ``redis-server`` or ``valkey-server``, which it starts on loopback and ends. Planners go by the clock of the set,
the threads that share by the wall's: a request leaves each ``--gap`` seconds, in which sightings arrive.
``replicas.py`` plays the same by one clock, for sets that would take hours here.
"""

import argparse
import multiprocessing
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.placement.billing import Engine
from benchmarks.placement.blocks import MODEL, BlockLane, BlockRequest, Multiples
from benchmarks.placement.lines import traffic
from benchmarks.placement.online import OnlineBlocks
from benchmarks.placement.workloads import PROFILES

from rockbottom.plan import Planner
from rockbottom.process import lock_of
from rockbottom.sharing import address_of, member_of

_SETTLED_S = 3.0  # a store that has just begun grants nothing for two


class _Asked:
    """The lane of the parent, as a replica sees it: its placements go there, and the usage comes back."""

    def __init__(self, pipe: Connection, lane: BlockLane) -> None:
        self.bill, self._pipe = lane.bill, pipe

    def send(self, request: BlockRequest, points: Any) -> Any:
        self._pipe.send(points)
        return self._pipe.recv()


def _replica(pipe: Connection, url: str, requests: Sequence[BlockRequest], engine: Engine, lane: BlockLane) -> None:
    address = address_of(url, {})
    planner = Planner(secret=address.secret)
    member = member_of(address, "bench", planner, print, clock=lambda: float("inf"))  # planners go by that of the set
    online: Any = OnlineBlocks(engine, lane, planner=planner)
    online.lane = _Asked(pipe, lane)
    while not member.connected:
        time.sleep(0.05)
    time.sleep(_SETTLED_S)
    pipe.send(None)
    while (number := pipe.recv()) is not None:
        with lock_of(planner):
            online.send(requests[number])
        pipe.send(None)
    member.close()


@contextmanager
def _server() -> Generator[str]:
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise SystemExit("needs valkey-server or redis-server: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield f"redis://127.0.0.1:{port}/0?name=bench&key=of-all-replicas"
    finally:
        server.terminate()
        server.wait()


def run(name: str, count: int, gap_s: float, seed: int = 1) -> float:
    """Input cost relative to no caching of a set through so many replicas, each request at one by chance."""
    engine = Engine(PROFILES)
    lane = BlockLane(Multiples.of(engine, MODEL))
    requests = [request for _, request in traffic(name, seed)]
    fork, rng = multiprocessing.get_context("fork"), random.Random(seed)
    with _server() as url:
        pipes: list[Any] = []
        replicas: list[Any] = []
        for _ in range(count):
            mine, its = fork.Pipe()
            replicas.append(fork.Process(target=_replica, args=(its, url, requests, engine, lane), daemon=True))
            replicas[-1].start()
            pipes.append(mine)
        for pipe in pipes:
            pipe.recv()
        for number, request in enumerate(requests):
            pipe = rng.choice(pipes)
            pipe.send(number)
            while (points := pipe.recv()) is not None:
                pipe.send(lane.send(request, points))
            time.sleep(gap_s)
        for pipe in pipes:
            pipe.send(None)
        for replica in replicas:
            replica.join(5)
    return lane.bill.relative


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--replicas", default="1,4,16")
    parser.add_argument("--gap", type=float, default=0.3)
    asked = parser.parse_args()
    for name in asked.sets:
        for count in map(int, asked.replicas.split(",")):
            print(f"{name:10} {count:3} replicas {run(name, count, asked.gap):.4f}", flush=True)


if __name__ == "__main__":
    main()
