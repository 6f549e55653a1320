"""Token totals of many requests priced exactly: integers are summed per price row, money is Decimal."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from rockbottom.catalog import ModelId, NoPriceInForce, PriceBook, Tier
from rockbottom.cost import Cost, CostLine
from rockbottom.quantities import WRITES, Unit, Usage, Usd

if TYPE_CHECKING:
    from rockbottom.replay.kernel import Outcomes
    from rockbottom.trace import Array, Trace


@dataclass(frozen=True, slots=True)
class Rates:
    """Which prices: of a model as reached (which gives the scope), of a tier, on a day, perhaps in a Region."""

    model: ModelId
    tier: Tier
    on: date
    book: PriceBook
    region: str | None = None

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


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Which of the prices by prompt length holds for each request."""

    thresholds: tuple[int, ...]
    of_request: "Array"

    @classmethod
    def of(cls, trace: "Trace", rates: Rates) -> "Bands":
        """The bands of a trace at these rates."""
        thresholds = rates.thresholds()
        above = np.array(thresholds[1:], np.int64)
        return cls(tuple(thresholds), np.searchsorted(above, trace.requests.tokens_in, side="left"))


def usages_of(trace: "Trace", outcomes: "Outcomes", bands: Bands) -> dict[int, Usage]:
    """Tokens by billable unit for every threshold. Outputs that were not recorded count as none."""
    columns = {
        Unit.INPUT: outcomes.uncached,
        Unit.OUTPUT: np.maximum(trace.requests.tokens_out, 0),
        Unit.CACHE_READ: outcomes.read,
        **{WRITES[ttl]: column for ttl, column in outcomes.writes.items()},
    }
    if len(bands.thresholds) == 1:
        return {0: Usage(**{unit.value: int(column.sum(dtype=np.int64)) for unit, column in columns.items()})}
    usages: dict[int, Usage] = {}
    for band, threshold in enumerate(bands.thresholds):
        chosen = bands.of_request == band
        sums = {unit.value: int(column[chosen].sum(dtype=np.int64)) for unit, column in columns.items()}
        usages[threshold] = Usage(**sums)
    return usages


def cost_of(usages: dict[int, Usage], rates: Rates) -> Cost:
    """The exact cost of the tokens of every band."""
    total = Cost()
    for threshold, usage in usages.items():
        total = total + rates.cost(usage, threshold)
    return total
