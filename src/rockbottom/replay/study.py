"""A whole trace, every model in it, run through the policies asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce

import numpy as np

from rockbottom.cache import Behaviour
from rockbottom.catalog import CacheRules, Catalog, ModelId, Tier
from rockbottom.quantities import RockbottomError, Usage
from rockbottom.replay.bound import Bound, bound_of
from rockbottom.replay.exact import exact_usage
from rockbottom.replay.keep_alive import keep_alive_bill
from rockbottom.replay.online import OnlinePolicy, placed_online
from rockbottom.replay.points import FIXED
from rockbottom.replay.policies import Bill, Stage, batch_bill, bill_of, captured, relative_cost
from rockbottom.replay.pricing import Rates
from rockbottom.trace import Array, Trace, selected

NONE = "none"
RECORDED = "as_recorded"
DEFAULT_POLICIES = ("system", "system_1h", "system_tail_5m", "system_tail_1h", "system_1h_tail_5m")
SECONDS_A_MONTH = 30 * 86_400


class UnknownPolicy(RockbottomError):
    """A policy was asked for that does not exist."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to replay a trace under. ``model`` None: each request under the model it was sent to."""

    policies: tuple[str, ...]
    on: date
    tier: Tier = Tier.DEFAULT
    model: str | None = None
    region: str | None = None
    merge_regions: bool = False  # one set of entries, whichever Region served


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One policy's line of the table. ``relative`` and ``captured`` are None where they would divide by nothing."""

    bill: Bill
    relative: Decimal | None
    captured: Decimal | None


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The answer: one row per policy, the least possible bill, and what it was asked with."""

    question: Question
    stages: tuple[Stage, ...]
    rows: tuple[Row, ...]
    bound: Bound
    none: Bill

    def row(self, policy: str) -> Row:
        """The line of one policy."""
        return next(row for row in self.rows if row.bill.policy == policy)


def study(
    trace: Trace,
    question: Question,
    catalog: Catalog,
    behaviour: Behaviour,
    online: Mapping[str, Callable[[Stage], OnlinePolicy]] | None = None,
) -> Study:
    """The trace under every policy of the question; ``online`` makes a policy that learns for each stage.

    Raises UnknownPolicy, UnknownModel, NoPriceInForce.
    """
    online = online or {}
    known = (*FIXED, *EXTRA, *online)
    for name in question.policies:
        if name not in known:
            raise UnknownPolicy(f"no policy {name!r}; there are {', '.join(known)}")
    stages = stages_of(trace, question, catalog, behaviour)
    none = _summed(stages, NONE, online)
    bound = _least(stages)
    rows: list[Row] = []
    for name in question.policies:
        bill = none if name == NONE else _summed(stages, name, online)
        rows.append(Row(bill, relative_cost(bill.cost, none.cost), _captured(bill, none, bound)))
    return Study(question, stages, tuple(rows), bound, none)


def _captured(bill: Bill, none: Bill, bound: Bound) -> Decimal | None:
    return captured(bill.cost.usd, none.cost.usd, bound.bill.cost.usd)


def _summed(
    stages: Sequence[Stage], policy: str, online: Mapping[str, Callable[[Stage], OnlinePolicy]]
) -> Bill:
    bills = [_bill(stage, policy, online) for stage in stages]
    return reduce(lambda one, other: one + other, bills)


def _bill(stage: Stage, policy: str, online: Mapping[str, Callable[[Stage], OnlinePolicy]]) -> Bill:
    if policy in online:
        points = placed_online(stage, online[policy](stage))
        return bill_of(stage, policy, lambda trace, rules: points)
    if policy in EXTRA:
        return EXTRA[policy](stage)
    return bill_of(stage, policy, FIXED[policy])


EXTRA: Mapping[str, Callable[[Stage], Bill]] = {"keep_alive": keep_alive_bill, "batch": batch_bill}
"""Policies that are more than points: extra requests, another tier."""


def _least(stages: Sequence[Stage]) -> Bound:
    """The least possible bill itself where the workload is small enough to search, else the lower bound."""
    usages = [exact_usage(stage) for stage in stages]
    if not all(usage is not None for usage in usages):
        return bound_of(stages)
    total: Bill | None = None
    for stage, usage in zip(stages, usages, strict=True):
        assert usage is not None
        output = int(stage.trace.requests.tokens_out.clip(0).sum(dtype=np.int64))
        whole = usage + Usage(output=output)
        bill = Bill("clairvoyant", whole, stage.rates.cost(whole))
        total = bill if total is None else total + bill
    assert total is not None
    return Bound(total, exact=True)


def stages_of(trace: Trace, question: Question, catalog: Catalog, behaviour: Behaviour) -> tuple[Stage, ...]:
    """One stage per model, because models share no entries and have rules and prices of their own."""
    if question.model is not None or len(trace.names["model"]) < 2:
        given = question.model or next(iter(trace.names["model"]), "")
        return (_stage(trace, given, question, catalog, behaviour),)
    groups: dict[tuple[str, object], list[int]] = {}
    for code, given in enumerate(trace.names["model"]):
        found = catalog.model(given)  # an id and a profile's ARN may be the same model reached the same way
        groups.setdefault((found.model.id, found.scope), []).append(code)
    made: list[Stage] = []
    for codes in groups.values():
        rows = np.flatnonzero(np.isin(trace.requests.model, codes))
        if len(rows):
            given = trace.names["model"][codes[0]]
            made.append(_stage(selected(trace, rows), given, question, catalog, behaviour))
    return tuple(made)


def _stage(trace: Trace, given: str, question: Question, catalog: Catalog, behaviour: Behaviour) -> Stage:
    model: ModelId = catalog.model(given)
    rules: CacheRules = catalog.rules(model, question.on)
    rates = Rates(model, question.tier, question.on, catalog.price_book, question.region)
    return Stage.of(trace, rules, behaviour, rates, namespaces_of(trace, question, behaviour))


def namespaces_of(trace: Trace, question: Question, behaviour: Behaviour) -> Array | None:
    """A code per request for what keeps entries apart besides the model: account, serving Region, operations."""
    columns = [trace.requests.account]
    if not question.merge_regions and question.region is None:
        columns.append(trace.requests.served)
    if behaviour.api_in_key == "yes":
        columns.append(trace.requests.api)
    differing = [column for column in columns if len(column) and (column != column[0]).any()]
    if not differing:
        return None
    _, codes = np.unique(np.stack(differing, axis=1), axis=0, return_inverse=True)
    return codes.reshape(-1)


def per_month(usd: Decimal, span_s: float) -> Decimal | None:
    """An amount of a recorded span scaled to 30 days; None for a span too short to be scaled (under a minute)."""
    if span_s < 60:
        return None
    return usd * Decimal(SECONDS_A_MONTH) / Decimal(span_s)


