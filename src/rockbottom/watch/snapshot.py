"""What a view of the ledger shows, for the terminal and for the page alike. Pure: sums in, figures out.

A snapshot is of one side: what AWS billed, or what was simulated on the local endpoint; never both in one figure.
Money is exact decimal text in JSON. Shares are between 0 and 1, and None where there is nothing to share.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import msgspec

from rockbottom.cost import Arm, Comparison, Group, compared
from rockbottom.figures import counted, decimals_for, share, usd
from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import Usd, is_object
from rockbottom.tables import STEP
from rockbottom.watch.misses import Miss, fix_of
from rockbottom.watch.periods import HOUR_S, Period
from rockbottom.watch.quota import FullestMinute

MONTH_H = 30 * 24
_FINEST = Decimal("1e-12")
MOST_LINES = 50
MOST_MISSES = 50


class Sums(msgspec.Struct, frozen=True):
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


class Line(msgspec.Struct, frozen=True):
    """The figures of some calls. ``cost_usd``, ``uncached_usd`` and ``saved_usd`` cover the calls with a known price.

    ``lost_usd``: what tokens that could have been read cost above a read. ``wasted_usd``: what tokens that nobody
    read before their TTL had passed cost above plain input. ``first_ms_*``: time to first token, right to 2.5 percent.
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


class State(msgspec.Struct, frozen=True):
    """The ledger behind a snapshot. ``share_read`` below 1: it is still being read, and the figures will grow."""

    folder: str
    there: bool = True
    calls: int = 0
    damaged: int = 0
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


class Observed(msgspec.Struct, frozen=True):
    """Calls that were only observed (a dry run): what they cost, and what they would have cost with the planner."""

    calls: int
    cost_usd: Usd
    planned_usd: Usd
    would_save_usd: Usd


class Snapshot(msgspec.Struct, frozen=True):
    """One view of the ledger at one instant."""

    at: float
    period: str
    since: int
    until: int
    bar_s: int
    side: str  # "aws" | "local"
    simulated: bool
    total: Line
    usd_per_hour: Usd | None
    usd_per_month: Usd | None
    models: tuple[Line, ...]
    tags: tuple[Line, ...]
    families: tuple[Line, ...]
    causes: tuple[CauseLine, ...]
    misses: tuple[dict[str, Any], ...]
    bars: tuple[Bar, ...]
    other: OtherSide | None
    observed: Observed | None
    holdout: dict[str, Any] | None
    measured: tuple[str, ...]
    ledger: State
    notices: tuple[str, ...]
    quota: tuple[FullestMinute, ...] = ()  # where logs are followed, which say what requests reserve

    def to_dict(self) -> dict[str, Any]:
        """JSON; money as decimal text, instants in seconds since the epoch."""
        return _plain(msgspec.structs.asdict(self))


def _plain(value: Any) -> Any:
    """A value as JSON has it; money without an exponent and without zeros at its end."""
    if isinstance(value, msgspec.Struct):
        return _plain(msgspec.structs.asdict(value))
    if is_object(value):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in cast(tuple[Any, ...], value)]
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class Parts(msgspec.Struct, frozen=True):
    """What was read for a snapshot: sums by kind and name, bars by their beginning, and the rest."""

    total: Sums
    models: Mapping[str, Sums]
    tags: Mapping[str, Sums]
    families: Mapping[str, Sums]
    causes: Mapping[str, Sums]
    bars: Mapping[int, Sums]
    latencies: Mapping[str, Mapping[int, int]]  # by model, "" for all: calls by step
    misses: Sequence[Miss]
    other: Sums
    first_at: int | None  # the first stretch with a call
    arms: Mapping[Arm, Group] = {}  # where some conversations are held out


def snapshot_of(parts: Parts, period: Period, side: str, state: State, now: float) -> Snapshot:
    """The figures of what was read."""
    since = period.since(now)
    rate = _usd_per_hour(parts, now)
    other = OtherSide("aws" if side == "local" else "local", parts.other.calls, usd_of_picousd(parts.other.cost))
    total = line_of("", parts.total, parts.latencies.get("", {}))
    observed, holdout = _observed(parts.total), compared(parts.arms)
    models = [line_of(name, sums, parts.latencies.get(name, {})) for name, sums in parts.models.items()]
    return Snapshot(
        at=now, period=period.name, since=since, until=since + period.seconds, bar_s=period.bar_s, side=side,
        simulated=side == "local", total=total, usd_per_hour=rate,
        usd_per_month=None if rate is None else rate * MONTH_H,
        models=_dearest(models), tags=_dearest(line_of(name, sums) for name, sums in parts.tags.items()),
        families=_worst(line_of(name, sums) for name, sums in parts.families.items()),
        causes=_causes(parts.causes), misses=tuple(miss.to_dict() for miss in parts.misses[:MOST_MISSES]),
        bars=tuple(_bar(at, parts.bars.get(at) or Sums()) for at in period.bars(now)),
        other=other if other.calls else None, observed=observed,
        holdout=holdout.to_dict() if holdout else None, measured=tuple(_measured(observed, holdout)),
        ledger=state, notices=tuple(_notices(parts, total, state, side, other)),
    )  # fmt: skip


def line_of(name: str, sums: Sums, steps: Mapping[int, int] | None = None) -> Line:
    """The figures of sums, and of first-token times counted by step."""
    cost, uncached = usd_of_picousd(sums.cost), usd_of_picousd(sums.uncached)
    priced = sums.calls - sums.failed - sums.no_usage - sums.unpriced
    return Line(
        name=name, calls=sums.calls, failed=sums.failed, no_usage=sums.no_usage, unpriced=sums.unpriced,
        input=sums.input, output=sums.output, read=sums.read, write=sums.write, hit_rate=_hit_rate(sums),
        cost_usd=cost, uncached_usd=uncached, saved_usd=uncached - cost,
        saved_share=_share(uncached - cost, uncached),
        usd_per_call=(cost / priced).quantize(_FINEST) if priced else None,
        misses=sums.misses, missed=sums.missed, lost_usd=usd_of_picousd(sums.lost), lost_unpriced=sums.lost_unpriced,
        wasted=sums.wasted, wasted_share=_share(sums.wasted, sums.write), wasted_usd=usd_of_picousd(sums.wasted_usd),
        wasted_unpriced=sums.wasted_unpriced,
        first_ms_p50=percentile(steps or {}, 50), first_ms_p95=percentile(steps or {}, 95),
    )  # fmt: skip


def ms_of(step: int) -> float:
    """The time in the (geometric) middle of a step, in milliseconds."""
    return STEP ** (step + 0.5)


def percentile(steps: Mapping[int, int], percent: int) -> float | None:
    """The time below which ``percent`` of the calls began to answer, in milliseconds; None where none was timed."""
    total, seen = sum(steps.values()), 0
    for step in sorted(steps):
        seen += steps[step]
        if seen * 100 >= total * percent:
            return round(ms_of(step), 1)
    return None


def _observed(sums: Sums) -> Observed | None:
    if not sums.observed:
        return None
    cost, planned = usd_of_picousd(sums.observed_cost), usd_of_picousd(sums.planned)
    return Observed(sums.observed, cost, planned, cost - planned)


def _measured(observed: Observed | None, holdout: Comparison | None) -> list[str]:
    """What was measured of the planner's worth, in sentences."""
    said: list[str] = []
    if observed is not None:
        part = f" ({share(observed.would_save_usd / observed.cost_usd)})" if observed.cost_usd else ""
        amounts = [usd(amount, decimals_for([amount], 3), symbol=True) for amount in
                   (observed.planned_usd, observed.cost_usd, observed.would_save_usd)]  # fmt: skip
        said.append(
            f"only observed: with the planner {counted(observed.calls, 'call')} would have cost {amounts[0]} "
            f"instead of {amounts[1]}, saving {amounts[2]}{part}"
        )
    return said + (holdout.sentences() if holdout is not None else [])


def _bar(at: int, sums: Sums) -> Bar:
    return Bar(
        at, sums.calls, sums.failed, usd_of_picousd(sums.cost), usd_of_picousd(sums.uncached), sums.input, sums.read,
        sums.write, sums.output, _hit_rate(sums), sums.misses,
    )  # fmt: skip


def _hit_rate(sums: Sums) -> float | None:
    return _share(sums.read, sums.input + sums.read + sums.write)


def _share(part: int | Decimal, whole: int | Decimal) -> float | None:
    return round(float(part / whole), 6) if whole else None


def _usd_per_hour(parts: Parts, now: float) -> Usd | None:
    """Spend by the hour since the period's first call, over a minute at least; None where nothing was priced."""
    if parts.first_at is None or not parts.total.cost:
        return None
    seconds = max(60, int(now) - parts.first_at)
    return (usd_of_picousd(parts.total.cost) * HOUR_S / seconds).quantize(_FINEST)


def _dearest(lines: Any) -> tuple[Line, ...]:
    found = sorted(lines, key=lambda line: (-line.cost_usd, -line.calls, line.name))
    return tuple(line for line in found if line.calls)[:MOST_LINES]


def _worst(lines: Any) -> tuple[Line, ...]:
    found = sorted(lines, key=lambda line: (-line.lost_usd, -line.missed, -line.cost_usd, line.name))
    return tuple(line for line in found if line.calls)[:MOST_LINES]


def _causes(causes: Mapping[str, Sums]) -> tuple[CauseLine, ...]:
    found: list[CauseLine] = []
    for name, sums in causes.items():
        rule, _, words = name.partition("\t")
        lost = usd_of_picousd(sums.lost)
        found.append(CauseLine(rule or None, words, sums.misses, sums.missed, lost, sums.lost_unpriced, fix_of(rule)))
    return tuple(sorted(found, key=lambda line: (-line.lost_usd, -line.missed, line.cause)))


def _notices(parts: Parts, total: Line, state: State, side: str, other: OtherSide) -> list[str]:
    """What a person must know to read the figures right, in sentences."""
    said: list[str] = []
    if not state.there:
        said.append(f"No ledger in {state.folder}. Record one: rockbottom.attach(client, ledger=True)")
    elif state.share_read < 0.999:
        said.append(f"The ledger is still being read ({share(state.share_read)}): the figures will grow.")
    if other.calls and side == "aws":
        said.append(f"{counted(other.calls, 'call')} to the local endpoint left out: simulated, not billed.")
    elif other.calls:
        said.append(f"{counted(other.calls, 'call')} billed by AWS left out.")
    if total.unpriced:
        said.append(f"{counted(total.unpriced, 'call')} without a known price: tokens count, money does not.")
    if total.no_usage:
        said.append(f"{counted(total.no_usage, 'call')} ended without usage: what they cost is not known.")
    if total.lost_unpriced:
        said.append(f"{total.lost_unpriced:,} {'miss' if total.lost_unpriced == 1 else 'misses'} without a price.")
    for shown, what in ((parts.models, "models"), (parts.tags, "tags"), (parts.families, "prefixes")):
        if len(shown) > MOST_LINES:
            said.append(f"There are more {what}: the {MOST_LINES} that matter most are listed.")
    if state.damaged:
        said.append(f"{counted(state.damaged, 'damaged line')} in the ledger left out.")
    if state.removed:
        said.append(f"The ledger is at its bound: {counted(state.removed, 'call')} removed so far, oldest first.")
    if state.dropped:
        said.append(f"{counted(state.dropped, 'call')} could not be recorded (the disk was full, or not writable).")
    if state.ahead:
        said.append(f"{counted(state.ahead, 'call')} dated after now left out: a clock jumped.")
    if state.in_memory:
        said.append("The ledger's folder cannot be written: history is read again at every start.")
    return said
