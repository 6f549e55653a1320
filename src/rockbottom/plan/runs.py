"""Stretches of segments that so far were only ever sent together, and the gaps between their uses."""

from collections import deque
from collections.abc import Iterator

import msgspec

from rockbottom.plan.entries import BelievedEntry
from rockbottom.plan.returns import Observation, ReturnCounts
from rockbottom.quantities import Ttl

KEY_BYTES = 16
_QUICK_S, _HOUR_S = Ttl.FIVE_MINUTES.seconds, Ttl.ONE_HOUR.seconds
_QUICK_RATE, _BACK_RATE = 0.08, 0.15  # the slowest rates of the two moving averages
"""Measured as in ``returns``: with the first rate half or twice as fast contracts, whose clock is invented, cost .007
less, with the second at 0.3 .005 less and at 0.08 .0004 more; with both twice as fast the mix costs .0013 more, chat
.0002 less. 4 or 64 runs instead of 16 change agents by .0003."""
_QUICK_GAPS = 1 / _QUICK_RATE  # from so many gaps on it is the slowest
_USES, _TIDY_FROM = 2, 1000  # places for each run in the order of use, and so many more


class GapRecord(msgspec.Struct, frozen=True, gc=False):
    """The gaps seen between uses: how many, the share within five minutes, of the longer ones within the hour.

    Never changed, so all runs of which nothing else is known have the same.
    """

    gaps: int = 0
    quick: float = 0.0
    slow_gaps: int = 0
    back: float = 0.0

    def after(self, gap: float) -> "GapRecord":
        """With one more gap, in seconds."""
        gaps, quick, slow_gaps, back = self.gaps + 1, self.quick, self.slow_gaps, self.back
        is_quick = gap <= _QUICK_S
        quick += (1 / gaps if gaps < _QUICK_GAPS else _QUICK_RATE) * (is_quick - quick)
        if not is_quick:
            slow_gaps += 1
            back += max(1 / slow_gaps, _BACK_RATE) * ((gap <= _HOUR_S) - back)
        return GapRecord(gaps, quick, slow_gaps, back)


NO_PACE = GapRecord()


class Run:
    """Segments ``start`` to ``end`` of a prefix; ``entries`` are those believed alive.

    ``keys`` are the hashes of its prefixes, one behind the other. There are tens of thousands: most have one entry at
    most, which as a tuple takes a quarter of a dict.
    """

    __slots__ = (
        "beyond", "children", "end", "entries", "keys", "last_at", "local", "open", "pace", "parent", "places",
        "shared", "start", "tokens",
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
        self.entries: tuple[BelievedEntry, ...] = ()
        self.local: dict[str, ReturnCounts] | None = None
        self.places = 0  # in the order of use

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

    def begins(self, position: int, key: bytes) -> bool:
        """Whether its shortest prefix is the one of so many segments that has this hash."""
        return self.start + 1 == position and self.keys[:KEY_BYTES] == key

    def entry(self, position: int) -> BelievedEntry:
        """The entry at a position, made where there is none."""
        for entry in self.entries:
            if entry.position == position:
                return entry
        entry = BelievedEntry(position)
        self.entries = (*self.entries, entry)
        return entry

    def without_ended(self, now: float) -> None:
        """Drop the entries that have ended."""
        for entry in self.entries:
            if entry.until <= now:
                self.entries = tuple([entry for entry in self.entries if entry.until > now])
                break


class Uses:
    """The runs in which prompts ended, in the order of their last use, the oldest first.

    Those above them were used with them, and have no place of their own. A run stands here once for each use; the last
    one counts. A place takes eight bytes, where one in a linked list takes a hundred and fifty; those that no longer
    count are taken out when they are most.
    """

    def __init__(self) -> None:
        self._places: deque[Run] = deque()
        self._runs = 0

    def use(self, run: Run) -> None:
        """Put a run behind all others, whether or not it is there already."""
        if not run.places:
            self._runs += 1
        run.places += 1
        self._places.append(run)
        if len(self._places) > _TIDY_FROM + _USES * self._runs:
            self._tidy()

    def oldest(self) -> Run:
        """Take out the run that was used before all others."""
        while True:
            run = self._places.popleft()
            run.places -= 1
            if not run.places:
                self._runs -= 1
                return run

    def put_back(self, run: Run) -> None:
        """Put a run before all others, if it has no place."""
        if not run.places:
            self._runs += 1
            run.places = 1
            self._places.appendleft(run)

    def __bool__(self) -> bool:
        return bool(self._places)

    def latest_first(self) -> Iterator[Run]:
        """Each run once."""
        self._tidy()
        return reversed(self._places)

    def _tidy(self) -> None:
        last: deque[Run] = deque()
        for run in self._places:
            if run.places == 1:
                last.append(run)
            else:
                run.places -= 1
        self._places = last
