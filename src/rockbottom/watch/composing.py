"""A snapshot made of what was read: sums in, figures and sentences out. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rockbottom.catalog import load_catalog
from rockbottom.cost import caching_by_themselves, compared
from rockbottom.figures import counted, share, without_usage
from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import LEAST_SPAN_S, Usd
from rockbottom.tables import STEP, Observed, ObservedSums, sentences_of
from rockbottom.watch.misses import fix_of
from rockbottom.watch.periods import HOUR_S, WatchPeriod
from rockbottom.watch.snapshot import (
    MOST_LINES,
    MOST_MISSES,
    Bar,
    CauseLine,
    LedgerState,
    OtherSide,
    Snapshot,
    SnapshotLine,
    SnapshotParts,
    SnapshotSums,
)

MONTH_H = 30 * 24
_FINEST = Decimal("1e-12")
_NAMED = 5  # models without a price that are named


def snapshot_of(parts: SnapshotParts, period: WatchPeriod, side: str, state: LedgerState, now: float) -> Snapshot:
    """The figures of what was read."""
    since = period.since(now)
    rate = _usd_per_hour(parts, now)
    other = OtherSide("aws" if side == "local" else "local", parts.other.calls, usd_of_picousd(parts.other.cost))
    total = line_of("", parts.total, parts.latencies.get("", {}))
    observed, holdout = _observed(parts.total), compared(parts.arms)
    models = [line_of(name, sums, parts.latencies.get(name, {})) for name, sums in parts.models.items()]
    read = [name for name, sums in parts.models.items() if sums.read]
    return Snapshot(
        at=now, period=period.name, since=since, until=since + period.seconds, bar_s=period.bar_s, side=side,
        simulated=side == "local", total=total, usd_per_hour=rate,
        usd_per_month=_usd_per_month(parts, rate, now),
        models=_dearest(models), tags=_dearest(line_of(name, sums) for name, sums in parts.tags.items()),
        families=_worst(line_of(name, sums) for name, sums in parts.families.items()),
        causes=_causes(parts.causes), misses=tuple(parts.misses[:MOST_MISSES]),
        bars=tuple(_bar(at, parts.bars.get(at) or SnapshotSums()) for at in period.bars(now)),
        other=other if other.calls else None, observed=observed,
        holdout=holdout.to_dict() if holdout else None, measured=tuple(sentences_of(observed, holdout, read)),
        ledger=state, notices=tuple(_notices(parts, total, state, side, other)),
        by_themselves=caching_by_themselves(load_catalog(), read),
    )  # fmt: skip


def line_of(name: str, sums: SnapshotSums, steps: Mapping[int, int] | None = None) -> SnapshotLine:
    """The figures of sums, and of first-token times counted by step."""
    cost, uncached = usd_of_picousd(sums.cost), usd_of_picousd(sums.uncached)
    priced = sums.calls - sums.failed - sums.no_usage - sums.unpriced
    return SnapshotLine(
        name=name, calls=sums.calls, failed=sums.failed, no_usage=sums.no_usage, unpriced=sums.unpriced,
        input=sums.input, output=sums.output, read=sums.read, write=sums.write, hit_rate=_hit_rate(sums),
        cost_usd=cost, uncached_usd=uncached, saved_usd=uncached - cost,
        saved_share=_share(uncached - cost, uncached),
        usd_per_call=(cost / priced).quantize(_FINEST) if priced else None,
        misses=sums.misses, missed=sums.missed, lost_usd=usd_of_picousd(sums.lost), lost_unpriced=sums.lost_unpriced,
        wasted=sums.wasted, wasted_share=_share(sums.wasted, sums.write), wasted_usd=usd_of_picousd(sums.wasted_usd),
        wasted_unpriced=sums.wasted_unpriced,
        first_ms_p50=percentile(steps or {}, 50), first_ms_p95=percentile(steps or {}, 95),
        unmetered=sums.unmetered, unmetered_least_usd=usd_of_picousd(sums.least),
        unmetered_most_usd=usd_of_picousd(sums.most),
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


def _observed(sums: SnapshotSums) -> Observed | None:
    return ObservedSums(sums.observed, sums.observed_cost, sums.planned).figures()


def _bar(at: int, sums: SnapshotSums) -> Bar:
    return Bar(
        at, sums.calls, sums.failed, usd_of_picousd(sums.cost), usd_of_picousd(sums.uncached), sums.input, sums.read,
        sums.write, sums.output, _hit_rate(sums), sums.misses,
    )  # fmt: skip


def _hit_rate(sums: SnapshotSums) -> float | None:
    return _share(sums.read, sums.input + sums.read + sums.write)


def _share(part: int | Decimal, whole: int | Decimal) -> float | None:
    return round(float(part / whole), 6) if whole else None


def _usd_per_hour(parts: SnapshotParts, now: float) -> Usd | None:
    """Spend by the hour since the period's first call, over a minute at least; None where nothing was priced."""
    if parts.first_at is None or not parts.total.cost:
        return None
    seconds = max(60, int(now) - parts.first_at)
    return (usd_of_picousd(parts.total.cost) * HOUR_S / seconds).quantize(_FINEST)


def _usd_per_month(parts: SnapshotParts, rate: Usd | None, now: float) -> Usd | None:
    """Spend in 30 days at the rate of a period; None where its calls go back less than a day."""
    if rate is None or parts.first_at is None or now - parts.first_at < LEAST_SPAN_S:
        return None
    return rate * MONTH_H


def _dearest(lines: Any) -> tuple[SnapshotLine, ...]:
    ranked = sorted(lines, key=lambda line: (-line.cost_usd, -line.calls, line.name))
    return tuple(line for line in ranked if line.calls)[:MOST_LINES]


def _worst(lines: Any) -> tuple[SnapshotLine, ...]:
    ranked = sorted(lines, key=lambda line: (-line.lost_usd, -line.missed, -line.cost_usd, line.name))
    return tuple(line for line in ranked if line.calls)[:MOST_LINES]


def _causes(causes: Mapping[str, SnapshotSums]) -> tuple[CauseLine, ...]:
    lines: list[CauseLine] = []
    for name, sums in causes.items():
        rule, _, words = name.partition("\t")
        lost = usd_of_picousd(sums.lost)
        lines.append(CauseLine(rule or None, words, sums.misses, sums.missed, lost, sums.lost_unpriced, fix_of(rule)))
    return tuple(sorted(lines, key=lambda line: (-line.lost_usd, -line.missed, line.cause)))


def _unpriced(parts: SnapshotParts) -> str:
    """The models of calls without a known price, the most called first."""
    calls = {name: sums.unpriced for name, sums in parts.models.items() if sums.unpriced}
    names = sorted(calls, key=lambda name: (-calls[name], name))
    more = f" and {counted(len(names) - _NAMED, 'more model')}" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _notices(parts: SnapshotParts, total: SnapshotLine, state: LedgerState, side: str, other: OtherSide) -> list[str]:
    """What a person must know to read the figures right, in sentences."""
    notices: list[str] = []
    if not state.there:
        notices.append(f"No ledger in {state.folder}. Record one: rockbottom.attach(client, ledger=True)")
    elif state.share_read < 0.999:
        notices.append(f"The ledger is still being read ({share(state.share_read)}): the figures will grow.")
    if other.calls and side == "aws":
        notices.append(f"{counted(other.calls, 'call')} to the local endpoint left out: simulated, not billed.")
    elif other.calls:
        notices.append(f"{counted(other.calls, 'call')} billed by AWS left out.")
    if total.unpriced:
        notices.append(
            f"{counted(total.unpriced, 'call')} without a known price, in no sum of money: {_unpriced(parts)}."
        )
    if total.no_usage:
        bounds = (total.unmetered_least_usd, total.unmetered_most_usd)
        notices.append(f"{without_usage(total.no_usage, total.unmetered, bounds)}.")
    if total.lost_unpriced:
        notices.append(f"{counted(total.lost_unpriced, 'miss', 'misses')} without a price.")
    for shown, noun in ((parts.models, "models"), (parts.tags, "tags"), (parts.families, "prefixes")):
        if len(shown) > MOST_LINES:
            notices.append(f"There are more {noun}: the {MOST_LINES} that matter most are listed.")
    if state.damaged:
        notices.append(f"{counted(state.damaged, 'damaged line')} in the ledger left out.")
    if state.unfinished:
        last = counted(state.unfinished, "last line")
        notices.append(f"{last} of the ledger without an end left out: being recorded now, or cut off.")
    if state.removed:
        notices.append(
            f"The ledger has reached its size limit: {counted(state.removed, 'call')} removed so far, oldest first."
        )
    if state.dropped:
        notices.append(f"{counted(state.dropped, 'call')} could not be recorded (the disk was full, or not writable).")
    if state.ahead:
        notices.append(f"{counted(state.ahead, 'call')} dated after now left out: a clock jumped.")
    if state.in_memory:
        notices.append("The ledger's folder cannot be written: history is read again at every start.")
    return notices
