"""Outcomes and costs to CloudWatch, OpenTelemetry and Prometheus; budgets; alarms and dashboards as code."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rockbottom.monitor.budgets import Budget, Budgets
    from rockbottom.monitor.cloudwatch import CloudWatch
    from rockbottom.monitor.emf import EmbeddedMetrics
    from rockbottom.monitor.errors import BudgetExceeded, CannotPublish
    from rockbottom.monitor.otel import OpenTelemetry
    from rockbottom.monitor.prometheus import Prometheus
    from rockbottom.monitor.publisher import Publisher, Stats

__all__ = [
    "Budget",
    "BudgetExceeded",
    "Budgets",
    "CannotPublish",
    "CloudWatch",
    "EmbeddedMetrics",
    "OpenTelemetry",
    "Prometheus",
    "Publisher",
    "Stats",
]

# Where each public name lives; imported when it is first asked for, because each sink has a library of its own.
_HOMES = {
    "Budget": "budgets",
    "BudgetExceeded": "errors",
    "Budgets": "budgets",
    "CannotPublish": "errors",
    "CloudWatch": "cloudwatch",
    "EmbeddedMetrics": "emf",
    "OpenTelemetry": "otel",
    "Prometheus": "prometheus",
    "Publisher": "publisher",
    "Stats": "publisher",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"rockbottom.monitor.{home}"), name)
