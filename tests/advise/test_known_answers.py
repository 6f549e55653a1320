"""Published calculations, done again. Prices: global Sonnet 4.6 is 3 / 15 with reads 0.30 and writes 3.75, global
Haiku 4.5 is 1 / 5 with reads 0.10 and writes 1.25 US dollars per million tokens."""

from decimal import Decimal as D

from rockbottom.advise import Layer, MonthlyTraffic, WorkloadShape, estimate
from rockbottom.advise.estimates import shares

SONNET, HAIKU = "global.sonnet-4-6", "global.haiku-4-5"
MONTH = WorkloadShape((Layer(4000),), 500, 400, MonthlyTraffic(D(200_000)))


def _way(found, name):
    return next(one for one in found.results if one.way.name == name)


def test_two_hundred_thousand_requests(ask):
    """900M x 3 + 80M x 15 = 3,900; cached 300 + 240 + 1,200 and, at 77 arrivals in five minutes, a single write."""
    found = estimate(ask(SONNET, MONTH))
    assert found.before.usd == D(3900)
    five = _way(found, "5m")
    assert D("1740.01") < five.bill.usd < D("1740.02")
    of_input, of_total = shares(found, five)
    assert (round(of_input, 3), round(of_total, 3)) == (D("0.800"), D("0.554"))


def test_two_hundred_thousand_requests_as_published(ask):
    """About 1,745 is 360 writes a month, 12 a day: 360 x 4,000 x (3.75 - 0.30) per million is 4.968 more than 1,740."""
    found = estimate(ask(SONNET, MONTH, writes=D(360)))
    five = _way(found, "5m")
    assert five.bill.usd == D("1744.968")
    assert [round(share, 2) for share in shares(found, five)] == [D("0.80"), D("0.55")]


def test_a_document_read_a_thousand_times_costs_2_37_and_not_0_26(ask):
    """7.8M x 3 = 23.40; one write 7,800 x 3.75 = 0.02925 and 999 reads 7,792,200 x 0.30 = 2.33766."""
    shape = WorkloadShape((Layer(7800),), 0, 0, MonthlyTraffic(D(1000)))
    found = estimate(ask(SONNET, shape, writes=D(1)))
    assert found.before.usd == D("23.4")
    assert _way(found, "5m").bill.usd == D("2.36691")


def test_four_calls_of_a_static_prompt(ask):
    """Per 1,000: 5,036 + 400 = 5.436; cached 5,024 x (1.25 + 3 x 0.1) / 4 + 12 + 400 = 2.3588."""
    shape = WorkloadShape((Layer(5024),), 12, 80, MonthlyTraffic(D(4)))
    found = estimate(ask(HAIKU, shape, gaps_s=(D(10),) * 3))
    assert found.before.usd / 4 * 1000 == D("5.436")
    five = _way(found, "5m").bill
    assert five.usd / 4 * 1000 == D("2.3588")


def test_break_evens_are_those_of_the_prices(ask):
    """A 5-minute write costs 0.25 extra and a read saves 0.9: one read. An hour's costs 1.0 extra: two reads.

    Rates: ln(1.15/0.9)/300 s = 2.94 an hour, ln(1.9/0.9)/3600 s = 0.747, ln(1.9/1.15)/3300 s = 0.548.
    """
    found = estimate(ask(SONNET, MONTH))
    assert [(one.ttl.value, one.reads, round(one.per_hour, 3)) for one in found.break_evens] == [
        ("5m", 1, D("2.941")),
        ("1h", 2, D("0.747")),
    ]
    assert round(found.crossings.hour_over_five, 3) == D("0.548")


def test_free_writes_pay_from_the_first(ask):
    """A Nova write costs nothing, so no read is needed and no arrival rate is too low."""
    found = estimate(ask("nova-pro", MONTH))
    assert [(one.reads, one.per_hour) for one in found.break_evens] == [(0, D(0))]
    assert found.crossings.keep_alive_over_five is None
