"""A replay as text and as CSV."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from io import StringIO
from typing import Any

import msgspec
from msgspec import UNSET

from rockbottom.documents import (
    NONE_ALONE,
    BillResult,
    FamilyResult,
    PolicyDetails,
    ReconciliationResult,
    ReplayResult,
    UnpricedReplay,
)
from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    Steps,
    clock,
    counted,
    duration,
    folded,
    paragraph,
    rounded,
    share,
    short_tokens,
    table,
    tokens,
    usd,
)
from rockbottom.quantities import LEAST_SPAN_S, ZERO_USD, Ttl, Usd
from rockbottom.rendering.groups import groups_csv, groups_text
from rockbottom.rendering.paid import (
    alone_in_words,
    attached_in_words,
    day_in_words,
    decimals_of,
    prices_in_words,
    tier_in_words,
    whole_in_words,
)

_FAMILIES = 3
GAP = Decimal("0.01")
"""Between what was counted and what the rules make of it: smaller ones are not said."""
_MONEY: Steps = ((1, 2), (0, 4))
_OF_COMBINATIONS = (
    "least: no placement of cachePoints can cost less. For the details of one line, name its model, scope, "
    "tier and day. "
    "--json and --csv have every policy of every combination."
)


_WAYS = {"none": "no caching", "as_recorded": "the cachePoints as sent", "planner": "rockbottom attached"}
_BY_ITSELF = {"none": "no caching (mode explicit, no mark)", "as_recorded": "what the service cached by itself"}
"""Of models whose service caches by itself, where no request has points of its own."""
_MEANINGS = (
    ("as_recorded", "as sent: the cachePoints of the log (--policy as_recorded)"),
    ("system", "system: a cachePoint behind the system prompt"),
    ("tail", "tail: one behind the last message"),
    ("1h", "5m, 1h: how long entries live"),
    ("documents", "documents: one behind each block as long as a document"),
    ("second_sighting", "second_sighting: what is sent a second time is written"),
    ("planner", "planner: rockbottom attached"),
)


def replay_text(replay: ReplayResult, *, width: int = 80) -> Iterator[str]:
    """The lines that a terminal shows of one combination of model, scope, tier and day."""
    for line in _lines(replay, width):
        yield from folded(line, width)


def replays_text(runs: Sequence[ReplayResult | UnpricedReplay], *, width: int = 80) -> Iterator[str]:
    """A line for each combination: the bill without caching, of the cheapest policy, and the least there could be."""
    priced = [run for run in runs if isinstance(run, ReplayResult)]
    if priced:
        yield f"{counted(priced[0].requests, 'request')}; input and output, in US dollars"
        yield from _simulated(priced[0])
        yield ""
    yield f"  {'tier':<9}{'day':<11}{'none $':>12}{'best $':>12}{'least $':>12}  best policy"
    heading = ""
    for run in runs:
        if heading != (heading := _model_of(run)):
            yield heading
        yield from _unpriced(run, width) if isinstance(run, UnpricedReplay) else _combination(run)
    if priced:
        best = min(priced, key=lambda run: run.cheapest.usd)
        bill = best.cheapest
        name = f"{_model_of(best)}, {tier_in_words(best.tier)}, {day_in_words(best.on)}"
        yield ""
        yield from paragraph(f"cheapest: {name}, {shown_policy(bill.policy)}: {dollars(bill.usd)}", width)
        yield from paragraph(_OF_COMBINATIONS, width)


def _unpriced(run: UnpricedReplay, width: int) -> Iterator[str]:
    text = f"{tier_in_words(run.asked.tier):<9}{day_in_words(run.asked.on):<11} {run.lacks}"
    yield from paragraph(text, width, "  ", " " * 23)


def _combination(run: ReplayResult) -> Iterator[str]:
    none, best = run.policy("none"), run.cheapest
    least = "" if run.clairvoyant is None else _money(run.clairvoyant.usd)
    amounts = f"{_money(best.usd):>12}{least:>12}"
    first = "" if none is None else _money(none.usd)
    yield f"  {tier_in_words(run.tier):<9}{day_in_words(run.on):<11}{first:>12}{amounts}  {shown_policy(best.policy)}"


def _model_of(run: ReplayResult | UnpricedReplay) -> str:
    if isinstance(run, UnpricedReplay):
        scope = run.asked.scope.value if run.asked.scope else None
        return ", ".join(name for name in (run.asked.model, scope) if name) or "as sent"
    models = ", ".join(dict.fromkeys(model.name for model in run.models))
    scopes = ", ".join(dict.fromkeys(model.scope.value for model in run.models))
    return f"{models}, {scopes}"


def _simulated(replay: ReplayResult) -> Iterator[str]:
    if replay.simulated_requests is not UNSET:
        yield f"{tokens(replay.simulated_requests)} of them went to a local endpoint: what follows is simulated"


def _lines(replay: ReplayResult, width: int) -> Iterator[str]:
    yield from filter(None, [answer_in_words(replay)])
    yield ""
    if replay.by is not UNSET and replay.groups is not UNSET:
        decimals = decimals_of(max((group.paid_usd for group in replay.groups), default=ZERO_USD))
        yield from groups_text(replay.by, replay.groups, decimals, width=width)
        yield ""
    models = ", ".join(dict.fromkeys(model.name for model in replay.models))
    yield f"{counted(replay.requests, 'request')} · {models} · {prices_in_words(replay)}"
    yield from _simulated(replay)
    if replay.reconciliation:
        yield ""
        yield from _reconciliation(replay.reconciliation)
    yield ""
    columns = [Column("policy", right=False), *map(Column, ("read", "written", "uncached", "input $"))]
    columns.append(Column("against no caching", right=False))
    rows = [_row(bill, shown_policy(bill.policy)) for bill in replay.policies]
    if replay.clairvoyant is not None:
        rows.append(_row(replay.clairvoyant, "least possible"))
    yield from table(columns, rows, width, Paint(False), indent=0)
    yield ""
    yield policies_in_words(replay)
    yield ""
    yield from _details(replay)
    yield switch_in_words(replay)
    yield f"assumed: {'; '.join(replay.assumptions)}"


def followed_text(replay: ReplayResult, at: float, *, width: int = 80, zone: tzinfo | None = None) -> Iterator[str]:
    """The answer as it stands at an instant, for somebody who goes on looking."""
    sentence = f"{clock(at, zone)} · {counted(replay.requests, 'request')}. {answer_in_words(replay)}"
    yield from paragraph(sentence, width, rest="  ")


def answer_in_words(replay: ReplayResult) -> str:
    """What was paid, what it would have been with rockbottom attached, and the least there could be."""
    answer = replay.answer
    if answer is UNSET:
        return ""
    paid, attached, least = answer.paid_usd, answer.attached_usd, answer.least_usd
    counted = answer.counted and replay.simulated_requests is UNSET
    alone = NONE_ALONE if replay.alone is UNSET else replay.alone
    decimals = decimals_of(max(amount for amount in (paid, attached, least, alone.usd) if amount is not None))
    sentences: list[str] = []
    if paid is not None:
        amount = whole_in_words(paid, alone, decimals)
        opening = "You paid" if replay.elsewhere_requests is UNSET else "On Bedrock you would have paid"
        sentences.append(f"{opening} {amount}." if counted else f"As it was sent it costs {amount} by the rules.")
        sentences += alone_in_words(alone, decimals)
    if attached is not None:
        instead = " and its cachePoints instead of yours" if answer.instead else ""
        with_it = attached_in_words(attached, paid, alone, decimals, by_counters=counted)
        sentences.append(f"With rockbottom attached{instead} {with_it}.")
    if least is None:
        return " ".join([*sentences, "What repeats is not known, and so neither is the least possible."])
    amount = usd(least, decimals, symbol=True)
    if counted and paid is not None and least > paid:
        sentences.append(
            f"By the rules it could not have cost less than {amount}: the service read more than they predict."
        )
    elif replay.clairvoyant is not None and replay.clairvoyant.means != "exact":
        sentences.append(f"No way of caching could {'have cost' if counted else 'cost'} less than {amount}.")
    else:
        sentences.append(f"The least possible {'was' if counted else 'is'} {amount}.")
    like = answer.like_ruled_usd
    if like and answer.ruled_usd is not UNSET and abs(answer.ruled_usd / like - 1) >= GAP:
        ruled = usd(answer.ruled_usd, decimals, symbol=True)
        sentences.append(
            f"The rules predict {ruled} for what was sent; other bills are scaled to what the service counted."
        )
    return " ".join(sentences)


def _reconciliation(reconciliation: ReconciliationResult) -> Iterator[str]:
    more = reconciliation.observed_usd - reconciliation.predicted_usd
    part = f", {share(more / reconciliation.predicted_usd, 1, signed=True)}" if reconciliation.predicted_usd else ""
    observed, predicted = dollars(reconciliation.observed_usd), dollars(reconciliation.predicted_usd)
    by_rules = (
        "and the same" if observed == predicted else f"by the rules {predicted}: {dollars(more, signed=True)}{part}"
    )
    yield f"by the counters of the log {observed}, {by_rules}{' by the rules' if observed == predicted else ''}"
    for cause in reconciliation.causes:
        seen, expected = short_tokens(cause.observed_read_tokens), short_tokens(cause.predicted_read_tokens)
        difference = dollars(cause.difference_usd, signed=True)
        amount = "" if dollars(abs(cause.difference_usd)) == dollars(ZERO_USD) else f"  {difference}"
        read = f"{seen} read" if seen == expected else f"read {seen} of {expected} predicted"
        yield f"  {counted(cause.requests, 'request'):>18}{amount}  {cause.cause}: {read}"


def dollars(amount: Usd, *, signed: bool = False) -> str:
    """An amount, its sign in front of the dollar."""
    return usd(amount, _MONEY, symbol=True, signed=signed, bare_zero=False)


def shown_policy(name: str) -> str:
    """The name of a policy as people read it."""
    return "as sent" if name == "as_recorded" else name


def policies_in_words(replay: ReplayResult) -> str:
    """What the names of the policies that were replayed mean, and what the last row is."""
    names = {bill.policy for bill in replay.policies}
    parts = names | {part for name in names for part in name.split("_")}
    meanings = dict(_MEANINGS)
    if _caches_by_itself(replay):
        meanings = {**meanings, **{name: f"{shown_policy(name)}: {way}" for name, way in _BY_ITSELF.items()}}
    return "; ".join([*(meaning for word, meaning in meanings.items() if word in parts), least_in_words(replay)])


def _caches_by_itself(replay: ReplayResult) -> bool:
    """Whether the service caches what has no points: what was sent is told then, though none was set."""
    answer = replay.answer
    return answer is not UNSET and not answer.instead and replay.policy("as_recorded") is not None


def least_in_words(replay: ReplayResult) -> str:
    """Whether the least is reached by some placement, or only a bound from below."""
    if replay.clairvoyant is None:
        return "least possible: not known, as what repeats is not"
    exact = replay.clairvoyant.means == "exact"
    return f"least possible: {'the exact optimum' if exact else 'a lower bound'}, knowing the future"


def _row(bill: BillResult, name: str) -> list[Cell]:
    counts = bill.read_tokens, bill.written_tokens, bill.uncached_tokens
    figures = [Cell(short_tokens(count)) for count in counts]
    return [Cell(name), *figures, Cell(_money(bill.input_usd)), Cell(than_without_caching(bill))]


def than_without_caching(bill: BillResult) -> str:
    """The input bill against the one without caching: cheaper or dearer, by how much; empty where nothing is known."""
    relative = bill.relative_input_cost
    if relative is None or bill.policy == "none":
        return ""
    if relative == 1:
        return "the same"
    return f"{share(abs(1 - relative))} {'cheaper' if relative < 1 else 'dearer'}"


def _details(replay: ReplayResult) -> Iterator[str]:
    """Waste, families, gaps and quota of one policy."""
    name = replay.shown_policy
    if name is None:
        return
    details = replay.details[name]
    written, never_read = short_tokens(details.written_tokens), short_tokens(details.never_read_tokens)
    yield f"{shown_policy(name)}: {written} tokens written, {never_read} never read{share_never_read(details)}"
    for family in details.families[:_FAMILIES]:
        if family.reads_per_write is not None:
            yield f"  prefix {family.prefix[:8]}: {_family(family)}"
    rates = [f"{row.gap} {share(row.hit_rate)}" for row in details.gaps if row.hit_rate is not None]
    if rates:
        yield f"  share read of what had been sent before, by the time since then: {', '.join(rates)}"
    for quota in details.quota:
        peak, without = short_tokens(quota.peak_minute), short_tokens(quota.peak_minute_without)
        counts = f"{peak} input tokens count against its quota, {without} without caching"
        yield f"  busiest minute of {quota.model}: {counts}"


def _family(family: FamilyResult) -> str:
    size, reads = short_tokens(family.tokens_in), reads_per_write(family)
    return f"{counted(family.requests, 'request')}, {size} tokens, {reads} tokens read per token written"


def reads_per_write(family: FamilyResult) -> str:
    """Tokens read for each token written; empty where nothing was written."""
    return "" if family.reads_per_write is None else rounded(Decimal(str(family.reads_per_write)), 1)


def share_never_read(details: PolicyDetails) -> str:
    """The share of what was written that was never read, in brackets; empty where nothing was written."""
    written = details.written_tokens
    return f" ({share(details.never_read_tokens / written)})" if written else ""


def switch_in_words(replay: ReplayResult) -> str:
    """The change that saves most, and how much, or that there is none; a month only of a day and more."""
    switch, span = replay.switch, duration(replay.span_seconds)
    if switch is None:
        return "no policy tried is cheaper than what was sent"
    ways = {**_WAYS, **_BY_ITSELF} if _caches_by_itself(replay) else _WAYS
    change = f"{ways.get(switch.best, switch.best)} instead of {ways.get(switch.start, switch.start)} saves"
    if switch.saved_usd_a_month is None:
        short = "; too short for a month" if replay.span_seconds < LEAST_SPAN_S else ""
        return f"{change} {dollars(switch.saved_usd)} in {span}{short}"
    return f"{change} {dollars(switch.saved_usd_a_month)} in 30 days, at the rate of these {span}"


def _money(amount: Usd) -> str:
    return usd(amount, _MONEY, bare_zero=False)


def replay_csv(runs: Sequence[ReplayResult | UnpricedReplay]) -> str:
    """A line for each policy of each combination, or for each group of the only one; money in exact US dollars."""
    if len(runs) == 1 and isinstance(runs[0], ReplayResult):
        by, groups = runs[0].by, runs[0].groups
        if by is not UNSET and groups is not UNSET:
            return groups_csv(by, groups)
    rows: list[dict[str, Any]] = []
    for run in runs:
        combination: dict[str, Any] = {} if run.asked is UNSET else msgspec.to_builtins(run.asked)
        if isinstance(run, UnpricedReplay):
            rows.append({**combination, "lacks": run.lacks})
        else:
            bills = (*run.policies, *filter(None, [run.clairvoyant]))
            rows.extend({**combination, **_cells(bill)} for bill in bills)
    out = StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _cells(bill: BillResult) -> dict[str, Any]:
    """The figures of a bill that are one value each; every lifetime that was written has a column."""
    left_out = ("by_length", "means", "written_at")
    names = [name for name in bill.__struct_fields__ if name not in left_out]
    others: Mapping[Ttl, int] = {} if bill.written_at is UNSET else bill.written_at
    written = {f"written_{ttl.value}_tokens": tokens for ttl, tokens in others.items()}
    return {**{name: msgspec.to_builtins(getattr(bill, name)) for name in names}, **written}
