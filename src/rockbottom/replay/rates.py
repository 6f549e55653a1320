"""Which prices hold for some requests: of a model as reached, of a tier, on a day, perhaps in a Region."""

from dataclasses import dataclass, replace
from datetime import date

from rockbottom.catalog import ModelId, NoPriceInForce, PriceBook, Tier
from rockbottom.cost import Cost, CostLine
from rockbottom.figures import counted
from rockbottom.quantities import Unit, Usage, Usd


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

    def of_day(self, day: date) -> "Rates":
        """Those of another day; these, ``assumed``, where a price that is known of their own day is not known of it."""
        then = replace(self, on=day)
        pairs = list(zip(then.known(), self.known(), strict=False))
        if any(price is None and known is not None for price, known in pairs):
            return replace(self, assumed=True)
        return self if all(price == known for price, known in pairs) else then

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


def assumed_prices(requests: int, on: date) -> str:
    """That so many requests are priced as of another day than theirs, in words."""
    of_days = "is of a day" if requests == 1 else "are of days"
    return f"{counted(requests, 'request')} {of_days} without a known price: priced as of {on.isoformat()}"
