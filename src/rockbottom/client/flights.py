"""Fan-out: requests that start together on a new prefix wait until the first of them has begun to answer.

An entry becomes readable when its writer's response begins, so N parallel first requests would write the
prefix N times. The first departs, the others wait for its response headers, at most ``hold_s`` seconds after it
left: then they go as they are. Nothing waits where a write costs no more than a read (Nova).
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rockbottom.dialects import Request
from rockbottom.process import Arrival
from rockbottom.prompt import PrefixHash

DEFAULT_HOLD_S = 5.0
"""Longest wait. Recorded first bytes lie between 0.3 and 2 s (Sonnet 4.6: 0.8 s; Sonnet 4.5 answers in 2 s)."""

_REMEMBERED = 4096
_TAKE_OFF_S = 0.25  # a request that boto3 refuses never leaves: nobody waits longer than this for it


def prefixes_of(request: Request, minimum: int) -> list[tuple[PrefixHash, float]]:
    """The prefixes that a request's points close and that are long enough, each with the seconds it lives."""
    usual = request.usual_ttl
    return [
        (request.hashes[point.after], float((point.ttl or usual).seconds))
        for point in request.prompt.points
        if request.prompt.depths[point.after] >= minimum
    ]


@dataclass(eq=False, slots=True)
class Flight(Arrival):
    """A request under way that writes prefixes nobody has written yet."""

    departed: float
    prefixes: tuple[tuple[PrefixHash, float], ...]  # each with the seconds it lives
    airborne: bool = False


class Tower:
    """Knows what is under way. Every method is called under the attachment's lock; ``monotonic`` runs in seconds."""

    def __init__(self, hold_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.hold_s = hold_s
        self._monotonic = monotonic
        self._pending: dict[PrefixHash, Flight] = {}
        self._alive: OrderedDict[PrefixHash, float] = OrderedDict()

    def ahead_of(self, hashes: Sequence[PrefixHash]) -> Flight | None:
        """The flight that is writing the deepest prefix of this request, where it is worth waiting for."""
        if not self._pending:
            return None
        for prefix in reversed(hashes):
            flight = self._pending.get(prefix)
            if flight is not None:
                if self.remaining(flight) > 0:
                    return flight
                self._forget(flight)
        return None

    def remaining(self, flight: Flight) -> float:
        """Seconds for which it is still worth waiting."""
        patience = self.hold_s if flight.airborne else min(self.hold_s, _TAKE_OFF_S)
        return flight.departed + patience - self._monotonic()

    def depart(self, prefixes: Iterable[tuple[PrefixHash, float]], now: float) -> Flight | None:
        """Register what a request is about to write; None when all of it is known to be there."""
        fresh = tuple((prefix, ttl) for prefix, ttl in prefixes if self._alive.get(prefix, 0.0) <= now)
        if not fresh:
            return None
        flight = Flight(self._monotonic(), fresh)
        for prefix, _ in fresh:
            self._pending.setdefault(prefix, flight)
        return flight

    def arrive(self, flight: Flight, started_at: float) -> None:
        """Its reply has begun: what it wrote can be read."""
        for prefix, ttl in flight.prefixes:
            self._alive[prefix] = started_at + ttl
            self._alive.move_to_end(prefix)
        while len(self._alive) > _REMEMBERED:
            self._alive.popitem(last=False)
        self._forget(flight)

    def refresh(self, prefixes: Iterable[tuple[PrefixHash, float]], now: float) -> None:
        """What a request that wrote nothing new has read lives on."""
        for prefix, ttl in prefixes:
            if prefix in self._alive:
                self._alive[prefix] = now + ttl

    def has_expired(self, prefixes: Sequence[tuple[PrefixHash, float]], now: float) -> bool:
        """Whether the deepest of these was written or read through here, and is too old to be read again."""
        return bool(prefixes) and self._alive.get(prefixes[-1][0], now + 1.0) <= now

    def abandon(self, flight: Flight) -> None:
        """It failed: whoever waits goes next."""
        self._forget(flight)

    def _forget(self, flight: Flight) -> None:
        for prefix, _ in flight.prefixes:
            if self._pending.get(prefix) is flight:
                del self._pending[prefix]
        flight.land()
