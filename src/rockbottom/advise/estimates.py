"""A month's bill of a shape, every way that a model can be sent it; no call is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rockbottom.advise.bills import MonthlyBill, Tariff, bill_of, saved
from rockbottom.advise.breakeven import BreakEven, Crossings, break_evens, crossings
from rockbottom.advise.shapes import WorkloadShape
from rockbottom.advise.tokens import Tokens, entries_of, expected, simulated
from rockbottom.advise.ways import CachingWay, ways_of, why_not
from rockbottom.cache import Behaviour
from rockbottom.catalog import CacheRules, NoPriceInForce
from rockbottom.figures import thousands
from rockbottom.quantities import WRITES, Unit

_SIMPLER = Decimal("0.999")


@dataclass(frozen=True, slots=True)
class EstimateQuestion:
    """What is estimated: ``gaps_s`` or ``writes`` replace the random arrivals."""

    shape: WorkloadShape
    tariff: Tariff
    rules: CacheRules
    behaviour: Behaviour
    gaps_s: tuple[Decimal, ...] = ()
    writes: Decimal | None = None

    def tokens(self, way: CachingWay) -> list[Tokens]:
        """Tokens of a month, sent this way."""
        if self.gaps_s:
            return simulated(self.shape, way, self.rules, self.behaviour, self.gaps_s)
        return expected(self.shape, way, self.rules, self.writes)


@dataclass(frozen=True, slots=True)
class Result:
    """One way: its bill, or why there is none."""

    way: CachingWay
    bill: MonthlyBill | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Every way, the one of doing nothing first, and where caching begins to pay."""

    question: EstimateQuestion
    results: tuple[Result, ...]
    break_evens: tuple[BreakEven, ...]
    crossings: Crossings

    @property
    def before(self) -> MonthlyBill:
        bill = self.results[0].bill
        assert bill is not None  # raised NoPriceInForce otherwise
        return bill

    @property
    def best(self) -> Result:
        """The cheapest way; see ``cheapest``."""
        return cheapest(self.results)

    @property
    def cached(self) -> Result | None:
        """The cheapest way that caches, even where it costs more than no caching."""
        caching = [result for result in self.results if result.bill and result.way.caches]
        return cheapest(caching) if caching else None

    def hit_rate(self, result: Result) -> Decimal | None:
        """The share of the cached part of the prompts that was read; None where nothing was cached."""
        if result.bill is None:
            return None
        own = MonthlyBill(tuple(line for line in result.bill.lines if not line.keep_alive))
        read, written = own.tokens(Unit.CACHE_READ), own.tokens(*WRITES.values())
        return read / (read + written) if read + written else None


def estimate(question: EstimateQuestion) -> Estimate:
    """Work the bills out. Raises NoPriceInForce when the model has no price for input or output on that day."""
    shape, rules = question.shape, question.rules
    results = [_result(question, way) for way in ways_of(shape, rules) if not (question.writes and way.keep_alive)]
    context = shape.prompt_tokens(shape.traffic.turns)
    prefix = shape.prefix_tokens or context
    return Estimate(
        question,
        tuple(results),
        break_evens(question.tariff, rules.ttls, context) if rules.takes_any_points else (),
        crossings(question.tariff, rules.ttls, prefix, context) if rules.explicit else Crossings(None, None),
    )


def _result(question: EstimateQuestion, way: CachingWay) -> Result:
    reason = why_not(way, question.rules) or _below(question, way)
    if reason:
        return Result(way, None, reason)
    try:
        return Result(way, bill_of(question.tokens(way), question.tariff))
    except NoPriceInForce as error:
        if not way.caches or way.by_itself:
            raise
        return Result(way, None, f"no price: {error}")


def _below(question: EstimateQuestion, way: CachingWay) -> str | None:
    """Why a way would cache nothing at all."""
    shape, rules = question.shape, question.rules
    if not way.caches or entries_of(shape, way, rules):
        return None
    size = shape.prompt_tokens(shape.traffic.turns) if way.tail else shape.prefix_tokens
    if size < rules.minimum_tokens:
        return f"{thousands(size)} < {thousands(rules.minimum_tokens)} tokens: below the minimum nothing is cached"
    most = rules.maximum_cacheable_tokens
    if most is not None and not way.tail:
        return f"the prefix goes beyond the {thousands(most)} tokens that the model caches at most"
    return None


def shares(estimate: Estimate, result: Result) -> tuple[Decimal | None, Decimal | None]:
    """What a way saves of the input and of the total."""
    if result.bill is None:
        return None, None
    before = estimate.before
    return saved(before.input_usd, result.bill.input_usd), saved(before.usd, result.bill.usd)


def cheapest(results: Sequence[Result]) -> Result:
    """The least bill; a later way must be a thousandth cheaper than an earlier, simpler one. One has a bill."""
    best, least = None, Decimal(0)
    for result in results:
        if result.bill is not None and (best is None or result.bill.usd < least * _SIMPLER):
            best, least = result, result.bill.usd
    assert best is not None
    return best
