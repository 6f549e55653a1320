"""Which prefixes are worth writing, for how long, and where the points go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from rockbottom.catalog import CacheRules
from rockbottom.plan.positions import Positions
from rockbottom.plan.values import Value
from rockbottom.plan.worth import NEVER
from rockbottom.prompt import Placement
from rockbottom.quantities import Ttl


class Hit(Struct, frozen=True):
    """The deepest entries believed readable, by lifetime; positions in segments, 0: none.

    Of the deepest of all: ``vouched`` for by a reply or by the plan that writes it, ``confirmed`` by a reply.
    ``relied``: it is one that only an insured tail can have kept.
    """

    five: int = 0
    hour: int = 0
    vouched: bool = False
    confirmed: bool = False
    relied: bool = False

    @property
    def deepest(self) -> int:
        """The deeper of the two."""
        return max(self.five, self.hour)

    @property
    def bars_hour(self) -> bool:
        """Whether what follows the deepest entry cannot be written for an hour: it would stand on five minutes."""
        return self.five > self.hour


@dataclass(frozen=True, slots=True)
class Zone:
    """The tokens up to a candidate end, and what writing one of them is expected to cost (negative: save)."""

    end: int
    tokens: int
    five: float
    hour: float


@dataclass(frozen=True, slots=True)
class Extent:
    """What to write: up to ``hour`` for an hour, from there to ``last`` for five minutes; and what it should save."""

    hour: int
    last: int
    saving: float


def extent_of(zones: Sequence[Zone], hit: Hit, rewriting: float = NEVER) -> Extent:
    """The cheapest extent: every zone up to B for an hour, from B to C for five minutes, nothing beyond.

    Above an entry of five minutes an hour is bought only together with that entry, written again for an hour:
    ``rewriting`` is what that costs in input tokens, and then nothing is written for five minutes.
    """
    start = hit.deepest
    best = Extent(hit.hour, start, 0.0)
    barred = hit.bars_hour
    hour_cost, hour_end = rewriting if barred else 0.0, hit.hour
    for split in range(len(zones) + 1):
        if split:
            zone = zones[split - 1]
            hour_cost += zone.tokens * zone.hour
            hour_end = zone.end
            if hour_cost == NEVER:
                break
            if -hour_cost > best.saving:
                best = Extent(hour_end, hour_end, -hour_cost)
            if barred:
                continue
        cost = hour_cost if split else 0.0
        for zone in zones[split:]:
            cost += zone.tokens * zone.five
            if -cost > best.saving:
                best = Extent(hour_end if split else hit.hour, zone.end, -cost)
    return best


def placements_of(
    extent: Extent, hit: Hit, marks: Sequence[int], positions: Positions, rules: CacheRules
) -> tuple[Placement, ...]:
    """At most four points: the end of what is written, the 1h end, the anchor of the read, then free marks.

    A point below the end of what is read or written costs nothing and lets a later prompt that leaves the path
    there read it. A mark is given the lifetime of the prefix that it stands in, never a longer one.
    """
    spent: dict[int, Ttl] = {}
    hour_end = max(extent.hour, hit.hour if hit.hour <= extent.last else 0)

    def put(position: int, ttl: Ttl) -> None:
        if position and position not in spent and len(spent) < rules.maximum_points:
            spent[position] = ttl

    def lifetime(position: int) -> Ttl:
        return Ttl.ONE_HOUR if position <= hour_end else Ttl.FIVE_MINUTES

    put(extent.last, lifetime(extent.last))
    if extent.hour > hit.hour:
        put(extent.hour, Ttl.ONE_HOUR)
    read = hit.deepest
    if read and not _reached(read, lifetime(read), spent, positions):
        put(read, lifetime(read))
    if hit.hour and hit.five > hit.hour and not _reached(hit.hour, Ttl.ONE_HOUR, spent, positions):
        put(hit.hour, Ttl.ONE_HOUR)
    for mark in marks:
        if mark <= extent.last and positions.legal(mark):
            put(mark, lifetime(mark))
    return tuple(Placement(position, _spelled(spent[position], rules)) for position in sorted(spent))


def _reached(entry: int, ttl: Ttl, spent: dict[int, Ttl], positions: Positions) -> bool:
    return any(spent[point] is ttl and positions.reaches(point, entry) for point in spent)


def _spelled(ttl: Ttl, rules: CacheRules) -> Ttl | None:
    """The lifetime as it is written down: left out where it is what an omitted one means."""
    return None if ttl is rules.ttls[0] or not rules.accepts_ttl_field else ttl


def zones_of(start: int, ends: Sequence[int], depths: Sequence[int], values: Mapping[int, Value]) -> list[Zone]:
    """The zones between ``start`` and the candidate ends, each valued by its end."""
    zones: list[Zone] = []
    for end in sorted(set(ends)):
        if end > start:
            zones.append(Zone(end, depths[end] - depths[start], values[end].five, values[end].hour))
            start = end
    return zones
