"""A run of calls added up: sums by stretch of time, first-token times, and misses. Pure but for the memory it keeps."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from rockbottom.catalog import Catalog
from rockbottom.ledger import CallRecord
from rockbottom.sinks import GRACE_S, Settled, WriteWaste, wasted_usd
from rockbottom.watch.judging import Judge
from rockbottom.watch.misses import Miss, family_shown, priced
from rockbottom.watch.sums import CAUSE, Key, Sums, key_of

STEP = 1.05
"""First-token times are counted in steps of 5 percent, so a percentile is right to about 2.5 percent."""

_MOST_NAMES = 16_384


class Latency(NamedTuple):
    """Which first-token times are counted together."""

    start: int
    local: bool
    model: str
    step: int


def step_of(ms: float) -> int:
    """The step of a time in milliseconds."""
    return math.floor(math.log(max(ms, 1.0)) / math.log(STEP))


def ms_of(step: int) -> float:
    """The time in the (geometric) middle of a step, in milliseconds."""
    return STEP ** (step + 0.5)


@dataclass(slots=True)
class Tally:
    """What one run of calls adds to a digest."""

    sums: dict[Key, Sums] = field(default_factory=dict[Key, Sums])
    causes: dict[tuple[int, bool, str], Sums] = field(default_factory=dict[tuple[int, bool, str], Sums])
    latencies: dict[Latency, int] = field(default_factory=dict[Latency, int])
    misses: list[Miss] = field(default_factory=list[Miss])
    calls: int = 0
    settled_until: float = 0.0


@dataclass(slots=True)
class Listener:
    """Hears calls in the order of the ledger; remembers what judging the next ones needs."""

    catalog: Catalog
    judge: Judge = field(default_factory=Judge)
    waste: WriteWaste = field(default_factory=WriteWaste)
    names: dict[str, str] = field(default_factory=dict[str, str])  # of families that change every time

    def hear(self, calls: Iterable[CallRecord], now: float) -> None:
        """Remember calls that were added up before."""
        for call in calls:
            if _is_instant(call, now):
                miss = self.judge.judge(call)
                if miss is not None:
                    self._name(miss)
                for _ in self.waste.add(call):
                    pass

    def tally(self, calls: Iterable[CallRecord], now: float, settled_until: float) -> Tally:
        """Add calls up. Writes whose lifetime ended before ``settled_until`` were counted already."""
        tally = Tally(settled_until=settled_until)
        for call in calls:
            tally.calls += 1
            miss = self.judge.judge(call) if _is_instant(call, now) else None
            family = call.family if miss is None else self._name(miss)
            key = key_of(call, family, now)
            sums = tally.sums.get(key)
            if sums is None:
                sums = tally.sums[key] = Sums()
            sums.book(call)
            if miss is not None:
                self._missed(priced(miss, call, self.catalog), key, sums, tally)
            if call.first_ms is not None and math.isfinite(call.first_ms):
                latency = Latency(key.start, key.local, call.model, step_of(call.first_ms))
                tally.latencies[latency] = tally.latencies.get(latency, 0) + 1
            if _is_instant(call, now):
                for settled in self.waste.add(call):
                    self._settled(settled, tally, now)
                tally.settled_until = max(tally.settled_until, call.at - GRACE_S)
        return tally

    def settle(self, now: float, settled_until: float) -> Tally:
        """What was never read of writes whose lifetime has passed, when no call comes to show it."""
        tally = Tally(settled_until=settled_until)
        for settled in self.waste.settle(now - GRACE_S):
            self._settled(settled, tally, now)
        tally.settled_until = max(settled_until, now - GRACE_S)
        return tally

    def _missed(self, miss: Miss, key: Key, sums: Sums, tally: Tally) -> None:
        tally.misses.append(miss)
        sums.book_miss(miss)
        cause = tally.causes.setdefault((key.start, key.local, f"{miss.rule}\t{miss.cause}"), Sums())
        cause.book_miss(miss)

    def _name(self, miss: Miss) -> str:
        """The name of a missed prefix, remembered for when its write is found to be wasted."""
        shown = family_shown(miss)
        if shown != miss.family:
            self.names[miss.family] = shown
            if len(self.names) > _MOST_NAMES:
                del self.names[next(iter(self.names))]
        return shown

    def _settled(self, settled: Settled, tally: Tally, now: float) -> None:
        if settled.wasted and settled.at > tally.settled_until - 1e-6:
            usd = wasted_usd(settled, self.catalog)
            call = settled.call
            name = self.names.get(call.family, call.family)
            sums = tally.sums.setdefault(key_of(call, name, now), Sums())
            sums.book_waste(settled.wasted, None if usd is None else str(usd))


def kinds_of(tally: Tally) -> Iterable[tuple[int, bool, str, str, Sums]]:
    """Every sum with its minute, hour or day, side, kind and name."""
    for key, sums in tally.sums.items():
        for kind, name in key.names():
            yield key.start, key.local, kind, name, sums
    for (start, local, name), sums in tally.causes.items():
        yield start, local, CAUSE, name, sums


def _is_instant(call: CallRecord, now: float) -> bool:
    """Whether a call left at an instant that can be compared; a clock that ran ahead says nothing about entries."""
    return 0 <= call.at <= now + 120
