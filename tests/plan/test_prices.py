"""Prices of cached tokens as multiples of the input price."""

from datetime import date
from decimal import Decimal

from rockbottom.catalog import Tier, load_catalog
from rockbottom.plan.prices import multiples_of
from rockbottom.quantities import Ttl

ON = date(2026, 11, 20)


def test_writes_are_priced_at_the_lifetime_that_the_model_has():
    """GPT-5.6 Sol: 4 dollars a million for input, 5 written for 30 minutes, 0.40 read (its model card)."""
    catalog = load_catalog()
    sol = catalog.model("global.openai.gpt-5.6-sol")
    multiples = multiples_of(sol, Tier.DEFAULT, ON, catalog.price_book, Ttl.THIRTY_MINUTES)
    assert (multiples.write_5m, multiples.write_1h, multiples.read) == (Decimal("1.25"), None, Decimal("0.1"))


def test_an_hour_has_a_multiple_of_its_own_where_the_model_has_both():
    """Claude Sonnet 4.6: 1.25 times the input for five minutes, twice for an hour, a tenth read."""
    catalog = load_catalog()
    sonnet = catalog.model("global.anthropic.claude-sonnet-4-6")
    multiples = multiples_of(sonnet, Tier.DEFAULT, ON, catalog.price_book)
    assert (multiples.write_5m, multiples.write_1h, multiples.read) == (Decimal("1.25"), Decimal(2), Decimal("0.1"))
