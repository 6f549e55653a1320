"""The first home of sinks and budgets: programs that import them from ``rockbottom.monitor`` keep working."""

from importlib import import_module
from typing import Any

_BUDGETS = ("Budget", "BudgetExceeded", "Budgets")
_SINKS = ("CannotPublish", "CloudWatch", "EmbeddedMetrics", "OpenTelemetry", "Prometheus", "Publisher", "Stats")


def __getattr__(name: str) -> Any:
    if name in _BUDGETS:
        return getattr(import_module("rockbottom.budgets"), name)
    if name in _SINKS:
        return getattr(import_module("rockbottom.sinks"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
