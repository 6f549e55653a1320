"""An alarm run over recorded history: when it would have fired. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from rockbottom.alarms.definitions import Alarm
from rockbottom.alarms.evaluating import COMPARISONS, AlarmState, next_state
from rockbottom.alarms.series import MetricValues
from rockbottom.sinks import MINUTE_S

_DAY_S = 86_400
_HOUR_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Firing:
    """One stay in ALARM; instants in seconds since the epoch. ``until`` None: it had not ended."""

    at: float
    until: float | None


def firings(
    alarm: Alarm,
    threshold: float,
    points: MetricValues,
    start: int,
    end: int,
    state: AlarmState = AlarmState.INSUFFICIENT_DATA,
) -> list[Firing]:
    """Every time the alarm went into ALARM, evaluated at the end of each minute from ``start`` up to ``end``.

    ``state`` is the one before. An alarm that looks back more than a day is evaluated once an hour, on data up to
    the full hour, as AWS does.
    """
    fired: list[Firing] = []
    began: float | None = 0.0 if state is AlarmState.ALARM else None
    for minute, now in states(alarm, threshold, points, start, end, state):
        instant = float((minute + 1) * MINUTE_S)
        if now is AlarmState.ALARM and began is None:
            began = instant
        elif now is not AlarmState.ALARM and began is not None:
            if began:  # one that was on before belongs to the time before
                fired.append(Firing(began, instant))
            began = None
    if began:
        fired.append(Firing(began, None))
    return fired


def states(
    alarm: Alarm,
    threshold: float,
    points: MetricValues,
    start: int,
    end: int,
    state: AlarmState = AlarmState.INSUFFICIENT_DATA,
) -> Iterator[tuple[int, AlarmState]]:
    """The state after the evaluation at the end of each minute; minutes that cannot change it are left out."""
    rule = alarm.rule
    length = alarm.period_s // MINUTE_S
    step = _HOUR_MINUTES if alarm.period_s * alarm.periods > _DAY_S else 1
    reach = (rule.range - 1) * length
    breaching = _breaching(alarm, threshold, points, start - reach, end)
    before: tuple[list[bool | None], AlarmState] | None = None
    for minute in range(start, end):
        if step > 1 and (minute + 1) % step:
            continue
        index = minute - start
        seen = breaching[index : index + reach + 1 : length]
        if before == (seen, state):  # the same again: nothing can change
            continue
        before = seen, state
        state = next_state(seen, rule, state)
        yield minute, state


def _breaching(alarm: Alarm, threshold: float, points: MetricValues, start: int, end: int) -> list[bool | None]:
    """For each minute from ``start`` up to ``end``: whether the period that ends with it breaches; None: no data."""
    breaches = COMPARISONS[alarm.comparison]
    inside = points.values[max(start - points.first, 0) : max(end - points.first, 0)]
    verdicts = [None if value != value else breaches(value, threshold) for value in inside]
    front = [None] * min(max(points.first - start, 0), end - start)
    return [*front, *verdicts, *[None] * (end - start - len(front) - len(verdicts))]
