"""The packaged alarms over days with quiet nights: none of them cries wolf, a drop is caught, and so is silence."""

import time
from dataclasses import replace
from random import Random

import pytest

from rockbottom.alarms.definitions import packaged_alarms
from rockbottom.alarms.histories import priced
from rockbottom.alarms.running import Firing, firings
from rockbottom.alarms.series import MetricSeries, recorded, values
from rockbottom.catalog import load_catalog
from rockbottom.ledger import CallRecord
from rockbottom.sinks import HEARTBEAT_S, CloudWatch, CloudWatchOutlet, Heart, MinuteGatherer, MinuteTable, Sum

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MIDNIGHT = 1_793_491_200  # 2026-11-01 00:00 UTC
DAY_MINUTES = 1440
CACHING = ("LowCacheHitRate", "WriteWaste", "SilentZero", "DailyWriteWaste", "DailySilentZero")


def _days(seed, days=3, dropped_from=None):
    """Four calls a minute from 8 to 20 o'clock, by night one every seven minutes on average, of four prompts.

    Each prompt has its entry for five minutes after its last call: what comes later writes. From the minute
    ``dropped_from`` on every call writes.
    """
    random, last = Random(seed), dict[str, float]()
    for minute in range(days * DAY_MINUTES):
        busy = 8 <= minute // 60 % 24 < 20
        for number in range(4 if busy else random.random() < 1 / 7):
            at = MIDNIGHT + 60 * minute + 15 * number
            family = "abcd"[number] if busy else random.choice("abcd")
            cold = at - last.get(family, 0) > 300 or (dropped_from is not None and minute >= dropped_from)
            last[family] = at
            yield priced(
                CallRecord(
                    at=at, model=SONNET, operation="Converse", scope="us", region="us-east-1", family=family, points=1,
                    endpoint="aws", input=100, output=50, cache_read=0 if cold else 3900,
                    cache_write_5m=3900 if cold else 0,
                ),
                load_catalog(),
            )  # fmt: skip


def _fired(alarm, of):
    points = values(alarm, of, of.first, of.last)
    return firings(alarm, float(alarm.threshold), points, of.first, of.last)


@pytest.mark.parametrize("seed", range(4))
def test_no_packaged_alarm_sounds_in_quiet_nights(seed):
    """Three days: not once. Without the least number of calls the hit rate sounds every night."""
    of = recorded(_days(seed))
    for name in CACHING:
        assert _fired(packaged_alarms()[name], of) == [], name
    anyway = _fired(replace(packaged_alarms()["LowCacheHitRate"], least_calls=0), of)
    assert len(anyway) >= 3


def test_a_drop_by_day_is_caught_within_a_quarter_of_an_hour():
    """From noon of the second day on nothing is read: 20 calls in five minutes, of which six may be cold.

    The windows that end with minutes 1, 6 and 11 after noon have 8 and 20 cold calls: the alarm is on 12 minutes after.
    It is off again when the evening has fewer than five calls in five minutes.
    """
    noon = DAY_MINUTES + 12 * 60
    of = recorded(_days(1, days=2, dropped_from=noon))
    (firing,) = _fired(packaged_alarms()["LowCacheHitRate"], of)
    assert firing.at == MIDNIGHT + 60 * (noon + 12)
    assert firing.until is not None
    (waste,) = _fired(packaged_alarms()["WriteWaste"], of)
    assert 0 < waste.at - (MIDNIGHT + 60 * noon) <= 2.5 * 3600


def _sparse(seed, days=9, dropped_from=None, silent=False):
    """A call in five minutes on average, day and night, of one prompt whose entry lives five minutes after a call.

    From the day ``dropped_from`` on every call writes, or, ``silent``, caches nothing though it carries a point.
    """
    random, at, last = Random(seed), float(MIDNIGHT), 0.0
    while at < MIDNIGHT + 60 * DAY_MINUTES * days:
        at += random.expovariate(1 / 300)
        dropped = dropped_from is not None and at >= MIDNIGHT + 60 * DAY_MINUTES * dropped_from
        cold, last = at - last > 300 or dropped, at
        nothing = dropped and silent
        yield priced(
            CallRecord(
                at=at, model=SONNET, operation="Converse", scope="us", region="us-east-1", family="a", points=1,
                endpoint="aws", input=4000 if nothing else 100, output=50, cache_read=0 if cold else 3900,
                cache_write_5m=3900 if cold and not nothing else 0,
            ),
            load_catalog(),
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_healthy_service_of_a_call_in_five_minutes_rings_nothing(seed):
    """Nine days: of 37% of its calls the entry is over, by chance (e to the minus one); that is no failure."""
    of = recorded(_sparse(seed))
    assert {name: _fired(packaged_alarms()[name], of) for name in CACHING} == {name: [] for name in CACHING}


def test_in_sparse_traffic_a_prefix_that_changes_every_call_is_caught_in_three_days():
    """The alarms of minutes and hours have too few calls to judge; the one of days sounds on the third day."""
    of = recorded(_sparse(1, dropped_from=5))
    drop = MIDNIGHT + 60 * DAY_MINUTES * 5
    (firing,) = _fired(packaged_alarms()["DailyWriteWaste"], of)
    assert 2 * 86_400 < firing.at - drop < 3 * 86_400
    assert [_fired(packaged_alarms()[name], of) for name in ("LowCacheHitRate", "WriteWaste")] == [[], []]


def test_in_sparse_traffic_points_that_cache_nothing_are_caught_within_a_day():
    """Half of a day's calls cache nothing half a day after the first; a few hours are the play of chance."""
    of = recorded(_sparse(1, dropped_from=5, silent=True))
    drop = MIDNIGHT + 60 * DAY_MINUTES * 5
    (firing,) = _fired(packaged_alarms()["DailySilentZero"], of)
    assert 8 * 3600 < firing.at - drop < 16 * 3600


def test_a_quiet_weekend_rings_nothing():
    """From Friday evening to Monday morning a cold call comes now and then: 60 hours, less than three days."""
    weekend = (2, 3)
    of = recorded(
        call for call in _days(1, days=9) if (call.at - MIDNIGHT) // 86_400 % 7 not in weekend or not _is_busy(call.at)
    )
    assert _fired(packaged_alarms()["DailyWriteWaste"], of) == []
    assert _fired(packaged_alarms()["DailySilentZero"], of) == []


def _is_busy(at):
    return 8 <= (at - MIDNIGHT) // 3600 % 24 < 20


class _Taken:
    """A CloudWatch that keeps what it is given."""

    def __init__(self):
        self.datums = []

    def put_metric_data(self, Namespace, MetricData):  # boto3's names
        self.datums += MetricData


def _beats(taken):
    """The heartbeats that were sent, as an alarm sees them."""
    minutes = {
        datum["Timestamp"] // 60: Sum(1, 1, 1, 1) for datum in taken.datums if datum["MetricName"] == "Heartbeat"
    }
    first, last = MIDNIGHT // 60, MIDNIGHT // 60 + DAY_MINUTES
    return MetricSeries({"Heartbeat": minutes}, first, last)


def _published(until_minute):
    """A day of a publisher that is asked as its thread asks: every five seconds, where it is idle every 305."""
    taken = _Taken()
    outlet = CloudWatchOutlet(lambda: taken, "BedrockLLMOps", MinuteGatherer(MinuteTable()), Heart(HEARTBEAT_S))
    calls, now = list(_days(1, days=1)), float(MIDNIGHT)
    while now < MIDNIGHT + 60 * until_minute:
        here = [call for call in calls if call.at <= now]
        calls = calls[len(here) :]
        outlet.take(here, now)
        outlet.send(now, last=False)
        now += 5 if outlet.waiting() else HEARTBEAT_S + 5
    return taken


def test_a_publisher_that_lives_is_never_called_stopped():
    """A whole day with its quiet night; a minute has at most one heartbeat."""
    of = _beats(_published(DAY_MINUTES))
    alarm = packaged_alarms()["PublishingStopped"]
    warm = values(alarm, of, of.first + 15, of.last)
    assert firings(alarm, 1.0, warm, of.first + 15, of.last) == []


def test_a_publisher_that_stops_is_told_within_half_an_hour():
    """It stops at 22:00, in the quiet, at most five minutes after its last heartbeat.

    CloudWatch takes real data points first and fills in as few as it can: with three periods, and two more that it
    looks at, one heartbeat in five periods is enough for OK. So it sounds 25 minutes after the last.
    """
    stopped = 22 * 60
    of = _beats(_published(stopped))
    alarm = packaged_alarms()["PublishingStopped"]
    points = values(alarm, of, of.first + 15, of.last)
    (firing,) = firings(alarm, 1.0, points, of.first + 15, of.last)
    assert isinstance(firing, Firing)
    assert firing.until is None
    assert MIDNIGHT + 60 * (stopped + 20) <= firing.at <= MIDNIGHT + 60 * (stopped + 26)


def test_a_process_without_calls_sends_a_heartbeat_and_nothing_when_it_ends():
    """The thread is there from the start; what is over before the first five minutes sends nothing."""
    taken = _Taken()
    sink = CloudWatch(client=taken, heartbeat_s=0.05, every_s=0.05)
    waited_until = time.monotonic() + 10
    while not taken.datums and time.monotonic() < waited_until:
        time.sleep(0.01)
    sink.close()
    assert {datum["MetricName"] for datum in taken.datums} == {"Heartbeat"}
    short = _Taken()
    CloudWatch(client=short).close()
    assert short.datums == []
    silent = _Taken()
    without = CloudWatch(client=silent, heartbeat_s=None)
    without.flush()
    assert silent.datums == []


def test_the_heartbeat_is_counted_in_what_a_month_costs():
    """One metric of 0.30 and a request a minute at 0.01 a thousand: 43,200 of them."""
    sink = CloudWatch(client=_Taken())
    assert sink.monthly_estimate().metrics == 1
    assert str(sink.monthly_estimate().usd) == "0.732"
    sink.close()
