"""What the JSON of a replay says beside the bills."""

from datetime import date

import pytest
from msgspec import UNSET

from rockbottom.catalog import PriceBook, Tier, load_catalog
from rockbottom.documents import PolicyResult, TokensByLength, written_members
from rockbottom.quantities import Ttl, Usage
from rockbottom.replay import Rates
from rockbottom.replay.document import _by_length
from rockbottom.replay.policies import PolicyBill

ON = date(2026, 11, 21)


@pytest.fixture
def rates():
    """Claude Sonnet 4.5 in the us geography, whose prices double above 200,000 tokens."""
    catalog = load_catalog()
    book: PriceBook = catalog.price_book
    return Rates(catalog.model("us.sonnet-4-5"), Tier.DEFAULT, ON, book)


def test_tokens_of_long_prompts_stand_apart(rates):
    """Above the length from which the model has another price; without such prompts there is nothing to tell apart."""
    short, long = Usage(input=1000, output=10), Usage(input=300_000, cache_read=5, output=20)
    both = PolicyBill("none", short + long, rates.cost(short) + rates.cost(long, 200_000))
    assert _by_length(both) == (
        TokensByLength(above_tokens=0, uncached_tokens=1000, output_tokens=10),
        TokensByLength(above_tokens=200_000, uncached_tokens=300_000, output_tokens=20, read_tokens=5),
    )
    assert _by_length(PolicyBill("none", short, rates.cost(short))) is UNSET


def test_tokens_of_a_lifetime_without_a_member_of_its_own_are_told_where_there_are_any():
    """JSON has members for five minutes and an hour; 30 minutes stand beside them where anything was written."""
    some, none = {Ttl.FIVE_MINUTES: 7, Ttl.THIRTY_MINUTES: 9, Ttl.ONE_HOUR: 0}, dict.fromkeys(Ttl, 0)
    assert written_members(PolicyResult, some) == {
        "written_5m_tokens": 7, "written_1h_tokens": 0, "written_at": {Ttl.THIRTY_MINUTES: 9},
    }  # fmt: skip
    assert written_members(PolicyResult, none) == {"written_5m_tokens": 0, "written_1h_tokens": 0}
