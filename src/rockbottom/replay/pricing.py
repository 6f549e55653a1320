"""Token totals of many requests priced exactly: integers are summed per price row, money is Decimal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rockbottom.catalog import ModelId, NoPriceInForce, PriceBook, Tier
from rockbottom.cost import Cost, CostLine
from rockbottom.quantities import WRITES, Unit, Usage, Usd

if TYPE_CHECKING:
    from rockbottom.replay.kernel import Outcomes
    from rockbottom.trace import Array, Trace


@dataclass(frozen=True, slots=True)
class Rates:
    """Which prices: of a model as reached (which gives the scope), of a tier, on a day, perhaps in a Region.

    ``assumed``: of the day of the requests themselves none is known.
    """

    model: ModelId
    tier: Tier
    on: date
    book: PriceBook
    region: str | None = None
    assumed: bool = False

    def thresholds(self) -> list[int]:
        """The prompt lengths above which other prices hold, 0 first."""
        rows = self.book.of_model(self.model.model.id, self.on)
        known = {row.above_context_tokens for row in rows if row.scope is self.model.scope and not row.contested}
        return sorted(known | {0})

    def known(self) -> tuple[Usd | None, ...]:
        """Every price of every band, None where there is none: what makes two Regions alike."""
        return tuple(self._known(unit, threshold) for threshold in self.thresholds() for unit in Unit)

    def _known(self, unit: Unit, threshold: int) -> Usd | None:
        try:
            return self._line(unit, 0, threshold).price.usd_per_mtok
        except NoPriceInForce:
            return None

    def usd_per_mtok(self, unit: Unit, threshold: int = 0) -> "CostLine":
        """The price row of a unit for prompts above a threshold, as a line of no tokens. Raises NoPriceInForce."""
        return self._line(unit, 0, threshold)

    def cost(self, usage: Usage, threshold: int = 0) -> Cost:
        """The cost of tokens of prompts above a threshold; units without tokens have no line. Raises NoPriceInForce."""
        return Cost(tuple(self._line(unit, tokens, threshold) for unit, tokens in usage.items() if tokens))

    def _line(self, unit: Unit, tokens: int, threshold: int) -> CostLine:
        model, context = self.model.model.id, threshold + 1 if threshold else 0
        where = self.region or self.model.region
        return CostLine(self.book.price(model, self.model.scope, self.tier, unit, self.on, context, where), tokens)


class Band(NamedTuple):
    """Prices that hold for some requests: rates, for prompts longer than so many tokens."""

    rates: Rates
    above_tokens: int

    def cost(self, usage: Usage) -> Cost:
        """The cost of tokens of such prompts. Raises NoPriceInForce."""
        return self.rates.cost(usage, self.above_tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Which prices hold for each request: by its rates and the length of its prompt."""

    bands: tuple[Band, ...]
    of_request: "Array"

    @classmethod
    def of(cls, trace: "Trace", rates: Sequence[Rates], rate_of: "Array | None" = None) -> "Bands":
        """The bands of a trace; ``rate_of`` is the place in ``rates`` of each request, None: all have the first."""
        lengths = sorted({length for each in rates for length in each.thresholds()})
        above = np.searchsorted(np.array(lengths[1:], np.int64), trace.requests.tokens_in, side="left")
        bands = tuple(Band(each, length) for each in rates for length in lengths)
        return cls(bands, above if rate_of is None else rate_of * len(lengths) + above)

    @property
    def rates(self) -> tuple[Rates, ...]:
        """Every one of the rates once."""
        return tuple(dict.fromkeys(band.rates for band in self.bands))

    def of_rows(self, rows: "Array") -> "Bands":
        """The same for some of the requests."""
        return replace(self, of_request=self.of_request[rows])

    def priced_by(self, change: Callable[[Rates], Rates]) -> "Bands":
        """The same requests at other rates."""
        return replace(self, bands=tuple(band._replace(rates=change(band.rates)) for band in self.bands))


def usages_of(trace: "Trace", outcomes: "Outcomes", bands: Bands) -> dict[Band, Usage]:
    """Tokens by billable unit for every band. Outputs that were not recorded count as none."""
    columns = {
        Unit.INPUT: outcomes.uncached,
        Unit.OUTPUT: np.maximum(trace.requests.tokens_out, 0),
        Unit.CACHE_READ: outcomes.read,
        **{WRITES[ttl]: column for ttl, column in outcomes.writes.items()},
    }
    if len(bands.bands) == 1:
        sums = {unit.value: int(column.sum(dtype=np.int64)) for unit, column in columns.items()}
        return {bands.bands[0]: Usage(**sums)}
    usages: dict[Band, Usage] = {}
    for place, band in enumerate(bands.bands):
        chosen = bands.of_request == place
        sums = {unit.value: int(column[chosen].sum(dtype=np.int64)) for unit, column in columns.items()}
        usages[band] = Usage(**sums)
    return usages


def cost_of(usages: Mapping[Band, Usage]) -> Cost:
    """The exact cost of the tokens of every band."""
    total = Cost()
    for band, usage in usages.items():
        total = total + band.cost(usage)
    return total
