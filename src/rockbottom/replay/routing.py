"""What a rule would have cost that chooses the model for each request, the cache that a switch loses counted in.

A cache is a model's own. A conversation whose requests go to two models is written twice and read by halves, which no
price list shows; so the traffic is replayed with the models that the rule names, and beside it stands what the same
rule would cost if every read had come all the same.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rockbottom.cache import Behaviour
from rockbottom.catalog import Catalog, ModelId, NoPriceInForce
from rockbottom.quantities import NO_USAGE, ZERO_USD, RockbottomError, Usage, Usd
from rockbottom.replay.kernel import Outcomes
from rockbottom.replay.policies import Stage
from rockbottom.replay.pricing import Bands, cost_of, usages_of
from rockbottom.replay.study import Online, Placed, ReplayQuestion, bill_under, placed_by, stages_of
from rockbottom.replay.tallies import ReplayTally, tally
from rockbottom.trace import Array, SectionCode, Trace, selected

_CLAUSE = re.compile(r"(input|output|tools|messages)\s*(<=|>=|<|>|=)\s*([\d_,]+)")
_COMPARE: Mapping[str, Callable[[Array, int], Array]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
}  # fmt: skip


class InvalidRule(RockbottomError):
    """A rule of routing that cannot be read."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison: ``input`` and ``output`` tokens, blocks of ``messages``, or of ``tools``."""

    what: str
    sign: str
    value: int

    @property
    def hindsight(self) -> bool:
        """Whether it compares something that is known only after the answer."""
        return self.what == "output"

    def holds(self, trace: Trace) -> Array:
        """For each request whether the comparison is true."""
        return _COMPARE[self.sign](_column(trace, self.what), self.value)


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """Requests for which every clause holds go to ``model``."""

    model: str
    clauses: tuple[Clause, ...]

    def holds(self, trace: Trace) -> Array:
        """For each request whether the rule takes it."""
        return np.logical_and.reduce([clause.holds(trace) for clause in self.clauses])


def routing_rule(text: str) -> RoutingRule:
    """``amazon.nova-lite-v1:0 if input<2000 and tools=0``. Raises InvalidRule."""
    model, separator, rest = text.partition(" if ")
    parts = [_CLAUSE.fullmatch(part.strip()) for part in rest.split(" and ")] if separator else []
    if not parts or not model.strip() or None in parts:
        raise InvalidRule(
            f"{text!r} is not a rule",
            fix="MODEL if input<2000 and tools=0; there are input, output, messages and tools, and < <= > >= =",
        )
    clauses = tuple(
        Clause(part[1], part[2], int(part[3].replace(",", "").replace("_", ""))) for part in parts if part is not None
    )
    return RoutingRule(model.strip(), clauses)


@dataclass(frozen=True, slots=True)
class RoutedBill:
    """One policy with and without the rules.

    ``naive_usd`` is the routed traffic as if every token had been read that is read without routing; None where a model
    has no price for what was written. ``usage`` and ``routed_usage`` are the tokens before and after.
    """

    policy: str
    usd: Usd
    routed_usd: Usd
    naive_usd: Usd | None
    usage: Usage
    routed_usage: Usage

    @property
    def lost_usd(self) -> Usd | None:
        """What the switches between models cost in reads that did not come and prefixes written twice."""
        return None if self.naive_usd is None else self.routed_usd - self.naive_usd


@dataclass(frozen=True, slots=True)
class RoutingBills:
    """The answer: how many requests each rule took, and a bill for each policy; ``apart`` could not be priced."""

    requests: int
    taken: tuple[tuple[RoutingRule, int], ...]
    bills: tuple[RoutedBill, ...]
    before: ReplayTally
    after: ReplayTally


def routed(trace: Trace, rules: Sequence[RoutingRule]) -> tuple[Trace, tuple[tuple[RoutingRule, int], ...]]:
    """The trace with the model of the first rule that takes a request, and how many requests each rule took."""
    names = trace.names["model"]
    codes = trace.requests.model.copy()
    free = np.ones(len(trace), bool)
    taken: list[tuple[RoutingRule, int]] = []
    for rule in rules:
        hits = rule.holds(trace) & free
        names, code = _with_name(names, rule.model)
        codes[hits] = code
        free &= ~hits
        taken.append((rule, int(hits.sum())))
    requests = replace(trace.requests, model=codes)
    return replace(trace, requests=requests, names={**trace.names, "model": names}), tuple(taken)


def routing_of(
    trace: Trace, rules: Sequence[RoutingRule], question: ReplayQuestion, catalog: Catalog, behaviour: Behaviour,
    online: Online,
) -> RoutingBills:  # fmt: skip
    """The traffic as it was sent and as the rules would have sent it, under every policy of the question.

    Raises UnknownModel for a model of a rule, UnknownPolicy.
    """
    for rule in rules:
        question.model_id(rule.model, catalog)
    other, taken = routed(trace, rules)
    before, after = (tally(traffic, question, catalog, behaviour, online, exact=False) for traffic in (trace, other))
    if sum(part.requests for part in after.apart) > sum(part.requests for part in before.apart):
        raise InvalidRule(f"requests could not be priced at the model of a rule: {after.apart[0].why}")
    naive = _naive(trace, rules, question, catalog, behaviour, online)
    bills = tuple(
        RoutedBill(
            policy,
            _sum(before, policy),
            _sum(after, policy),
            naive.get(policy),
            _usage(before, policy),
            _usage(after, policy),
        )
        for policy in dict.fromkeys(question.policies)
    )
    return RoutingBills(len(trace), taken, bills, before, after)


def _sum(totals: ReplayTally, policy: str) -> Usd:
    return sum((model.bills[policy].cost.usd for model in totals.models), ZERO_USD)


def _usage(totals: ReplayTally, policy: str) -> Usage:
    return sum((model.bills[policy].usage for model in totals.models), NO_USAGE)


def _naive(
    trace: Trace, rules: Sequence[RoutingRule], question: ReplayQuestion, catalog: Catalog, behaviour: Behaviour,
    online: Online,
) -> dict[str, Usd]:  # fmt: skip
    """Each policy priced at the models that the rules choose, with the reads of the traffic as it was sent."""
    sums: dict[str, Usd] = {}
    stages, _ = stages_of(trace, question, catalog, behaviour)
    every = placed_by(stages, question.policies, online)
    for policy in dict.fromkeys(question.policies):
        try:
            parts = (
                _naive_stage(stage, policy, rules, question, catalog, placed)
                for stage, placed in zip(stages, every, strict=True)
            )
            sums[policy] = sum(parts, ZERO_USD)
        except NoPriceInForce:
            continue
    return sums


def _naive_stage(
    stage: Stage, policy: str, rules: Sequence[RoutingRule], question: ReplayQuestion, catalog: Catalog, placed: Placed
) -> Usd:
    bill = bill_under(stage, policy, placed)
    outcomes = bill.outcomes
    if outcomes is None:
        return bill.cost.usd
    free = np.ones(len(stage.trace), bool)
    total = ZERO_USD
    for model, mask in [*((rule.model, rule.holds(stage.trace)) for rule in rules), (stage.rates.model.given, free)]:
        rows = np.flatnonzero(mask & free)
        free = free & ~mask
        if len(rows):
            model_id = question.model_id(model, catalog)
            total += _priced(stage, rows, outcomes.of_rows(rows), model_id)
    return total


def _priced(stage: Stage, rows: Array, outcomes: Outcomes, model: ModelId) -> Usd:
    """What some requests of a stage cost at the prices of a model."""
    part, before = selected(stage.trace, rows), stage.bands.rates
    rates = [replace(each, model=model) for each in before]
    rate_of = stage.bands.of_request[rows] // (len(stage.bands.bands) // len(before))
    return cost_of(usages_of(part, outcomes, Bands.of(part, rates, rate_of))).usd


def _column(trace: Trace, column: str) -> Array:
    if column == "input":
        return trace.requests.tokens_in
    if column == "output":
        return trace.requests.tokens_out
    section = SectionCode.TOOLS if column == "tools" else SectionCode.MESSAGES
    hits = np.concatenate(([0], np.cumsum(trace.blocks.section == int(section))))
    return hits[trace.block_offsets[1:]] - hits[trace.block_offsets[:-1]]


def _with_name(names: tuple[str, ...], name: str) -> tuple[tuple[str, ...], int]:
    return (names, names.index(name)) if name in names else ((*names, name), len(names))
