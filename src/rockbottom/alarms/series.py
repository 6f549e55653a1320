"""Recorded calls as the data points that an alarm would have seen. Pure.

The minutes are those of the publisher, so that a backtest and CloudWatch sum up the same samples. A window of a
period slides by the minute, as AWS evaluates ("at the end of minute 6 ... data from minutes 2 to 6").
"""

import ast
import math
import operator
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from rockbottom.alarms.definitions import CALLS, Alarm, InvalidAlarm
from rockbottom.ledger import CallRecord
from rockbottom.sinks import DEFINITIONS, MINUTE_S, WRITE_WASTE, MinuteTable, SettledWrite, Sum, WriteWaste, wasted_usd

Minutes = Mapping[int, Sum]
"""Samples of one metric by minute (minutes since the epoch)."""


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """Every metric of some calls, by name, and the first and last minute of them."""

    metrics: Mapping[str, Minutes]
    first: int
    last: int  # the minute after the last


def metrics_of(alarm: Alarm) -> frozenset[str]:
    """The names of the metrics that an alarm looks at."""
    names = frozenset(measure.metric for measure in alarm.metrics.values())
    return names | {CALLS.metric} if alarm.least_calls else names


def recorded(calls: Iterable[CallRecord], only: frozenset[str] | None = None) -> MetricSeries:
    """The metrics of these calls, whatever their models (None: all metrics), in the order in which they left."""
    chosen = [definition for definition in DEFINITIONS if only is None or definition.name in only]
    table = MinuteTable(dimension_sets=((),), metrics=chosen)
    waste = WriteWaste() if WRITE_WASTE in chosen else None
    first, last = math.inf, -math.inf
    for call in calls:
        first, last = min(first, call.at), max(last, call.at)
        table.add(call)
        if waste and call.status == "ok":
            _add_waste(table, waste.add(call))
    if waste:
        _add_waste(table, waste.settle(math.inf))
    metrics: dict[str, dict[int, Sum]] = {definition.name: {} for definition in DEFINITIONS}
    for minute in table.take(math.inf):
        for definition, total in minute.sums.items():
            metrics[definition.name][minute.starts_at // MINUTE_S] = total
    if first > last:
        return MetricSeries(metrics, 0, 0)
    return MetricSeries(metrics, int(first // MINUTE_S), int(last // MINUTE_S) + 1)


def _add_waste(table: MinuteTable, settled: Iterable[SettledWrite]) -> None:
    for write in settled:
        usd = wasted_usd(write)
        if usd is not None:
            table.add_waste(write.call, usd, write.at)


@dataclass(frozen=True, slots=True)
class MetricValues:
    """What a period ending after minute ``first + index`` is worth; NaN: no data, infinite: too few calls."""

    first: int
    values: Sequence[float]

    def at(self, minute: int) -> float | None:
        """The value of the period that ends with this minute; None: missing."""
        index = minute - self.first
        if not 0 <= index < len(self.values):
            return None
        value = self.values[index]
        return None if math.isnan(value) else value


def values(alarm: Alarm, of: MetricSeries, start: int, end: int) -> MetricValues:
    """The data points of an alarm for every minute from ``start`` up to ``end``; raises InvalidAlarm.

    Periods below a minute cannot be told from recorded minutes.
    """
    if alarm.period_s % MINUTE_S:
        says = (
            f"The alarm {alarm.name} has a period of {alarm.period_s} s, but recorded calls are summed by the minute."
        )
        raise InvalidAlarm(says, fix="period_s = 60, or a multiple of it")
    length = alarm.period_s // MINUTE_S
    columns: dict[str, array[float]] = {}
    for key, measure in alarm.metrics.items():
        minutes = of.metrics.get(measure.metric)
        if minutes is None:
            known = ", ".join(definition.name for definition in DEFINITIONS)
            says = f"The alarm {alarm.name} looks at {measure.metric}, which is not among the recorded metrics."
            raise InvalidAlarm(says, fix=f"known are {known}")
        columns[key] = _windows(minutes, measure.statistic, length, start, end)
    points = next(iter(columns.values()))
    if alarm.expression:
        worked_out = compiled(alarm)
        rows = zip(*columns.values(), strict=True)
        points = array("d", (worked_out(dict(zip(columns, row, strict=True))) for row in rows))
    if alarm.least_calls:
        calls = _windows(of.metrics[CALLS.metric], CALLS.statistic, length, start, end)
        calm = math.inf if alarm.comparison.startswith("LessThan") else -math.inf
        pairs = zip(points, calls, strict=True)
        points = array("d", (calm if count < alarm.least_calls else value for value, count in pairs))
    return MetricValues(start, points)


def _windows(minutes: Minutes, statistic: str, length: int, start: int, end: int) -> "array[float]":
    """The statistic over ``length`` minutes up to and including each minute; NaN where nothing was recorded."""
    span = range(start - length + 1, end)
    sums = [minutes.get(minute) for minute in span]
    counts = [0, *accumulate(minute_sum.count if minute_sum else 0 for minute_sum in sums)]
    if statistic in ("Minimum", "Maximum"):
        pick = min if statistic == "Minimum" else max
        edges = [
            None if minute_sum is None else float(minute_sum.least if pick is min else minute_sum.greatest)
            for minute_sum in sums
        ]
        windows = ((value for value in edges[i : i + length] if value is not None) for i in range(end - start))
        return array("d", (pick(window, default=math.nan) for window in windows))
    totals: list[Any] = [
        0,
        *accumulate(minute_sum.total if minute_sum else 0 for minute_sum in sums),
    ]  # exact where the samples are
    return array("d", (_statistic(statistic, counts, totals, i, i + length) for i in range(end - start)))


def _statistic(name: str, counts: Sequence[int], totals: Sequence[Any], low: int, high: int) -> float:
    count = counts[high] - counts[low]
    if not count:
        return math.nan
    if name == "SampleCount":
        return float(count)
    total = totals[high] - totals[low]
    return float(total if name == "Sum" else total / count)


_OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
}


def compiled(alarm: Alarm) -> Callable[[Mapping[str, float]], float]:
    """An expression of + - * / and FILL(id, number) as a function; raises InvalidAlarm for anything else.

    As in CloudWatch, a missing operand makes the result missing, and so does a division by zero.
    """
    try:
        tree = ast.parse(alarm.expression, mode="eval").body
        _tried(tree, alarm)
    except SyntaxError as error:
        raise _unknown(alarm) from error

    def work_out(known: Mapping[str, float]) -> float:
        try:
            return _value(tree, known)
        except ZeroDivisionError:
            return math.nan

    return work_out


def _value(node: ast.AST, known: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]  # only numbers pass the check of the expression
        case ast.Name(id=name):
            return known[name]
        case ast.UnaryOp(operand=operand):
            return -_value(operand, known)
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, known), _value(right, known))
        case ast.Call(args=[value, other]):
            filled = _value(value, known)
            return _value(other, known) if math.isnan(filled) else filled
        case _:
            raise AssertionError(node)  # _tried let it through


def _tried(node: ast.AST, alarm: Alarm) -> None:
    match node:
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            return None
        case ast.Name(id=name) if name in alarm.metrics:
            return None
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _tried(operand, alarm)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _tried(left, alarm)
            return _tried(right, alarm)
        case ast.Call(func=ast.Name(id="FILL"), args=[value, other], keywords=[]):
            _tried(value, alarm)
            return _tried(other, alarm)
        case _:
            raise _unknown(alarm)


def _unknown(alarm: Alarm) -> InvalidAlarm:
    return InvalidAlarm(
        f"The expression {alarm.expression!r} of {alarm.name} cannot be worked out here.",
        fix=f"a backtest knows + - * / FILL(id, number), and the ids {', '.join(alarm.metrics)}",
    )
