"""Alarms over recorded history: hand-worked timelines, planted regressions, honest rates."""

import json
import math
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.alarms.backtest import (
    BacktestSettings,
    CallHistory,
    Caught,
    Detection,
    Tried,
    detection,
    proposed,
    tried,
)
from rockbottom.alarms.chances import rate_at_most
from rockbottom.alarms.definitions import InvalidAlarm, Measure, packaged_alarms
from rockbottom.alarms.evaluating import AlarmState, Missing, next_state
from rockbottom.alarms.histories import priced
from rockbottom.alarms.planting import extra_usd, plant, planted
from rockbottom.alarms.results import proposals_text
from rockbottom.alarms.running import Firing, firings
from rockbottom.alarms.series import recorded, values
from rockbottom.alarms.settings import read_wanted
from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.cli.exits import Exit
from rockbottom.cli.monitor_history import recorded_calls
from rockbottom.ledger import CallRecord, LedgerWriter
from rockbottom.rendering import backtest_text

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MIDNIGHT = 1_793_491_200  # 2026-11-01 00:00 UTC, on a minute and on an hour
RATE = replace(packaged_alarms()["LowCacheHitRate"], least_calls=0)  # the rules of AWS, on as few calls as can be seen


def _call(minute, read=900, written=0, family="a", **more):
    """A call in the middle of a minute: 1,000 tokens of prompt."""
    tokens = {"input": 1000 - read - written, "cache_read": read, "cache_write_5m": written, "output": 10}
    given = {"scope": "us", "region": "us-east-1", "points": 1, "endpoint": "aws", "family": family, **tokens, **more}
    return CallRecord(at=MIDNIGHT + 60 * minute + 30, model=SONNET, operation="Converse", **given)


def _fired(alarm, calls, threshold=None):
    of = recorded(calls)
    points = values(alarm, of, of.first, of.last)
    return firings(alarm, float(threshold or alarm.threshold), points, of.first, of.last)


def _minute(number):
    return float(MIDNIGHT + 60 * number)


def test_a_fall_of_the_hit_rate_fires_when_three_periods_of_five_minutes_are_low():
    """Worked by hand: a call a minute, 90% read; from minute 100 to 129 everything is written.

    A window with one bad call of five is at 72%, with two at 54%. The first low window ends with minute 101, the
    third of a row of windows five minutes apart with minute 111: the alarm is on at the end of it, minute 112. The
    last low window ends with minute 132 (two bad calls, 128 and 129), so it is off at the end of minute 133.
    """
    calls = [_call(m) if not 100 <= m < 130 else _call(m, read=0, written=900) for m in range(300)]
    assert _fired(RATE, calls) == [Firing(_minute(112), _minute(134))]


def test_two_low_periods_are_not_three():
    """Fourteen bad minutes: the windows ending 13 minutes apart are low, never three five minutes apart... but 10."""
    calls = [_call(m) if not 100 <= m < 106 else _call(m, read=0, written=900) for m in range(300)]
    # Low windows end with minutes 101 to 108: no two of them lie ten minutes apart.
    assert _fired(RATE, calls) == []


_RANDOM_CALLS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 1000), st.sampled_from(["0.01", "0.5", None])), min_size=1, max_size=40
)
_STATISTICS = st.sampled_from([
    ("CacheHitRate", "Average"), ("Cost", "Sum"), ("CacheHitTokens", "Maximum"), ("CacheHitTokens", "Minimum"),
    ("CacheHitTokens", "SampleCount"), ("Cost", "Average"),
])  # fmt: skip


def _slow_value(metric, statistic, calls, begin, end):
    """The statistic over the calls that left in these minutes, straight from the calls; None without any."""
    there = [call for call in calls if begin <= call.at < end]
    if metric == "Cost":
        samples = [float(call.cost_usd) for call in there if call.cost_usd is not None]
    else:
        samples = [call.cache_read for call in there]
    if metric == "CacheHitRate" and there:  # each token weighs the same
        return 100 * sum(call.cache_read for call in there) / sum(call.total_input for call in there)
    if not samples:
        return None
    return {"Average": sum(samples) / len(samples), "Sum": sum(samples), "SampleCount": len(samples),
            "Maximum": max(samples), "Minimum": min(samples)}[statistic]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_RANDOM_CALLS, _STATISTICS, st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.sampled_from(Missing),
       st.floats(0, 1000))  # fmt: skip
def test_a_run_agrees_with_a_slow_one_straight_from_the_calls(drawn, looks, minutes, periods, less, missing, threshold):
    """Minute by minute: windows that slide, the evaluation range, the state carried on."""
    calls = sorted((_call(m, read=read, cost_usd=cost) for m, read, cost in drawn), key=lambda call: call.at)
    metric, statistic = looks
    alarm = replace(
        RATE, metrics={"x": Measure(metric, statistic)}, period_s=60 * minutes, periods=periods,
        datapoints=max(1, periods - less), missing=missing, comparison="LessThanThreshold",
    )  # fmt: skip
    of = recorded(calls)
    state, on, expected = AlarmState.INSUFFICIENT_DATA, None, []
    for minute in range(of.first, of.last):
        ends = [60 * (minute + 1 - back * minutes) for back in range(alarm.rule.range - 1, -1, -1)]
        seen = [_slow_value(metric, statistic, calls, end - 60 * minutes, end) for end in ends]
        state = next_state([None if one is None else one < threshold for one in seen], alarm.rule, state)
        if state is AlarmState.ALARM and on is None:
            on = 60.0 * (minute + 1)
        elif state is not AlarmState.ALARM and on is not None:
            expected.append(Firing(on, 60.0 * (minute + 1)))
            on = None
    expected += [Firing(on, None)] if on is not None else []
    close = any(
        value is not None and abs(value - threshold) < 1e-6
        for minute in range(of.first, of.last)
        for value in [_slow_value(metric, statistic, calls, 60 * (minute + 1 - minutes), 60 * (minute + 1))]
    )
    if not close:  # sums of floats in another order
        assert _fired(alarm, calls, threshold or 1e-12) == expected


def test_silence_at_night_is_fine_and_one_cold_call_in_it_is_not_an_alarm():
    """Missing data is not breaching: one call that writes, in the middle of nothing."""
    calls = [_call(m) for m in range(60)] + [_call(400, read=0, written=900)] + [_call(m) for m in range(700, 760)]
    assert _fired(RATE, calls) == []


def test_with_missing_the_same_cold_call_becomes_an_alarm():
    """AWS's premature rule: a breach with nothing after it, once it is as old as three periods; why the packaged
    alarm treats missing data as not breaching.

    The call of minute 400 is in the windows that end with minutes 400 to 404. At the end of minute 410 the window of
    ten minutes before holds it and the two after are missing.
    """
    alarm = replace(RATE, missing=type(RATE.missing)("missing"))
    calls = [_call(m) for m in range(60)] + [_call(400, read=0, written=900)] + [_call(m) for m in range(700, 760)]
    found = _fired(alarm, calls)
    assert found[0].at == _minute(411)


def test_an_hourly_sum_fires_in_the_minute_in_which_the_hour_is_too_dear():
    """A call a minute at a known price; from minute 120 they cost twice as much. Threshold: 90 of the cheap ones.

    An hour with k dear calls costs 60 + k cheap ones; more than 90 are there once k = 31, at the end of minute 150.
    """
    cheap, dear = "0.01", "0.02"
    calls = [_call(m, cost_usd=cheap if m < 120 else dear) for m in range(240)]
    alarm = packaged_alarms()["SpendRate"]
    assert [one.at for one in _fired(alarm, calls, Decimal("0.9"))] == [_minute(151)]


def test_an_alarm_over_more_than_a_day_is_looked_at_on_the_hour():
    """Two periods of a day: evaluated once an hour, on data up to the full hour."""
    alarm = replace(packaged_alarms()["SpendRate"], period_s=86_400, periods=2, datapoints=2)
    calls = [_call(m, cost_usd="0.01") for m in range(0, 4 * 1440, 7)]
    for firing in _fired(alarm, calls, Decimal("0.5")):
        assert firing.at % 3600 == 0


def test_too_few_calls_count_as_healthy():
    """least_calls: the same fall with one call a minute is not believed when a period needs six."""
    calls = [_call(m) if not 100 <= m < 130 else _call(m, read=0, written=900) for m in range(300)]
    assert _fired(replace(RATE, least_calls=6), calls) == []
    assert _fired(replace(RATE, least_calls=5), calls) == [Firing(_minute(112), _minute(134))]


def test_a_share_is_worked_out_from_its_sums():
    """100 * waste / cost: one family writes every ten minutes and never reads, at known prices."""
    calls = [priced(_call(m, read=0, written=900, family=str(m)), load_catalog()) for m in range(0, 600, 10)]
    alarm = replace(packaged_alarms()["WriteWaste"], least_calls=0)
    of = recorded(calls)
    points = values(alarm, of, of.first, of.last)
    # us.claude-sonnet-4-5: input 3.30, write 4.125, output 16.50 a million (price book, 2026-11). A call costs
    # 100 x 3.30 + 900 x 4.125 + 10 x 16.50 = 4,207.50 millionths, of which 900 x 0.825 = 742.50 are the premium.
    assert points.at(of.first + 300) == pytest.approx(100 * 742.5 / 4207.5)


@pytest.mark.parametrize("expression", ["MAX(rate)", "rate ** 2", "other", "rate +", "IF(rate > 1, 2, 3)", "a.b"])
def test_an_expression_that_cannot_be_worked_out_is_refused(expression):
    """Nothing is guessed, nothing is run."""
    with pytest.raises(InvalidAlarm, match="cannot be worked out"):
        _fired(replace(RATE, expression=expression), [_call(0), _call(1)])


def test_seconds_cannot_be_told_from_minutes():
    """High-resolution alarms are made, not tried."""
    with pytest.raises(InvalidAlarm, match="summed by the minute"):
        _fired(replace(RATE, period_s=30), [_call(0)])


def test_planting_turns_reads_into_writes_and_works_the_bill_out_again():
    """From the instant on, in the chosen families only; the answer's tokens stay."""
    catalog = load_catalog()
    calls = [priced(_call(m, family="ab"[m % 2]), catalog) for m in range(10)]
    what = plant(calls, "changes", 0.5)
    assert len(what.families) == 1
    assert what.share == 0.5
    after = list(planted(calls, what, _minute(4), catalog))
    changed = [(old, new) for old, new in zip(calls, after, strict=True) if old != new]
    assert {(one.model, one.family) for one, _ in changed} == what.families
    assert all(old.at >= _minute(4) for old, _ in changed)
    old, new = changed[0]
    assert (new.cache_read, new.cache_write_5m, new.input, new.output) == (0, 900, old.input, old.output)
    # 900 tokens at 4.125 instead of 0.33 a million: 3,415.50 millionths more.
    assert extra_usd(old, new) == Decimal("0.0034155")


def test_planting_nothing_cached_makes_it_all_input():
    """Points are sent and the service says nothing."""
    catalog = load_catalog()
    calls = [priced(_call(0, read=500, written=400), catalog)]
    (after,) = planted(calls, plant(calls, "vanishes", 1), -math.inf, catalog)
    assert (after.input, after.cache_read, after.cache_write_5m, after.points) == (1000, 0, 0, 1)


def test_a_call_of_an_hour_is_rewritten_for_an_hour():
    """The lifetime that the call itself writes."""
    call = _call(0, read=500).__class__(
        at=0.0, model=SONNET, operation="Converse", cache_read=500, cache_write_1h=100, family="a"
    )
    (after,) = planted([call], plant([call], "changes", 1), -math.inf, load_catalog())
    assert (after.cache_write_1h, after.cache_write_5m) == (600, 0)
    assert after.cost_usd is None


def _day_and_night(days):
    """Four calls a minute by day, one in seven minutes by night; four families, all of them hit."""
    for m in range(days * 1440):
        if 8 <= (m // 60) % 24 < 20:
            yield from (_call(m, family=one) for one in "abcd")
        elif m % 7 == 0:
            yield _call(m, family="abcd"[m // 7 % 4])


@pytest.fixture(scope="module")
def history():
    catalog = load_catalog()
    return CallHistory([priced(call, catalog) for call in _day_and_night(4)])


def test_a_healthy_history_never_fires_and_a_whole_regression_is_caught_within_a_quarter_of_an_hour(history):
    """Everything planted: the first low window is the first with two of five bad minutes, so 12 minutes by day."""
    asked = BacktestSettings(kinds=("changes",), share=1.0, tries=5)
    one = tried(RATE, history, asked, load_catalog())
    assert one.firings == ()
    assert one.wolves == 0
    (found,) = one.detections
    assert found.share == 1.0
    assert len(found.caught) == 5
    assert max(found.caught) <= 15 * 60 + 60
    assert all(caught.extra_usd > 0 for caught in found.tries)


def test_a_quarter_of_the_prefixes_is_below_the_packaged_threshold_and_the_proposal_catches_it(history):
    """90% read, a quarter gone: 67.5% is below 70 only just; the proposal has more room and cries wolf no more."""
    asked = BacktestSettings(kinds=("changes",), share=0.25, tries=5)
    proposal = proposed(RATE, history, asked, load_catalog())
    assert Decimal("67.5") < proposal.threshold <= 90
    assert proposal.fitted_wolves == 0
    assert len(proposal.detections[0].caught) == 5


def test_the_rate_that_is_stated_comes_from_days_on_which_it_was_not_chosen(history):
    """Three of four quarters of the history are tried unseen; nothing seen in three days is at most one a day."""
    proposal = proposed(RATE, history, BacktestSettings(kinds=("changes",)), load_catalog())
    assert proposal.unseen_days == pytest.approx(3, abs=0.1)
    assert proposal.wolves == 0
    assert proposal.month_at_most == pytest.approx(30, abs=1.5)  # 3.0 / 3 days, times 30


@pytest.mark.parametrize(("seen", "expected"), [(0, 2.996), (1, 4.744), (2, 6.296), (5, 10.513), (10, 16.962)])
def test_the_bound_of_a_rate_is_the_exact_one(seen, expected):
    """Tabled one-sided 95% limits of a Poisson mean (Garwood 1936)."""
    assert rate_at_most(seen, 1.0) == pytest.approx(expected, abs=0.001)
    assert rate_at_most(seen, 0) == math.inf


@pytest.mark.parametrize("seen", [500, 1000, 5000])
def test_the_bound_of_a_rate_holds_where_much_was_seen(seen):
    """Wilson and Hilferty's approximation (1931) of the chi-square quantile, which is good to 0.1% there."""
    some = seen + 1
    expected = some * (1 - 1 / (9 * some) + 1.6449 / (3 * math.sqrt(some))) ** 3
    assert rate_at_most(seen, 1.0) == pytest.approx(expected, rel=0.001)


def test_an_alarm_in_a_stretch_known_as_bad_is_no_false_alarm():
    """And nothing is planted there."""
    calls = [_call(m) if not 100 <= m < 130 else _call(m, read=0, written=900) for m in range(600)]
    stretch = (_minute(95), _minute(140))
    asked = BacktestSettings(kinds=("changes",), share=1, tries=4, within_s=3600)
    blamed = tried(RATE, CallHistory(calls), asked, load_catalog())
    known = tried(RATE, CallHistory(calls, [stretch]), asked, load_catalog())
    assert (blamed.wolves, known.wolves) == (1, 0)
    assert len(known.firings) == 1
    assert not [one for one in known.detections[0].tries if stretch[0] <= one.planted_at < stretch[1]]


def test_the_order_of_the_records_does_not_matter(history):
    """A ledger holds calls as they ended, of several processes."""
    mixed = CallHistory([*history.calls[::2], *history.calls[1::2]])
    asked = BacktestSettings(kinds=("changes",), share=0.5, tries=2)
    points = values(RATE, history.recorded, history.recorded.first, history.recorded.last)
    assert mixed.recorded == history.recorded
    assert detection(RATE, mixed, points, "changes", asked, load_catalog()) == detection(
        RATE, history, points, "changes", asked, load_catalog()
    )


@pytest.fixture
def folder(tmp_path):
    writer = LedgerWriter(tmp_path / "ledger")
    for m in range(1500):
        bad = 1000 <= m < 1030
        writer.record(priced(_call(m, read=0 if bad else 900, written=900 if bad else 0), load_catalog()))
    writer.close()
    return tmp_path / "ledger"


def test_the_command_says_when_how_fast_how_often_and_what_instead(folder, capsys):
    """The four questions, on the user's ledger."""
    assert main(["monitor", "backtest", str(folder), "--alarm", "LowCacheHitRate", "--tries", "3"]) == Exit.OK
    text = capsys.readouterr().out
    assert "fired      once in 1.0 days, 1 where nothing is known to be wrong" in text
    assert "2026-11-01 16:52 UTC for 22 min" in text  # minute 1000 is 16:40; 12 minutes later, 34 after the start
    assert "caught" in text
    assert "if something was wrong then, say so" in text
    bad = "2026-11-01T16:30..2026-11-01T17:30"
    assert main(["monitor", "backtest", str(folder), "--alarm", "LowCacheHitRate", "--tries", "3", "--bad", bad]) == 0
    text = capsys.readouterr().out
    assert "proposal   Average of CacheHitRate <" in text
    assert "95% confidence" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_command_as_json(folder, capsys):
    """For programs, with every firing."""
    bad = "2026-11-01T16:30..2026-11-01T17:30"
    argv = ["monitor", "backtest", str(folder), "--alarm", "LowCacheHitRate", "--bad", bad, "--json", "--tries", "2"]
    assert main([*argv, "--plant", "changes", "--share", "1"]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    (alarm,) = told["alarms"]
    assert told["simulated_calls"] == 0
    assert alarm["false_alarms"] == 0
    assert alarm["firings"] == [{"at": _minute(1012), "until": _minute(1034)}]
    assert alarm["planted"][0]["tries"][0]["caught_after_s"] > 0


def test_the_proposals_are_what_alarms_takes(folder, tmp_path, capsys):
    """A file for --alarms."""
    path = tmp_path / "alarms.toml"
    bad = "2026-11-01T16:30..2026-11-01T17:30"
    argv = ["monitor", "backtest", str(folder), "--alarm", "LowCacheHitRate", "--bad", bad, "--tries", "2", "--json"]
    assert main([*argv, "--save", str(path)]) == Exit.OK
    proposal = json.loads(capsys.readouterr().out)["alarms"][0]["proposal"]
    (alarm,) = [one for one in read_wanted(path).alarms if one.name == "LowCacheHitRate"]
    assert alarm.of_model(SONNET).threshold == Decimal(proposal["threshold"])
    assert alarm.least_calls == proposal["least_calls"]


def test_the_command_as_a_gate(folder, capsys):
    """An alarm that cries wolf more often than is accepted fails; one that is only right does not."""
    argv = ["monitor", "backtest", str(folder), "--alarm", "LowCacheHitRate", "--tries", "2", "--check"]
    argv += ["--plant", "changes", "--share", "1"]
    assert main([*argv, "--wolf", "0"]) == Exit.VERDICT
    assert main([*argv, "--bad", "2026-11-01T16:30..2026-11-01T17:30"]) == Exit.OK


def test_local_calls_are_said_to_be_simulated(tmp_path, capsys):
    """Figures of a local endpoint are not AWS's."""
    writer = LedgerWriter(tmp_path)
    for m in range(60):
        writer.record(_call(m, endpoint="local"))
    writer.close()
    assert main(["monitor", "backtest", str(tmp_path), "--alarm", "SilentZero", "--tries", "1"]) == Exit.OK
    assert "60 of them went to a local endpoint: what follows is simulated" in capsys.readouterr().out


def test_models_without_a_price_are_counted_and_named(tmp_path, capsys):
    """An hour of calls of a model that has no price: no cost is made of it, and no month of an hour."""
    writer = LedgerWriter(tmp_path)
    for minute in range(60):
        writer.record(_call(minute))
        if minute < 7:
            writer.record(msgspec.structs.replace(_call(minute), model="acme.new-v1"))
    writer.close()
    asked = ["monitor", "backtest", str(tmp_path), "--alarm", "CostPerRequest", "--tries", "1"]
    assert main([*asked, "--model", "acme.new-v1", "--model", SONNET]) == Exit.OK
    told = capsys.readouterr().out
    assert "67 calls in 59 min" in told
    assert "67 calls without a known price, in no cost" in told
    assert "acme.new-v1 (7)" in told
    assert "no data: no price of this model is known" in told
    assert "a month" not in told


def test_local_calls_beside_real_ones_are_left_out(folder, capsys):
    """They are not published either."""
    writer = LedgerWriter(folder)
    writer.record(_call(1600, endpoint="local"))
    writer.close()
    assert main(["monitor", "backtest", str(folder), "--alarm", "SilentZero", "--tries", "1", "--json"]) == Exit.OK
    captured = capsys.readouterr()
    assert json.loads(captured.out)["calls"] == 1500
    assert "1 call to a local endpoint left out" in captured.err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--alarm", "Nothing"], "no alarm is called Nothing"),
        (["--bad", "yesterday"], "--bad takes FROM..TO"),
        (["--bad", "2026-11-02..2026-11-01"], "ends before it begins"),
        (["--since", "soon"], "--since takes a day or an instant"),
        (["--since", "2030-01-01"], "holds no call of that time"),
    ],
)
def test_what_cannot_be_is_refused(folder, capsys, argv, says):
    """One message."""
    assert main(["monitor", "backtest", str(folder), *argv]) == Exit.USAGE
    assert says in capsys.readouterr().err


def test_invocation_logs_are_a_history_too(tmp_path, capsys):
    """The counters that the service reported, by minute."""
    record = {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "accountId": "111122223333",
        "region": "us-east-1", "operation": "Converse", "modelId": f"us.{SONNET}",
    }  # fmt: skip
    lines = []
    for m in range(120):
        body = {"system": [{"text": "You help."}, {"cachePoint": {"type": "default"}}],
                "messages": [{"role": "user", "content": [{"text": f"Question {m}"}]}]}  # fmt: skip
        usage = {"inputTokenCount": 100, "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 900}
        stamp = f"2026-11-01T{m // 60:02}:{m % 60:02}:10Z"
        lines.append(json.dumps({
            **record, "timestamp": stamp, "requestId": f"r{m}",
            "input": {"inputContentType": "application/json", "inputBodyJson": body, **usage},
            "output": {"outputContentType": "application/json", "outputTokenCount": 5,
                       "outputBodyJson": {"output": {}, "usage": {"inputTokens": 100, "outputTokens": 5,
                                          "cacheReadInputTokens": 0, "cacheWriteInputTokens": 900}}},
        }))  # fmt: skip
    log = tmp_path / "log.json"
    log.write_text("\n".join(lines), encoding="utf-8")
    assert main(["monitor", "backtest", str(log), "--alarm", "LowCacheHitRate", "--json", "--tries", "1"]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert told["calls"] == 120
    # Zero percent from the first minute, a call a minute: the first windows of five calls end with minutes 4, 9 and 14.
    assert told["alarms"][0]["firings"] == [{"at": _minute(15), "until": None}]


def test_a_call_in_its_own_region_says_so_in_a_history_from_logs(tmp_path):
    """No scope at all means that nobody knows it, and then a write has no price to be wasted at."""
    body = {"messages": [{"role": "user", "content": [{"text": "Question"}]}]}
    record = {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "accountId": "111122223333",
        "region": "us-east-1", "operation": "Converse", "modelId": SONNET, "requestId": "r",
        "timestamp": "2026-11-01T00:00:10Z",
        "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 100},
        "output": {"outputContentType": "application/json", "outputTokenCount": 5,
                   "outputBodyJson": {"output": {}, "usage": {"inputTokens": 100, "outputTokens": 5}}},
    }  # fmt: skip
    log = tmp_path / "log.json"
    log.write_text(json.dumps(record), encoding="utf-8")
    (found,) = recorded_calls(str(log), None, None)
    assert (found.model, found.scope) == (SONNET, "in_region")


def test_minutes_of_history_make_no_proposal(tmp_path, capsys):
    """A rate of false alarms in a month cannot be told from them, and what was planted had no time to be caught."""
    writer = LedgerWriter(tmp_path / "short")
    for minute in range(30):
        writer.record(_call(minute))
    writer.close()
    assert main(["monitor", "backtest", str(tmp_path / "short"), "--alarm", "LowCacheHitRate"]) == 0
    printed = capsys.readouterr().out
    assert "proposal   none: less than a day of calls" in printed
    assert "the history is shorter than a simulated fault may last" in printed


def test_damaged_lines_are_said_and_left_out(folder, capsys):
    """Which file, and where in it."""
    with sorted(folder.glob("calls-*.ndjson"))[0].open("ab") as file:
        file.write(b"not a record\n")
    assert main(["monitor", "backtest", str(folder), "--alarm", "SilentZero", "--tries", "1"]) == 0
    assert "1 damaged line left out, the first in calls-0" in capsys.readouterr().err


def _told(name: str, kind: str, after_s: tuple[float | None, ...], wolves: int) -> Tried:
    """An alarm with a threshold that told a simulated fault after so many seconds, or not (None)."""
    tries = tuple(Caught(0.0, seconds, Decimal(0)) for seconds in after_s)
    alarm = replace(packaged_alarms()[name], threshold=Decimal(1))
    return Tried(alarm, 3.0, 10, (), wolves, (Detection(kind, 0.25, tries, 21_600.0),), None)


def test_the_answer_stands_first():
    """Two alarms tell that prefixes change, one of them always: it is named; nobody tells always that caching ended."""
    trials = [
        ("m", _told("LowCacheHitRate", "changes", (600.0, 900.0, 1200.0), 2)),
        ("m", _told("WriteWaste", "changes", (60.0, None), 1)),
        ("m", _told("SilentZero", "vanishes", (60.0, None), 0)),
    ]
    calls = [_call(0), _call(3 * 1440)]
    text = " ".join(" ".join(backtest_text(trials, calls, BacktestSettings(("changes", "vanishes")))).split())
    assert text.startswith(
        "As they are: 3 false alarms in 3.0 days. Simulated: if prefixes change every call, LowCacheHitRate catches it "
        "after 15 min; if nothing is cached any more, no alarm catches it every time."
    )


def test_proposals_name_the_models_that_they_were_chosen_for():
    """So that the file needs nothing beside it: terraform, cloudformation and plan take it as it is."""
    trial = _told("LowCacheHitRate", "changes", (600.0,), 0)
    text = proposals_text([("amazon.nova-pro-v1:0", trial), ("", trial)])
    assert 'models = ["amazon.nova-pro-v1:0"]' in text.splitlines()


def test_a_call_that_a_wrong_clock_put_into_1970_is_left_out_and_named(folder, capsys):
    """CloudWatch keeps a metric for 455 days: nothing is reckoned for the half century between."""
    writer = LedgerWriter(folder)
    writer.record(msgspec.structs.replace(_call(0), at=12.0))
    writer.close()
    assert main(["monitor", "backtest", str(folder), "--alarm", "LowCacheHitRate", "--tries", "2", "--json"]) == Exit.OK
    told = capsys.readouterr()
    assert (json.loads(told.out)["calls"], json.loads(told.out)["from"]) == (1500, _call(0).at)
    assert "1 call left out: more than 455 days before the last one" in told.err
