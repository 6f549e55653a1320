"""Fan-out: requests that start together on a new prefix wait until the first of them has begun to answer.

An entry becomes readable when its writer's response begins, so N parallel first requests would write the
prefix N times. The first departs, the others wait for its response headers, at most ``hold_s`` seconds after it
left: then they go as they are. Nothing waits where a write costs no more than a read (Nova).
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from rockbottom.dialects import Request
from rockbottom.process import Arrival
from rockbottom.prompt import PrefixHash

DEFAULT_HOLD_S = 5.0
"""Longest wait. Recorded first bytes lie between 0.3 and 2 s (Sonnet 4.6: 0.8 s; Sonnet 4.5 answers in 2 s)."""

ASKED_S = 0.05
"""The longest that a request waits to hear whether another machine is writing what it is about to write."""

_REMEMBERED = 4096
_TAKE_OFF_S = 0.25  # a request that boto3 refuses never leaves: nobody waits longer than this for it


def prefixes_of(request: Request, minimum: int) -> list[tuple[PrefixHash, float]]:
    """The prefixes that a request's points close and that are long enough, each with the seconds it lives."""
    usual, cache = request.usual_ttl, cache_of(request)
    return [
        (named_in(cache, request.hashes[point.after]), float((point.ttl or usual).seconds))
        for point in request.prompt.points
        if request.prompt.depths[point.after] >= minimum
    ]


def cache_of(request: Request) -> bytes:
    """What parts the entries of one request from those of others with its prefixes; empty for bedrock-runtime.

    Hosts and prompt_cache_keys are not known to share entries (switches host_in_key and cache_key_in_key).
    """
    key = request.prompt.parameters.cache_key
    return f"{request.host}\n{key}".encode("utf-8", "surrogatepass") if request.host or key else b""


def named_in(cache: bytes, prefix: PrefixHash) -> PrefixHash:
    """The name of a prefix in one cache."""
    return PrefixHash(blake2b(cache, key=prefix[:64], digest_size=len(prefix)).digest()) if cache else prefix


class Clearance(Protocol):
    """The question whether another machine is writing the same: it lands when the call may go.

    ``behind``: one is, and it lands when the reply of that one begins or fails.
    """

    landed: bool
    behind: bool

    def wait(self, seconds: float) -> None: ...

    async def wait_async(self, seconds: float) -> None: ...


class Beyond(Protocol):
    """Clients on other machines whose calls read and write the same entries; ``sharing.Member`` is one.

    ``money`` gives out what is left of budgets that they share.
    """

    money: Any

    def claim(self, prefixes: Iterable[bytes], for_s: float) -> Clearance | None:
        """Ask whether somebody else is writing one of these; None: nobody can be asked."""
        ...

    def arrived(self, prefixes: Iterable[tuple[bytes, float]]) -> None:
        """Tell that the claimed prefixes are written: each lives for so many seconds."""
        ...

    def abandoned(self, prefixes: Iterable[bytes]) -> None:
        """Tell that the request that claimed these prefixes failed."""
        ...

    def trouble(self) -> str:
        """Why nothing is heard of others at present; empty where it is."""
        ...

    def close(self) -> None:
        """Tell that no further calls will come."""
        ...


@dataclass(eq=False, slots=True)
class Flight(Arrival):
    """A request under way that writes prefixes nobody has written yet."""

    departed: float
    prefixes: tuple[tuple[PrefixHash, float], ...]  # each with the seconds it lives
    airborne: bool = False
    clearance: Clearance | None = None


class Tower:
    """Knows what is under way. Every method is called under the attachment's lock; ``monotonic`` runs in seconds.

    ``beyond`` are clients on other machines, where there are any.
    """

    def __init__(self, hold_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.hold_s = hold_s
        self._monotonic = monotonic
        self.beyond: Beyond | None = None
        self._pending: dict[PrefixHash, Flight] = {}
        self._alive: OrderedDict[PrefixHash, float] = OrderedDict()

    def ahead_of(self, hashes: Sequence[PrefixHash], cache: bytes = b"") -> Flight | None:
        """The flight that is writing the deepest prefix of this request, where it is worth waiting for."""
        if not self._pending:
            return None
        for prefix in reversed(hashes):
            flight = self._pending.get(named_in(cache, prefix))
            if flight is not None:
                if self.remaining(flight) > 0:
                    return flight
                self._forget(flight)
        return None

    def remaining(self, flight: Flight) -> float:
        """Seconds for which it is still worth waiting."""
        patience = self.hold_s if flight.airborne else min(self.hold_s, _TAKE_OFF_S)
        return flight.departed + patience - self._monotonic()

    def renewed(self) -> "Tower":
        """One for the child of a fork: nothing is under way there."""
        tower = Tower(self.hold_s, self._monotonic)
        tower.beyond = self.beyond
        return tower

    @property
    def trouble(self) -> str:
        """Why nothing is heard of others beyond at present; empty where it is, or there are none."""
        return self.beyond.trouble() if self.beyond is not None else ""

    def leave(self) -> None:
        """End: no further requests will come."""
        if self.beyond is not None:
            self.beyond.close()

    def clearances(self, flight: Flight | None) -> Iterator[tuple[Clearance, float]]:
        """What a request waits for before it leaves, and how many seconds at most."""
        clearance = flight.clearance if flight is not None else None
        if clearance is not None:
            yield clearance, ASKED_S
            if clearance.behind and not clearance.landed:
                yield clearance, self.hold_s

    def depart(self, prefixes: Iterable[tuple[PrefixHash, float]], now: float, *, claim: bool = False) -> Flight | None:
        """Register what a request is about to write; None when all of it is known to be there.

        ``claim``: others beyond this machine are asked whether they are writing it now.
        """
        fresh = tuple((prefix, ttl) for prefix, ttl in prefixes if self._alive.get(prefix, 0.0) <= now)
        if not fresh:
            return None
        flight = Flight(self._monotonic(), fresh)
        for prefix, _ in fresh:
            self._pending.setdefault(prefix, flight)
        if claim and self.beyond is not None:
            flight.clearance = self.beyond.claim([prefix for prefix, _ in fresh], self.hold_s)
        return flight

    def arrive(self, flight: Flight, started_at: float) -> None:
        """Note that the reply of a flight has begun, so that its prefixes can be read."""
        for prefix, ttl in flight.prefixes:
            self._alive[prefix] = started_at + ttl
            self._alive.move_to_end(prefix)
        while len(self._alive) > _REMEMBERED:
            self._alive.popitem(last=False)
        if flight.clearance is not None and self.beyond is not None:
            self.beyond.arrived(flight.prefixes)
        self._forget(flight)

    def refresh(self, prefixes: Iterable[tuple[PrefixHash, float]], now: float) -> None:
        """Renew the lifetimes of prefixes that a request read without writing."""
        for prefix, ttl in prefixes:
            if prefix in self._alive:
                self._alive[prefix] = now + ttl

    def has_expired(self, prefixes: Sequence[tuple[PrefixHash, float]], now: float) -> bool:
        """Whether the deepest of these was written or read through here, and is too old to be read again."""
        return bool(prefixes) and self._alive.get(prefixes[-1][0], now + 1.0) <= now

    def abandon(self, flight: Flight) -> None:
        """Note that the request of a flight failed, so that one of those who wait goes next."""
        if flight.clearance is not None and self.beyond is not None:
            self.beyond.abandoned([prefix for prefix, _ in flight.prefixes])
        self._forget(flight)

    def _forget(self, flight: Flight) -> None:
        for prefix, _ in flight.prefixes:
            if self._pending.get(prefix) is flight:
                del self._pending[prefix]
        flight.land()
