"""Calls summed up by minute and by the values of their dimensions: what is sent to CloudWatch.

A sum keeps what CloudWatch's statistics need: how many samples, their sum, the least and the greatest. The hit rate is
weighted by prompt tokens, so that the Average of any period, over any number of publishers, is the tokens read in that
period divided by the tokens sent in it; an average of each call's own rate would let a hundred short prompts hide a
long one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rockbottom.ledger import CallRecord
from rockbottom.quantities import Usd
from rockbottom.sinks import definitions as named
from rockbottom.sinks.definitions import DEFINITIONS, MODEL_DIMENSION, Definition

MINUTE_S = 60
OTHER = "other"
NO_VALUE = "none"
FIXED_DIMENSIONS = {MODEL_DIMENSION: "model", "Region": "region", "Scope": "scope", "Tier": "tier"}
"""Dimensions that every call has, and the field of its record; any other name is a tag."""

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, in the order in which they were asked for."""

Number = Decimal | int | float


@dataclass(slots=True)
class Sum:
    """Samples of one metric in one minute. ``values`` is kept only where percentiles are wanted."""

    count: int = 0
    total: Number = 0
    least: Number = 0
    greatest: Number = 0
    values: dict[int, int] | None = None

    def add(self, value: Number, weight: int = 1, total: Number | None = None) -> None:
        """One sample of ``weight``; ``total`` is value times weight where that can be said exactly."""
        self.least = value if not self.count else min(self.least, value)
        self.greatest = value if not self.count else max(self.greatest, value)
        self.count += weight
        self.total += value * weight if total is None else total  # type: ignore[operator]  # of one metric: one kind of number

    def keep(self, value: float) -> None:
        """One sample that is kept, rounded to whole units, beside the sums."""
        self.add(value)
        self.values = self.values if self.values is not None else {}
        whole = max(round(value), 0)
        self.values[whole] = self.values.get(whole, 0) + 1


@dataclass(slots=True)
class Minute:
    """The metrics of one minute and one combination of dimension values."""

    starts_at: int
    dimensions: Dimensions
    sums: dict[Definition, Sum] = field(default_factory=dict[Definition, Sum])

    def of(self, definition: Definition) -> Sum:
        """The sum of one metric, new where there is none yet."""
        summed = self.sums.get(definition)
        if summed is None:
            summed = self.sums[definition] = Sum()
        return summed


class MinuteTable:
    """Open minutes. ``dimension_sets`` are names: ModelId, Region, Scope, Tier, or any tag.

    At most ``most_series`` combinations of values are told apart over the table's life; what comes later is summed
    under ``other``, and ``overflowed`` counts it. Not thread-safe.
    """

    def __init__(
        self,
        dimension_sets: Sequence[Sequence[str]] = ((MODEL_DIMENSION,),),
        metrics: Iterable[Definition] = DEFINITIONS,
        most_series: int = 100,
    ) -> None:
        self.dimension_sets = tuple(tuple(names) for names in dimension_sets)
        self._metrics = frozenset(metrics)
        self._most_series = most_series
        self._minutes: OrderedDict[tuple[int, Dimensions], Minute] = OrderedDict()
        self.series: set[Dimensions] = set()
        self._models: set[str] = set()
        self.overflowed = 0

    def __len__(self) -> int:
        return len(self._minutes)

    def add(self, call: CallRecord, at: float | None = None) -> None:
        """Sum up one call under its minute, or under that of ``at``. A call without usage adds nothing."""
        if call.status != "ok":
            return
        samples = [sample for sample in _samples(call) if sample[0] in self._metrics]
        for minute in self._of(call, call.at if at is None else at):
            for definition, value, weight, total in samples:
                minute.of(definition).add(value, weight, total)
            if call.first_ms is not None and named.TIME_TO_FIRST_TOKEN in self._metrics:
                minute.of(named.TIME_TO_FIRST_TOKEN).keep(call.first_ms)

    def add_waste(self, call: CallRecord, usd: Usd, at: float) -> None:
        """Sum up what a write of ``call`` cost in vain, under the minute of ``at``: when its lifetime ended."""
        if named.WRITE_WASTE in self._metrics:
            for minute in self._of(call, at):
                minute.of(named.WRITE_WASTE).add(usd)

    def take(self, before: float) -> Iterator[Minute]:
        """Remove and give the minutes that ended by ``before``."""
        done = [key for key in self._minutes if key[0] + MINUTE_S <= before]
        for key in done:
            yield self._minutes.pop(key)

    def _of(self, call: CallRecord, at: float) -> Iterator[Minute]:
        start = int(at // MINUTE_S) * MINUTE_S
        for names in self.dimension_sets:
            dimensions = self._bounded(tuple((name, _value(call, name)) for name in names))
            key = (start, dimensions)
            minute = self._minutes.get(key)
            if minute is None:
                minute = self._minutes[key] = Minute(start, dimensions)
            yield minute

    def _bounded(self, dimensions: Dimensions) -> Dimensions:
        if dimensions in self.series:
            return dimensions
        if len(self.series) < self._most_series:
            self.series.add(dimensions)
            self._models.update(value for name, value in dimensions if name == MODEL_DIMENSION)
            return dimensions
        self.overflowed += 1
        return tuple(
            (name, value if name == MODEL_DIMENSION and value in self._models else OTHER) for name, value in dimensions
        )


def _value(call: CallRecord, name: str) -> str:
    fixed = FIXED_DIMENSIONS.get(name)
    value = getattr(call, fixed) if fixed is not None else call.tags.get(name, "")
    return value.strip() or NO_VALUE


_Sample = tuple[Definition, Number, int, Number | None]


def _samples(call: CallRecord) -> Iterator[_Sample]:
    usage = call.usage
    prompt = usage.total_input
    yield named.CACHE_HIT_TOKENS, usage.cache_read, 1, None
    yield named.CACHE_WRITE_TOKENS, usage.cache_write, 1, None
    yield named.UNCACHED_INPUT_TOKENS, usage.input, 1, None
    yield named.OUTPUT_TOKENS, usage.output, 1, None
    if prompt:
        yield named.CACHE_HIT_RATE, 100 * usage.cache_read / prompt, prompt, 100 * usage.cache_read
    if call.cost_usd is not None:
        cost = Decimal(call.cost_usd)
        yield named.COST, cost, 1, None
        yield named.COST_PER_REQUEST, cost, 1, None
    saved = call.saved_usd
    if saved is not None:
        yield named.SAVING, saved, 1, None
    if call.points and usage.total:
        yield named.POINTS_WITHOUT_CACHING, int(not usage.cache_read and not usage.cache_write), 1, None
