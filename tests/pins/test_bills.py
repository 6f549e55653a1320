"""The bill of a conversation, worked out by hand from the rules and the prices."""

from decimal import Decimal

from rockbottom.catalog import load_catalog
from rockbottom.pins import simulated_bill
from rockbottom.pins.prefix import archive_of, read_prefix
from tests.pins.pinned_requests import ON, support

_CATALOG = load_catalog()


def _bill(*requests, **options):
    return simulated_bill(requests, archive=archive_of(_CATALOG), on=ON, **options)


def test_one_write_then_reads():
    """Of three equal requests the first writes the prefix, the others read it; prices of Sonnet 4.6, US profiles."""
    prefix = read_prefix(support(), on=ON).tokens
    bill = _bill(support(), support(), support(), output_tokens=[10, 10, 10])
    usage = bill.usage
    assert (usage.cache_write_5m, usage.cache_read, usage.output) == (prefix, 2 * prefix, 30)
    mtok = Decimal(1_000_000)
    by_hand = (
        usage.input * Decimal("3.3") + prefix * Decimal("4.125") + 2 * prefix * Decimal("0.33") + 30 * Decimal("16.5")
    )
    assert bill.usd == by_hand / mtok
    assert bill.hit_rate == Decimal(100 * 2 * prefix) / usage.total_input
    assert bill.outputs


def test_a_pause_longer_than_the_ttl_writes_again():
    """Five minutes and a second between the turns: nothing is read."""
    assert _bill(support(), support(), gap_s=301).usage.cache_read == 0
    assert _bill(support(), support(), gap_s=299).usage.cache_read > 0


def test_a_tier_without_a_price_has_tokens_and_an_unchecked_budget():
    """It never passes a budget that could not be worked out."""
    bill = _bill({**support(), "serviceTier": {"type": "priority"}})  # no row of Sonnet's has this tier
    assert bill.usd is None
    assert "no price" in bill.failures(Decimal(1), None)[0]


def test_limits_that_are_kept_say_nothing():
    """And an empty conversation keeps none."""
    assert _bill(support(), support()).failures(Decimal("0.10"), Decimal(40)) == []
    assert _bill().failures(Decimal(1), None) != []
