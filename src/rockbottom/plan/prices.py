"""What a model's cache costs relative to its input: the multiples that every decision is made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from rockbottom.catalog import ModelId, NoPriceInForce, PriceBook, Scope, Tier
from rockbottom.quantities import WRITES, Ttl, Unit


@dataclass(frozen=True, slots=True)
class Multiples:
    """Prices of cached tokens in units of the input price; ``basis`` says which rows they come from.

    ``write_5m`` is of a write for the model's usual lifetime, which is five minutes on most models.
    """

    input_usd_per_mtok: Decimal
    read: Decimal
    write_5m: Decimal
    write_1h: Decimal | None
    basis: str

    def write(self, ttl: Ttl) -> Decimal | None:
        """The multiple of a write with this lifetime, or None where it has no price."""
        return self.write_1h if ttl is Ttl.ONE_HOUR else self.write_5m

    @property
    def free_writes(self) -> bool:
        """Whether writing costs no more than sending the tokens uncached."""
        return self.write_5m <= 1


def day_of(now: float, caching_since: date) -> date:
    """The UTC day of an instant; instants before caching existed (clocks that start at 0) mean the newest facts."""
    try:
        day = datetime.fromtimestamp(now, UTC).date()
    except (OverflowError, ValueError, OSError):
        return date.max
    return day if day >= caching_since else date.max


def multiples_of(model: ModelId, tier: Tier, on: date, book: PriceBook, usual: Ttl = Ttl.FIVE_MINUTES) -> Multiples:
    """The multiples in force; raises NoPriceInForce when the book does not have them.

    Where the scope itself has no rows, those of the model's other scopes are taken if they all give the
    same multiples: the price differs between scopes, the ratios do not.
    """
    try:
        return _at(model, model.scope, tier, on, book, model.region, usual)
    except NoPriceInForce as error:
        others: dict[tuple[Decimal, Decimal, Decimal | None], Multiples] = {}
        for scope in model.model.profiles:
            try:
                multiples = _at(model, scope, tier, on, book, None, usual)
            except NoPriceInForce:
                continue
            others.setdefault((multiples.read, multiples.write_5m, multiples.write_1h), multiples)
        best = _agreed(others)
        if best is None:
            raise error
        return best


def _agreed(distinct: Mapping[tuple[Decimal, Decimal, Decimal | None], Multiples]) -> Multiples | None:
    """The one set of multiples that the scopes share; a scope that lacks only the 1h row does not contradict."""
    whole = {key: value for key, value in distinct.items() if key[2] is not None} or dict(distinct)
    return next(iter(whole.values())) if len(whole) == 1 else None


def _at(
    model: ModelId, scope: Scope, tier: Tier, on: date, book: PriceBook, region: str | None, usual: Ttl
) -> Multiples:
    def usd(unit: Unit) -> Decimal:
        return book.price(model.model.id, scope, tier, unit, on, 0, region).usd_per_mtok

    full = usd(Unit.INPUT)
    if full <= 0:
        raise NoPriceInForce(f"The price of input for {model.model.id} is not above zero.")
    try:
        hour = usd(Unit.CACHE_WRITE_1H) / full
    except NoPriceInForce:
        hour = None
    basis = f"{model.model.id}, {scope.value}, {tier.value} tier"
    return Multiples(full, usd(Unit.CACHE_READ) / full, usd(WRITES[usual]) / full, hour, basis)
