"""Where outcomes and costs of calls are sent: CloudWatch, OpenTelemetry, Prometheus."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rockbottom.sinks.cloudwatch import CloudWatch
    from rockbottom.sinks.emf import EmbeddedMetrics
    from rockbottom.sinks.errors import CannotPublish
    from rockbottom.sinks.otel import OpenTelemetry
    from rockbottom.sinks.prometheus import Prometheus
    from rockbottom.sinks.publisher import Publisher, Stats

__all__ = ["CannotPublish", "CloudWatch", "EmbeddedMetrics", "OpenTelemetry", "Prometheus", "Publisher", "Stats"]

# Where each public name lives; imported when it is first asked for, because each sink has a library of its own.
_HOMES = {
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
    return getattr(import_module(f"rockbottom.sinks.{home}"), name)
