"""Calls summed up by minute: what CloudWatch's statistics will say of them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rockbottom.sinks.definitions import DEFINITIONS
from rockbottom.sinks.minutes import MinuteTable
from tests.monitor.calls import NOON, SONNET, call

NAMED = {one.name: one for one in DEFINITIONS}


def minutes(calls, **options):
    """The minutes of some calls, by start and dimensions."""
    table = MinuteTable(**options)
    for one in calls:
        table.add(one)
    return {(minute.starts_at, minute.dimensions): minute for minute in table.take(float("inf"))}


def sums(minute, name):
    """Count, sum, least and greatest of a metric."""
    found = minute.sums[NAMED[name]]
    return found.count, found.total, found.least, found.greatest


def test_the_metrics_of_two_calls_by_hand():
    """A write of 2,000 with 10 uncached, then a read of them: every sum worked out on paper."""
    wrote = call(NOON + 1, cache_read=0, cache_write_5m=2000, cost_usd="0.009", uncached_usd="0.0075", output=50)
    read = call(NOON + 59)
    (minute,) = minutes([wrote, read]).values()
    assert minute.starts_at == NOON
    assert minute.dimensions == (("ModelId", SONNET),)
    assert sums(minute, "CacheHitTokens") == (2, 2000, 0, 2000)
    assert sums(minute, "CacheWriteTokens") == (2, 2000, 0, 2000)
    assert sums(minute, "UncachedInputTokens") == (2, 20, 10, 10)
    assert sums(minute, "OutputTokens") == (2, 150, 50, 100)
    assert sums(minute, "Cost") == (2, Decimal("0.011"), Decimal("0.002"), Decimal("0.009"))
    assert sums(minute, "CostPerRequest") == sums(minute, "Cost")
    assert sums(minute, "Saving") == (2, Decimal("0.0045"), Decimal("-0.0015"), Decimal("0.006"))
    assert sums(minute, "PointsWithoutCaching") == (2, 0, 0, 0)
    # 2,000 of 4,020 prompt tokens were read: the average is 49.75 %, whatever the two calls' own rates.
    assert sums(minute, "CacheHitRate") == (4020, 200_000, 0, 100 * 2000 / 2010)


@given(st.lists(st.tuples(st.integers(0, 9), *[st.integers(0, 50_000)] * 3), min_size=1, max_size=40))
def test_the_average_hit_rate_of_any_period_is_read_over_sent(rows):
    """However calls fall into minutes, sum over count of all minutes is 100 x read / (uncached + read + written)."""
    calls = [
        call(NOON + 30 * at, input=plain, cache_read=read, cache_write_5m=written) for at, plain, read, written in rows
    ]
    found = [minute.sums[NAMED["CacheHitRate"]] for minute in minutes(calls).values()
             if NAMED["CacheHitRate"] in minute.sums]  # fmt: skip
    prompt = sum(one.total_input for one in calls)
    assert sum(one.count for one in found) == prompt
    assert sum(one.total for one in found) == 100 * sum(one.cache_read for one in calls)


def test_points_that_cache_nothing_count_and_calls_without_points_do_not():
    """3 calls with points, of which 2 neither read nor wrote, one without points and one that no model saw: 2 of 3."""
    silent = {"cache_read": 0, "cache_write_5m": 0}
    stopped = call(input=0, output=0, **silent)
    calls = [call(**silent), call(**silent), call(), call(points=0, **silent), stopped]
    (minute,) = minutes(calls).values()
    assert sums(minute, "PointsWithoutCaching") == (3, 2, 0, 1)


def test_an_unknown_price_is_no_price_of_zero():
    """A call without a price has tokens, and adds no sample to cost and saving."""
    (minute,) = minutes([call(cost_usd=None, uncached_usd=None), call()]).values()
    assert sums(minute, "OutputTokens")[0] == 2
    assert sums(minute, "Cost") == (1, Decimal("0.002"), Decimal("0.002"), Decimal("0.002"))
    assert sums(minute, "Saving")[0] == 1


def test_calls_without_usage_add_nothing():
    """A failed call, and one whose usage never came, are in no metric."""
    assert minutes([call(status="failed"), call(status="no usage")]) == {}


def test_tags_are_dimensions_and_a_missing_tag_is_none():
    """Two sets of dimensions make two series of each call; a call without the tag goes under `none`."""
    found = minutes([call(tags={"tenant": "acme"}), call()], dimension_sets=[["ModelId"], ["ModelId", "tenant"]])
    assert {dimensions for _, dimensions in found} == {
        (("ModelId", SONNET),),
        (("ModelId", SONNET), ("tenant", "acme")),
        (("ModelId", SONNET), ("tenant", "none")),
    }


def test_the_number_of_series_is_bounded():
    """The first 2 tenants are told apart; the other 998 are summed under `other`, and nothing is lost."""
    table = MinuteTable([["tenant"]], most_series=2)
    for number in range(1000):
        table.add(call(tags={"tenant": f"t{number}"}))
    found = {minute.dimensions[0][1]: sums(minute, "OutputTokens")[0] for minute in table.take(float("inf"))}
    assert found == {"t0": 1, "t1": 1, "other": 998}
    assert table.overflowed == 998


def test_a_minute_is_given_once_it_is_over():
    """12:00 is over at 12:01, 12:01 is not."""
    table = MinuteTable()
    table.add(call(NOON))
    table.add(call(NOON + 60))
    assert [minute.starts_at for minute in table.take(NOON + 60)] == [NOON]
    assert [minute.starts_at for minute in table.take(NOON + 60)] == []
    assert len(table) == 1
