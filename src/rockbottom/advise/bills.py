"""Expected tokens times the prices in force: a month's bill by line item, exact in Decimal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rockbottom.advise.tokens import Tokens
from rockbottom.catalog import ModelId, Price, PriceBook, Tier
from rockbottom.quantities import ZERO_USD, Unit, Usd

_MTOK = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What prices are asked for: one model, on one day, in one book."""

    model: ModelId
    on: date
    book: PriceBook
    region: str | None = None

    def price(self, unit: Unit, tier: Tier = Tier.DEFAULT, context_tokens: int = 0) -> Price:
        """The row in force; raises NoPriceInForce."""
        where = self.region or self.model.region
        return self.book.price(self.model.model.id, self.model.scope, tier, unit, self.on, context_tokens, where)

    def usd_per_mtok(self, unit: Unit, tier: Tier = Tier.DEFAULT, context_tokens: int = 0) -> Usd:
        """The price alone; raises NoPriceInForce."""
        return self.price(unit, tier, context_tokens).usd_per_mtok


@dataclass(frozen=True, slots=True)
class MonthLine:
    """Tokens of one unit at one price row; expected tokens need not be whole."""

    price: Price
    tokens: Decimal
    keep_alive: bool

    @property
    def usd(self) -> Usd:
        return self.tokens * self.price.usd_per_mtok / _MTOK


@dataclass(frozen=True, slots=True)
class MonthlyBill:
    """A month. Lines of the same price row are merged, those of keep-alive requests kept apart."""

    lines: tuple[MonthLine, ...]

    @property
    def usd(self) -> Usd:
        return sum((line.usd for line in self.lines), ZERO_USD)

    @property
    def input_usd(self) -> Usd:
        """Everything but the output of the workload's own requests."""
        return sum((line.usd for line in self.lines if line.price.unit is not Unit.OUTPUT or line.keep_alive), ZERO_USD)

    def tokens(self, *units: Unit) -> Decimal:
        return sum((line.tokens for line in self.lines if line.price.unit in units), Decimal(0))


def bill_of(months: Iterable[Tokens], tariff: Tariff, tier: Tier = Tier.DEFAULT) -> MonthlyBill:
    """The bill of these tokens; raises NoPriceInForce for a unit that is used and has no price."""
    amounts: dict[tuple[Price, bool], Decimal] = {}
    for month in months:
        for unit, amount in month.by_unit.items():
            key = tariff.price(unit, tier, month.context_tokens), month.keep_alive
            amounts[key] = amounts.get(key, Decimal(0)) + amount
    return MonthlyBill(tuple(MonthLine(price, tokens, keep_alive) for (price, keep_alive), tokens in amounts.items()))


def saved(before: Usd, after: Usd) -> Decimal | None:
    """The share of ``before`` that is gone; negative when it costs more, None of nothing."""
    return 1 - after / before if before else None
