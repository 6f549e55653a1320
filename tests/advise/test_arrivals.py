"""Expected misses against sums worked out by hand, and against the reference semantics where both apply."""

import random
from decimal import Decimal as D
from math import exp

import pytest

from rockbottom.advise import ImpossibleShape, Layer, MonthlyTraffic, WorkloadShape, estimate
from rockbottom.advise.tokens import first_uses, keep_alives, misses

MONTH_S = 30 * 24 * 3600


def test_sparse_arrivals_nearly_all_miss():
    """One request a day against five minutes: exp(-300/86400) of 30, and a little for the first."""
    found = misses(MonthlyTraffic(D(30)), 1, 300)
    assert float(found) == pytest.approx(30 * exp(-300 / 86400), rel=1e-3)


def test_dense_arrivals_write_once_a_window():
    """A request a second: one write in a month without a break, thirty in thirty days of eight hours."""
    assert round(misses(MonthlyTraffic(D(MONTH_S)), 1, 300), 6) == 1
    assert round(misses(MonthlyTraffic(D(MONTH_S), hours=D(8)), 1, 300), 6) == 30


def test_versions_share_the_arrivals():
    """Forty versions at a fortieth of the rate each: forty times the misses of one version at that rate."""
    assert misses(MonthlyTraffic(D(4000)), 40, 300) == 40 * misses(MonthlyTraffic(D(100)), 1, 300)


def test_a_conversation_reaches_beyond_its_last_turn():
    """Five turns a minute apart reach 240 + 300 seconds; one miss a conversation unless another began in those."""
    rate = 100 / MONTH_S
    wanted = 1 - exp(-rate * 540) + rate * (MONTH_S - 540) * exp(-rate * 540)
    assert float(misses(MonthlyTraffic(D(500), turns=5, turn_gap_s=D(60)), 1, 300)) == pytest.approx(wanted)


def test_turns_further_apart_than_the_lifetime_miss_every_time():
    """At 300 seconds and more nothing of a conversation keeps its own next turn warm."""
    found = misses(MonthlyTraffic(D(10), turns=10, turn_gap_s=D(600)), 1, 300)
    assert 9 < found <= 10


def test_expected_misses_agree_with_drawn_arrivals():
    """Two hundred drawn months of Poisson arrivals, 20 an hour, eight hours a day."""
    chance, total, months = random.Random(1), 0, 200
    for _ in range(months * 2):  # two days stand for a month here
        at, last = 0.0, float("-inf")
        while (at := at + chance.expovariate(20 / 3600)) < 8 * 3600:
            total += at - last >= 300
            last = at
    expected = misses(MonthlyTraffic(D(20 * 8 * 2), days=2, hours=D(8)), 1, 300)
    assert total / months == pytest.approx(float(expected), rel=0.02)


def test_keep_alives_follow_the_geometric_series():
    """x = exp(-280 a): x/(1-x) before each request."""
    rate = 1000 / MONTH_S
    x = exp(-280 * rate)
    assert float(keep_alives(MonthlyTraffic(D(1000)), 1, D(280))) == pytest.approx(1000 * x / (1 - x), rel=1e-6)
    assert round(first_uses(MonthlyTraffic(D(1000)), 1), 6) == 1


def test_a_conversation_expected_and_simulated_cost_the_same(ask):
    """One conversation alone in its month: the expected bill is the reference semantics' bill, to the last digit."""
    shape = WorkloadShape((Layer(2131),), 10, 160, MonthlyTraffic(D(5), turns=5, turn_gap_s=D(30)), added_tokens=213)
    alone = estimate(ask("us.sonnet-4-5", shape, writes=D(1)))
    walked = estimate(ask("us.sonnet-4-5", shape, gaps_s=(D(30),) * 4))
    for name in ("5m", "5m + tail", "1h", "1h + tail", "1h, tail 5m"):
        ways = [next(one for one in found.results if one.way.name == name) for found in (alone, walked)]
        assert ways[0].bill.usd == ways[1].bill.usd, name


def test_a_gap_of_exactly_the_lifetime_is_a_miss(ask):
    """An entry lives until 300 seconds, exclusive: 299 reads, 300 writes again."""
    shape = WorkloadShape((Layer(2000),), 10, 10, MonthlyTraffic(D(3)))
    found = estimate(ask("us.sonnet-4-5", shape, gaps_s=(D(299), D(300))))
    five = next(one for one in found.results if one.way.name == "5m")
    assert found.hit_rate(five) == D(1) / 3


def test_below_the_minimum_the_way_says_so(ask):
    """1,000 tokens on a model that needs 1,024."""
    found = estimate(ask("us.sonnet-4-5", WorkloadShape((Layer(1000),), 10, 10, MonthlyTraffic(D(100)))))
    assert found.best.way.name == "no caching"
    assert "1,000 < 1,024" in found.results[1].why


def test_a_short_layer_is_cached_with_the_next(ask):
    """A first layer of 500 tokens has no entry of its own; both are written and read as 2,500."""
    both = estimate(ask("us.sonnet-4-5", WorkloadShape((Layer(500), Layer(2000)), 10, 10, MonthlyTraffic(D(100_000)))))
    one = estimate(ask("us.sonnet-4-5", WorkloadShape((Layer(2500),), 10, 10, MonthlyTraffic(D(100_000)))))
    assert both.best.bill.usd == one.best.bill.usd


def test_versions_that_shrink_inwards_are_refused():
    """A prefix of forty versions cannot be followed by a layer of one."""
    with pytest.raises(ImpossibleShape, match="40 then 1"):
        WorkloadShape((Layer(2000, 40), Layer(1000)), 10, 10, MonthlyTraffic(D(100)))
