"""The bill of one request, or of many that share a price row: exact lines that sum to the total."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from msgspec import Struct

from rockbottom.catalog import ModelId, Price, PriceBook, Tier
from rockbottom.quantities import NO_USAGE, ZERO_USD, Unit, Usage, Usd, usd_of_tokens


class CostLine(Struct, frozen=True):
    """Tokens of one unit at one price row."""

    price: Price
    tokens: int

    @property
    def unit(self) -> Unit:
        return self.price.unit

    @property
    def usd(self) -> Usd:
        """The exact amount in US dollars, not rounded."""
        return usd_of_tokens(self.tokens, self.price.usd_per_mtok)


@dataclass(frozen=True, slots=True)
class Cost:
    """An itemised amount. Adds; lines of the same price row are merged, so a month is still a few lines."""

    lines: tuple[CostLine, ...] = ()

    @property
    def usd(self) -> Usd:
        """The exact total in US dollars."""
        return sum([usd_of_tokens(line.tokens, line.price.usd_per_mtok) for line in self.lines], ZERO_USD)

    @property
    def input_usd(self) -> Usd:
        """The total of everything but output."""
        return sum((line.usd for line in self.lines if line.unit is not Unit.OUTPUT), ZERO_USD)

    @property
    def usage(self) -> Usage:
        """The tokens of all lines by what they were billed as."""
        return sum((Usage(**{line.unit.value: line.tokens}) for line in self.lines), NO_USAGE)

    def __add__(self, other: "Cost") -> "Cost":
        return total_of((self, other))


def total_of(costs: Iterable[Cost]) -> Cost:
    """The sum of many costs, tokens added up per price row before anything is multiplied."""
    tokens: dict[Price, int] = {}
    for cost in costs:
        for line in cost.lines:
            tokens[line.price] = tokens.get(line.price, 0) + line.tokens
    return Cost(tuple(CostLine(price, amount) for price, amount in tokens.items()))


class Tally:
    """A running sum of costs: tokens by price row, for whoever adds one call after the other."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Price, int]] = {}  # by identity: a price book gives the same row for each call

    def add(self, cost: Cost) -> None:
        """Add a cost."""
        rows = self._rows
        for line in cost.lines:
            price = line.price
            known = rows.get(id(price))
            rows[id(price)] = (price, line.tokens if known is None else known[1] + line.tokens)

    @property
    def cost(self) -> Cost:
        """The sum so far."""
        return total_of((Cost(tuple(CostLine(price, tokens) for price, tokens in self._rows.values())),))


def bill(
    usage: Usage,
    model: ModelId,
    tier: Tier,
    on: date,
    book: PriceBook,
    *,
    region: str | None = None,
) -> Cost:
    """The cost of one request's usage at the prices in force on a day.

    The long-context price, where a model has one, is chosen by the request's whole input, so bill request
    by request and add the costs. Units without tokens have no line. Raises NoPriceInForce when a unit that
    was used has no price: it is never zero and never a default.
    """
    context = usage.total_input
    where = region or model.region
    used = [(unit, tokens) for unit, tokens in usage.items() if tokens]
    units = [unit for unit, _ in used]
    prices = book.prices(model.model.id, model.scope, tier, units, on, context, where)
    return Cost(tuple([CostLine(prices[unit], tokens) for unit, tokens in used]))
