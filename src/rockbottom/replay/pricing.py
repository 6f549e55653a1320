"""Token totals of many requests priced exactly: integers are summed per price row, money is Decimal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rockbottom.cost import Cost
from rockbottom.quantities import WRITES, Unit, Usage
from rockbottom.replay.rates import Rates

if TYPE_CHECKING:
    from rockbottom.replay.kernel import Outcomes
    from rockbottom.trace import Array, Trace


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
