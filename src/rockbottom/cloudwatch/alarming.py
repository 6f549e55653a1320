"""What CloudWatch takes and charges for alarms and dashboards, read from data/alarms.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, partial
from typing import Any

from rockbottom.files import packaged
from rockbottom.quantities import Source, Usd


@dataclass(frozen=True, slots=True)
class CloudWatchLimits:
    """What CloudWatch takes."""

    short_periods_s: tuple[int, ...]
    longest_s: int
    longest_short_s: int
    name_characters: int
    description_characters: int
    metrics_of_an_expression: int
    kept_days: int  # of a metric
    source: Source


@dataclass(frozen=True, slots=True)
class CloudWatchFees:
    """What CloudWatch charges, in US dollars (a month, or a metric requested), and what is free."""

    alarm_metric: Usd
    high_resolution_alarm_metric: Usd
    free_alarm_metrics: int
    dashboard: Usd
    free_dashboards: int
    free_dashboard_metrics: int
    metric_requested: Usd
    free_metrics_requested: int
    source: Source


_data = partial(packaged, "cloudwatch", "alarms", Decimal)


def _source(key: str, row: Mapping[str, Any]) -> Source:
    checked_on: date = row["checked_on"]
    return Source(key, row["title"], row["url"], checked_on)


@cache
def limits() -> CloudWatchLimits:
    """What CloudWatch takes, as packaged."""
    raw = _data()["limits"]
    source = _source("cloudwatch", raw["source"])
    members: dict[str, Any] = {**raw, "short_periods_s": tuple(raw["short_periods_s"]), "source": source}
    return CloudWatchLimits(**members)


@cache
def fees() -> CloudWatchFees:
    """What CloudWatch charges, as packaged."""
    raw = _data()["fees"]
    money = {name: Decimal(value) for name, value in raw.items() if isinstance(value, str)}
    members: dict[str, Any] = {**raw, **money, "source": _source("cloudwatch-pricing", raw["source"])}
    return CloudWatchFees(**members)


@cache
def evaluation_source() -> Source:
    """Where the rules of ``evaluating`` were read."""
    return _source("cloudwatch-evaluation", _data()["evaluation"]["source"])
