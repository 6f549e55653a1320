"""Write waste: what was written and never read in its lifetime."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.quantities import Ttl
from rockbottom.sinks.waste import GRACE_S, SettledWrite, WriteWaste
from rockbottom.sinks.waste_price import wasted_usd
from tests.monitor.calls import NOON, call

FAR = NOON + 100_000


def settled(calls):
    """The writes of some calls, each as (tokens, wasted), in the order in which their lifetimes end."""
    follow = WriteWaste()
    found = [one for each in calls for one in follow.add(each)]
    return [(one.tokens, one.wasted) for one in (*found, *follow.settle(FAR))]


def wrote(at, read=0, five=0, hour=0, family="f"):
    """A call that read and wrote."""
    return call(NOON + at, cache_read=read, cache_write_5m=five, cache_write_1h=hour, family=family)


def test_a_write_that_is_read_in_time_is_not_wasted():
    """Written at 0 s with five minutes to live, read at 299 s."""
    assert settled([wrote(0, five=2000), wrote(299, read=2000)]) == [(2000, 0)]


def test_a_write_that_nobody_reads_is_wasted():
    """No later call, or only calls of another family."""
    assert settled([wrote(0, five=2000)]) == [(2000, 2000)]
    assert settled([wrote(0, five=2000), wrote(10, read=2000, family="g")]) == [(2000, 2000)]


def test_a_read_that_reaches_part_of_it_leaves_the_rest_wasted():
    """Another conversation of the family reads the system prompt (1,500 tokens) of the 2,000 written."""
    assert settled([wrote(0, five=2000), wrote(10, read=1500)]) == [(2000, 500)]


def test_a_read_in_front_of_what_was_written_is_no_read_of_it():
    """A second turn reads 2,000 and writes 300 behind them; that others read the 2,000 does not read the 300."""
    calls = [wrote(0, five=2000), wrote(10, read=2000, five=300), wrote(20, read=2000)]
    assert settled(calls) == [(2000, 0), (300, 300)]


def test_a_growing_conversation_wastes_only_its_last_write():
    """Each turn reads all that was there and writes what is new; the last turn's write is never read."""
    assert settled([wrote(0, five=1000), wrote(60, read=1000, five=200), wrote(120, read=1200, five=150)]) == [
        (1000, 0),
        (200, 0),
        (150, 150),
    ]


def test_an_hour_and_five_minutes_are_followed_apart():
    """The hour's part stands in front; read after 40 minutes it is used, and the five minutes' part is wasted."""
    assert settled([wrote(0, hour=2000, five=500), wrote(2400, read=2000)]) == [(500, 500), (2000, 0)]


def test_a_read_that_is_over_late_still_counts():
    """A call is known at its end: one that left within the lifetime may come up to a minute after others."""
    follow = WriteWaste()
    list(follow.add(wrote(0, five=2000)))
    assert list(follow.add(wrote(300 + GRACE_S - 1, family="g"))) == []
    list(follow.add(wrote(290, read=2000)))
    (one,) = follow.settle(FAR)
    assert one.wasted == 0


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3000), st.integers(0, 500)), max_size=30))
def test_it_says_what_looking_at_every_pair_of_calls_says(rows):
    """The bookkeeping agrees with the definition: the deepest later read of the family before the write is settled."""
    rows = sorted(rows, key=lambda row: row[0])
    calls = [wrote(at, read=read, five=five) for at, read, five in rows]
    expected = []
    for place, (at, read, five) in enumerate(rows):
        if five:
            # A write is settled by the first call that leaves a minute after its lifetime.
            later = [depth for then, depth, _ in rows[place + 1 :] if then - GRACE_S < at + 300]
            expected.append((five, five - min(max(max(later, default=0) - read, 0), five)))
    assert settled(calls) == expected


def test_what_was_paid_in_vain_is_the_price_above_plain_input():
    """Claude Sonnet 4.5 in us: 3.30 in and 4.125 a five-minute write, per million; 100,000 tokens are 0.0825."""
    one = call(cache_read=0, cache_write_5m=100_000, input=0, scope="us")
    assert wasted_usd(SettledWrite(NOON, one, Ttl.FIVE_MINUTES, 100_000, 100_000)) == Decimal("0.0825")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"model": "no.such-model"}, None),
        ({"scope": "moon"}, None),
        ({"scope": ""}, None),
        ({"model": "amazon.nova-pro-v1:0"}, 0),
    ],
)
def test_no_price_is_none_and_a_free_write_wastes_nothing(given, expected):
    """An unknown model or scope has no price; a Nova write costs no more than input."""
    usd = wasted_usd(SettledWrite(NOON, call(cache_write_5m=2000, **given), Ttl.FIVE_MINUTES, 2000, 2000))
    assert usd == (expected if expected is None else Decimal(expected))


def test_a_read_on_a_local_endpoint_is_no_read_of_what_aws_keeps():
    """Two sides in one ledger: the same prefix read locally leaves the write to AWS unread, all 2,000 of it."""
    local = call(NOON + 10, cache_read=2000, family="f", endpoint="local")
    assert settled([wrote(0, five=2000), local]) == [(2000, 2000)]
