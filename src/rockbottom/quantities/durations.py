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
        """The lifetime in seconds."""
        return _SECONDS[self]


_SECONDS = {Ttl.FIVE_MINUTES: 300, Ttl.THIRTY_MINUTES: 1800, Ttl.ONE_HOUR: 3600}
