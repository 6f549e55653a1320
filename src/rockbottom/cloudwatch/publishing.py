"""What CloudWatch takes and charges for published metrics: data/publishing.toml, where each row names its source."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, partial

from rockbottom.figures import thousands, usd
from rockbottom.files import packaged
from rockbottom.quantities import ZERO_USD, Usd

_THOUSAND = Decimal(1000)


@dataclass(frozen=True, slots=True)
class PutLimits:
    """Of one PutMetricData request; sizes in bytes, instants as seconds before and after now."""

    most_datums: int
    most_bytes: int
    most_values: int
    most_dimensions: int
    longest_dimension_name: int
    longest_dimension_value: int
    oldest_s: int
    newest_s: int


@dataclass(frozen=True, slots=True)
class EmfLimits:
    """Of one embedded-metric document."""

    most_bytes: int
    most_metrics: int
    most_values: int
    most_dimensions: int


@dataclass(frozen=True, slots=True)
class MonthlyEstimate:
    """What publishing costs in a month; an estimate: it knows nothing of the account's other metrics."""

    metrics: int
    requests: int
    usd: Usd
    source: str
    checked_on: date

    def __str__(self) -> str:
        return (
            f"about ${usd(self.usd, 2)} a month for {thousands(self.metrics)} custom metrics "
            f"(estimated from list prices of us-east-1 read {self.checked_on}; the account's free tier is left out)"
        )


_data = partial(packaged, "cloudwatch", "publishing")


@cache
def put_limits() -> PutLimits:
    """The limits of PutMetricData."""
    table = _data()["put_metric_data"]
    return PutLimits(**{name: table[name] for name in PutLimits.__slots__})


@cache
def emf_limits() -> EmfLimits:
    """The limits of an embedded-metric document."""
    table = _data()["embedded_metric_format"]
    return EmfLimits(**{name: table[name] for name in EmfLimits.__slots__})


def monthly_estimate(metrics: int, requests: int) -> MonthlyEstimate:
    """What ``metrics`` custom metrics and ``requests`` PutMetricData requests a month cost at list price."""
    prices = _data()["prices"]
    total = Decimal(requests) * Decimal(prices["usd_per_thousand_requests"]) / _THOUSAND
    return MonthlyEstimate(metrics, requests, total + _stepped(metrics), prices["source"], prices["checked_on"])


def _stepped(metrics: int) -> Usd:
    total, below = ZERO_USD, 0
    for step in _data()["prices"]["metric_steps"]:
        upper = min(metrics, step.get("up_to", metrics))
        total += max(upper - below, 0) * Decimal(step["usd_per_metric_month"])
        below = max(upper, below)
    return total
