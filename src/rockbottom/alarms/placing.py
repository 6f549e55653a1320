"""Alarms as CloudWatch takes them: one PutMetricAlarm request for each alarm and model. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from rockbottom.alarms.definitions import CALLS, Alarm, InvalidAlarm, Measure
from rockbottom.alarms.settings import AlarmSettings
from rockbottom.cloudwatch import fees, limits
from rockbottom.quantities import ZERO_USD, Usd

MODEL_DIMENSION = "ModelId"
STACK_TAG = "rockbottom:stack"
_WORD = re.compile(r"\b[a-z][a-zA-Z0-9_]*\b")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlacedAlarm:
    """One alarm as it will be in an account. ``request`` has everything but actions and tags."""

    name: str
    alarm: Alarm
    models: tuple[str, ...]
    request: Mapping[str, Any]

    @property
    def metrics(self) -> int:
        """The metrics that it looks at, which is what CloudWatch charges for."""
        return len([query for query in self.request.get("Metrics", ()) if "MetricStat" in query]) or 1


def prefix(settings: AlarmSettings) -> str:
    """What the names of everything of a stack begin with."""
    return f"{settings.namespace}-" if settings.stack == "default" else f"{settings.namespace}-{settings.stack}-"


def placed(settings: AlarmSettings) -> tuple[PlacedAlarm, ...]:
    """Every alarm that has a threshold, for every model; raises InvalidAlarm.

    Without a model there is nothing to look at: then the answer is empty.
    """
    placed_alarms: list[PlacedAlarm] = []
    for alarm in settings.alarms if settings.models else ():
        pairs = [(alarm, settings.models if alarm.of_calls else ())]
        if alarm.per == "model":
            pairs = [(alarm.of_model(model), (model,)) for model in settings.models]
        placed_alarms += [
            _placed(variant, group, settings) for variant, group in pairs if variant.threshold is not None
        ]
    return tuple(placed_alarms)


def undecided(settings: AlarmSettings) -> tuple[Alarm, ...]:
    """The alarms that wait for a threshold, for some model at least."""
    return tuple(
        alarm
        for alarm in settings.alarms
        if alarm.threshold is None and (not alarm.thresholds or set(settings.models) - set(alarm.thresholds))
    )


def monthly_usd(settings: AlarmSettings, alarms: Sequence[PlacedAlarm], dashboards: int) -> Usd:
    """What these alarms and dashboards cost a month at most: the free tier, which others may have used, left out."""
    charged = fees()
    total = charged.dashboard * dashboards
    for alarm in alarms:
        fee = charged.high_resolution_alarm_metric if alarm.alarm.period_s < 60 else charged.alarm_metric
        total += fee * alarm.metrics
    return total or ZERO_USD


def _placed(alarm: Alarm, models: tuple[str, ...], settings: AlarmSettings) -> PlacedAlarm:
    last = f"-{models[0]}" if alarm.per == "model" else ""
    name = f"{prefix(settings)}{alarm.name}{last}"
    known = limits()
    if len(name) > known.name_characters or not name.isascii():
        fix = f"CloudWatch takes up to {known.name_characters} ASCII characters"
        raise InvalidAlarm(f"The alarm name {name[:60]}... is too long or not ASCII.", fix=fix)
    request: Json = {
        "AlarmName": name,
        "AlarmDescription": f"{alarm.says} (rockbottom)"[: known.description_characters],
        "ActionsEnabled": True,
        "EvaluationPeriods": alarm.periods,
        "DatapointsToAlarm": alarm.datapoints,
        "Threshold": float(alarm.threshold or 0),
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.missing.value,
    }
    return PlacedAlarm(name, alarm, models, {**request, **_looks_at(alarm, models, settings.namespace)})


def _looks_at(alarm: Alarm, models: tuple[str, ...], namespace: str) -> Json:
    if not alarm.expression and not alarm.least_calls and len(models) <= 1:
        measure = alarm.measure
        return {
            "Namespace": namespace,
            "MetricName": measure.metric,
            "Statistic": measure.statistic,
            "Dimensions": _dimensions(*models),
            "Period": alarm.period_s,
        }
    return {"Metrics": _queries(alarm, models, namespace)}


def _queries(alarm: Alarm, models: tuple[str, ...], namespace: str) -> list[Json]:
    alarm = _guarded(alarm)
    count = len(alarm.metrics) * len(models)
    most = limits().metrics_of_an_expression
    if count > most:
        fix = 'set per = "model", or give the stack fewer models'
        raise InvalidAlarm(f"The alarm {alarm.name} would look at {count} metrics; CloudWatch allows {most}.", fix=fix)
    queries = [
        _query(_id(key, index, len(models)), measure, model, alarm.period_s, namespace)
        for key, measure in alarm.metrics.items()
        for index, model in enumerate(models)
    ]
    expression = _summed(alarm, len(models))
    return [*queries, {"Id": "result", "Expression": expression, "Label": alarm.name, "ReturnData": True}]


_CALLS = "calls_in_period"


def _guarded(alarm: Alarm) -> Alarm:
    """The alarm with its least number of calls written into the expression; quiet periods get a healthy value."""
    if not alarm.least_calls:
        return alarm
    inner = alarm.expression or next(iter(alarm.metrics))
    calm = (alarm.threshold or Decimal(0)) + _CALM[alarm.comparison]
    expression = f"IF({_CALLS} >= {alarm.least_calls}, {inner}, {calm})"
    return replace(alarm, metrics={**alarm.metrics, _CALLS: CALLS}, expression=expression)


# What added to the threshold does not breach it.
_CALM: Mapping[str, int] = {
    "GreaterThanOrEqualToThreshold": -1,
    "GreaterThanThreshold": 0,
    "LessThanThreshold": 0,
    "LessThanOrEqualToThreshold": 1,
}


def _query(key: str, measure: Measure, model: str, period_s: int, namespace: str) -> Json:
    metric = {"Namespace": namespace, "MetricName": measure.metric, "Dimensions": _dimensions(model)}
    stat = {"Metric": metric, "Period": period_s, "Stat": measure.statistic}
    return {"Id": key, "MetricStat": stat, "ReturnData": False}


def _id(key: str, index: int, models: int) -> str:
    return key if models == 1 else f"{key}_{index}"


def _summed(alarm: Alarm, models: int) -> str:
    """The expression with each metric replaced by its sum over the models; a model without calls counts as zero."""
    text = alarm.expression or next(iter(alarm.metrics))
    if models == 1:
        return text
    averages = [measure for measure in alarm.metrics.values() if measure.statistic not in ("Sum", "SampleCount")]
    if averages:
        fix = 'use Sum, or per = "model"'
        says = f"The alarm {alarm.name} cannot add up {averages[0].statistic} over several models."
        raise InvalidAlarm(says, fix=fix)

    def put(match: "re.Match[str]") -> str:
        key = match[0]
        if key not in alarm.metrics:
            return key
        return "(" + " + ".join(f"FILL({_id(key, index, models)}, 0)" for index in range(models)) + ")"

    return _WORD.sub(put, text)


def _dimensions(*models: str) -> list[Json]:
    return [{"Name": MODEL_DIMENSION, "Value": model} for model in models]
