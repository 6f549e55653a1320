"""What a run costs in batch, on demand, and on demand with caching: estimated before it, metered after it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from rockbottom.batch.caching import Sampled
from rockbottom.batch.errors import NotEstimated, NotInBatch
from rockbottom.batch.rejoining import LONG_PROMPT, RunTally
from rockbottom.catalog import ModelId, NoPriceInForce, PriceBook, Tier
from rockbottom.cost import Cost, CostLine, bill
from rockbottom.quantities import NO_USAGE, Unit, Usage, Usd


@dataclass(frozen=True, slots=True)
class Pricing:
    """What is needed to price a run: the model with its scope, the day, the Region, the book."""

    model: ModelId
    on: date
    region: str
    book: PriceBook

    def of(self, usages: Iterable[Usage], tier: Tier) -> Cost:
        """The cost of requests; short ones share a price row and are summed first. Raises NoPriceInForce."""
        short, lines = NO_USAGE, Cost()
        for usage in usages:
            if usage.total_input > LONG_PROMPT:
                lines += bill(usage, self.model, tier, self.on, self.book, region=self.region)
            else:
                short += usage
        return lines + self.short(short, tier)

    def short(self, total: Usage, tier: Tier) -> Cost:
        """The cost of the summed usage of requests none of which has a long prompt."""
        model = self.model
        return Cost(
            tuple(
                CostLine(self.book.price(model.model.id, model.scope, tier, unit, self.on, 0, self.region), tokens)
                for unit, tokens in total.items()
                if tokens
            )
        )

    def require_batch(self) -> None:
        """Raise NotInBatch when the model has no batch price."""
        try:
            for unit in (Unit.INPUT, Unit.OUTPUT):
                self.short(Usage(**{unit.value: 1}), Tier.BATCH)
        except NoPriceInForce as error:
            raise NotInBatch(
                f"{self.model.model.name} ({self.model.given}) has no batch price, so it is not sold in batch. {error}",
                fix="choose a model that rockbottom prices show lists with a batch tier, or cache on demand",
            ) from error


@dataclass(frozen=True, slots=True)
class BatchComparison:
    """What records cost in batch, on demand and with caching; a way without a price is None, and ``why`` says why."""

    batch: Cost | None
    on_demand: Cost | None
    cached: Cost | None
    why: str = ""

    @property
    def cheapest(self) -> str:
        """``batch``, ``cached`` or ``on demand``."""
        ways: dict[str, Usd] = {}
        if self.batch is not None:
            ways["batch"] = self.batch.usd
        if self.cached is not None:
            ways["cached"] = self.cached.usd
        if self.on_demand is not None:
            ways["on demand"] = self.on_demand.usd
        return min(ways, key=lambda way: ways[way])


@dataclass(frozen=True, slots=True)
class BatchEstimate:
    """What a run will cost. ``output_is`` says where the output tokens come from; None: they have no bound.

    ``usd`` is without output when that has no bound: the batch price, or for a run that is sent on demand that with
    caching, as ``usd_is`` says.
    """

    records: int
    looked_at: int
    input_tokens: int
    output_tokens: int | None
    output_is: str
    read_share: float
    compared: BatchComparison
    usd: Usd
    usd_is: str = "in batch"


def estimate(sample: Sampled, pricing: Pricing, output_each: int | None, *, on_demand: bool = False) -> BatchEstimate:
    """Price a sample and scale it to the whole. Raises NotInBatch, NotEstimated; NoPriceInForce for one on demand."""
    if not on_demand:
        pricing.require_batch()
    if sample.unread:
        raise NotEstimated(sample.unread, sample.unread_total, sample.of)
    of, looked = sample.of, max(1, sample.looked_at)
    if output_each is not None:
        output, output_is = output_each * of, "as given"
    elif sample.most_output is not None:
        output, output_is = ceil(sample.most_output * of / looked), "at most, as maxTokens allows"
    else:
        output, output_is = None, "unbounded: some records do not set maxTokens"
    ways = _ways(sample, pricing, output or 0)
    first = (ways.cached or ways.on_demand) if on_demand else ways.batch
    if first is None:
        pricing.of(sample.plain, Tier.DEFAULT if on_demand else Tier.BATCH)  # raises what is missing
        raise AssertionError(ways.why)
    tokens = ceil(sum(usage.total_input for usage in sample.plain) * of / looked)
    way = "in batch" if not on_demand else "on demand with caching" if ways.cached else "on demand without caching"
    return BatchEstimate(of, sample.looked_at, tokens, output, output_is, read_share(sample), ways, first.usd, way)


def _ways(sample: Sampled, pricing: Pricing, output: int) -> BatchComparison:
    """A sample, scaled, with ``output`` tokens in all, three ways."""

    def scaled(usages: Sequence[Usage], tier: Tier) -> Cost:
        answers = pricing.short(Usage(output=output), tier)
        return _scaled(pricing.of(usages, tier), sample.of, max(1, sample.looked_at)) + answers

    return _three_ways(sample.plain, sample.cached, scaled)


def ways_of(usages: Sequence[Usage], pricing: Pricing) -> BatchComparison:
    """What records that were sent on demand cost as they were counted, and without caching, and in batch."""
    return _three_ways([Usage(usage.total_input, usage.output) for usage in usages], usages, pricing.of)


def _three_ways(
    plain: Sequence[Usage], cached: Sequence[Usage], priced: Callable[[Sequence[Usage], Tier], Cost]
) -> BatchComparison:
    why = ""

    def way(usages: Sequence[Usage], tier: Tier) -> Cost | None:
        nonlocal why
        try:
            return priced(usages, tier)
        except NoPriceInForce as error:
            why = why if tier is Tier.BATCH else str(error)
            return None

    batch, on_demand, best = way(plain, Tier.BATCH), way(plain, Tier.DEFAULT), way(cached, Tier.DEFAULT)
    return BatchComparison(batch, on_demand, best, why)


def compared(tally: RunTally, sample: Sampled, pricing: Pricing) -> BatchComparison:
    """The bill of a run, and the same tokens on demand; what caching would read is taken from the sample."""
    batch = pricing.of(tally.long, Tier.BATCH) + pricing.short(tally.short, Tier.BATCH)
    plain, cached, why = None, None, ""
    try:
        plain = pricing.of(tally.long, Tier.DEFAULT) + pricing.short(tally.short, Tier.DEFAULT)
        cached = pricing.short(_with_caching(tally.usage, sample.cached), Tier.DEFAULT)
    except NoPriceInForce as error:
        why = str(error)
    return BatchComparison(batch, plain, cached, why)


def read_share(sample: Sampled) -> float:
    """The share of input that caching would read, 0 to 1."""
    total = sum((usage for usage in sample.cached), NO_USAGE)
    return total.cache_read / total.total_input if total.total_input else 0.0


def _with_caching(measured: Usage, sample: Sequence[Usage]) -> Usage:
    total = sum(sample, NO_USAGE)
    if not total.total_input:
        return measured
    part = {
        unit.value: measured.input * tokens // total.total_input
        for unit, tokens in total.items()
        if unit not in (Unit.INPUT, Unit.OUTPUT)
    }
    return Usage(input=measured.input - sum(part.values()), output=measured.output, **part)


def _scaled(cost: Cost, of: int, looked: int) -> Cost:
    return Cost(tuple(CostLine(line.price, ceil(line.tokens * of / looked)) for line in cost.lines))
