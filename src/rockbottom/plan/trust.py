"""Whether entries that are believed alive are read: for one model, scope, Region and tier.

A read of a confirmed entry that does not come lowers the trust at once: until the reads that come have saved again
what it cost, every plan is counted at its full worst case (nothing read, everything written again). A run of such
reads stops writing for a while, and for longer if it goes on.
"""

from decimal import Decimal

from msgspec import Struct

MISSES_UNTIL_PAUSED = 3
"""Reads of confirmed entries in a row that do not come. The worst recorded on a service in order is one in ten
(hsr87-multi-turn, a us. profile in April 2025): three in a row are one in a thousand there."""

FIRST_BY_HAND_S, LONGEST_BY_HAND_S = 3600.0, 86_400.0
"""How long GPT's own point is not relied on after such a run, at first and at most: a try costs a write or two."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 300.0, 3600.0  # the two lifetimes: an entry would have ended by then
_MEMORY = 0.95  # of each read for the next: some twenty reads are remembered
_ZERO = Decimal(0)


class Trust(Struct):
    """Counts of reads that came and that did not; starts at 1 in 250: 27 of 4,621 turns were recorded as lost."""

    came: float = 20.0
    missed: float = 0.08
    run: int = 0
    doubt: Decimal = _ZERO  # input tokens lost by reads that did not come, and not saved again since
    paused_until: float = float("-inf")
    pause_s: float = FIRST_PAUSE_S
    unlooked: int = 0  # reads in a row for which the service's own point had to look back, and that did not come
    by_hand_until: float = float("-inf")
    by_hand_s: float = FIRST_BY_HAND_S

    @property
    def miss(self) -> float:
        """The share of reads that are expected and do not come."""
        return self.missed / (self.missed + self.came)

    def looks_back(self, now: float) -> bool:
        """Whether the service's own point is relied on to read what earlier requests wrote."""
        return now >= self.by_hand_until

    def looked_back(self, came: bool, now: float) -> None:
        """Count one read that hangs on it: both was seen of GPT (boise-gpt-5-6, codex-37674).

        After a run that did not come it is not relied on for a while; then one more that does not come is enough.
        """
        if came:
            self.unlooked, self.by_hand_s = 0, FIRST_BY_HAND_S
            return
        self.unlooked += 1
        if self.unlooked >= MISSES_UNTIL_PAUSED:
            self.by_hand_until = now + self.by_hand_s
            self.by_hand_s = min(LONGEST_BY_HAND_S, 2 * self.by_hand_s)

    def count(self, came: bool) -> None:
        """Count one read that was expected, for the share."""
        self.missed = self.missed * _MEMORY + (not came)
        self.came = self.came * _MEMORY + came

    def confirmed_came(self, saved: Decimal) -> None:
        """A confirmed entry was read, which saved so many input tokens."""
        self.doubt = max(_ZERO, self.doubt - saved)
        self.run, self.pause_s = 0, FIRST_PAUSE_S

    def confirmed_missed(self, lost: Decimal, now: float) -> bool:
        """A confirmed entry was not read, which cost so much more than expected; True when writing stops for it."""
        self.doubt += max(_ZERO, lost)
        self.run += 1
        if self.run < MISSES_UNTIL_PAUSED or self.paused_until > now:
            return False
        self.paused_until = now + self.pause_s
        self.pause_s = min(LONGEST_PAUSE_S, 2 * self.pause_s)
        return True
