"""What is added up for every stretch of time, by whole ledger, model, tag, prefix family and cause. Pure.

Money is in whole pico-dollars, as in the ledger's index: exact, and it adds. A call without a known price adds its
tokens and to ``unpriced``, never a guess. What went to the local endpoint is kept apart from what AWS billed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

from rockbottom.ledger import CallRecord, picousd_of
from rockbottom.watch.misses import Miss
from rockbottom.watch.periods import DAY_S, HOUR_S, KEPT_S, MINUTE_S

ALL, MODEL, TAG, FAMILY, CAUSE = "all", "model", "tag", "family", "cause"
OTHER = "(others)"
MOST_NAMES = 256
"""Most tags, and most families, that one stretch of time tells apart; the rest are added together."""


@dataclass(slots=True)
class Sums:
    """Running sums. ``missed`` tokens could have been read and were not; ``lost`` is what that cost above a read."""

    calls: int = 0
    failed: int = 0
    no_usage: int = 0
    unpriced: int = 0
    input: int = 0
    output: int = 0
    read: int = 0
    write: int = 0
    cost: int = 0
    uncached: int = 0
    misses: int = 0
    missed: int = 0
    lost: int = 0
    lost_unpriced: int = 0
    wasted: int = 0
    wasted_usd: int = 0
    wasted_unpriced: int = 0

    def add(self, other: "Sums") -> None:
        """Add another's sums to these."""
        # Spelled out: this runs for every call of a ledger, and a loop over names takes ten times as long.
        self.calls += other.calls
        self.failed += other.failed
        self.no_usage += other.no_usage
        self.unpriced += other.unpriced
        self.input += other.input
        self.output += other.output
        self.read += other.read
        self.write += other.write
        self.cost += other.cost
        self.uncached += other.uncached
        self.misses += other.misses
        self.missed += other.missed
        self.lost += other.lost
        self.lost_unpriced += other.lost_unpriced
        self.wasted += other.wasted
        self.wasted_usd += other.wasted_usd
        self.wasted_unpriced += other.wasted_unpriced

    def book(self, call: CallRecord) -> None:
        """Add one call."""
        self.calls += 1
        self.input += call.input
        self.output += call.output
        self.read += call.cache_read
        self.write += call.cache_write
        if call.status == "failed":
            self.failed += 1
        elif call.status != "ok":
            self.no_usage += 1
        elif call.cost_usd is None or call.uncached_usd is None:
            self.unpriced += 1
        if call.cost_usd is not None and call.uncached_usd is not None:
            self.cost += picousd_of(call.cost_usd)
            self.uncached += picousd_of(call.uncached_usd)

    def book_miss(self, miss: Miss) -> None:
        """Add one miss."""
        self.misses += 1
        self.missed += miss.tokens
        if miss.lost_usd is None:
            self.lost_unpriced += 1
        else:
            self.lost += picousd_of(str(miss.lost_usd))

    def book_waste(self, tokens: int, usd: str | None) -> None:
        """Add tokens that were written and never read, and what they cost above plain input; None: not known."""
        self.wasted += tokens
        if usd is None:
            self.wasted_unpriced += 1
        else:
            self.wasted_usd += picousd_of(usd)


_LATEST_AT = 4e9  # seconds since the epoch: what lies beyond (the year 2096) is no instant
_MOST_TOKENS = 10**12
_MOST_PICOUSD = 10**5 * 10**12  # a hundred thousand dollars: no call costs that


def is_sound(call: CallRecord) -> bool:
    """Whether a record can be a call: its counts and its money are numbers that a call can have."""
    counts = (call.input, call.output, call.cache_read, call.cache_write_5m, call.cache_write_30m, call.cache_write_1h)
    if min(counts) < 0 or max(counts) > _MOST_TOKENS:
        return False
    try:
        return _is_money(call.cost_usd) and _is_money(call.uncached_usd)
    except (ArithmeticError, ValueError):  # no decimal number, or none that is finite
        return False


def _is_money(text: str | None) -> bool:
    return text is None or 0 <= picousd_of(text) < _MOST_PICOUSD


COLUMNS = tuple(field.name for field in fields(Sums))


class Key(NamedTuple):
    """Which calls are added up: those of a minute, hour or day that share everything that a view tells apart."""

    start: int
    local: bool
    model: str
    family: str
    tags: tuple[tuple[str, str], ...]

    def names(self) -> Iterator[tuple[str, str]]:
        """The kinds and names under which these calls are shown."""
        yield ALL, ""
        yield MODEL, self.model
        yield FAMILY, self.family or "no prefix recorded"
        for tag, value in self.tags:
            yield TAG, f"{tag}={value}"


def key_of(call: CallRecord, family: str, now: float) -> Key:
    """Where a call is added, under a name of its prefix: in the finest grain in which it is kept."""
    at = int(call.at) if 0 <= call.at < _LATEST_AT else 0
    grain = MINUTE_S if at >= now - KEPT_S[MINUTE_S] else HOUR_S if at >= now - KEPT_S[HOUR_S] else DAY_S
    return Key(at // grain * grain, call.simulated, call.model, family, _tags_of(call))


def _tags_of(call: CallRecord) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(call.tags.items())) if call.tags else ()
