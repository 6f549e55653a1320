"""The state machine of CloudWatch's alarms, against AWS's own tables and against a slow second reading of its text."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.alarms.evaluating import AlarmState, Missing, Rule, next_state

_READ = {"0": False, "X": True, "-": None}
_TREATMENTS = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
KEEPS = "retain current state"

# The two tables of "Configuring how CloudWatch alarms treat missing data", N = 3, range 5; columns as there:
# missing, ignore, breaching, notBreaching.
THREE_OF_THREE = [
    ("0-X-X", ("OK", "OK", "OK", "OK")),
    ("0----", ("OK", "OK", "OK", "OK")),
    ("-----", ("INSUFFICIENT_DATA", KEEPS, "ALARM", "OK")),
    ("0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("--X--", ("ALARM", KEEPS, "ALARM", "OK")),
]
TWO_OF_THREE = [
    ("0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0-X--", ("OK", "OK", "ALARM", "OK")),
    ("----0", ("OK", "OK", "ALARM", "OK")),
    ("---X-", ("ALARM", KEEPS, "ALARM", "OK")),
]
# The text below the tables: with M = 3 these are not yet an alarm.
NOT_YET = ["----X", "---X-"]


def _points(text):
    return [_READ[one] for one in text]


@pytest.mark.parametrize("now", AlarmState)
@pytest.mark.parametrize(
    ("datapoints", "points", "expected"),
    [(3, *row) for row in THREE_OF_THREE] + [(2, *row) for row in TWO_OF_THREE],
)
def test_the_rows_of_awss_tables(datapoints, points, expected, now):
    """Every row, in every treatment, from every state before."""
    for treatment, state in zip(_TREATMENTS, expected, strict=True):
        wanted = now if state == KEEPS else AlarmState(state)
        assert next_state(_points(points), Rule(3, datapoints, treatment), now) is wanted, treatment


@pytest.mark.parametrize("points", NOT_YET)
def test_a_breach_with_nothing_before_it_waits_until_it_is_as_old_as_m(points):
    """AWS's examples of a premature transition that does not happen."""
    assert next_state(_points(points), Rule(3, 3, Missing.MISSING), AlarmState.OK) is AlarmState.OK


def test_the_range_of_awss_examples_is_five_where_n_is_three():
    """The only figure that AWS gives for how far an alarm looks back."""
    assert Rule(3, 3, Missing.MISSING).range == 5


_POINTS = st.lists(st.sampled_from([True, False, None]), min_size=3, max_size=9)
_RULES = st.builds(
    lambda periods, back, missing: Rule(periods, max(1, periods - back), missing),
    st.integers(1, 5),
    st.integers(0, 4),
    st.sampled_from(list(Missing)),
)


def _slow(points, rule, now):
    """A second reading of the text: every way to fill what lacks is written out, and each case stands alone."""
    real = [one for one in points if one is not None]
    lacking = max(0, rule.periods - len(real))
    evaluated = real if lacking else real[len(real) - rule.periods :]

    def breaches(fill):
        return len([one for one in evaluated + [fill] * lacking if one]) >= rule.datapoints

    if not lacking:
        return AlarmState.ALARM if breaches(None) else AlarmState.OK
    if rule.missing is Missing.BREACHING:
        return AlarmState.ALARM if breaches(True) else AlarmState.OK
    if rule.missing is Missing.NOT_BREACHING:
        return AlarmState.ALARM if breaches(False) else AlarmState.OK
    if breaches(False):
        return AlarmState.ALARM
    if any(one is False for one in evaluated):
        return AlarmState.OK
    if rule.missing is Missing.IGNORE:
        return now
    if all(one is None for one in points):
        return AlarmState.INSUFFICIENT_DATA
    ages = [age for age, one in enumerate(reversed(points), 1) if one]
    return AlarmState.ALARM if max(ages) >= rule.datapoints else AlarmState.OK


@given(_POINTS, _RULES, st.sampled_from(list(AlarmState)))
def test_it_agrees_with_the_slow_reading(points, rule, now):
    """Random ranges and rules."""
    assert next_state(points, rule, now) is _slow(points, rule, now)


def test_it_agrees_with_the_slow_reading_everywhere_near_awss_examples():
    """All ranges of five, all M of 3, all treatments, all states: 8,748 cases."""
    for points in product([True, False, None], repeat=5):
        for datapoints, missing, now in product((1, 2, 3), Missing, AlarmState):
            rule = Rule(3, datapoints, missing)
            assert next_state(points, rule, now) is _slow(points, rule, now), (points, rule, now)


@given(_POINTS, _RULES, st.sampled_from(list(AlarmState)))
def test_with_n_real_points_the_treatment_and_the_state_before_do_not_matter(points, rule, now):
    """AWS: "the value you set for how to treat missing data is not needed and is ignored"."""
    if len([one for one in points if one is not None]) >= rule.periods:
        states = {
            next_state(points, Rule(rule.periods, rule.datapoints, missing), state)
            for missing, state in product(Missing, AlarmState)
        }
        assert states == {next_state(points, rule, now)}


@given(_POINTS, _RULES)
def test_breaching_alarms_wherever_not_breaching_does(points, rule):
    """The treatments are ordered."""
    calm = next_state(points, Rule(rule.periods, rule.datapoints, Missing.NOT_BREACHING), AlarmState.OK)
    loud = next_state(points, Rule(rule.periods, rule.datapoints, Missing.BREACHING), AlarmState.OK)
    assert not (calm is AlarmState.ALARM and loud is AlarmState.OK)


@given(_POINTS, _RULES, st.integers(0, 8), st.sampled_from(list(AlarmState)))
def test_one_more_breach_never_calms_an_alarm(points, rule, index, now):
    """A data point that was fine and now breaches keeps an alarm an alarm."""
    worse = [True if place == index and one is False else one for place, one in enumerate(points)]
    if next_state(points, rule, now) is AlarmState.ALARM and now is AlarmState.ALARM:
        assert next_state(worse, rule, now) is AlarmState.ALARM
