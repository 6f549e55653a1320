"""rockbottom: the lowest honest bill for Amazon Bedrock."""

# Nothing is imported here: rockbottom run puts this module into every Python program that it starts.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rockbottom.budgets import BadBudget, Budget, BudgetError, BudgetExceeded, Budgets
    from rockbottom.catalog import CatalogError, NoPriceInForce, UnknownModel, UnresolvedProfile
    from rockbottom.client import (
        AlreadyAttached,
        Holdout,
        Line,
        NotAttachable,
        NotAttached,
        Recording,
        Report,
        attach,
        detach,
        report,
        tagged,
    )
    from rockbottom.ledger import CallRecord, Sink
    from rockbottom.plan import CachePlan, Planner, UnreadableState
    from rockbottom.prompt import MalformedBody
    from rockbottom.quantities import Fault, RockbottomError
    from rockbottom.sinks import CannotPublish, CloudWatch, EmbeddedMetrics, OpenTelemetry, Prometheus

__version__ = "0.2.0"

__all__ = [
    "AlreadyAttached",
    "BadBudget",
    "Budget",
    "BudgetError",
    "BudgetExceeded",
    "Budgets",
    "CachePlan",
    "CallRecord",
    "CannotPublish",
    "CatalogError",
    "CloudWatch",
    "EmbeddedMetrics",
    "Fault",
    "Holdout",
    "Line",
    "MalformedBody",
    "NoPriceInForce",
    "NotAttachable",
    "NotAttached",
    "OpenTelemetry",
    "Planner",
    "Prometheus",
    "Recording",
    "Report",
    "RockbottomError",
    "Sink",
    "UnknownModel",
    "UnreadableState",
    "UnresolvedProfile",
    "__version__",
    "attach",
    "detach",
    "report",
    "tagged",
]

# What each package gives to the public face: imported when it is first asked for, so that importing rockbottom costs
# nothing.
_FACES = {
    "budgets": ("BadBudget", "Budget", "BudgetError", "BudgetExceeded", "Budgets"),
    "catalog": ("CatalogError", "NoPriceInForce", "UnknownModel", "UnresolvedProfile"),
    "client": (
        *("AlreadyAttached", "Holdout", "Line", "NotAttachable", "NotAttached", "Recording", "Report"),
        *("attach", "detach", "report", "tagged"),
    ),
    "ledger": ("CallRecord", "Sink"),
    "plan": ("CachePlan", "Planner", "UnreadableState"),
    "prompt": ("MalformedBody",),
    "quantities": ("Fault", "RockbottomError"),
    "sinks": ("CannotPublish", "CloudWatch", "EmbeddedMetrics", "OpenTelemetry", "Prometheus"),
}
_HOMES = {name: package for package, names in _FACES.items() for name in names}


def __getattr__(name: str) -> "Any":
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"rockbottom.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})
