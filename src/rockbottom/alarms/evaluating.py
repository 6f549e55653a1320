"""How CloudWatch decides the state of a metric alarm, as AWS documents it. Pure.

Three documents, checked on the day that ``data/cloudwatch.toml`` gives:

- "Alarm evaluation" (alarm-evaluation.html): M out of N, a sliding window, how often an alarm is evaluated.
- "Configuring how CloudWatch alarms treat missing data" (alarms-and-missing-data.html): the evaluation range is
  longer than N; real data points come first, missing ones are filled in "only as few times as possible".
- The same page, "Avoiding premature transitions to alarm state": a breach followed by nothing becomes an alarm once
  it is as old as M periods.

What the documents leave open is decided here and named: how long the range is (one example: 5 where N is 3, so
``EXTRA_POINTS`` more than N), and what ``ignore`` does where real data breaches, is fewer than M and nothing
contradicts it (both tables' fifth rows: the state stays).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

EXTRA_POINTS = 2


class AlarmState(Enum):
    """The states of an alarm; the value is AWS's spelling."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(Enum):
    """What a period without data counts as (``TreatMissingData``); the value is AWS's spelling."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
"""Static comparisons by AWS's names; those of anomaly detection have no fixed threshold and are left out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """M (``datapoints``) of N (``periods``) must breach; ``missing`` is the treatment of missing data."""

    periods: int
    datapoints: int
    missing: Missing

    @property
    def range(self) -> int:
        """How many data points are looked at, the evaluation range."""
        return self.periods + EXTRA_POINTS


def next_state(points: Sequence[bool | None], rule: Rule, now: AlarmState) -> AlarmState:
    """The state after one evaluation.

    ``points`` is the evaluation range, the oldest first: True breaching, False not, None missing. ``now`` is the
    state before, which ``ignore`` may keep.
    """
    real = [point for point in points if point is not None]
    if len(real) >= rule.periods:
        return _state(sum(real[-rule.periods :]) >= rule.datapoints)
    filled = rule.periods - len(real)
    breaching = sum(real)
    if rule.missing is Missing.BREACHING:
        return _state(breaching + filled >= rule.datapoints)
    if rule.missing is Missing.NOT_BREACHING or breaching >= rule.datapoints:
        return _state(breaching >= rule.datapoints)
    return _undecided(points, real, rule, now)


def _undecided(points: Sequence[bool | None], real: Sequence[bool], rule: Rule, now: AlarmState) -> AlarmState:
    """Too few real points for N, too few breaches for M, and ``missing`` or ``ignore``."""
    if False in real:
        return AlarmState.OK
    if rule.missing is Missing.IGNORE:
        return now
    if not real:
        return AlarmState.INSUFFICIENT_DATA
    return _state(_old_enough(points, rule))


def _old_enough(points: Sequence[bool | None], rule: Rule) -> bool:
    """Whether the oldest breach within the last N periods is as old as M periods (the newest is 1 period old).

    A breach that has left the last N periods, with nothing after it, was old enough before it left.
    """
    oldest = next(index for index, point in enumerate(points) if point)
    return len(points) - oldest >= rule.datapoints


def _state(alarm: bool) -> AlarmState:
    return AlarmState.ALARM if alarm else AlarmState.OK
