"""The price book: what it answers, what it refuses, and how a user's file changes it."""

from datetime import date
from decimal import Decimal

import pytest

from rockbottom.catalog import NoPriceInForce, Scope, Tier, load_catalog
from rockbottom.quantities import Unit

TODAY = date(2026, 11, 20)

KNOWN = [
    # model, scope, tier, unit, dollars per million tokens: read by hand from the published lists
    ("anthropic.claude-fable-5-1", Scope.US, Tier.DEFAULT, Unit.CACHE_READ, "0.275"),
    ("anthropic.claude-opus-5-5", Scope.GLOBAL, Tier.DEFAULT, Unit.CACHE_WRITE_1H, "8"),
    ("anthropic.claude-opus-5", Scope.US, Tier.BATCH, Unit.OUTPUT, "13.75"),
    ("anthropic.claude-sonnet-5", Scope.GLOBAL, Tier.DEFAULT, Unit.INPUT, "2"),
    ("anthropic.claude-sonnet-4-6", Scope.US, Tier.DEFAULT, Unit.CACHE_WRITE_5M, "4.125"),
    ("anthropic.claude-haiku-4-5-20251001-v1:0", Scope.GLOBAL, Tier.BATCH, Unit.INPUT, "0.5"),
    ("anthropic.claude-3-5-haiku-20241022-v1:0", Scope.US, Tier.DEFAULT, Unit.CACHE_WRITE_5M, "1"),
    ("amazon.nova-pro-v1:0", Scope.IN_REGION, Tier.DEFAULT, Unit.INPUT, "0.8"),
    ("amazon.nova-pro-v1:0", Scope.IN_REGION, Tier.DEFAULT, Unit.CACHE_WRITE_5M, "0"),
    ("amazon.nova-pro-v1:0", Scope.US, Tier.FLEX, Unit.CACHE_READ, "0.1"),
    ("amazon.nova-micro-v1:0", Scope.US, Tier.DEFAULT, Unit.CACHE_READ, "0.00875"),
    ("amazon.nova-2-lite-v1:0", Scope.US, Tier.PRIORITY, Unit.OUTPUT, "4.8125"),
    ("openai.gpt-6-luna", Scope.US, Tier.DEFAULT, Unit.CACHE_WRITE_30M, "0.1375"),
    ("openai.gpt-oss-120b-1:0", Scope.IN_REGION, Tier.FLEX, Unit.INPUT, "0.075"),
    ("meta.llama4-scout-17b-instruct-v1:0", Scope.US, Tier.DEFAULT, Unit.OUTPUT, "0.66"),
]


@pytest.mark.parametrize(("model", "scope", "tier", "unit", "expected"), KNOWN)
def test_published_prices_are_in_the_book(model: str, scope: Scope, tier: Tier, unit: Unit, expected: str) -> None:
    """Prices read by hand from the published tables are what the book answers."""
    assert load_catalog().price_book.price(model, scope, tier, unit, TODAY).usd_per_mtok == Decimal(expected)


def test_a_price_that_nobody_published_raises_and_names_the_nearest() -> None:
    """Batch is not offered for Sonnet 5.5: the error names the row of the default tier with its place."""
    with pytest.raises(NoPriceInForce, match=r"the default tier.*prices/anthropic\.csv:\d+") as raised:
        load_catalog().price_book.price("anthropic.claude-sonnet-5-5", Scope.US, Tier.BATCH, Unit.INPUT, TODAY)
    assert raised.value.nearest
