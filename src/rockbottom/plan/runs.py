"""Stretches of segments that so far were only ever sent together, and the gaps between their uses."""

from collections.abc import Sequence

import msgspec

from rockbottom.plan.entries import NO_ENTRIES, Entry
from rockbottom.plan.returns import Cell, Observation
from rockbottom.quantities import Ttl

KEY_BYTES = 16
_QUICK_S, _HOUR_S = Ttl.FIVE_MINUTES.seconds, Ttl.ONE_HOUR.seconds
_QUICK_RATE, _BACK_RATE = 0.08, 0.15  # the slowest rates of the two moving averages
"""Measured as in ``returns``: with the first rate half or twice as fast contracts, whose clock is invented, cost .007
less, with the second at 0.3 .005 less and at 0.08 .0004 more; with both twice as fast the mix costs .0013 more, chat
.0002 less. 4 or 64 runs instead of 16 change agents by .0003."""


class Pace(msgspec.Struct, frozen=True, gc=False):
    """The gaps seen between uses: how many, the share within five minutes, of the longer ones within the hour.

    Never changed, so all runs of which nothing else is known have the same.
    """

    gaps: int = 0
    quick: float = 0.0
    slow_gaps: int = 0
    back: float = 0.0

    def after(self, gap: float) -> "Pace":
        """With one more gap, in seconds."""
        gaps, slow_gaps, back = self.gaps + 1, self.slow_gaps, self.back
        quick = self.quick + max(1 / gaps, _QUICK_RATE) * ((gap <= _QUICK_S) - self.quick)
        if gap > _QUICK_S:
            slow_gaps += 1
            back += max(1 / slow_gaps, _BACK_RATE) * ((gap <= _HOUR_S) - back)
        return Pace(gaps, quick, slow_gaps, back)


NO_PACE = Pace()


class Run:
    """Segments ``start`` to ``end`` of a prefix; ``entries`` are those believed alive, by position.

    ``keys`` are the hashes of its prefixes, one behind the other.
    """

    __slots__ = (
        "beyond", "children", "end", "entries", "keys", "last_at", "local", "open", "pace", "parent", "shared",
        "start", "tokens",
    )  # fmt: skip

    def __init__(self, parent: "Run | None", start: int, keys: bytes, tokens: int, now: float) -> None:
        self.parent = parent
        self.start = start
        self.end = start + len(keys) // KEY_BYTES
        self.keys = keys
        self.tokens = tokens
        self.last_at = now
        self.pace = NO_PACE
        self.shared = False
        self.children = 0
        self.beyond = 0  # segments of the longest prompt that went on from its end
        self.open: Observation | None = None
        self.entries: dict[int, Entry] = NO_ENTRIES
        self.local: dict[str, Cell] | None = None

    @property
    def first(self) -> bytes:
        """The hash of its shortest prefix."""
        return self.keys[:KEY_BYTES]

    @property
    def last(self) -> bytes:
        """The hash of its longest prefix."""
        return self.keys[-KEY_BYTES:]

    def key(self, position: int) -> bytes:
        """The hash of the prefix of so many segments."""
        at = (position - self.start) * KEY_BYTES
        return self.keys[at - KEY_BYTES : at]

    def begins(self, position: int, keys: Sequence[bytes]) -> bool:
        """Whether its shortest prefix is the one of so many segments."""
        return self.start + 1 == position and self.first == keys[position]

    def entry(self, position: int) -> Entry:
        """The entry at a position, made where there is none."""
        if self.entries is NO_ENTRIES:
            self.entries = {}
        return self.entries.setdefault(position, Entry())

    def without_ended(self, now: float) -> None:
        """Drop the entries that have ended."""
        if any(entry.until <= now for entry in self.entries.values()):
            alive = {position: entry for position, entry in self.entries.items() if entry.until > now}
            self.entries = alive or NO_ENTRIES
