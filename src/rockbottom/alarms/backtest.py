"""Alarms tried on recorded history before they are trusted. Pure.

Recorded history counts as healthy except where the user says otherwise: an alarm outside of those stretches cried
wolf. How fast a regression is caught is measured by planting it at several instants. A threshold is proposed from
the same history, and its rate of false alarms is stated from days on which it was not chosen.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from rockbottom.alarms.chances import rate_at_most
from rockbottom.alarms.definitions import CALLS, Alarm
from rockbottom.alarms.evaluating import AlarmState
from rockbottom.alarms.planting import Plant, extra_usd, plant, planted
from rockbottom.alarms.running import Firing, firings, states
from rockbottom.alarms.series import MetricSeries, MetricValues, metrics_of, recorded, values
from rockbottom.catalog import Catalog
from rockbottom.ledger import CallRecord
from rockbottom.quantities import ZERO_USD, Usd
from rockbottom.sinks import MINUTE_S

DAY_S = 86_400
MONTH_DAYS = 30
FOLDS = 4
LEAST_TRIES = 3  # of a regression that lives for days, each of which plays days of calls
LEAST_DAYS = 1.0  # of history for a threshold to be proposed: a rate from minutes says nothing of a month
MOST_OF_THE_TIME = 0.02  # a threshold under which an alarm is on for longer than this share of the time is none
Stretch = tuple[float, float]


class CallHistory:
    """Calls of one model (or of all) in the order in which they left, and their metrics."""

    def __init__(
        self, calls: Sequence[CallRecord], bad: Sequence[Stretch] = (), alarms: Sequence[Alarm] | None = None
    ) -> None:
        """``alarms`` are those that will be tried: only their metrics are worked out (None: all)."""
        guard = frozenset({CALLS.metric})
        self._only = None if alarms is None else guard.union(*(metrics_of(alarm) for alarm in alarms))
        self.calls = sorted(calls, key=lambda call: call.at)
        self.bad = tuple(bad)
        self._planted: dict[tuple[str, float], MetricSeries] = {}
        self._tries: dict[tuple[object, ...], tuple[MetricSeries, tuple[tuple[float, Usd], ...]]] = {}

    @cached_property
    def recorded(self) -> MetricSeries:
        """The metrics of the calls by the minute."""
        return recorded(self.calls, self._only)

    @property
    def days(self) -> float:
        """From the first call to the last."""
        return (self.recorded.last - self.recorded.first) * MINUTE_S / DAY_S

    def between(self, start: float, end: float) -> list[CallRecord]:
        """The calls that left in this stretch, its end left out."""
        low = bisect_left(self.calls, start, key=lambda call: call.at)
        return self.calls[low : bisect_left(self.calls, end, key=lambda call: call.at)]

    def planted(self, kind: str, share: float, catalog: Catalog) -> MetricSeries:
        """The metrics with a regression in it from the first call on; worked out once for each question."""
        metrics = self._planted.get((kind, share))
        if metrics is None:
            regression = plant(self.calls, kind, share)
            metrics = self._planted[kind, share] = recorded(
                planted(self.calls, regression, -math.inf, catalog), self._only
            )
        return metrics

    def planted_at(
        self, regression: Plant, at: float, since: float, until: float, catalog: Catalog
    ) -> tuple[MetricSeries, tuple[tuple[float, Usd], ...]]:
        """The metrics of a stretch with a regression from ``at`` on; what each changed call costs more, by instant."""
        key = (regression.kind, regression.families, at, since, until)
        result = self._tries.get(key)
        if result is None:
            before = self.between(since, until)
            after = list(planted(before, regression, at, catalog))
            pairs = zip(before, after, strict=True)
            extra = tuple((old.at, extra_usd(old, new)) for old, new in pairs if new is not old)
            result = self._tries[key] = recorded(after, self._only), extra
        return result

    def is_bad(self, firing: Firing) -> bool:
        """Whether a firing meets a stretch that the user marked as bad, so that it is no false alarm."""
        until = firing.until or math.inf
        return any(firing.at < end and until > start for start, end in self.bad)


@dataclass(frozen=True, slots=True)
class Caught:
    """One planted regression. ``after_s`` None: not caught within the stretch that was looked at."""

    planted_at: float
    after_s: float | None
    extra_usd: Usd  # what it cost until it was caught, or until the stretch ended


@dataclass(frozen=True, slots=True)
class Detection:
    """How a regression is caught; ``share`` is that of the tokens read which belong to the planted families."""

    kind: str
    share: float
    tries: tuple[Caught, ...]
    within_s: float
    left_out: int = 0  # instants at which the alarm was on already, or that are known as bad

    @property
    def caught(self) -> tuple[float, ...]:
        """Seconds until it was caught, the fastest first."""
        return tuple(sorted(attempt.after_s for attempt in self.tries if attempt.after_s is not None))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold, and how often it would cry wolf.

    ``wolves`` false alarms in ``unseen_days`` days on which the threshold used had not been chosen; a month is
    at most ``month_at_most`` of them with 95 percent confidence. ``fitted_wolves`` are those in the history that the
    proposed threshold itself was chosen on, which flatter it.
    """

    alarm: Alarm  # with the threshold, and with the least number of calls where that helps
    wolves: int
    unseen_days: float
    fitted_wolves: int
    detections: tuple[Detection, ...]

    @property
    def threshold(self) -> Decimal:
        return self.alarm.threshold or Decimal(0)

    @property
    def month_at_most(self) -> float:
        """False alarms in 30 days, the upper bound at 95 percent."""
        return rate_at_most(self.wolves, self.unseen_days) * MONTH_DAYS


@dataclass(frozen=True, slots=True)
class Tried:
    """What an alarm would have done. ``points`` counts the evaluated minutes whose period had data."""

    alarm: Alarm
    days: float
    points: int
    firings: tuple[Firing, ...]
    wolves: int
    detections: tuple[Detection, ...]
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """The kinds of regression to plant, their share of tokens, tries, seconds of each, false alarms accepted."""

    kinds: tuple[str, ...] = ("changes",)
    share: float = 0.25
    tries: int = 10
    within_s: float = 21_600
    wolves_a_month: float = 1.0


def tried(alarm: Alarm, history: CallHistory, question: BacktestSettings, catalog: Catalog) -> Tried:
    """Run an alarm over history; raises InvalidAlarm for what recorded minutes cannot tell."""
    of = history.recorded
    points = values(alarm, of, of.first, of.last)
    # A period with too few calls counts as healthy, also where nothing was measured in it: that is no data.
    measured = values(replace(alarm, least_calls=0), of, of.first, of.last) if alarm.least_calls else points
    with_data = len(measured.values) - sum(math.isnan(value) for value in measured.values)
    fired: tuple[Firing, ...] = ()
    detections: tuple[Detection, ...] = ()
    if alarm.threshold is not None:
        fired = tuple(firings(alarm, float(alarm.threshold), points, of.first, of.last))
        detections = tuple(detection(alarm, history, points, kind, question, catalog) for kind in question.kinds)
    wolves = len([firing for firing in fired if not history.is_bad(firing)])
    proposal = proposed(alarm, history, question, catalog)
    return Tried(alarm, history.days, with_data, fired, wolves, detections, proposal)


def detection(
    alarm: Alarm, history: CallHistory, points: MetricValues, kind: str, question: BacktestSettings, catalog: Catalog
) -> Detection:
    """Plant a regression at instants spread over the calls and see how long each lives.

    Each lives as asked, or all periods of the alarm and one more. Instants of alarm and of known trouble are left out.
    """
    regression = plant(history.calls, kind, question.share)
    on = _on(alarm, history, points)
    within_s = max(question.within_s, (alarm.periods + 1) * alarm.period_s)
    count = max(min(question.tries, LEAST_TRIES), int(question.tries * question.within_s / within_s))
    instants = _instants(history, count, within_s)
    usable = [at for at in instants if not on(at) and not any(start <= at < end for start, end in history.bad)]
    tries = tuple(_caught(alarm, history, regression, at, within_s, catalog) for at in usable)
    return Detection(kind, regression.share, tries, within_s, len(instants) - len(usable))


def _instants(history: CallHistory, count: int, within_s: float) -> list[float]:
    """Instants of calls, evenly spread over the calls, that leave room for a whole try where there is any."""
    usable = history.between(-math.inf, history.calls[-1].at - within_s) if history.calls else []
    usable = usable or history.calls[: max(1, len(history.calls) // 2)]
    return sorted({usable[len(usable) * (2 * number + 1) // (2 * count)].at for number in range(count)})


def _on(alarm: Alarm, history: CallHistory, points: MetricValues) -> Callable[[float], bool]:
    of = history.recorded
    stays = firings(alarm, float(alarm.threshold or 0), points, of.first, of.last)
    return lambda at: any(firing.at <= at < (firing.until or math.inf) for firing in stays)


def _caught(
    alarm: Alarm, history: CallHistory, regression: Plant, at: float, within_s: float, catalog: Catalog
) -> Caught:
    threshold = float(alarm.threshold or 0)
    lookback_s = (alarm.rule.range + 1) * alarm.period_s
    of, extra = history.planted_at(regression, at, at - lookback_s, at + within_s, catalog)
    begin, end = int(at // MINUTE_S), int((at + within_s) // MINUTE_S)
    points = values(alarm, of, begin - lookback_s // MINUTE_S, end)
    # The alarm was not on: over the same past it is OK, or it knows nothing yet.
    warm = [state for _, state in states(alarm, threshold, points, points.first, begin)]
    state = warm[-1] if warm and warm[-1] is not AlarmState.ALARM else AlarmState.OK
    fired = firings(alarm, threshold, points, begin, end, state)
    after_s = fired[0].at - at if fired else None
    lives = at + (after_s if after_s is not None else within_s)
    return Caught(at, after_s, sum((usd for when, usd in extra if when < lives), ZERO_USD))


GUARDS = (0, 10, 30, 100)
"""Least numbers of calls that a proposal tries besides the alarm's own."""


def proposed(alarm: Alarm, history: CallHistory, question: BacktestSettings, catalog: Catalog) -> Proposal | None:
    """The most sensitive threshold that cries wolf seldom enough; None where none does, or less than a day is known.

    Where the alarm is about a share or an average, a least number of calls is tried too; what catches most, then
    what catches fastest, is taken, and of equals the one that asks for the fewest calls.
    """
    if history.days < LEAST_DAYS:
        return None
    guards = [alarm.least_calls]
    if any(measure.statistic == "Average" for measure in alarm.metrics.values()) or "/" in alarm.expression:
        guards = sorted({*GUARDS, alarm.least_calls})
    proposals = [
        proposal
        for guard in guards
        if (proposal := _proposed(replace(alarm, least_calls=guard), history, question, catalog))
    ]
    return max(proposals, key=_merit, default=None)


def _merit(proposal: Proposal) -> tuple[float, float, int]:
    caught = [len(detected.caught) / max(len(detected.tries), 1) for detected in proposal.detections]
    slow = [detected.caught[len(detected.caught) // 2] for detected in proposal.detections if detected.caught]
    return sum(caught), -sum(slow), -proposal.alarm.least_calls


def _proposed(alarm: Alarm, history: CallHistory, question: BacktestSettings, catalog: Catalog) -> Proposal | None:
    """A threshold for one least number of calls, its rate that of the way of choosing.

    Three times a threshold is chosen on the days so far and tried on the days that follow.
    """
    of = history.recorded
    points = values(alarm, of, of.first, of.last)
    candidates = _candidates(alarm, points, _values_planted(alarm, history, question, catalog))
    edges = [of.first + (of.last - of.first) * fold // FOLDS for fold in range(FOLDS + 1)]
    chosen = _chosen(alarm, history, points, candidates, of.first, of.last, question.wolves_a_month)
    if chosen is None:
        return None
    wolves, unseen = 0, 0.0
    for middle, end in pairwise(edges[1:]):
        earlier = _chosen(alarm, history, points, candidates, of.first, middle, question.wolves_a_month)
        if earlier is not None:
            wolves += len(_wrong(alarm, history, points, earlier, middle, end))
            unseen += (end - middle) * MINUTE_S / DAY_S
    fitted = len(_wrong(alarm, history, points, chosen, of.first, of.last))
    decided = replace(alarm, threshold=chosen)
    detections = tuple(detection(decided, history, points, kind, question, catalog) for kind in question.kinds)
    return Proposal(decided, wolves, unseen, fitted, detections)


def _values_planted(alarm: Alarm, history: CallHistory, question: BacktestSettings, catalog: Catalog) -> list[float]:
    """What the data points would be, were the regression there all the time."""
    points: list[float] = []
    for kind in question.kinds:
        of = history.planted(kind, question.share, catalog)
        points += values(alarm, of, of.first, of.last).values
    return [value for value in points if math.isfinite(value)]


def _chosen(
    alarm: Alarm, history: CallHistory, points: MetricValues, candidates: Sequence[Decimal],
    start: int, end: int, month: float,
) -> Decimal | None:  # fmt: skip
    """The most sensitive of the candidates (they come from the most to the least) with few enough false alarms."""
    allowed = math.floor(month * (end - start) * MINUTE_S / DAY_S / MONTH_DAYS)
    low, high = 0, len(candidates)
    while low < high:  # fewer alarms the less sensitive the threshold, nearly always: checked below
        middle = (low + high) // 2
        if len(_wrong(alarm, history, points, candidates[middle], start, end)) <= allowed:
            high = middle
        else:
            low = middle + 1
    for candidate in candidates[low:]:
        wrong = _wrong(alarm, history, points, candidate, start, end)
        if len(wrong) <= allowed and _lasting_s(wrong, end) <= MOST_OF_THE_TIME * (end - start) * MINUTE_S:
            return candidate
    return None


def _lasting_s(stays: Sequence[Firing], end: int) -> float:
    return sum((firing.until or end * MINUTE_S) - firing.at for firing in stays)


def _wrong(
    alarm: Alarm, history: CallHistory, points: MetricValues, threshold: Decimal, start: int, end: int
) -> list[Firing]:
    fired = firings(alarm, float(threshold), points, start, end)
    return [firing for firing in fired if not history.is_bad(firing)]


_STEPS = 40


def _candidates(alarm: Alarm, points: MetricValues, ill: Sequence[float]) -> list[Decimal]:
    """Thresholds between what was seen and what a regression would show, the most sensitive first, in round figures."""
    seen = sorted(value for value in points.values if math.isfinite(value))
    if not seen:
        return []
    below = alarm.comparison.startswith("LessThan")
    worst = seen[0] if below else seen[-1]
    spread = {*_quantiles(seen), *_quantiles(sorted(ill))}
    spread |= {(worst + value) / 2 for value in _quantiles(sorted(ill))}
    spread |= {worst * factor for factor in (0.8, 0.9, 1.1, 1.25)}
    return sorted({_rounded(value) for value in spread if value > 0}, reverse=below)


def _quantiles(ordered: Sequence[float]) -> set[float]:
    if not ordered:
        return set()
    return {ordered[min(len(ordered) - 1, len(ordered) * step // _STEPS)] for step in range(_STEPS + 1)}


def _rounded(value: float) -> Decimal:
    number = Decimal(repr(value))
    return number.quantize(Decimal(1).scaleb(number.adjusted() - 1)).normalize() + 0
