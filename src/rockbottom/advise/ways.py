"""The ways to send a workload that are compared: where entries are written and how long they live."""

from collections.abc import Iterator
from dataclasses import dataclass

from rockbottom.advise.shapes import WorkloadShape
from rockbottom.catalog import CacheRules, Tier
from rockbottom.quantities import LONGEST_FIRST, Ttl


@dataclass(frozen=True, slots=True)
class CachingWay:
    """One way. ``ttls`` has a lifetime per layer (none: no caching); ``tail`` closes the conversation as well.

    ``by_itself``: the tail is the point that the service adds to requests without any.
    """

    name: str
    ttls: tuple[Ttl, ...] = ()
    tail: Ttl | None = None
    keep_alive: bool = False
    tier: Tier = Tier.DEFAULT
    by_itself: bool = False

    @property
    def caches(self) -> bool:
        return bool(self.ttls) or self.tail is not None

    @property
    def points(self) -> int:
        return len(self.ttls) + (self.tail is not None and not self.by_itself)


NO_CACHING = CachingWay("no caching")


def ways_of(shape: WorkloadShape, rules: CacheRules) -> tuple[CachingWay, ...]:
    """Every way worth comparing on a model with these rules: first what is done without doing anything.

    That is no caching, but where the service caches by itself, which has to be forbidden (mode explicit).
    """
    as_it_comes = (CachingWay("as it comes", (), rules.ttls[0], by_itself=True),) if rules.implicit_point else ()
    return (*as_it_comes, NO_CACHING, *(_caching(shape, rules) if rules.takes_any_points else ()))


def why_not(way: CachingWay, rules: CacheRules) -> str | None:
    """Why a model refuses a way, or None."""
    if way.points > rules.maximum_points:
        return f"{way.points} cachePoints, and the model takes at most {rules.maximum_points}"
    return None


def _caching(shape: WorkloadShape, rules: CacheRules) -> Iterator[CachingWay]:
    offered = [ttl for ttl in reversed(LONGEST_FIRST) if ttl in rules.ttls]
    as_given = any(layer.ttl for layer in shape.layers)
    talk = shape.traffic.turns > 1 and shape.added_tokens > 0
    if as_given:
        ttls = tuple(layer.ttl or rules.ttls[0] for layer in shape.layers)
        yield CachingWay("as given", ttls)
        if talk:
            yield CachingWay("as given + tail", ttls, ttls[-1])
    for ttl in offered:
        if shape.layers:
            yield CachingWay(ttl.value, (ttl,) * len(shape.layers))
        if talk:
            yield CachingWay(f"{ttl.value} + tail", (ttl,) * len(shape.layers), ttl)
    if len(offered) > 1:
        yield from _mixed(shape, offered[-1], offered[0], talk)
    if rules.explicit and shape.layers and shape.traffic.turn_gap_s < offered[0].seconds:
        tail = offered[0] if talk else None
        yield CachingWay(f"{offered[0].value} kept alive", (offered[0],) * len(shape.layers), tail, keep_alive=True)


def _mixed(shape: WorkloadShape, long: Ttl, short: Ttl, talk: bool) -> Iterator[CachingWay]:
    """An hour for the outer layers, five minutes for the rest: the order in which lifetimes must stand."""
    count = len(shape.layers)
    for outer in range(1, count):
        ttls = (long,) * outer + (short,) * (count - outer)
        yield CachingWay(f"{long.value} x{outer}, then {short.value}", ttls, short if talk else None)
    if talk and count:
        yield CachingWay(f"{long.value}, tail {short.value}", (long,) * count, short)
