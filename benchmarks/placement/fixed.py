"""Fixed placements: the rules that need no learning, each applied to a whole set in hindsight.

A rule looks at one request: where tools and system end, where the last message starts, the end, and the deepest
prefix that any earlier request had (``seen``).
"""

from collections.abc import Callable, Sequence

from benchmarks.placement.blocks import BlockLane, BlockRequest, Multiples, Point

from rockbottom.quantities import Ttl

FIVE, HOUR = Ttl.FIVE_MINUTES, Ttl.ONE_HOUR
Rule = Callable[[BlockRequest, int], list[Point]]


def _points(ttl: Ttl, *positions: int) -> list[Point]:
    return [(position, ttl) for position in sorted({position for position in positions if position > 0})]


def _all(ttl: Ttl) -> Rule:
    return lambda request, seen: _points(ttl, request.fixed, seen, request.last, len(request.segments))


def _system(ttl: Ttl) -> Rule:
    return lambda request, seen: _points(ttl, request.fixed)


def _second(request: BlockRequest, seen: int) -> list[Point]:
    return _points(FIVE, min(request.fixed, seen), seen)


def _continuing(request: BlockRequest, seen: int) -> list[Point]:
    """Everything of a request that goes on from an earlier one; of a first one only what was seen before."""
    if seen > request.fixed:
        return _all(FIVE)(request, seen)
    return _second(request, seen)


def _system_1h_tail_5m(request: BlockRequest, seen: int) -> list[Point]:
    tail = _points(FIVE, seen, request.last, len(request.segments))
    return _points(HOUR, request.fixed) + [point for point in tail if point[0] > request.fixed]


RULES: dict[str, Rule] = {
    "none": lambda request, seen: [],
    "all 5m": _all(FIVE),
    "all 1h": _all(HOUR),
    "system 5m": _system(FIVE),
    "system 1h": _system(HOUR),
    "second sighting": _second,
    "continuing only": _continuing,
    "system 1h, tail 5m": _system_1h_tail_5m,
}


class Sightings:
    """Which prefixes were there before."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def seen(self, request: BlockRequest) -> int:
        """Segments of the deepest prefix that an earlier request had; the request is then remembered."""
        known, deepest = self._known, 0
        for position in range(len(request.keys) - 1, 0, -1):
            if request.keys[position] in known:
                deepest = position
                break
        known.update(request.keys[deepest + 1 :])
        return deepest


def fixed_bills(requests: Sequence[BlockRequest], multiples: Multiples) -> dict[str, BlockLane]:
    """A lane for each rule, all requests sent."""
    sightings = Sightings()
    seen = [sightings.seen(request) for request in requests]
    lanes = {name: BlockLane(multiples) for name in RULES}
    for name, rule in RULES.items():
        lane = lanes[name]
        for request, deepest in zip(requests, seen, strict=True):
            lane.send(request, rule(request, deepest))
    return lanes
