"""Lifetimes of cache entries, as AWS spells them.

An instant is a float of seconds since the epoch (or since the start of a test), passed in by the
caller and called ``now`` or ``at``; the core never reads a clock.
"""

from enum import Enum


class Ttl(Enum):
    """How long an entry lives after it was last written or read; the value is AWS's spelling."""

    FIVE_MINUTES = "5m"
    THIRTY_MINUTES = "30m"
    ONE_HOUR = "1h"

    # Members are singletons, so identity is enough; Enum's own hash is a Python call, felt in every look-up.
    __hash__ = object.__hash__

    @property
    def seconds(self) -> int:
        return _SECONDS[self]

    @property
    def code(self) -> int:
        """The number under which files hold the lifetime, from 1 on; it never changes."""
        return _CODES[self]

    @property
    def words(self) -> str:
        """The lifetime in words: 5 minutes, 1 hour."""
        number = int(self.value[:-1])
        return f"{number} {_UNITS[self.value[-1]][1]}{'s' if number != 1 else ''}"


_UNITS = {"m": (60, "minute"), "h": (3600, "hour")}
_SECONDS = {ttl: int(ttl.value[:-1]) * _UNITS[ttl.value[-1]][0] for ttl in Ttl}
# Codes stand in files that are read again: a new lifetime takes the next one.
_CODES = {
    Ttl.FIVE_MINUTES: 1,
    Ttl.ONE_HOUR: 2,
    Ttl.THIRTY_MINUTES: 3,
}
UNNAMED = Ttl.FIVE_MINUTES
"""The lifetime under which readers put writes of which no record says how long they live."""

LONGEST_FIRST: tuple[Ttl, ...] = tuple(sorted(Ttl, key=lambda ttl: -ttl.seconds))
"""In this order points of different lifetimes stand in a prompt."""
