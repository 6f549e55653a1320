"""Cost against the ratio of prefix to question, the length of the whole prompt held fixed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from rockbottom.advise.bills import bill_of
from rockbottom.advise.errors import ImpossibleShape
from rockbottom.advise.estimates import Estimate, EstimateQuestion, estimate
from rockbottom.advise.shapes import Layer, WorkloadShape
from rockbottom.advise.tokens import expected
from rockbottom.advise.ways import NO_CACHING
from rockbottom.catalog import NoPriceInForce, Tier
from rockbottom.quantities import Usd

STEPS = 48


@dataclass(frozen=True, slots=True)
class Point:
    """One split of the prompt; money is a month's. ``cached`` is the cheapest way that caches, None below the minimum.

    ``batch`` is None where the model has no batch price.
    """

    prefix_tokens: int
    question_tokens: int
    none: Usd
    cached: Usd | None
    batch: Usd | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """The curve, and the least prefixes at which cached is cheaper than uncached, and than batch (None: never)."""

    points: tuple[Point, ...]
    pays_from: int | None
    beats_batch_from: int | None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the whole prompt, at every point."""
        return self.points[0].prefix_tokens + self.points[0].question_tokens


def sweep(question: EstimateQuestion) -> Sweep:
    """The curve from no shared token to nothing but shared tokens.

    Conversations count with their first turn only; all layers become one, used as often as the innermost was.
    """
    if question.gaps_s:
        raise ImpossibleShape("a sweep needs arrivals, not a list of gaps", fix="leave --gaps out, or give --writes")
    whole = question.shape.prompt_tokens(1)
    if whole < STEPS:
        raise ImpossibleShape(f"a prompt of {whole} tokens is too short for a curve")

    def at(prefix: int) -> Point:
        return _point(question, prefix, whole)

    points = tuple(at(whole * step // STEPS) for step in range(STEPS + 1))
    return Sweep(points, _first(at, whole, _pays), _first(at, whole, _beats_batch))


def _pays(point: Point) -> bool:
    return point.cached is not None and point.cached < point.none


def _beats_batch(point: Point) -> bool:
    return point.batch is not None and point.cached is not None and point.cached < point.batch


def _first(at: Callable[[int], Point], whole: int, holds: Callable[[Point], bool]) -> int | None:
    """The least prefix for which it holds: a longer prefix only ever makes caching better against the others."""
    if not holds(at(whole)):
        return None
    low, high = 0, whole
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(at(middle)) else (middle, high)
    return high


def _point(question: EstimateQuestion, prefix: int, whole: int) -> Point:
    variants = question.shape.layers[-1].variants if question.shape.layers else 1
    layers = (Layer(prefix, variants),) if prefix else ()
    traffic = replace(question.shape.traffic, turns=1, turn_gap_s=Decimal(0))
    shape = WorkloadShape(layers, whole - prefix, question.shape.output_tokens, traffic)
    estimated: Estimate = estimate(replace(question, shape=shape))
    cached = estimated.cached
    return Point(
        prefix, whole - prefix, estimated.before.usd, cached.bill.usd if cached and cached.bill else None,
        batch_usd(replace(question, shape=shape)),
    )  # fmt: skip


def batch_usd(question: EstimateQuestion) -> Usd | None:
    """The month as a batch job, in which nothing is cached; None where the model has no batch price."""
    try:
        tokens = expected(question.shape, NO_CACHING, question.rules)
        return bill_of(tokens, question.tariff, Tier.BATCH).usd
    except NoPriceInForce:
        return None
