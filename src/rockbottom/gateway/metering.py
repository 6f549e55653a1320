"""What a gateway tells of its calls beside the ledger: totals for Prometheus, spans and metrics for OpenTelemetry."""

import logging
from typing import Any

from rockbottom.extras import needing
from rockbottom.gateway.configuration import Configuration
from rockbottom.ledger import Sink

_log = logging.getLogger("rockbottom.gateway")


class Metering:
    """The sinks that a configuration names, one of each for all kinds of callers. Raises MissingExtra."""

    def __init__(self, configuration: Configuration) -> None:
        self._address = configuration.metrics
        self._registry: Any = None
        self._server: Any = None
        sinks: list[Sink] = []
        if self._address is not None:
            with needing("metrics: of a gateway", "prometheus"):
                from prometheus_client import CollectorRegistry

            from rockbottom.sinks import Prometheus

            self._registry = CollectorRegistry()
            sinks.append(Prometheus(registry=self._registry, tags=configuration.metric_tags))
        if configuration.otel:
            from rockbottom.sinks import OpenTelemetry

            with needing("otel: of a gateway", "otel"):
                sinks.append(OpenTelemetry(metric_tags=configuration.metric_tags))
        self.sinks = tuple(sinks)

    def start(self) -> None:
        """Answer Prometheus at its address; where that is taken one warning is logged, and calls go on."""
        if self._address is None:
            return
        from rockbottom.sinks import serve

        host, _, port = self._address.rpartition(":")
        try:
            self._server, _ = serve(self._registry, int(port), host.strip("[]"))
        except OSError as error:
            _log.warning("no metrics at %s: %s", self._address, error)

    @property
    def port(self) -> int:
        """The port on which it answers; 0 where it does not."""
        return self._server.server_port if self._server is not None else 0

    def stop(self) -> None:
        """Stop answering and close the port."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
