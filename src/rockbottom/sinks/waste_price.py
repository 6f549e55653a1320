"""What a write that nobody read has cost: its price above that of the same tokens as plain input."""

from datetime import UTC, datetime
from functools import cache

from rockbottom.catalog import Catalog, NoPriceInForce, Scope, Tier, load_catalog
from rockbottom.quantities import WRITES, ZERO_USD, Unit, Usd, usd_of_tokens
from rockbottom.sinks.waste import SettledWrite


@cache
def _catalog() -> Catalog:
    return load_catalog()


def wasted_usd(settled: SettledWrite, catalog: Catalog | None = None) -> Usd | None:
    """US dollars paid in vain; zero where a write costs no more than input, None where a price is not known."""
    call = settled.call
    if not settled.wasted:
        return ZERO_USD
    book = (catalog or _catalog()).price_book
    on = datetime.fromtimestamp(call.at, UTC).date()
    prompt, region = call.usage.total_input, call.region or None
    try:
        scope, tier = Scope(call.scope), Tier(call.tier or Tier.DEFAULT.value)
        write = book.price(call.model, scope, tier, WRITES[settled.ttl], on, prompt, region).usd_per_mtok
        plain = book.price(call.model, scope, tier, Unit.INPUT, on, prompt, region).usd_per_mtok
    except (NoPriceInForce, ValueError):  # ValueError: a scope or tier that the catalogue does not know
        return None
    return usd_of_tokens(settled.wasted, max(write - plain, ZERO_USD))
