"""The ways to send a workload that are compared: where entries are written and how long they live."""

from collections.abc import Iterator
from dataclasses import dataclass

from rockbottom.advise.shapes import Shape
from rockbottom.catalog import CacheRules, Tier
from rockbottom.quantities import LONGEST_FIRST, Ttl


@dataclass(frozen=True, slots=True)
class Way:
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


NO_CACHING = Way("no caching")


def ways_of(shape: Shape, rules: CacheRules) -> tuple[Way, ...]:
    """Every way worth comparing on a model with these rules: first what is done without doing anything.

    That is no caching, but where the service caches by itself, which has to be forbidden (mode explicit).
    """
    as_it_comes = (Way("as it comes", (), rules.ttls[0], by_itself=True),) if rules.implicit_point else ()
    return (*as_it_comes, NO_CACHING, *(_caching(shape, rules) if rules.takes_any_points else ()))


def why_not(way: Way, rules: CacheRules) -> str | None:
    """Why a model refuses a way, or None."""
    if way.points > rules.maximum_points:
        return f"{way.points} cachePoints, and the model takes at most {rules.maximum_points}"
    return None


def _caching(shape: Shape, rules: CacheRules) -> Iterator[Way]:
    offered = [ttl for ttl in reversed(LONGEST_FIRST) if ttl in rules.ttls]
    as_given = any(layer.ttl for layer in shape.layers)
    talk = shape.traffic.turns > 1 and shape.added_tokens > 0
    if as_given:
        ttls = tuple(layer.ttl or rules.ttls[0] for layer in shape.layers)
        yield Way("as given", ttls)
        if talk:
            yield Way("as given + tail", ttls, ttls[-1])
    for ttl in offered:
        if shape.layers:
            yield Way(ttl.value, (ttl,) * len(shape.layers))
        if talk:
            yield Way(f"{ttl.value} + tail", (ttl,) * len(shape.layers), ttl)
    if len(offered) > 1:
        yield from _mixed(shape, offered[-1], offered[0], talk)
    if rules.explicit and shape.layers and shape.traffic.turn_gap_s < offered[0].seconds:
        tail = offered[0] if talk else None
        yield Way(f"{offered[0].value} kept alive", (offered[0],) * len(shape.layers), tail, keep_alive=True)


def _mixed(shape: Shape, long: Ttl, short: Ttl, talk: bool) -> Iterator[Way]:
    """An hour for the outer layers, five minutes for the rest: the order in which lifetimes must stand."""
    count = len(shape.layers)
    for outer in range(1, count):
        ttls = (long,) * outer + (short,) * (count - outer)
        yield Way(f"{long.value} x{outer}, then {short.value}", ttls, short if talk else None)
    if talk and count:
        yield Way(f"{long.value}, tail {short.value}", (long,) * count, short)
