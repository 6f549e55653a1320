"""What a part of the traffic adds to the answer, in a form that adds up.

Requests that begin with different blocks never read each other's entries, so traffic can be replayed family by
family, in any process and on any machine, and the tallies added: integer tokens, exact money, counts. The whole
traffic in one piece is the same thing with nothing to add.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from rockbottom.cache import Behaviour
from rockbottom.catalog import Catalog, ModelId, NoPriceInForce, SetApart, Tier, summed_apart
from rockbottom.cost import Cost
from rockbottom.documents import NONE_ALONE, AloneRequests
from rockbottom.quantities import Usage
from rockbottom.replay.analysis import (
    Family,
    GapRow,
    Minutes,
    Waste,
    added_minutes,
    families_of,
    gaps_of,
    minutes_of,
    waste_of,
)
from rockbottom.replay.bound import bound_of
from rockbottom.replay.composition import Composition, composition_of
from rockbottom.replay.counted_sides import by_counters
from rockbottom.replay.exact import exact_usage
from rockbottom.replay.groups import Groups, LabelBills, added_groups, groups_of
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.points import as_recorded
from rockbottom.replay.policies import PolicyBill, Stage, bill_of_outcomes, run
from rockbottom.replay.pricing import Bands, cost_of, usages_of
from rockbottom.replay.reconcile import ReplayReconciliation, observed_cost, reconciled
from rockbottom.replay.study import (
    BY_TOKENS,
    EXTRA,
    NONE,
    PLANNER,
    RECORDED,
    Online,
    Placed,
    ReplayQuestion,
    at_other_tier,
    bill_under,
    checked,
    placed_by,
    set_apart,
    stages_of,
)
from rockbottom.trace import KINDS, Trace, selected

KEPT_FAMILIES = 20
_SLICE = KINDS.index("slice")
_COUNTED = KINDS.index("counted")


@dataclass(frozen=True, slots=True)
class Details:
    """What became of the tokens under one policy."""

    waste: Waste
    gaps: tuple[GapRow, ...]
    minutes: Minutes
    families: tuple[Family, ...]

    def __add__(self, other: "Details") -> "Details":
        families = sorted((*self.families, *other.families), key=lambda family: (-family.tokens_in, family.prefix))
        gaps = tuple(mine + theirs for mine, theirs in zip(self.gaps, other.gaps, strict=True))
        minutes = added_minutes(self.minutes, other.minutes)
        return Details(self.waste + other.waste, gaps, minutes, tuple(families[:KEPT_FAMILIES]))


@dataclass(frozen=True, slots=True)
class ModelTally:
    """Everything about the requests of one model. ``number`` is its place in the order of first appearance.

    ``exact`` says whether ``least`` is the least possible bill itself or only a lower bound of it; that is None
    where it is not known of every request what repeats.
    """

    number: int
    model: ModelId
    requests: int
    first_at: float
    last_at: float
    bills: Mapping[str, PolicyBill]
    least: PolicyBill | None
    exact: bool
    details: Mapping[str, Details]
    reconciliation: ReplayReconciliation | None  # None: not every request carries the service's counters
    of_slices: bool
    of_counters: bool  # some blocks are inferred from counters
    lacks_outputs: bool
    marked: bool  # some requests carry cachePoints of their own
    as_sent: Cost  # what the rules make of the requests as they were sent
    paid: Cost  # what the service counted, and the rules where it is not recorded
    groups: Groups = field(default_factory=dict[str | None, LabelBills])
    prompts: Composition | None = None  # None: not asked for, or the source does not say what blocks are
    by_counters: bool = False  # its own counters show another side of a switch than the catalogue's
    tiers: frozenset[Tier] = frozenset()  # that its requests are priced at
    days: frozenset[date] = frozenset()  # whose prices they are
    at_other_tier: bool = False  # than some were sent at
    assumed: int = 0  # requests of days of which a price is not known

    def __add__(self, other: "ModelTally") -> "ModelTally":
        mine, theirs = self.reconciliation, other.reconciliation
        return ModelTally(
            min(self.number, other.number),
            self.model if self.number <= other.number else other.model,
            self.requests + other.requests,
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
            {name: bill + other.bills[name] for name, bill in self.bills.items()},
            None if self.least is None or other.least is None else self.least + other.least,
            self.exact and other.exact,
            {name: details + other.details[name] for name, details in self.details.items()},
            None if mine is None or theirs is None else mine + theirs,
            self.of_slices or other.of_slices,
            self.of_counters or other.of_counters,
            self.lacks_outputs or other.lacks_outputs,
            self.marked or other.marked,
            self.as_sent + other.as_sent,
            self.paid + other.paid,
            added_groups(self.groups, other.groups),
            self.prompts + other.prompts if self.prompts and other.prompts else self.prompts or other.prompts,
            self.by_counters or other.by_counters,
            self.tiers | other.tiers,
            self.days | other.days,
            self.at_other_tier or other.at_other_tier,
            self.assumed + other.assumed,
        )


@dataclass(frozen=True, slots=True)
class ReplayTally:
    """The tallies of all models, in the order in which they appeared; or what it ``lacks`` where there is none.

    ``apart`` are the requests to models that are not known or have no price, ``alone`` those without blocks, of which
    it is not known what repeats: they are in no tally, unless the policies do not ask that.
    """

    models: tuple[ModelTally, ...] = ()
    apart: tuple[SetApart, ...] = ()
    alone: AloneRequests = NONE_ALONE

    @property
    def lacks(self) -> str:
        """Why nothing could be answered; empty where something was."""
        return "" if self.models or not self.apart else self.apart[0].why

    def __add__(self, other: "ReplayTally") -> "ReplayTally":
        sums = {(entry.model.model.id, entry.model.scope): entry for entry in self.models}
        for entry in other.models:
            key = entry.model.model.id, entry.model.scope
            sums[key] = sums[key] + entry if key in sums else entry
        models = tuple(sorted(sums.values(), key=lambda entry: entry.number))
        return ReplayTally(models, summed_apart((*self.apart, *other.apart)), self.alone + other.alone)


def tally(
    trace: Trace,
    question: ReplayQuestion,
    catalog: Catalog,
    behaviour: Behaviour,
    online: Online | None = None,
    *,
    exact: bool = True,
) -> ReplayTally:
    """The trace under every policy of the question; ``online`` makes policies that learn, one for each stage.

    ``exact`` False: the lower bound even where the least possible bill could be searched for, because the trace
    is a part of something larger. Requests to a model that is not known or lacks a price that is asked for are set
    apart. Raises UnknownPolicy.
    """
    checked(question, online)
    without = np.diff(trace.block_offsets) == 0
    if BY_TOKENS.issuperset(question.policies) or not without.any():
        return _of_stages(trace, question, catalog, behaviour, online or {}, exact=exact)
    readable, unread = (selected(trace, np.flatnonzero(rows)) for rows in (~without, without))
    return _of_stages(readable, question, catalog, behaviour, online or {}, exact=exact) + _alone(
        unread, question, catalog, behaviour
    )


def _alone(trace: Trace, question: ReplayQuestion, catalog: Catalog, behaviour: Behaviour) -> ReplayTally:
    """Requests of which it is not known what repeats, with what the service counted of them."""
    stages, unknown = stages_of(trace, question, catalog, behaviour)
    total, apart = ReplayTally((), unknown), list[SetApart]()
    for stage in stages:
        counted = np.flatnonzero(stage.trace.requests.observed_read >= 0)
        try:
            cost = observed_cost(stage, counted)
        except NoPriceInForce as error:
            apart.append(set_apart(stage.trace, stage.rates.model.given, error))
        else:
            whole = len(counted) == len(stage.trace)
            total += ReplayTally((), (), AloneRequests(requests=len(stage.trace), usd=cost.usd, whole=whole))
    return total + ReplayTally((), summed_apart(apart))


def _of_stages(
    trace: Trace, question: ReplayQuestion, catalog: Catalog, behaviour: Behaviour, online: Online, *, exact: bool
) -> ReplayTally:
    as_asked, unknown = stages_of(trace, question, catalog, behaviour)
    stages = [by_counters(stage) for stage in as_asked]
    pairs: list[tuple[Stage, ModelTally]] = []
    apart = list(unknown)
    for stage, placed in zip(stages, placed_by(stages, question.policies, online), strict=True):
        try:
            pairs.append((stage, _of_stage(stage, question, behaviour, placed, exact=exact)))
        except NoPriceInForce as error:
            apart.append(set_apart(stage.trace, stage.rates.model.given, error))
    if not all(model_tally.exact for _, model_tally in pairs):  # sums of exact bills and of bounds would be neither
        pairs = [(stage, _bounded(model_tally, stage)) for stage, model_tally in pairs]
    return sum((ReplayTally((model_tally,)) for _, model_tally in pairs), ReplayTally((), summed_apart(apart)))


def _bounded(model_tally: ModelTally, stage: Stage) -> ModelTally:
    """The tally with the lower bound for the least possible bill."""
    return (
        replace(model_tally, least=replace(bound_of((stage,)).bill, outcomes=None), exact=False)
        if model_tally.exact
        else model_tally
    )


def _of_stage(
    stage: Stage, question: ReplayQuestion, behaviour: Behaviour, placed: Placed, *, exact: bool
) -> ModelTally:
    trace = stage.trace
    whole = bool(np.diff(trace.block_offsets).all())
    optimum = _optimum(stage) if exact and whole else None
    least = optimum or (replace(bound_of((stage,)).bill, outcomes=None) if whole else None)
    bills: dict[str, PolicyBill] = {}
    details: dict[str, Details] = {}
    outcomes: dict[str, Outcomes | None] = {}
    attached: PolicyBill | None = None
    for name in dict.fromkeys((NONE, *question.policies)):
        bill = bill_under(stage, name, placed)
        if name not in (NONE, *EXTRA) and bill.outcomes is not None:
            details[name] = Details(
                waste_of(stage, bill.outcomes), gaps_of(stage, bill.outcomes), minutes_of(stage, bill.outcomes),
                families_of(stage, bill.outcomes, KEPT_FAMILIES),
            )  # fmt: skip
        outcomes[name] = bill.outcomes
        attached = bill if name == PLANNER else attached
        bills[name] = replace(bill, outcomes=None, points=None)
    return ModelTally(
        _number(trace), stage.rates.model, len(trace),
        float(trace.requests.at[0]) if len(trace) else np.inf, float(trace.requests.at[-1]) if len(trace) else -np.inf,
        bills, least, optimum is not None, details,
        reconciled(stage) if trace.is_observed else None,
        bool((trace.blocks.kind[:1] == _SLICE).any()), bool((trace.blocks.kind == _COUNTED).any()),
        bool((trace.requests.tokens_out < 0).any()),
        len(trace.points.after) > 0, *_costs(stage, _as_sent(stage, outcomes)),
        _groups(stage, question, outcomes), _prompts(stage, question, outcomes, attached),
        stage.behaviour != behaviour, frozenset(rates.tier for rates in stage.bands.rates),
        frozenset(rates.on for rates in stage.bands.rates), at_other_tier(trace, question), _assumed(stage.bands),
    )  # fmt: skip


def _assumed(bands: Bands) -> int:
    """Requests that are priced at those of another day, as of their own none is known."""
    places = [place for place, band in enumerate(bands.bands) if band.rates.assumed]
    return int(np.isin(bands.of_request, places).sum())


def _costs(stage: Stage, as_sent: Outcomes) -> tuple[Cost, Cost]:
    """What the rules make of the requests as they were sent, and what was paid as far as the counters tell."""
    counted = stage.trace.requests.observed_read >= 0
    by_rules = bill_of_outcomes(stage, RECORDED, as_sent).cost
    if not counted.any():
        return by_rules, by_rules
    rows, others = np.flatnonzero(counted), np.flatnonzero(~counted)
    usages = usages_of(selected(stage.trace, others), as_sent.of_rows(others), stage.bands.of_rows(others))
    return by_rules, observed_cost(stage, rows) + cost_of(usages)


def _groups(stage: Stage, question: ReplayQuestion, outcomes: Mapping[str, Outcomes | None]) -> Groups:
    """The requests told apart as the question asks, by the outcomes of its policies."""
    none = outcomes[NONE]
    if not question.by or none is None:
        return {}
    return groups_of(stage, question.by, none, _as_sent(stage, outcomes), outcomes.get(PLANNER))


def _prompts(
    stage: Stage, question: ReplayQuestion, outcomes: Mapping[str, Outcomes | None], attached: PolicyBill | None
) -> Composition | None:
    """What the prompts are made of, where the question asks for it."""
    return composition_of(stage, _as_sent(stage, outcomes), attached) if question.prompts else None


def _as_sent(stage: Stage, outcomes: Mapping[str, Outcomes | None]) -> Outcomes:
    """What the rules make of the requests with their own points."""
    recorded = outcomes.get(RECORDED)
    return run(stage, as_recorded) if recorded is None else recorded


def _number(trace: Trace) -> int:
    return int(trace.requests.model.min()) if len(trace) else 0


def _optimum(stage: Stage) -> PolicyBill | None:
    """The least possible bill itself, where the stage is small enough to search."""
    usage = exact_usage(stage)
    if usage is None:
        return None
    whole = usage + Usage(output=int(stage.trace.requests.tokens_out.clip(0).sum(dtype=np.int64)))
    return PolicyBill("clairvoyant", whole, stage.rates.cost(whole))
