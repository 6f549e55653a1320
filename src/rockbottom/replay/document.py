"""The answer of a replay put together from its tally: what the terminal, CSV and the page are made of."""

from collections.abc import Iterable, Mapping, Sequence, Set
from decimal import Decimal
from functools import reduce
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from rockbottom.cost import Cost, CostLine
from rockbottom.documents import (
    BillResult,
    CauseResult,
    Combination,
    FamilyResult,
    GapResult,
    GroupResult,
    LeastResult,
    PolicyDetails,
    PolicyResult,
    QuotaResult,
    ReconciliationResult,
    ReplayAnswer,
    ReplayedModel,
    ReplayResult,
    SwitchResult,
    TokensByLength,
    UnpricedReplay,
    written_members,
)
from rockbottom.quantities import ZERO_USD, RockbottomError, Usage, Usd, per_month
from rockbottom.replay.analysis import GapRow
from rockbottom.replay.assumptions import assumptions_of
from rockbottom.replay.groups import LabelBills, added_groups
from rockbottom.replay.policies import PolicyBill, captured, relative_cost
from rockbottom.replay.reconcile import ReplayReconciliation
from rockbottom.replay.study import NONE, PLANNER, RECORDED, ReplayQuestion
from rockbottom.replay.tallies import Details, ModelTally, ReplayTally

T = TypeVar("T")
_FINEST = Decimal("1e-12")


class NothingToTell(RockbottomError):
    """There is no request to say anything about, or no price for it."""


def documents_of(answers: Sequence[tuple[ReplayQuestion, ReplayTally]]) -> list[ReplayResult | UnpricedReplay]:
    """One answer for each question; of several, one that lacks a price says so instead of failing all.

    Raises NothingToTell where the only question cannot be answered.
    """
    if len(answers) == 1:
        return [document_of(*answers[0])]
    documents: list[ReplayResult | UnpricedReplay] = []
    for question, tally in answers:
        combination = Combination(question.model, question.scope, question.tier, question.on)
        if tally.lacks:
            documents.append(UnpricedReplay(asked=combination, lacks=tally.lacks))
        else:
            documents.append(replace(document_of(question, tally), asked=combination))
    return documents


def document_of(question: ReplayQuestion, tally: ReplayTally) -> ReplayResult:
    """The whole answer. Raises NothingToTell where there is no request, or a price is not known."""
    models = tally.models
    if tally.lacks or not models:
        fix = tally.apart[0].fix if tally.apart else None
        nothing = f"no request went to {', '.join(question.only)}" if question.only else "no request was replayed"
        raise NothingToTell(tally.lacks or nothing, fix=fix)
    bills = {name: _added(model.bills[name] for model in models) for name in models[0].bills}
    none, leasts = bills[NONE], [model.least for model in models if model.least is not None]
    least = _added(leasts) if len(leasts) == len(models) else None
    span = max(model.last_at for model in models) - min(model.first_at for model in models)
    reconciliation = _reconciliation([model.reconciliation for model in models])
    return ReplayResult(
        on=_only({day for model in models for day in model.days}),
        tier=_only({tier for model in models for tier in model.tiers}),
        models=tuple(map(_model, models)),
        set_apart=tally.apart or UNSET,
        alone=tally.alone if tally.alone.requests else UNSET,
        requests=sum(model.requests for model in models),
        span_seconds=span,
        answer=_answer(question, models, bills, reconciliation, leasts),
        reconciliation=reconciliation,
        policies=tuple(_policy(bills[name], none, least) for name in question.policies),
        clairvoyant=None if least is None else _least(least, none, exact=all(model.exact for model in models)),
        switch=_switch([bills[name] for name in question.policies], none, span),
        details={
            name: _details(models, name) for name in question.policies if all(name in model.details for model in models)
        },
        assumptions=tuple(assumptions_of(models, question.on)),
        by=question.by or UNSET,
        groups=_group_results(question, models) if question.by else UNSET,
    )


def _as_sent(question: ReplayQuestion, models: Sequence[ModelTally]) -> bool:
    """Whether requests are priced as they were sent."""
    return question.as_sent and not any(model.at_other_tier for model in models)


def _only(values: Set[T]) -> T | None:
    """The only value of several requests, or None where they differ."""
    return next(iter(values)) if len(values) == 1 else None


def _group_results(question: ReplayQuestion, models: Sequence[ModelTally]) -> tuple[GroupResult, ...]:
    """The groups of all models, the one that paid most first; counted where the whole answer is."""
    counted = _as_sent(question, models) and all(model.reconciliation is not None for model in models)
    attached: dict[str | None, Usd] = {}
    for model, part in zip(models, _counted_parts(models, counted=counted), strict=True):
        for label, group in model.groups.items():
            if group.planner is not None:
                attached[label] = attached.get(label, ZERO_USD) + _in_part(group.planner, part)
    groups = reduce(added_groups, (model.groups for model in models))
    results = [_group(group, attached.get(label), counted=counted) for label, group in groups.items()]
    return tuple(sorted(results, key=lambda group: (-group.paid_usd, group.label or "")))


def _group(group: LabelBills, attached: Usd | None, *, counted: bool) -> GroupResult:
    paid = group.observed if counted and group.observed is not None else group.as_sent
    return GroupResult(
        label=group.label, requests=group.requests, input_tokens=group.tokens_in, read_tokens=group.read,
        paid_usd=paid.usd, attached_usd=None if group.planner is None else attached,
        uncached_usd=group.none.usd,
    )  # fmt: skip


def _answer(
    question: ReplayQuestion,
    models: Sequence[ModelTally],
    bills: Mapping[str, PolicyBill],
    reconciliation: ReconciliationResult | None,
    leasts: Sequence[PolicyBill],
) -> ReplayAnswer:
    """What was paid, what it would have been, the least: counted where the requests are priced as they were sent."""
    counted = reconciliation is not None and _as_sent(question, models)
    by_rules = sum((model.as_sent.usd for model in models), ZERO_USD)
    parts = _counted_parts(models, counted=counted)
    waited = (model.reconciliation.parallel_usd for model in models if model.reconciliation is not None)

    def like_paid(costs: Iterable[Cost]) -> Usd:
        return sum((_in_part(cost, part) for cost, part in zip(costs, parts, strict=True)), ZERO_USD)

    return ReplayAnswer(
        paid_usd=sum((model.paid.usd for model in models), ZERO_USD) if _as_sent(question, models) else by_rules,
        counted=counted,
        attached_usd=like_paid(model.bills[PLANNER].cost for model in models) if PLANNER in bills else None,
        instead=any(model.marked for model in models),
        least_usd=like_paid(least.cost for least in leasts) if len(leasts) == len(models) else None,
        ruled_usd=by_rules if counted else UNSET,
        parallel_usd=(sum(waited, ZERO_USD) if counted else ZERO_USD) or UNSET,
    )


def _counted_parts(models: Sequence[ModelTally], *, counted: bool) -> Sequence[Decimal]:
    """The counted input of each model as a part of what the rules make of it; 1 where nothing is counted."""
    return [_counted_part(model) if counted else Decimal(1) for model in models]


def _counted_part(model: ModelTally) -> Decimal:
    """The counted input of one model as that part, without what parallel requests wrote at once: the planner has them
    wait."""
    if model.reconciliation is None:
        return Decimal(1)
    reconciliation = model.reconciliation
    return _part_of(reconciliation.observed.input_usd - reconciliation.parallel_usd, model.as_sent.input_usd)


def _part_of(counted: Usd, ruled: Usd) -> Decimal:
    """One bill of input as a part of the other; 1 where that is nothing."""
    return counted / ruled if ruled else Decimal(1)


def _in_part(cost: Cost, part: Decimal) -> Usd:
    """A cost with so much of its input, exact where that is all of it."""
    if part == 1:
        return cost.usd
    return (cost.usd - cost.input_usd + cost.input_usd * part).quantize(_FINEST)


def _added(bills: Iterable[PolicyBill]) -> PolicyBill:
    return reduce(lambda total, bill: total + bill, bills)


def _model(tally: ModelTally) -> ReplayedModel:
    model = tally.model
    return ReplayedModel(model.given, model.model.id, model.model.name, model.scope, tally.requests)


def _by_length(bill: PolicyBill) -> tuple[TokensByLength, ...] | UnsetType:
    """The tokens apart by the prompt length at which another price begins, where some prompts are above one."""
    bands: dict[int, list[CostLine]] = {}
    for line in bill.cost.lines:
        bands.setdefault(line.price.above_context_tokens, []).append(line)
    if not any(bands):
        return UNSET
    return tuple(_band(above, Cost(tuple(lines)).usage) for above, lines in sorted(bands.items()))


def _band(above: int, usage: Usage) -> TokensByLength:
    return TokensByLength(above_tokens=above, **_tokens(TokensByLength, usage))


def _tokens(kind: type[BillResult | TokensByLength], usage: Usage) -> dict[str, Any]:
    """The members of a result that count tokens."""
    return {
        "read_tokens": usage.cache_read, **written_members(kind, usage.writes()), "uncached_tokens": usage.input,
        "output_tokens": usage.output,
    }  # fmt: skip


def _policy(bill: PolicyBill, none: PolicyBill, least: PolicyBill | None) -> PolicyResult:
    share = None if least is None else captured(bill.cost.usd, none.cost.usd, least.cost.usd)
    return PolicyResult(**_figures(bill, none), captured=_ratio(share))


def _least(bill: PolicyBill, none: PolicyBill, *, exact: bool) -> LeastResult:
    return LeastResult(**_figures(bill, none), means="exact" if exact else "lower bound: every block decides alone")


def _figures(bill: PolicyBill, none: PolicyBill) -> dict[str, Any]:
    """The fields of a ``BillResult``."""
    return {
        "policy": bill.policy,
        **_tokens(BillResult, bill.usage),
        "input_usd": bill.cost.input_usd,
        "usd": bill.cost.usd,
        "by_length": _by_length(bill),
        "relative_input_cost": _ratio(relative_cost(bill.cost, none.cost)),
    }


def _ratio(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _switch(bills: Sequence[PolicyBill], none: PolicyBill, span: float) -> SwitchResult | None:
    """The policy that saves most against what was done (or, where nothing was recorded, against no caching)."""
    start = next((bill for bill in bills if bill.policy == RECORDED), none)
    candidates = [bill for bill in bills if bill.policy not in (start.policy, "batch")]
    if not candidates:
        return None
    best = min(candidates, key=lambda bill: bill.cost.usd)
    saved = start.cost.usd - best.cost.usd
    if saved <= 0:
        return None
    monthly = per_month(saved, span)
    cents = None if monthly is None else monthly.quantize(Decimal("0.01"))
    return SwitchResult(start.policy, best.policy, saved, cents)


def _details(models: Sequence[ModelTally], policy: str) -> PolicyDetails:
    parts = [model.details[policy] for model in models]
    rows = zip(*(details.gaps for details in parts), strict=True)
    return PolicyDetails(
        written_tokens=sum(details.waste.written for details in parts),
        never_read_tokens=sum(details.waste.never_read for details in parts),
        quota=tuple(_quota(model, model.details[policy]) for model in models),
        gaps=tuple(_gap(reduce(lambda total, gap: total + gap, row)) for row in rows),
        families=_families(parts),
    )


def _quota(model: ModelTally, details: Details) -> QuotaResult:
    without = max((pair[0] for pair in details.minutes.values()), default=0)
    under = max((pair[1] for pair in details.minutes.values()), default=0)
    return QuotaResult(model.model.given, without, under)


def _gap(row: GapRow) -> GapResult:
    rate = None if row.hit_rate is None else round(row.hit_rate, 4)
    return GapResult(row.gap, row.requests, row.repeated, row.read, rate)


def _families(parts: Sequence[Details]) -> tuple[FamilyResult, ...]:
    families = [family for details in parts for family in details.families]
    families.sort(key=lambda family: (-family.tokens_in, family.prefix))
    return tuple(
        FamilyResult(
            f"{family.prefix:016x}", family.requests, family.tokens_in, family.read, family.written,
            None if family.reads_per_write is None else round(family.reads_per_write, 3),
        )
        for family in families[:10]
    )  # fmt: skip


def _reconciliation(parts: Sequence[ReplayReconciliation | None]) -> ReconciliationResult | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    whole = reduce(lambda total, part: total + part, known)
    return ReconciliationResult(
        observed_usd=whole.observed.usd,
        predicted_usd=whole.predicted.usd,
        difference=_ratio(_above(whole.predicted.usd, whole.observed.usd)),
        causes=tuple(
            CauseResult(
                cause=row.cause.value, requests=row.requests, predicted_read_tokens=row.predicted_read,
                observed_read_tokens=row.observed_read, predicted_usd=row.predicted.usd, observed_usd=row.observed.usd,
                difference_usd=row.usd,
            )
            for row in whole.causes
        ),
    )  # fmt: skip


def _above(predicted: Usd, observed: Usd) -> Decimal | None:
    return predicted / observed - 1 if observed else None
