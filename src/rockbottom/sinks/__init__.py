"""Where outcomes and costs of calls are sent: CloudWatch, OpenTelemetry, Prometheus."""

from typing import TYPE_CHECKING

from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.sinks.billing import cost_of
    from rockbottom.sinks.cloudwatch import CloudWatch, CloudWatchOutlet, connector
    from rockbottom.sinks.definitions import DEFINITIONS, WRITE_WASTE
    from rockbottom.sinks.emf import EmbeddedMetrics, EmfOutlet, writer_of
    from rockbottom.sinks.errors import CannotPublish
    from rockbottom.sinks.exposing import LedgerMetrics
    from rockbottom.sinks.gathering import MINUTES_A_MONTH, MinuteGatherer, checked_dimensions, checked_metrics
    from rockbottom.sinks.heartbeat import HEARTBEAT_S, Heart
    from rockbottom.sinks.minutes import MINUTE_S, MinuteTable, Sum
    from rockbottom.sinks.otel import OpenTelemetry
    from rockbottom.sinks.prometheus import Prometheus, serve
    from rockbottom.sinks.publisher import Outlet, Undelivered
    from rockbottom.sinks.republishing import Backlog, PlaceFile, RepublishAmount, Republisher
    from rockbottom.sinks.waste import SettledWrite, WriteWaste
    from rockbottom.sinks.waste_price import wasted_usd

__all__ = [
    "DEFINITIONS",
    "HEARTBEAT_S",
    "MINUTES_A_MONTH",
    "MINUTE_S",
    "WRITE_WASTE",
    "Backlog",
    "CannotPublish",
    "CloudWatch",
    "CloudWatchOutlet",
    "EmbeddedMetrics",
    "EmfOutlet",
    "Heart",
    "LedgerMetrics",
    "MinuteGatherer",
    "MinuteTable",
    "OpenTelemetry",
    "Outlet",
    "PlaceFile",
    "Prometheus",
    "RepublishAmount",
    "Republisher",
    "SettledWrite",
    "Sum",
    "Undelivered",
    "WriteWaste",
    "checked_dimensions",
    "checked_metrics",
    "connector",
    "cost_of",
    "serve",
    "wasted_usd",
    "writer_of",
]

# Where each public name lives; imported when it is first asked for, because each sink has a library of its own.
_HOMES = {
    "billing": "cost_of",
    "cloudwatch": "CloudWatchOutlet connector CloudWatch",
    "definitions": "DEFINITIONS WRITE_WASTE",
    "emf": "EmfOutlet writer_of EmbeddedMetrics",
    "exposing": "LedgerMetrics",
    "gathering": "MinuteGatherer MINUTES_A_MONTH checked_dimensions checked_metrics",
    "heartbeat": "HEARTBEAT_S Heart",
    "minutes": "MINUTE_S MinuteTable Sum",
    "prometheus": "serve Prometheus",
    "publisher": "Outlet Undelivered",
    "republishing": "RepublishAmount Backlog PlaceFile Republisher",
    "waste": "SettledWrite WriteWaste",
    "waste_price": "wasted_usd",
    "errors": "CannotPublish",
    "otel": "OpenTelemetry",
}

__getattr__ = late(__name__, _HOMES)
