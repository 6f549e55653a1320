"""The price of a recorded call, or of the same call with other tokens."""

from datetime import UTC, datetime

from rockbottom.catalog import Catalog, CatalogError, Tier
from rockbottom.cost import bill
from rockbottom.ledger import CallRecord
from rockbottom.quantities import Usage, Usd


def cost_of(call: CallRecord, usage: Usage, catalog: Catalog) -> Usd | None:
    """US dollars of ``usage`` at the model, scope, tier, Region and day of ``call``; None where no price is known."""
    on = datetime.fromtimestamp(call.at, UTC).date()
    scope = "" if call.scope in ("", "in_region") else f"{call.scope}."
    try:
        model = catalog.model(f"{scope}{call.model}")
        tier = Tier(call.tier or Tier.DEFAULT.value)
        return bill(usage, model, tier, on, catalog.price_book, region=call.region or None).usd
    except (CatalogError, ValueError):  # ValueError: a tier that the catalogue does not know
        return None
