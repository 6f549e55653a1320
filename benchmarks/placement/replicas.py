"""Several planners behind one load balancer: what they pay together where each is told what the others see.

    python -m benchmarks.placement.replicas --only weka,miniswe,tau,livemcp,cuad,MIX --replicas 1,4,16

Requests go to a replica by chance; what it plans and observes reaches each other one 0.2 to 0.5 s later by the clock of
the set (``--delay``), and the guard's allowance is leased from one store, settled twice a second of that clock. All
entries are one account's. ``--alone`` tells nothing and leases nothing, as without sharing.
"""

import argparse
import heapq
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.placement.billing import Engine
from benchmarks.placement.blocks import MODEL, BlockLane, BlockRequest, Interner, Multiples
from benchmarks.placement.lines import traffic
from benchmarks.placement.online import EPOCH, OnlineBlocks, reply_usage
from benchmarks.placement.rows import GUARD_ALLOWANCE, GUARD_PROMPTS, GUARD_SHARE
from benchmarks.placement.stress import Adversary
from benchmarks.placement.workloads import PROFILES, tools_of, words

from rockbottom.plan import Planner, Sighting, sighting_bytes, sighting_of
from rockbottom.quantities import Ttl, Usage
from rockbottom.sharing import GuardLease, SqliteStore

SETS = ("weka", "miniswe", "tau", "livemcp", "cuad", "MIX")
_SECRET = b"of all replicas"


@dataclass(slots=True)
class Fleet:
    """Replicas on one stream of block requests, all writing to one cache."""

    engine: Engine
    lane: BlockLane
    count: int
    rng: random.Random
    delay_s: tuple[float, float] = (0.2, 0.5)
    alone: bool = False
    replicas: list[OnlineBlocks] = field(init=False)
    guard_kept: bool = True
    _leases: list[GuardLease] = field(init=False)
    _store: SqliteStore = field(init=False)
    _longest: int = 0
    _beats: float = 0.0  # the store's clock: between two requests members settle often, and none is taken to be gone
    _mail: list[list[tuple[float, int, int, bytes]]] = field(init=False)
    _number: int = 0
    _now: float = 0.0

    def __post_init__(self) -> None:
        self.replicas = [
            OnlineBlocks(self.engine, self.lane, planner=Planner(secret=_SECRET)) for _ in range(self.count)
        ]
        self._mail = [[] for _ in self.replicas]
        self._store = SqliteStore(":memory:", clock=lambda: self._beats)
        self._leases = [
            GuardLease(str(number), replica.planner.guard, self._clock) for number, replica in enumerate(self.replicas)
        ]
        if not self.alone:
            for number, replica in enumerate(self.replicas):
                replica.planner.tell = self._teller(number)
                replica.planner.guard.limits = {}
            self._now = -60.0  # they start a minute before the first request
            for second in range(-60, -50):
                self._now = float(second)
                self._settle()

    def send(self, request: BlockRequest) -> Usage:
        """Plan at a replica by chance, send, observe; watch whether the guard's promise holds for all together."""
        number = self.rng.randrange(self.count)
        for early_s in (1.2, 0.0):  # twice at least since the request before, where that is longer ago
            if request.at - early_s > self._now or not early_s:
                self._now = request.at - early_s
                for each in range(self.count):
                    self._deliver(each)
                self._settle()
        usage = self.replicas[number].send(request)
        self._longest = max(self._longest, request.tokens)
        bill, most = self.lane.bill, 1000 * max(GUARD_ALLOWANCE, GUARD_PROMPTS * self._longest)
        self.guard_kept = self.guard_kept and bill.paid <= bill.none * (1 + GUARD_SHARE) + most
        return usage

    def _clock(self) -> float:
        return self._now

    def _settle(self) -> None:
        """What the threads of the members do all the time: here when a request comes, for those whose time it is."""
        if not self.alone:
            self._beats += 0.5
            for lease in self._leases:
                lease.settle(self._store, nullcontext())

    def _teller(self, origin: int):
        def tell(sighting: Sighting) -> None:
            data = sighting_bytes(sighting)
            for number, mail in enumerate(self._mail):
                if number != origin:
                    self._number += 1  # what one tells stays in its order
                    heapq.heappush(mail, (self._now + self.rng.uniform(*self.delay_s), self._number, origin, data))

        return tell

    def _deliver(self, number: int) -> None:
        mail, planner = self._mail[number], self.replicas[number].planner
        while mail and mail[0][0] <= self._now:
            _, _, origin, data = heapq.heappop(mail)
            planner.witness(sighting_of(data), origin=str(origin))


def run(name: str, count: int, seed: int, engine: Engine, *, alone: bool = False, most: int = 0) -> Fleet:
    """A set through so many replicas; ``most``: its first requests only."""
    fleet = Fleet(engine, BlockLane(Multiples.of(engine, MODEL)), count, random.Random(seed), alone=alone)
    requests = traffic(name, seed)
    for _, request in requests[: most or len(requests)]:
        fleet.send(request)
    return fleet


def adversary(count: int, seed: int, engine: Engine) -> Fleet:
    """Who comes back after 60 s exactly when nothing was written, at a replica by chance each time."""
    fleet = Fleet(engine, BlockLane(Multiples.of(engine, MODEL)), count, random.Random(seed))
    against = Adversary(Interner())
    while (request := against.next()) is not None:
        against.answer(fleet.send(request).cache_write > 0)
    return fleet


@dataclass(frozen=True, slots=True)
class Pair:
    """Microseconds of processor time a request: planning and observing it, and witnessing the same."""

    planned: float
    witnessed: float
    sightings: int

    @property
    def share(self) -> float:
        return self.witnessed / self.planned


def paired(requests: Iterable[BlockRequest], engine: Engine, together: int) -> Pair:
    """One planner plans and observes so many requests in a row, then another witnesses them; and so on.

    What the replies say is known beforehand, so nothing but the two is run in between.
    """
    replied = list(_replied(requests, BlockLane(Multiples.of(engine, MODEL))))
    acting, watching, told = Planner(secret=_SECRET), Planner(secret=_SECRET), list[Sighting]()
    acting.tell = told.append
    planned = witnessed = 0.0
    sightings = 0
    for start in range(0, len(replied), together):
        begun = time.thread_time()
        for request, reply in replied[start : start + together]:
            now = EPOCH + request.at
            acting.observe(acting.plan_prompt(request.prompt, MODEL, now), reply, now=now)
        planned += time.thread_time() - begun
        sightings += len(told)
        witnessed += _witnessed_s(watching, told)
    return Pair(1e6 * planned / len(replied), 1e6 * witnessed / len(replied), sightings)


def _replied(requests: Iterable[BlockRequest], lane: BlockLane) -> Iterator[tuple[BlockRequest, dict[str, Any]]]:
    planner = Planner(secret=_SECRET)
    for request in requests:
        now = EPOCH + request.at
        plan = planner.plan_prompt(request.prompt, MODEL, now)
        usage = lane.send(request, [(point.after, point.ttl or Ttl.FIVE_MINUTES) for point in plan.placements])
        planner.observe(plan, reply_usage(usage), now=now)
        yield request, reply_usage(usage)


def _witnessed_s(watching: Planner, told: list[Sighting]) -> float:
    """Seconds of the thread in which a planner takes in what another told, as it travels; ``told`` is empty then."""
    data = [sighting_bytes(sighting) for sighting in told]
    told.clear()
    begun = time.thread_time()
    for sighting in data:
        watching.witness(sighting_of(sighting))
    return time.thread_time() - begun


def paired_with_bodies(turns: int, tokens: int) -> Pair:
    """The same of a conversation as a client sends it: the plan reads the body and is applied to it."""
    rng, talk = random.Random(1), list[dict[str, Any]]()
    acting, watching, told = Planner(secret=_SECRET), Planner(secret=_SECRET), list[Sighting]()
    acting.tell = told.append
    planned, witnessed = list[float](), list[float]()
    body: dict[str, Any] = {
        "modelId": MODEL,
        "system": [{"text": words(rng, tokens)}],
        "toolConfig": {"tools": tools_of(rng, 900)},
    }
    for turn in range(turns):
        talk.append({"role": "user", "content": [{"text": words(rng, 150)}]})
        request, now = {**body, "messages": list(talk)}, EPOCH + 20 * turn
        begun = time.thread_time()
        plan = acting.plan(request, now=now)
        plan.apply(request)
        decided = time.thread_time()
        usage = reply_usage(Usage(20, 50, plan.read, plan.written_5m, 0, plan.written_1h))
        observing = time.thread_time()
        acting.observe(plan, usage, now=now)
        planned.append(decided - begun + time.thread_time() - observing)
        witnessed.append(_witnessed_s(watching, told))
        talk.append({"role": "assistant", "content": [{"text": words(rng, 120)}]})
    return Pair(1e6 * median(planned), 1e6 * median(witnessed), 2 * turns)


def main(arguments: Sequence[str] | None = None) -> int:
    """Tables on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.placement.replicas", description=__doc__)
    parser.add_argument("--only", default=",".join(SETS))
    parser.add_argument("--replicas", default="1,4,16")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=0, help="requests of each set (0: all)")
    parser.add_argument("--alone", action="store_true", help="also what replicas pay that tell each other nothing")
    parser.add_argument("--speed", action="store_true", help="processor time of witnessing beside planning, paired")
    asked = parser.parse_args(arguments)
    engine = Engine(PROFILES)
    if asked.speed:
        pair = paired_with_bodies(60, 9000)
        print(
            f"{'bodies':9} plan {pair.planned:7.1f} us, witness {pair.witnessed:6.1f} us: {pair.share:.3f}", flush=True
        )
    for name in asked.only.split(","):
        if asked.speed:
            requests = [request for _, request in traffic(name, asked.seed)][: asked.most or 4000]
            for together in (1, 25):
                pair = paired(requests, engine, together)
                told = f"plan {pair.planned:7.1f} us, witness {pair.witnessed:6.1f} us: {pair.share:.3f}"
                print(f"{name:9} {together:3} together  {told}", flush=True)
            continue
        base = None
        if name == "ADVERSARY":
            for count in map(int, asked.replicas.split(",")):
                fleet = adversary(count, asked.seed, engine)
                kept, worst = "kept" if fleet.guard_kept else "BROKEN", fleet.lane.bill.worst_excess / 1e6
                told = f"{fleet.lane.bill.relative:.4f}  promise {kept}, worst {worst:.0f}k"
                print(f"{name:9} {count:3} replicas       {told}", flush=True)
            continue
        for count in map(int, asked.replicas.split(",")):
            for alone in [False, True][: 1 + (asked.alone and count > 1)]:
                fleet = run(name, count, asked.seed, engine, alone=alone, most=asked.most)
                relative = fleet.lane.bill.relative
                base = base or relative
                kind, worst = "alone" if alone else "", fleet.lane.bill.worst_excess / 1e6
                kept = "kept" if fleet.guard_kept else "BROKEN"
                told = f"{relative:.4f} x{relative / base:.4f}  promise {kept}, worst {worst:.0f}k"
                print(f"{name:9} {count:3} replicas {kind:5} {told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
