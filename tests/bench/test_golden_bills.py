"""Bills of public articles, worked out again from the token counts that they recorded.

Which price of a Nova cache write reproduces each published figure: 1.25 times the input price, every time, together
with reads at 0.10 times the input price. Neither $0 (the price list) nor 1.0 times (two calculators) does. Where the
last cent differs it is the rounding of the write price: $0.04375 a million tokens for Nova Micro gives $9.48, written
as $0.044 it gives $9.49, and the published $9.47 needs $0.0437. The published $169.99 of Nova Pro is $170.00.

At today's prices (reads 0.25 times, writes 0) the same counts cost less in the cached column, and on equal outputs the
first article's saving of 52% is 48.6%, because its cached run happened to be answered more briefly.
"""

from datetime import date
from decimal import Decimal

import pytest

from rockbottom.catalog import Tier, load_catalog
from rockbottom.cost import bill
from rockbottom.quantities import Usage, Usd, usd_of_tokens

ON = date(2026, 11, 21)
CONVERSATIONS = 1000 * 30  # a month at 1,000 conversations a day
PRO, LITE, MICRO = "amazon.nova-pro-v1:0", "amazon.nova-lite-v1:0", "amazon.nova-micro-v1:0"

PRO_BASE = Usage(input=12_834, output=796)
PRO_CACHED = Usage(input=1_738, output=588, cache_read=8_581, cache_write_5m=2_130)

TIERS = [
    # model, baseline, cached, published month of each
    (PRO, Usage(11_710, 558), Usage(1_368, 576, 8_276, 2_067), "334.61", "170.00"),
    (LITE, Usage(12_695, 1_039), Usage(2_583, 1_060, 8_260, 2_065), "30.33", "18.41"),
    (MICRO, Usage(12_440, 936), Usage(1_990, 907, 8_260, 2_065), "16.99", "9.48"),
]
# Millionths of a dollar, times 30,000: 1,094.4 + 1,843.2 + 8,276 x 0.20; 154.98 + 254.4 + 8,260 x 0.015;
# 69.65 + 126.98 + 8,260 x 0.00875; writes at 0.
TODAY = {PRO: "137.78", LITE: "16.00", MICRO: "8.07"}


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.fixture(scope="module")
def quoted(catalog):
    """The price book as the articles had it."""
    return catalog.price_book.preferring("nova-caching-article")


def _usd(catalog, book, model: str, usage: Usage) -> Usd:
    return bill(usage, catalog.model(model), Tier.DEFAULT, ON, book).usd


def _month(usd: Usd) -> str:
    return f"{usd * CONVERSATIONS:.2f}"


def test_five_turns_of_nova_pro_without_caching(catalog, quoted):
    """12,834 in + 796 out = 12,834 x 0.80 + 796 x 3.20 = 12,814.4 millionths of a dollar."""
    usd = _usd(catalog, quoted, PRO, PRO_BASE)
    assert usd == Decimal("0.0128144")
    assert _month(usd) == "384.43"


def test_five_turns_of_nova_pro_with_caching(catalog, quoted):
    """1,738 x 0.80 + 8,581 x 0.08 + 2,130 x 1.00 + 588 x 3.20 = 6,088.48 millionths: $182.65 a month, 52% less."""
    usd = _usd(catalog, quoted, PRO, PRO_CACHED)
    assert usd == Decimal("0.00608848")
    assert _month(usd) == "182.65"
    assert round(1 - usd / Decimal("0.0128144"), 2) == Decimal("0.52")


def test_on_equal_outputs_the_first_article_saves_48_6_percent(catalog, quoted):
    """The cached run's own 12,449 input tokens and 588 output tokens, uncached, cost 11,840.8 millionths."""
    same = Usage(input=PRO_CACHED.total_input, output=PRO_CACHED.output)
    uncached = _usd(catalog, quoted, PRO, same)
    assert same.input == 12_449
    assert uncached == Decimal("0.0118408")
    saved = 1 - _usd(catalog, quoted, PRO, PRO_CACHED) / uncached
    assert f"{saved:.3f}" == "0.486"


def test_with_the_baselines_outputs_it_saves_47_percent(catalog, quoted):
    """The other way to hold outputs equal: 796 output tokens in both, 6,754.08 against 12,814.4 millionths."""
    usd = _usd(catalog, quoted, PRO, Usage(1_738, 796, 8_581, 2_130))
    assert usd == Decimal("0.00675408")
    assert f"{1 - usd / Decimal('0.0128144'):.3f}" == "0.473"


def test_the_first_article_at_todays_prices(catalog):
    """Reads at 0.20 and writes at 0: 1,390.4 + 1,716.2 + 0 + 1,881.6 = 4,988.2 millionths; $149.65 a month."""
    usd = _usd(catalog, catalog.price_book, PRO, PRO_CACHED)
    assert usd == Decimal("0.0049882")
    assert _month(usd) == "149.65"
    equal = 1 - usd / _usd(catalog, catalog.price_book, PRO, Usage(input=12_449, output=588))
    assert f"{equal:.3f}" == "0.579"


@pytest.mark.parametrize(("model", "base", "cached", "base_month", "cached_month"), TIERS)
def test_the_three_tiers_at_the_prices_quoted(catalog, quoted, model, base, cached, base_month, cached_month):
    """Months of Nova Pro, Lite and Micro, without and with caching."""
    assert _month(_usd(catalog, quoted, model, base)) == base_month
    assert _month(_usd(catalog, quoted, model, cached)) == cached_month


@pytest.mark.parametrize(("model", "base", "cached", "base_month", "cached_month"), TIERS)
def test_the_three_tiers_at_todays_prices(catalog, model, base, cached, base_month, cached_month):
    """Input and output have not changed; cached months fall, because writes are free and reads are 0.25 times."""
    assert _month(_usd(catalog, catalog.price_book, model, base)) == base_month
    assert _month(_usd(catalog, catalog.price_book, model, cached)) == TODAY[model]


@pytest.mark.parametrize(
    ("write_price", "month"),
    [("0.04375", "9.48"), ("0.044", "9.49"), ("0.0437", "9.47"), ("0.035", "8.93"), ("0", "6.77")],
)
def test_the_last_cent_of_nova_micro_is_the_rounding_of_the_write_price(catalog, quoted, write_price, month):
    """1,990 in, 907 out and 8,260 read are 225.54 millionths; 2,065 written come on top."""
    rest = _usd(catalog, quoted, MICRO, Usage(1_990, 907, 8_260, 0))
    assert rest == Decimal("0.00022554")
    assert _month(rest + usd_of_tokens(2_065, Decimal(write_price))) == month


@pytest.mark.parametrize(("write_price", "month"), [("0", "118.75"), ("0.8", "169.87"), ("1", "182.65")])
def test_only_writes_at_1_25_times_reproduce_the_first_article(catalog, quoted, write_price, month):
    """1,738 in, 588 out and 8,581 read are 3,958.48 millionths; of the three prices only 1.25 x 0.80 gives $182.65."""
    rest = _usd(catalog, quoted, PRO, Usage(1_738, 588, 8_581, 0))
    assert rest == Decimal("0.00395848")
    assert _month(rest + usd_of_tokens(2_130, Decimal(write_price))) == month


def test_from_nova_pro_uncached_to_nova_micro_cached(catalog, quoted):
    """$334.61 to $9.48 is 97% less."""
    dearest = _usd(catalog, quoted, PRO, TIERS[0][1])
    cheapest = _usd(catalog, quoted, MICRO, TIERS[2][2])
    assert f"{1 - cheapest / dearest:.2f}" == "0.97"
