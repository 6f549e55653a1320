"""Every combination of levers that is possible, priced, and what each lever of the cheapest takes off.

A combination is a way of sending (caching, lifetime, keep-alive), a tier (default, flex, batch) and a scope (as it is,
or global). What excludes what is in how they are made, not in a table of opinions: batch caches nothing (AWS), so it is
only ever combined with the way without caching; flex only has cached prices where the book has them; provisioned
throughput cannot be reached through a profile. Savings together are what each lever takes off the bill that the levers
before it left, the greatest first, so they add up to the whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rockbottom.advise.bills import MonthlyBill, Tariff, bill_of
from rockbottom.advise.evidence import Lever, WayEvidence, WayTokens
from rockbottom.advise.wishes import AnswerWait, Wishes
from rockbottom.catalog import ModelId, NoPriceInForce, Scope, Tier
from rockbottom.quantities import Unit, Usd

_SIMPLER = Decimal("0.999")
"""A combination of more levers must cost less than this share of the simpler one."""
_IN_HINDSIGHT = Decimal("0.9")
"""A fixed placement is the best of several, picked after the traffic is known: it must cost less than this share of
the planner's, which decided in time and goes on deciding when the traffic changes."""


@dataclass(frozen=True, slots=True)
class PricedLevers:
    """One thing to do, priced."""

    sent: WayTokens
    tier: Tier
    tariff: Tariff
    levers: frozenset[Lever]
    bill: MonthlyBill


def batch_break_even(tariff: Tariff) -> Decimal | None:
    """The share of input that must be read for cached on-demand input to cost what batch input costs.

    With p = input, r = read and b = batch input price, and everything not read at p:  p - s (p - r) = b  gives
    s = (p - b)/(p - r). None where the model has no batch or no read price.
    """
    try:
        plain, read = tariff.usd_per_mtok(Unit.INPUT), tariff.usd_per_mtok(Unit.CACHE_READ)
        batch = tariff.usd_per_mtok(Unit.INPUT, Tier.BATCH)
    except NoPriceInForce:
        return None
    return (plain - batch) / (plain - read) if read < plain else None


def combinations(evidence: WayEvidence, tariff: Tariff) -> Iterator[PricedLevers]:
    """Everything that has a price, simple things first."""
    for where, extra in _scopes(tariff):
        for tier, lever in ((Tier.DEFAULT, None), (Tier.FLEX, Lever.FLEX), (Tier.BATCH, Lever.BATCH)):
            for sent in _sent_at(evidence, tier, where.model.scope):
                if tier is Tier.BATCH and sent.levers:
                    continue
                try:
                    bill = bill_of(sent.tokens, where, tier)
                except NoPriceInForce:
                    continue
                levers = sent.levers | extra | ({lever} if lever else set[Lever]())
                yield PricedLevers(sent, tier, where, levers, bill)


def _sent_at(evidence: WayEvidence, tier: Tier, scope: Scope) -> Iterator[WayTokens]:
    """The ways that may be priced at a tier and scope.

    Where a lane was measured there, its tokens stand for what caching does there: misses that moving between Regions
    adds are in them, and not in those of another lane.
    """
    here = [sent for sent in evidence.ways if sent.measured == (tier, scope)]
    bare = any(not sent.levers for sent in here)
    for sent in evidence.ways:
        if sent.measured is None and (not here or not (sent.levers or bare)):
            yield sent
    yield from here


def _scopes(tariff: Tariff) -> Iterator[tuple[Tariff, frozenset[Lever]]]:
    yield tariff, frozenset()
    model = tariff.model
    if model.scope is not Scope.GLOBAL and Scope.GLOBAL in model.model.profiles:
        yield in_scope(tariff, Scope.GLOBAL), frozenset({Lever.GLOBAL})


def in_scope(tariff: Tariff, scope: Scope) -> Tariff:
    """The prices of the same model reached through the profile of a scope."""
    model = tariff.model.model
    name = model.id if scope is Scope.IN_REGION else f"{scope.value}.{model.id}"
    return replace(tariff, model=ModelId(name, model, scope))


def allowed_by(wishes: Wishes, combination: PricedLevers) -> bool:
    """Whether what the user said permits it; what was not said is not permitted."""
    if Lever.GLOBAL in combination.levers and wishes.residency != "none":
        return False
    if Lever.BATCH in combination.levers and wishes.wait is not AnswerWait.DAY:
        return False
    return Lever.FLEX not in combination.levers or wishes.wait in (AnswerWait.MINUTES, AnswerWait.DAY)


def cheapest(possible: Sequence[PricedLevers]) -> PricedLevers:
    """The cheapest; of two that cost almost the same, the one with fewer levers."""
    best = possible[0]
    for other in possible[1:]:
        more = other.levers != best.levers and len(other.levers) >= len(best.levers)
        if other.bill.usd < best.bill.usd * (_SIMPLER if more else 1):
            best = other
    return best


def best_of(possible: Sequence[PricedLevers], today: WayTokens | None) -> PricedLevers:
    """The cheapest, or the planner's where that comes near it and something else is done ``today``."""
    best = cheapest(possible)
    planned = [combination for combination in possible if Lever.PLANNER in combination.levers]
    if not planned or not best.sent.levers or best.sent is today:
        return best
    planner = cheapest(planned)
    return planner if best.bill.usd >= planner.bill.usd * _IN_HINDSIGHT else best


def steps_to(
    best: PricedLevers, allowed: Sequence[PricedLevers], start: frozenset[Lever], before: Usd
) -> dict[Lever, Usd]:
    """The levers of the best, each with what it takes off after those before it, the greatest first.

    ``start`` are the levers pulled already, ``before`` the bill with them.
    """
    least: dict[frozenset[Lever], Usd] = {}
    for combination in allowed:
        levers = combination.levers
        least[levers] = min(combination.bill.usd, least.get(levers, combination.bill.usd))
    least[start] = before
    least[best.levers] = best.bill.usd
    steps: dict[Lever, Usd] = {}
    now = start
    while now != best.levers:
        left = [lever for lever in Lever if lever in best.levers - now]
        ways = [(least[now | {lever}], lever) for lever in left if now | {lever} in least]
        if not ways:  # two that only go together: count them as the one that needs the other
            steps |= dict.fromkeys(left[1:], Decimal(0)) | {left[0]: least[now] - best.bill.usd}
            break
        usd, lever = min(ways, key=lambda way: way[0])
        steps[lever] = least[now] - usd
        now |= {lever}
    return steps
