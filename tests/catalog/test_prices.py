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


def test_a_scope_without_a_price_names_those_that_have_one() -> None:
    """Claude Mythos 5.1 has no in-Region price: the error offers the us. and global. ids."""
    with pytest.raises(NoPriceInForce, match=r"a row for us \(.*a row for global \(") as raised:
        load_catalog().price_book.price("anthropic.claude-mythos-5-1", Scope.IN_REGION, Tier.DEFAULT, Unit.INPUT, TODAY)
    assert raised.value.fix == "use the id us.anthropic.claude-mythos-5-1"


@pytest.mark.parametrize(("model", "region", "usd"), [
    ("anthropic.claude-sonnet-5", "us-east-1", "2.2"),
    ("anthropic.claude-haiku-4-5", "eu-west-1", "1.1"),
    ("anthropic.claude-opus-5", "ap-northeast-1", "5.5"),
])  # fmt: skip
def test_claude_by_its_bare_id_costs_on_mantle_what_its_geography_does(model: str, region: str, usd: str) -> None:
    """AWS's page on endpoints: both hosts cost the same, in-Region like ``us.``."""
    catalog = load_catalog()
    named = catalog.model(model)
    price = catalog.price_book.price(named.model.id, named.scope, Tier.DEFAULT, Unit.INPUT, TODAY, 1000, region)
    assert price.usd_per_mtok == Decimal(usd)


def test_a_price_is_not_stretched_back_before_its_first_day() -> None:
    """Nova Pro is attested from 2025-03-01: the day before has no price, and the error says when it starts."""
    book = load_catalog().price_book
    asked = ("amazon.nova-pro-v1:0", Scope.IN_REGION, Tier.DEFAULT, Unit.INPUT)
    assert book.price(*asked, date(2025, 3, 1)).usd_per_mtok == Decimal("0.8")
    with pytest.raises(NoPriceInForce, match="starting 2025-03-01"):
        book.price(*asked, date(2025, 2, 28))


def test_a_region_with_other_prices_is_not_given_those_of_us_east_1() -> None:
    """Nova Pro costs 1.18 in eu-west-3; of a Region that AWS's list does not name the error says which there are."""
    book = load_catalog().price_book
    asked = ("amazon.nova-pro-v1:0", Scope.IN_REGION, Tier.DEFAULT, Unit.INPUT, TODAY)
    assert book.price(*asked, region="eu-west-3").usd_per_mtok == Decimal("1.18")
    assert book.price(*asked).region == "us-east-1"
    with pytest.raises(NoPriceInForce, match=r"Regions differ.*eu-west-2, eu-west-3, il-central-1"):
        book.price(*asked, region="ap-southeast-6")


@pytest.mark.parametrize(("context_tokens", "expected"), [(0, "0.11"), (100_000, "0.11"), (100_001, "0.55")])
def test_long_prompts_cost_the_long_context_price(context_tokens: int, expected: str) -> None:
    """Haiku 5.5 costs five times as much once the whole prompt is above 100,000 tokens."""
    price = load_catalog().price_book.price(
        "anthropic.claude-haiku-5-5", Scope.US, Tier.DEFAULT, Unit.INPUT, TODAY, context_tokens
    )
    assert price.usd_per_mtok == Decimal(expected)


def test_a_long_prompt_without_a_long_context_price_raises() -> None:
    """No long-context batch price of Sonnet 4.5 is known: the ordinary one is not used for it."""
    with pytest.raises(NoPriceInForce, match="for shorter prompts"):
        load_catalog().price_book.price(
            "anthropic.claude-sonnet-4-5-20250929-v1:0", Scope.US, Tier.BATCH, Unit.INPUT, TODAY, 300_000
        )


def test_contested_prices_are_shown_but_not_used() -> None:
    """Nova Pro writes cost 0; 1.0 (1.25 x input) and 0.8 (input) stand beside it as contested."""
    book = load_catalog().price_book
    asked = ("amazon.nova-pro-v1:0", Scope.IN_REGION, Tier.DEFAULT, Unit.CACHE_WRITE_5M)
    assert book.price(*asked, TODAY).usd_per_mtok == 0
    assert {row.usd_per_mtok for row in book.contested(*asked, TODAY)} == {Decimal("1"), Decimal("0.8")}


def bill(model: str, tokens: tuple[int, int, int, int]) -> Decimal:
    """Dollars for 1,000 conversations a day over 30 days at the article's prices: in, out, read, write."""
    book = load_catalog().price_book.preferring("nova-caching-article")
    units = (Unit.INPUT, Unit.OUTPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M)
    prices = [book.price(model, Scope.IN_REGION, Tier.DEFAULT, unit, TODAY).usd_per_mtok for unit in units]
    return sum((n * price for n, price in zip(tokens, prices, strict=True)), Decimal(0)) * 30_000 / 1_000_000


PUBLISHED = [
    ("amazon.nova-pro-v1:0", (12834, 796, 0, 0), "384.43"),
    ("amazon.nova-pro-v1:0", (1738, 588, 8581, 2130), "182.65"),
    ("amazon.nova-pro-v1:0", (11710, 558, 0, 0), "334.61"),
    ("amazon.nova-pro-v1:0", (1368, 576, 8276, 2067), "170.00"),
    ("amazon.nova-lite-v1:0", (12695, 1039, 0, 0), "30.33"),
    ("amazon.nova-lite-v1:0", (2583, 1060, 8260, 2065), "18.41"),
    ("amazon.nova-micro-v1:0", (12440, 936, 0, 0), "16.99"),
    ("amazon.nova-micro-v1:0", (1990, 907, 8260, 2065), "9.48"),
]


@pytest.mark.parametrize(("model", "tokens", "expected"), PUBLISHED)
def test_the_article_s_figures_come_out_at_the_article_s_prices(
    model: str, tokens: tuple[int, int, int, int], expected: str
) -> None:
    """Reads at 0.10 and writes at 1.25 of the input price give the published monthly figures."""
    assert bill(model, tokens).quantize(Decimal("0.01")) == Decimal(expected)


def test_nova_2_lite_costs_more_from_some_regions() -> None:
    """The price of a profile is that of the Region called from: 0.429 from us-west-1, 0.33 elsewhere in the US."""
    book = load_catalog().price_book
    asked = ("amazon.nova-2-lite-v1:0", Scope.US, Tier.DEFAULT, Unit.INPUT, TODAY)
    assert book.price(*asked, region="us-west-1").usd_per_mtok == Decimal("0.429")
    assert book.price(*asked, region="us-west-2").usd_per_mtok == Decimal("0.33")


def test_an_unread_price_of_a_global_profile_is_not_borrowed_from_another_region() -> None:
    """From eu-west-1 it is a quarter of the input price; a Region that AWS's list does not name has none."""
    book = load_catalog().price_book
    asked = ("amazon.nova-2-lite-v1:0", Scope.GLOBAL, Tier.DEFAULT)
    assert book.price(*asked, Unit.INPUT, TODAY, region="eu-west-1").usd_per_mtok == Decimal("0.34")
    assert book.price(*asked, Unit.CACHE_READ, TODAY, region="eu-west-1").usd_per_mtok == Decimal("0.085")
    with pytest.raises(NoPriceInForce, match=r"us-east-1.*and Regions differ"):
        book.price(*asked, Unit.CACHE_READ, TODAY, region="mx-central-1")
