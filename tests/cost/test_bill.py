"""Exact bills: every amount worked out by hand from list prices (price-list-2026-10-06 of sources.toml)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.catalog import NoPriceInForce, Tier, load_catalog
from rockbottom.cost import Cost, bill, total_of
from rockbottom.quantities import Unit, Usage

DAY = date(2026, 11, 20)
HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
BOOK = load_catalog().price_book


def billed(model: str, usage: Usage, tier: Tier = Tier.DEFAULT) -> Cost:
    """The bill at the catalogue's prices on a fixed day."""
    return bill(usage, load_catalog().model(model), tier, DAY, BOOK)


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        # global Sonnet 4.6: 3, 15, read 0.30, write 3.75 and 6 per million
        ("global.anthropic.claude-sonnet-4-6", Usage(1_000_000), "3"),
        ("global.anthropic.claude-sonnet-4-6", Usage(100, 10, 1000, 200, 0, 300), "0.0033"),
        # us. is a tenth dearer: 3.3
        ("us.anthropic.claude-sonnet-4-6", Usage(1_000_000), "3.3"),
        # Nova Pro: 0.8, 3.2, read 0.2, write 0
        ("amazon.nova-pro-v1:0", Usage(1738, 588, 8581, 2130), "0.0049882"),
        # Nova Micro reads 0.00875 per million: one token is below a nano-dollar
        ("amazon.nova-micro-v1:0", Usage(0, 0, 1), "0.00000000875"),
    ],
)
def test_known_bills(model, usage, usd):
    """Tokens times price, exact to the last digit."""
    assert billed(model, usage).usd == Decimal(usd)


def test_lines_sum_to_the_total_and_name_their_prices():
    """One line per unit used, none for units without tokens."""
    cost = billed("global.anthropic.claude-sonnet-4-6", Usage(100, 10, 1000, 200))
    assert [line.unit for line in cost.lines] == [Unit.INPUT, Unit.OUTPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M]
    assert sum(line.usd for line in cost.lines) == cost.usd
    assert cost.usd - cost.input_usd == Decimal("0.00015")
    assert all(line.price.source.url and line.price.place for line in cost.lines)


def test_batch_is_half_and_offers_no_cache_price():
    """Haiku 4.5 batch: 0.5 and 2.5; a cache read in batch has no price, and no price is not zero."""
    assert billed(HAIKU, Usage(1_000_000, 1_000_000), Tier.BATCH).usd == Decimal(3)
    with pytest.raises(NoPriceInForce):
        billed(HAIKU, Usage(cache_read=1), Tier.BATCH)


def test_a_long_prompt_pays_the_long_price_for_all_of_it():
    """Haiku 5.5 above 100,000 tokens costs five times as much, counted over read and written tokens too."""
    short = billed("global.anthropic.claude-haiku-5-5", Usage(1000, 0, 99_000)).usd
    long = billed("global.anthropic.claude-haiku-5-5", Usage(1001, 0, 99_000)).usd
    assert short == Decimal("0.10") * 1000 / 10**6 + Decimal("0.01") * 99_000 / 10**6
    assert long == Decimal("0.50") * 1001 / 10**6 + Decimal("0.05") * 99_000 / 10**6


USAGES = st.builds(Usage, *[st.integers(0, 10**7)] * 4)


@given(st.lists(USAGES, max_size=6))
def test_costs_add_up_like_their_usages(usages):
    """The sum of the bills is the bill of the sum (without long-context prices), merged into one line per unit."""
    total = total_of(billed("global.anthropic.claude-sonnet-4-6", usage) for usage in usages)
    combined = sum(usages, Usage())
    assert total.usage == combined
    assert total.usd == billed("global.anthropic.claude-sonnet-4-6", combined).usd
    assert len(total.lines) <= 4
