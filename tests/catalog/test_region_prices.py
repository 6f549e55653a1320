"""Prices by Region: each has its own, GovCloud too, and none is borrowed.

Expected values are those of AWS's Price List as normalised on 2026-10-08 (source price-list-2026-10-08).
"""

from datetime import date
from decimal import Decimal

import pytest

from rockbottom.catalog import NoPriceInForce, Price, PriceBook, Scope, Tier, load_catalog
from rockbottom.catalog.price_files import rows_of_lines
from rockbottom.cost import bill
from rockbottom.quantities import Unit, Usage

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("given", "region", "tier", "input_usd", "output_usd"),
    [
        ("nova-pro", "eu-central-1", Tier.DEFAULT, "1.05", "4.2"),
        ("eu.nova-pro", "eu-central-1", Tier.DEFAULT, "1.05", "4.2"),
        ("nova-pro", "eu-west-3", Tier.DEFAULT, "1.18", "4.72"),
        ("eu.nova-pro", "eu-west-3", Tier.BATCH, "0.59", "2.36"),
        ("nova-lite", "ap-northeast-1", Tier.DEFAULT, "0.072", "0.288"),
        ("apac.nova-lite", "ap-northeast-1", Tier.DEFAULT, "0.072", "0.288"),
        ("global.nova-2-lite", "ap-northeast-1", Tier.DEFAULT, "0.36", "3.01"),
        ("nova-micro", "us-gov-west-1", Tier.DEFAULT, "0.042", "0.168"),
        ("kimi-k3", "us-gov-west-1", Tier.DEFAULT, "3.96", "19.8"),
        ("gpt-5.6-luna", "us-gov-west-1", Tier.DEFAULT, "0.264", "1.584"),
        ("gpt-oss-120b", "sa-east-1", Tier.DEFAULT, "0.18", "0.73"),
        ("qwen3-32b", "sa-east-1", Tier.FLEX, "0.09", "0.365"),
    ],
)
def test_tokens_cost_what_the_list_says_of_that_region(
    given: str, region: str, tier: Tier, input_usd: str, output_usd: str
) -> None:
    """100,000 tokens in and 100,000 out cost a tenth of the two rows of that Region."""
    catalog = load_catalog()
    cost = bill(Usage(100_000, 100_000), catalog.model(given), tier, TODAY, catalog.price_book, region=region)
    assert [line.usd * 10 for line in cost.lines] == [Decimal(input_usd), Decimal(output_usd)]


def test_nova_pro_in_paris_costs_47_5_per_cent_more_than_in_virginia() -> None:
    """1.18 to 0.8: at us-east-1's price the bill would be 32% too low."""
    catalog = load_catalog()
    model = catalog.model("nova-pro")
    there = bill(Usage(10**6), model, Tier.DEFAULT, TODAY, catalog.price_book, region="eu-west-3").usd
    here = bill(Usage(10**6), model, Tier.DEFAULT, TODAY, catalog.price_book, region="us-east-1").usd
    assert (there, here) == (Decimal("1.18"), Decimal("0.8"))


def test_writing_and_reading_nova_s_cache_has_a_price_wherever_reading_has() -> None:
    """Every Region whose list has a read of Nova Pro prices the write before it, at zero."""
    book = load_catalog().price_book
    rows = [row for row in book.of_model("amazon.nova-pro-v1:0", TODAY) if row.unit is Unit.CACHE_READ and row.region]
    assert len(rows) > 60
    for row in rows:
        assert book.price(row.model, row.scope, row.tier, Unit.CACHE_WRITE_5M, TODAY, 0, row.region).usd_per_mtok == 0


def test_a_region_without_a_row_is_an_error_that_names_those_that_have_one() -> None:
    """Nova Pro is not sold in sa-east-1: no other Region's price is taken."""
    with pytest.raises(NoPriceInForce, match=r"Regions with such a price: .*eu-west-3.*us-west-2"):
        load_catalog().price_book.price(
            "amazon.nova-pro-v1:0", Scope.IN_REGION, Tier.DEFAULT, Unit.INPUT, TODAY, region="sa-east-1"
        )


def test_govcloud_is_not_given_commercial_prices() -> None:
    """Sonnet 4.6 has a price throughout the us. profile and throughout the world, and none in GovCloud."""
    book = load_catalog().price_book
    for scope in (Scope.US, Scope.GLOBAL, Scope.IN_REGION):
        with pytest.raises(NoPriceInForce):
            book.price("anthropic.claude-sonnet-4-6", scope, Tier.DEFAULT, Unit.INPUT, TODAY, region="us-gov-west-1")
    gov = ("anthropic.claude-sonnet-5-5", Scope.US_GOV, Tier.DEFAULT, Unit.INPUT)
    assert book.price(*gov, date(2026, 11, 29), region="us-gov-east-1").usd_per_mtok == Decimal("2.4")


def test_a_row_for_the_whole_scope_gives_way_where_regions_differ() -> None:
    """From the day on which two Regions differ, a third has no price; before it, the whole scope's row holds."""
    book = PriceBook.of(
        [
            *_rows("1", None, date(2026, 1, 1)),
            *_rows("1", "eu-west-1", date(2026, 5, 1)),
            *_rows("2", "eu-west-2", date(2026, 5, 1)),
        ]
    )
    asked = ("acme.model", Scope.EU, Tier.DEFAULT, Unit.INPUT)
    assert book.price(*asked, date(2026, 4, 30), region="eu-west-3").usd_per_mtok == 1
    assert book.price(*asked, date(2026, 5, 1), region="eu-west-2").usd_per_mtok == 2
    with pytest.raises(NoPriceInForce, match="Regions differ"):
        book.price(*asked, date(2026, 5, 1), region="eu-west-3")
    assert book.price(*asked, date(2026, 5, 1)).usd_per_mtok == 1


def _rows(usd: str, region: str | None, since: date) -> list[Price]:
    header = "model,scope,region,tier,unit,usd_per_mtok,valid_from"
    return list(rows_of_lines([header, f"acme.model,eu,{region or ''},default,input,{usd},{since}"], "here.csv", {}))
