"""A replay as text of 80 columns and as CSV."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import msgspec
from msgspec import UNSET

from rockbottom.documents import (
    BillResult,
    PolicyDetails,
    PolicyResult,
    ReconciliationResult,
    ReplayResult,
    UnpricedReplay,
)
from rockbottom.figures import paragraph, share, short_tokens, usd
from rockbottom.quantities import Usd

_WIDTH = 80
_FAMILIES = 3
_DECIMALS = ((10, 2), (0, 4))  # cents from ten dollars on


def replay_text(replay: ReplayResult) -> Iterator[str]:
    """The lines that a terminal shows of one combination of model, scope, tier and day."""
    for line in _lines(replay):
        indent = line[: len(line) - len(line.lstrip())]
        yield from paragraph(line, _WIDTH, rest=f"{indent}  ") if len(line) > _WIDTH else [line]


def replays_text(runs: Sequence[ReplayResult | UnpricedReplay]) -> Iterator[str]:
    """A line for each combination: the bill without caching, of the cheapest policy, and the least there could be."""
    priced = [run for run in runs if isinstance(run, ReplayResult)]
    if priced:
        yield f"{priced[0].requests:,} requests; input and output, in US dollars"
        yield from _simulated(priced[0])
        yield ""
    yield f"  {'tier':<9}{'day':<11}{'none $':>12}{'best $':>12}{'least $':>12}  best policy"
    heading = ""
    for run in runs:
        if heading != (heading := _model_of(run)):
            yield heading
        yield from _unpriced(run) if isinstance(run, UnpricedReplay) else _combination(run)
    if priced:
        best = min(priced, key=lambda run: run.cheapest.usd)
        bill = best.cheapest
        name = f"{_model_of(best)}, {best.tier.value}, {best.on.isoformat()}"
        yield ""
        yield from paragraph(f"cheapest: {name}, {bill.policy}: {dollars(bill.usd)}", _WIDTH)
        yield from paragraph(
            "least: what no placement can go below. The details of one: name one model, scope, tier and day. --json "
            "and --csv have every policy of every combination.", _WIDTH,
        )  # fmt: skip


def _unpriced(run: UnpricedReplay) -> Iterator[str]:
    text = f"{run.asked.tier.value:<9}{run.asked.on.isoformat():<11} {run.lacks}"
    yield from paragraph(text, _WIDTH, "  ", " " * 23)


def _combination(run: ReplayResult) -> Iterator[str]:
    none, best = run.policy("none"), run.cheapest
    amounts = "".join(f"{_usd(usd):>12}" for usd in (best.usd, run.clairvoyant.usd))
    first = "" if none is None else _usd(none.usd)
    yield f"  {run.tier.value:<9}{run.on.isoformat():<11}{first:>12}{amounts}  {best.policy}"


def _model_of(run: ReplayResult | UnpricedReplay) -> str:
    if isinstance(run, UnpricedReplay):
        scope = run.asked.scope.value if run.asked.scope else None
        return ", ".join(name for name in (run.asked.model, scope) if name) or "as sent"
    models = ", ".join(dict.fromkeys(model.name for model in run.models))
    scopes = ", ".join(dict.fromkeys(model.scope.value for model in run.models))
    return f"{models}, {scopes}"


def _simulated(replay: ReplayResult) -> Iterator[str]:
    if replay.simulated_requests is not UNSET:
        yield f"{replay.simulated_requests:,} of them went to a local endpoint: what follows is simulated"


def _lines(replay: ReplayResult) -> Iterator[str]:
    models = ", ".join(dict.fromkeys(model.name for model in replay.models))
    yield f"{replay.requests:,} requests · {models} · {replay.tier.value} tier · prices of {replay.on.isoformat()}"
    yield from _simulated(replay)
    if replay.reconciliation:
        yield ""
        yield from _reconciliation(replay.reconciliation)
    yield ""
    yield f"{'policy':<18} {'read':>8} {'written':>8} {'uncached':>8} {'input $':>12} {'relative':>8} {'captured':>9}"
    for policy in replay.policies:
        yield _row(policy)
    yield _row(replay.clairvoyant)
    yield ""
    yield from _details(replay)
    if replay.switch:
        yield switch_in_words(replay)
    yield f"clairvoyant: {replay.clairvoyant.means}"
    yield f"assumed: {'; '.join(replay.assumptions)}"


def _reconciliation(found: ReconciliationResult) -> Iterator[str]:
    more = found.observed_usd - found.predicted_usd
    part = f", {share(more / found.predicted_usd, 1, signed=True)}" if found.predicted_usd else ""
    observed, predicted = dollars(found.observed_usd), dollars(found.predicted_usd)
    yield f"observed {observed}, by the rules {predicted}: {dollars(more, signed=True)}{part}"
    for cause in found.causes:
        seen, expected = short_tokens(cause.observed_read_tokens), short_tokens(cause.predicted_read_tokens)
        difference = dollars(cause.difference_usd, signed=True)
        yield f"  {cause.requests:>9,} requests  {difference}  {cause.cause}: read {seen} of {expected} predicted"


def dollars(amount: Usd, *, signed: bool = False) -> str:
    """An amount, its sign in front of the dollar."""
    return usd(amount, _DECIMALS, symbol=True, signed=signed)


def _row(bill: BillResult) -> str:
    counts = bill.read_tokens, bill.written_tokens, bill.uncached_tokens
    tokens = " ".join(f"{short_tokens(count):>8}" for count in counts)
    relative, captured = relative_and_captured(bill)
    return f"{bill.policy:<18} {tokens} {_usd(bill.input_usd):>12} {relative:>8} {captured:>9}".rstrip()


def relative_and_captured(bill: BillResult) -> tuple[str, str]:
    """The input bill against no caching, and the share of the greatest possible saving; empty where not known."""
    relative = "" if bill.relative_input_cost is None else f"{bill.relative_input_cost:.3f}"
    captured = bill.captured if isinstance(bill, PolicyResult) else None
    return relative, "" if captured is None else share(captured, 1)


def _details(replay: ReplayResult) -> Iterator[str]:
    """Waste, families, gaps and quota of one policy."""
    name = replay.shown_policy
    if name is None:
        return
    details = replay.details[name]
    written, never_read = short_tokens(details.written_tokens), short_tokens(details.never_read_tokens)
    yield f"{name}: {written} tokens written, {never_read} never read{share_never_read(details)}"
    for family in details.families[:_FAMILIES]:
        if family.reads_per_write is not None:
            yield (
                f"  family {family.prefix[:8]}: {family.requests:,} requests, {short_tokens(family.tokens_in)} tokens, "
                f"{family.reads_per_write:,.1f} reads per write"
            )
    rates = [f"{row.gap} {share(row.hit_rate)}" for row in details.gaps if row.hit_rate is not None]
    if rates:
        yield f"  read of what was seen before, by gap: {', '.join(rates)}"
    for quota in details.quota:
        peak, without = short_tokens(quota.peak_minute), short_tokens(quota.peak_minute_without)
        yield f"  fullest minute against the quota: {peak} tokens instead of {without} (input side)"


def share_never_read(details: PolicyDetails) -> str:
    """The share of what was written that was never read, in brackets; empty where nothing was written."""
    written = details.written_tokens
    return f" ({share(details.never_read_tokens / written)})" if written else ""


def switch_in_words(replay: ReplayResult) -> str:
    """The change that saves most, and how much; empty where there is none."""
    switch = replay.switch
    if switch is None:
        return ""
    change = f"from {switch.start} to {switch.best} saves"
    if switch.saved_usd_a_month is None:
        return f"{change} {dollars(switch.saved_usd)}"
    return f"{change} ${usd(switch.saved_usd_a_month, 0)} a month, scaled from {replay.span_seconds / 3600:,.1f} hours"


def replay_csv(runs: Sequence[ReplayResult | UnpricedReplay]) -> str:
    """A line for each policy of each combination; money in exact US dollars."""
    rows: list[dict[str, Any]] = []
    for run in runs:
        asked = {} if run.asked is UNSET else msgspec.to_builtins(run.asked)
        if isinstance(run, UnpricedReplay):
            rows.append({**asked, "lacks": run.lacks})
        else:
            rows.extend({**asked, **_cells(bill)} for bill in (*run.policies, run.clairvoyant))
    out = StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _cells(bill: BillResult) -> dict[str, Any]:
    """The figures of a bill that are one value each."""
    left_out = ("by_length", "means")
    names = [name for name in bill.__struct_fields__ if name not in left_out]
    return {name: msgspec.to_builtins(getattr(bill, name)) for name in names}


def _usd(amount: Usd) -> str:
    return usd(amount, _DECIMALS)
