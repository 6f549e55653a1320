"""What a part of the traffic adds to the answer, in a form that adds up.

Requests that begin with different blocks never read each other's entries, so traffic can be replayed family by
family, in any process and on any machine, and the tallies added: integer tokens, exact money, counts. The whole
traffic in one piece is the same thing with nothing to add.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rockbottom.cache import Behaviour
from rockbottom.catalog import Catalog, ModelId, NoPriceInForce
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
from rockbottom.replay.exact import exact_usage
from rockbottom.replay.points import FIXED
from rockbottom.replay.policies import Bill, Stage
from rockbottom.replay.reconcile import Reconciliation, reconciled
from rockbottom.replay.study import NONE, Online, Question, bill_under, checked, namespaces_of, stages_of
from rockbottom.trace import KINDS, Trace

KEPT_FAMILIES = 20
_SLICE = KINDS.index("slice")


@dataclass(frozen=True, slots=True)
class Details:
    """What became of the tokens under one policy."""

    waste: Waste
    gaps: tuple[GapRow, ...]
    minutes: Minutes
    families: tuple[Family, ...]

    def __add__(self, other: "Details") -> "Details":
        families = sorted((*self.families, *other.families), key=lambda family: (-family.tokens_in, family.prefix))
        gaps = tuple(one + two for one, two in zip(self.gaps, other.gaps, strict=True))
        minutes = added_minutes(self.minutes, other.minutes)
        return Details(self.waste + other.waste, gaps, minutes, tuple(families[:KEPT_FAMILIES]))


@dataclass(frozen=True, slots=True)
class ModelTally:
    """Everything about the requests of one model. ``number`` is its place in the order of first appearance.

    ``exact`` says whether ``least`` is the least possible bill itself or only a lower bound of it.
    """

    number: int
    model: ModelId
    requests: int
    first_at: float
    last_at: float
    bills: Mapping[str, Bill]
    least: Bill
    exact: bool
    details: Mapping[str, Details]
    reconciliation: Reconciliation | None  # None: not every request carries the service's counters
    of_slices: bool
    lacks_outputs: bool

    def __add__(self, other: "ModelTally") -> "ModelTally":
        one, two = self.reconciliation, other.reconciliation
        return ModelTally(
            min(self.number, other.number),
            self.model if self.number <= other.number else other.model,
            self.requests + other.requests,
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
            {name: bill + other.bills[name] for name, bill in self.bills.items()},
            self.least + other.least,
            self.exact and other.exact,
            {name: details + other.details[name] for name, details in self.details.items()},
            None if one is None or two is None else one + two,
            self.of_slices or other.of_slices,
            self.lacks_outputs or other.lacks_outputs,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """The tallies of all models, in the order in which they appeared; or the price that it ``lacks``."""

    models: tuple[ModelTally, ...] = ()
    lacks: str = ""

    def __add__(self, other: "Tally") -> "Tally":
        sums = {(one.model.model.id, one.model.scope): one for one in self.models}
        for one in other.models:
            key = one.model.model.id, one.model.scope
            sums[key] = sums[key] + one if key in sums else one
        return Tally(tuple(sorted(sums.values(), key=lambda one: one.number)), self.lacks or other.lacks)


def tally(
    trace: Trace,
    question: Question,
    catalog: Catalog,
    behaviour: Behaviour,
    online: Online | None = None,
    *,
    exact: bool = True,
) -> Tally:
    """The trace under every policy of the question; ``online`` makes a policy that learns for each stage.

    ``exact`` False: the lower bound even where the least possible bill could be searched for, because the trace
    is a part of something larger. Where a price is not known, the tally is empty and says which it ``lacks``.
    Raises UnknownPolicy, UnknownModel, UnresolvedProfile.
    """
    checked(question, online)
    try:
        return _of_stages(trace, question, catalog, behaviour, online or {}, exact=exact)
    except NoPriceInForce as error:
        return Tally((), str(error))


def _of_stages(
    trace: Trace, question: Question, catalog: Catalog, behaviour: Behaviour, online: Online, *, exact: bool
) -> Tally:
    stages = stages_of(trace, question, catalog, behaviour)
    optima = _optima(stages) if exact else None
    made: list[ModelTally] = []
    for number, stage in enumerate(stages):
        least = bound_of((stage,)).bill if optima is None else optima[number]
        made.append(_of_stage(stage, question, behaviour, online, least, exact=optima is not None))
    return Tally(tuple(sorted(made, key=lambda one: one.number)))


def _of_stage(
    stage: Stage, question: Question, behaviour: Behaviour, online: Online, least: Bill, *, exact: bool
) -> ModelTally:
    trace = stage.trace
    bills: dict[str, Bill] = {}
    details: dict[str, Details] = {}
    for name in dict.fromkeys((NONE, *question.policies)):
        bill = bill_under(stage, name, online)
        if name in FIXED and name != NONE and bill.outcomes is not None:
            details[name] = Details(
                waste_of(stage, bill.outcomes), gaps_of(stage, bill.outcomes), minutes_of(stage, bill.outcomes),
                families_of(stage, bill.outcomes, KEPT_FAMILIES),
            )  # fmt: skip
        bills[name] = replace(bill, outcomes=None)
    merged = namespaces_of(trace, replace(question, merge_regions=True), behaviour)
    return ModelTally(
        _number(trace), stage.rates.model, len(trace),
        float(trace.requests.at[0]) if len(trace) else np.inf, float(trace.requests.at[-1]) if len(trace) else -np.inf,
        bills, replace(least, outcomes=None), exact, details,
        reconciled(stage, merged) if trace.is_observed else None,
        bool((trace.blocks.kind[:1] == _SLICE).any()), bool((trace.requests.tokens_out < 0).any()),
    )  # fmt: skip


def _number(trace: Trace) -> int:
    return int(trace.requests.model.min()) if len(trace) else 0


def _optima(stages: Sequence[Stage]) -> list[Bill] | None:
    """The least possible bills themselves, where every stage is small enough to search."""
    made: list[Bill] = []
    for stage in stages:
        usage = exact_usage(stage)
        if usage is None:
            return None
        output = int(stage.trace.requests.tokens_out.clip(0).sum(dtype=np.int64))
        whole = usage + Usage(output=output)
        made.append(Bill("clairvoyant", whole, stage.rates.cost(whole)))
    return made
