"""What a changed prefix costs: once when it is deployed, and every month after.

The steady cost is that every request reads its prefix. All of it at the prices in force on a day; a missing price
gives no amount. Whether requests really come often enough to read is not known here, and the sentences say so.
"""

from dataclasses import dataclass
from datetime import date

from rockbottom.catalog import Catalog, CatalogError, ModelId, NoPriceInForce, Tier
from rockbottom.figures import thousands, usd_exact
from rockbottom.pins.pin import Pin
from rockbottom.pins.prefix import Caching, Prefix
from rockbottom.quantities import WRITES, Ttl, Unit, Usd, usd_of_tokens


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """US dollars per million tokens; None where no price is in force."""

    input: Usd | None
    read: Usd | None
    write: Usd | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change costs. ``once_usd`` for each live entry at the deploy; ``per_request_usd`` from then on.

    ``requests`` is how many a month, None where nobody said. ``worst_per_request_usd`` is what it costs if the place
    changes with every call. ``because`` says what the amounts are made of and what they assume. None: no price.
    """

    on: date
    requests: int | None
    once_usd: Usd | None = None
    per_request_usd: Usd | None = None
    worst_per_request_usd: Usd | None = None
    because: tuple[str, ...] = ()

    def a_month(self, per_request: Usd | None) -> Usd | None:
        """An amount per request over a month; None where either is not known."""
        return None if per_request is None or self.requests is None else per_request * self.requests


def rates_of(catalog: Catalog, model: ModelId, tier: Tier, ttl: Ttl | None, context: int, on: date) -> TokenPrices:
    """The prices of a prefix on a day, for a prompt of so many tokens."""

    def price(unit: Unit | None) -> Usd | None:
        if unit is None:
            return None
        try:
            book = catalog.price_book
            return book.price(model.model.id, model.scope, tier, unit, on, context, model.region).usd_per_mtok
        except NoPriceInForce:
            return None

    return TokenPrices(price(Unit.INPUT), price(Unit.CACHE_READ), price(WRITES.get(ttl) if ttl else None))


def steady_usd(tokens: int, rates: TokenPrices, caching: Caching) -> Usd | None:
    """What a prefix costs each request: read where it is cached, uncached input where it is not."""
    return _at(tokens, rates.read if caching is Caching.CACHED else rates.input)


def usd_per_month(prefix: Prefix, requests: int | None, on: date) -> Usd | None:
    """What the prefix costs a month as it is; None without a price or without a number of requests."""
    each = steady_usd(prefix.tokens, _rates(prefix, on), prefix.caching)
    return None if each is None or requests is None else each * requests


def effect_of_new(new: Prefix, requests: int | None, on: date) -> Effect:
    """What a prompt that was not pinned yet costs."""
    rates = _rates(new, on)
    each = steady_usd(new.tokens, rates, new.caching)
    return Effect(on, requests, _once(new, rates), each, None, _because(new, rates, new.tokens))


def effect_of_change(pin: Pin, new: Prefix, first: int, *, stamp: bool, requests: int | None, on: date) -> Effect:
    """What it costs to deploy ``new`` where ``pin`` is. ``first`` is the first block that is not the same."""
    catalog, rates = new.archive.catalog, _rates(new, on)
    try:
        model = catalog.model(pin.model)
        old_rates = rates_of(catalog, model, new.tier, new.ttl, new.sent.tokens, on)
    except CatalogError:
        old_rates = TokenPrices(None, None, None)
    old_tokens, new_tokens = (sum(block.tokens for block in version.blocks) for version in (pin, new))
    before = steady_usd(old_tokens, old_rates, Caching(pin.caching) if _known(pin.caching) else Caching.CACHED)
    after = steady_usd(new_tokens, rates, new.caching)
    outside = _left_outside(pin, new)
    if outside and after is not None:
        extra = _at(outside, rates.input)
        after = None if extra is None else after + extra
    difference = None if before is None or after is None else after - before
    reasons = (
        [f"{thousands(old_tokens)} -> {thousands(new_tokens)} tokens, estimated"] if old_tokens != new_tokens else []
    )
    if outside:
        reasons.append(f"{thousands(outside)} tokens that were cached now stand behind the last cachePoint, uncached")
    reasons += _because(new, rates, new_tokens)
    worst = _rewritten(new, rates, first) if stamp else None
    return Effect(on, requests, _once(new, rates), difference, worst, tuple(reasons))


def effect_of_volatile(new: Prefix, first: int, requests: int | None, on: date) -> Effect:
    """What it costs that two renderings differ from block ``first`` on: that much is written by every call."""
    rates = _rates(new, on)
    stable = stable_tokens(new, first)
    reasons = (
        f"every call writes {thousands(new.tokens - stable)} tokens that it could read",
        *_because(new, rates, new.tokens),
    )
    return Effect(on, requests, None, _rewritten(new, rates, first), None, reasons)


def stable_tokens(prefix: Prefix, first: int) -> int:
    """Tokens up to the deepest point in front of a block that changes; 0 where that is too little to be cached."""
    depths, minimum = prefix.sent.prompt.depths, prefix.sent.rules.minimum_tokens
    ends = [depths[point.after] for point in prefix.sent.prompt.points if point.after <= first]
    return max((tokens for tokens in ends if tokens >= max(1, minimum)), default=0)


def _rewritten(new: Prefix, rates: TokenPrices, first: int) -> Usd | None:
    if new.caching is not Caching.CACHED:
        return None
    each = _each(rates)
    return None if each is None else usd_of_tokens(new.tokens - stable_tokens(new, first), each)


def _once(new: Prefix, rates: TokenPrices) -> Usd | None:
    each = _each(rates)
    return usd_of_tokens(new.tokens, each) if each is not None and new.caching is Caching.CACHED else None


def _each(rates: TokenPrices) -> Usd | None:
    """What a token written instead of read costs more, per million."""
    return None if rates.write is None or rates.read is None else rates.write - rates.read


def _left_outside(pin: Pin, new: Prefix) -> int:
    """Tokens of blocks that were in the prefix and are still in the prompt, but behind the last point."""
    were = {block.digest for block in pin.blocks} - {block.digest for block in new.blocks}
    depths, segments = new.sent.prompt.depths, new.sent.segments
    behind = range(new.end, len(segments))
    return sum(depths[at + 1] - depths[at] for at in behind if segments[at].digest.hex()[:16].ljust(16, "0") in were)


def _because(prefix: Prefix, rates: TokenPrices, tokens: int) -> tuple[str, ...]:
    name = f"{prefix.model.model.name} ({prefix.model.scope.value})"
    if rates.read is None or rates.write is None:
        return (f"no price is in force for the cache of {name}: tokens only",)
    ttl = prefix.ttl.value if prefix.ttl else ""
    amounts = f"write {ttl} ${usd_exact(rates.write)}, read ${usd_exact(rates.read)} per million tokens"
    return (f"{name}: {amounts}", "assuming that every request finds the prefix in the cache")


def _rates(prefix: Prefix, on: date) -> TokenPrices:
    return rates_of(prefix.archive.catalog, prefix.model, prefix.tier, prefix.ttl, prefix.sent.tokens, on)


def _known(caching: str) -> bool:
    return caching in {member.value for member in Caching}


def _at(tokens: int, usd_per_mtok: Usd | None) -> Usd | None:
    return None if usd_per_mtok is None else usd_of_tokens(tokens, usd_per_mtok)
