"""What an alarm is, before it is one in an account: data, with the reason for every choice."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import Any

from rockbottom.alarms.evaluating import COMPARISONS, Missing, Rule
from rockbottom.cloudwatch import limits
from rockbottom.files import packaged
from rockbottom.quantities import RockbottomError

NAMESPACE = "BedrockLLMOps"
STATISTICS = ("Average", "Sum", "SampleCount", "Minimum", "Maximum")


class InvalidAlarm(RockbottomError):
    """An alarm that CloudWatch would not take, or is impossible; ``setting``: the one that is wrong, by name."""

    setting = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of the namespace, and how the values of a period become one."""

    metric: str
    statistic: str


CALLS = Measure("CacheHitTokens", "SampleCount")
"""How many calls a period had: each call is one sample of it."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. ``threshold`` None: not decided yet, so it is shown and not made.

    ``metrics`` are by the id that ``expression`` uses; without an expression there is exactly one. ``per`` is
    ``model`` (one alarm for each ModelId), ``all`` (one for the sum of them) or ``namespace`` (one, of a metric without
    dimensions). A period with fewer than ``least_calls`` calls counts as healthy, for the reason ``why_least_calls``.
    ``thresholds`` are of single models.
    """

    name: str
    says: str
    metrics: Mapping[str, Measure]
    expression: str
    per: str
    period_s: int
    periods: int
    datapoints: int
    comparison: str
    threshold: Decimal | None
    missing: Missing
    why_missing: str
    source: str
    least_calls: int = 0
    why_least_calls: str = ""
    thresholds: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])

    def of_model(self, model: str) -> "Alarm":
        """The alarm with the threshold of one model, where it has one of its own."""
        return replace(self, threshold=self.thresholds.get(model, self.threshold), thresholds={})

    @property
    def of_calls(self) -> bool:
        """Whether it looks at metrics of calls, so that it can be tried on recorded ones."""
        return self.per != "namespace"

    @property
    def rule(self) -> Rule:
        """What decides the state once values are compared with the threshold."""
        return Rule(self.periods, self.datapoints, self.missing)

    @property
    def measure(self) -> Measure:
        """The one metric of an alarm without an expression."""
        return next(iter(self.metrics.values()))


@cache
def packaged_alarms() -> Mapping[str, Alarm]:
    """The alarms that are made where nothing else is said, by name."""
    return {name: alarm_from(name, row) for name, row in packaged("alarms", "alarms", Decimal).items()}


_KEYS = {
    "says": str,
    "metrics": dict,
    "expression": str,
    "per": str,
    "period_s": int,
    "periods": int,
    "datapoints": int,
    "comparison": str,
    "threshold": (int, Decimal, float, str),
    "missing": str,
    "why_missing": str,
    "source": str,
    "least_calls": int,
    "why_least_calls": str,
    "thresholds": dict,
}
_OPTIONAL: Mapping[str, Any] = {
    "expression": "",
    "threshold": None,
    "says": "",
    "why_missing": "",
    "source": "",
    "per": "model",
    "least_calls": 0,
    "why_least_calls": "",
    "thresholds": {},
}


def alarm_from(name: str, row: Mapping[str, Any]) -> Alarm:
    """The alarm that a table describes; raises InvalidAlarm, which says what is accepted."""
    for key, value in row.items():
        if key not in _KEYS:
            raise _invalid(name, f"has no setting {key!r}", f"the settings are {', '.join(_KEYS)} and off", key)
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise _invalid(name, f"cannot take {key} = {value!r}", "docs/reference/alarms.md shows every setting", key)
    lacks = [key for key in _KEYS if key not in row and key not in _OPTIONAL and key != "datapoints"]
    if lacks:
        raise _invalid(name, f"lacks {', '.join(lacks)}", "an alarm of your own needs all of them")
    full: dict[str, Any] = {**_OPTIONAL, "datapoints": row.get("periods"), **row}
    alarm = Alarm(
        name=name,
        says=full["says"],
        metrics={key: _measure(name, text) for key, text in full["metrics"].items()},
        expression=full["expression"],
        per=full["per"],
        period_s=full["period_s"],
        periods=full["periods"],
        datapoints=full["datapoints"],
        comparison=full["comparison"],
        threshold=_threshold(name, full["threshold"]),
        missing=_missing(name, full["missing"]),
        why_missing=full["why_missing"],
        source=full["source"],
        least_calls=full["least_calls"],
        why_least_calls=full["why_least_calls"],
        thresholds={model: _number(name, value) for model, value in full["thresholds"].items()},
    )
    _check(alarm)
    return alarm


def _measure(name: str, text: Any) -> Measure:
    metric, _, statistic = str(text).partition(":")
    if not metric or statistic not in STATISTICS:
        raise _invalid(
            name,
            f"cannot watch {text!r}",
            f"write METRIC:STATISTIC, the statistic one of {', '.join(STATISTICS)}",
            "metrics",
        )
    return Measure(metric, statistic)


def _threshold(name: str, value: Any) -> Decimal | None:
    return None if value is None else _number(name, value)


def _number(name: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite():
        raise _invalid(name, f"cannot have the threshold {value!r}", "a threshold is a number", "threshold")
    return number


def _missing(name: str, text: str) -> Missing:
    try:
        return Missing(text)
    except ValueError:
        known = ", ".join(choice.value for choice in Missing)
        raise _invalid(
            name, f"cannot treat missing data as {text!r}", f"missing is one of {known}", "missing"
        ) from None


def _check(alarm: Alarm) -> None:
    """What CloudWatch would refuse, refused here with a reason."""
    known = limits()
    span = alarm.period_s * alarm.periods
    if alarm.comparison not in COMPARISONS:
        raise _invalid(
            alarm.name,
            f"has the comparison {alarm.comparison!r}",
            f"comparison is one of {', '.join(COMPARISONS)}",
            "comparison",
        )
    if alarm.per not in ("model", "all", "namespace"):
        raise _invalid(alarm.name, f"cannot be per {alarm.per!r}", "per is one of model, all, namespace", "per")
    if alarm.period_s not in known.short_periods_s and (alarm.period_s < 60 or alarm.period_s % 60):
        short = ", ".join(map(str, known.short_periods_s))
        raise _invalid(
            alarm.name,
            f"cannot have a period of {alarm.period_s} s",
            f"period_s is {short}, or a multiple of 60",
            "period_s",
        )
    if not 1 <= alarm.datapoints <= alarm.periods:
        says = f"asks for {alarm.datapoints} of {alarm.periods} data points"
        raise _invalid(alarm.name, says, "datapoints is between 1 and periods", "datapoints")
    if span > (known.longest_s if alarm.period_s >= 3600 else known.longest_short_s):
        raise _invalid(
            alarm.name,
            f"looks back {span} s",
            "CloudWatch looks back a day at most, or 7 days where a period is an hour or more",
            "periods",
        )
    if alarm.thresholds and alarm.per != "model":
        raise _invalid(alarm.name, "has thresholds for single models", 'these need per = "model"', "thresholds")
    if alarm.least_calls < 0:
        raise _invalid(
            alarm.name, f"cannot have least_calls = {alarm.least_calls}", "least_calls is 0 or more", "least_calls"
        )
    if not alarm.metrics or (len(alarm.metrics) > 1 and not alarm.expression):
        raise _invalid(
            alarm.name, f"has {len(alarm.metrics)} metrics", "give one metric, or an expression over several", "metrics"
        )
    if len(alarm.name) > known.name_characters or not alarm.name.isascii() or not alarm.name:
        raise _invalid(alarm.name, "cannot have this name", f"a name has 1 to {known.name_characters} ASCII characters")


def _invalid(name: str, fault: str, fix: str, setting: str = "") -> InvalidAlarm:
    invalid = InvalidAlarm(f"The alarm {name} {fault}.", fix=fix)
    invalid.setting = setting
    return invalid
