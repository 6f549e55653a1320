"""What a view of the ledger shows, for the terminal and for the page alike, and what it is made of.

A snapshot is of one side: what AWS billed, or what was simulated on the local endpoint; never both in one figure.
Money is exact decimal text in JSON. Shares are between 0 and 1, and None where there is nothing to share.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import msgspec

from rockbottom.cost import Arm, ArmSums
from rockbottom.figures import usd_exact
from rockbottom.quantities import ZERO_USD, Usd, is_object
from rockbottom.tables import Observed
from rockbottom.watch.misses import Miss
from rockbottom.watch.quota import FullestMinute

MOST_LINES = 300  # of one kind: a page and a screen show a few, and all where they are asked
MOST_MISSES = 50


class SnapshotSums(msgspec.Struct, frozen=True):
    """What was added up of some calls; money in pico-dollars.

    ``missed`` tokens could have been read and were not; ``lost`` is what that cost above a read.
    """

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
    observed: int = 0
    observed_cost: int = 0
    planned: int = 0
    unmetered: int = 0
    least: int = 0
    most: int = 0


class SnapshotLine(msgspec.Struct, frozen=True):
    """The figures of some calls. ``cost_usd``, ``uncached_usd`` and ``saved_usd`` cover the calls with a known price.

    ``lost_usd``: what tokens that could have been read cost above a read. ``wasted_usd``: what tokens that nobody
    read before their TTL had passed cost above plain input. ``first_ms_*``: time to first token, right to 2.5 percent.
    ``unmetered`` calls were answered and ended without usage: their prompts cost the least to the most, estimated.
    """

    name: str
    calls: int
    failed: int
    no_usage: int
    unpriced: int
    input: int
    output: int
    read: int
    write: int
    hit_rate: float | None
    cost_usd: Usd
    uncached_usd: Usd
    saved_usd: Usd
    saved_share: float | None
    usd_per_call: Usd | None
    misses: int
    missed: int
    lost_usd: Usd
    lost_unpriced: int
    wasted: int
    wasted_share: float | None
    wasted_usd: Usd
    wasted_unpriced: int
    first_ms_p50: float | None = None
    first_ms_p95: float | None = None
    unmetered: int = 0
    unmetered_least_usd: Usd = ZERO_USD
    unmetered_most_usd: Usd = ZERO_USD


class CauseLine(msgspec.Struct, frozen=True):
    """All misses of one cause. ``rule``: as in ``rockbottom explain``; None where no rule names it."""

    rule: str | None
    cause: str
    misses: int
    missed: int
    lost_usd: Usd
    lost_unpriced: int
    fix: str


class Bar(msgspec.Struct, frozen=True):
    """One stretch of the chart, from ``at`` on."""

    at: int
    calls: int
    failed: int
    cost_usd: Usd
    uncached_usd: Usd
    input: int
    read: int
    write: int
    output: int
    hit_rate: float | None
    misses: int


class LedgerState(msgspec.Struct, frozen=True):
    """The ledger behind a snapshot. ``share_read`` below 1: it is still being read, and the figures will grow."""

    folder: str
    there: bool = True
    calls: int = 0
    damaged: int = 0
    unfinished: int = 0  # last lines without an end: being recorded now, or cut off
    removed: int = 0
    dropped: int = 0
    ahead: int = 0  # calls dated after now: a clock jumped
    last_at: float | None = None
    share_read: float = 1.0
    in_memory: bool = False
    logs: bool = False  # ``folder`` is where invocation logs are read from


class OtherSide(msgspec.Struct, frozen=True):
    """What the snapshot leaves out: the calls of the other side in the same period."""

    side: str
    calls: int
    cost_usd: Usd


class Snapshot(msgspec.Struct, frozen=True):
    """One view of the ledger at one instant."""

    at: float
    period: str
    since: int
    until: int
    bar_s: int
    side: str  # "aws" | "local"
    simulated: bool
    total: SnapshotLine
    usd_per_hour: Usd | None
    usd_per_month: Usd | None
    models: tuple[SnapshotLine, ...]
    tags: tuple[SnapshotLine, ...]
    families: tuple[SnapshotLine, ...]
    causes: tuple[CauseLine, ...]
    misses: tuple[Miss, ...]
    bars: tuple[Bar, ...]
    other: OtherSide | None
    observed: Observed | None
    holdout: dict[str, Any] | None
    measured: tuple[str, ...]
    ledger: LedgerState
    notices: tuple[str, ...]
    quota: tuple[FullestMinute, ...] = ()  # where logs are followed, which say what requests reserve
    by_themselves: tuple[str, ...] = ()  # models read from whose service caches without being asked

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text, instants in seconds since the epoch."""
        return _plain(msgspec.structs.asdict(self))


def _plain(value: Any) -> Any:
    """A value as JSON has it; money without an exponent and without zeros at its end."""
    if isinstance(value, msgspec.Struct):
        return _plain(msgspec.structs.asdict(value))
    if is_object(value):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in cast(tuple[Any, ...], value)]
    return usd_exact(value) if isinstance(value, Decimal) else value


class SnapshotParts(msgspec.Struct, frozen=True):
    """What was read for a snapshot: sums by kind and name, bars by their beginning, and the rest."""

    total: SnapshotSums
    models: Mapping[str, SnapshotSums]
    tags: Mapping[str, SnapshotSums]
    families: Mapping[str, SnapshotSums]
    causes: Mapping[str, SnapshotSums]
    bars: Mapping[int, SnapshotSums]
    latencies: Mapping[str, Mapping[int, int]]  # by model, "" for all: calls by step
    misses: Sequence[Miss]
    other: SnapshotSums
    first_at: int | None  # the first stretch with a call
    arms: Mapping[Arm, ArmSums] = {}  # where some conversations are held out
