"""The listener that shows a registry of metrics to Prometheus, and to no page of a browser."""

import socket
from socketserver import ThreadingMixIn
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from rockbottom.process import Visitors, guarded
from rockbottom.serving import LimitedHead, LimitedThreads


class _Handler(LimitedHead, WSGIRequestHandler):
    timeout = 30  # seconds that a connection may be silent

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: a scrape every fifteen seconds is no news."""


class _Server(LimitedThreads, ThreadingMixIn, WSGIServer):
    pass


class _Server6(_Server):
    address_family = socket.AF_INET6


def listener(registry: Any, port: int, host: str, hosts: tuple[str, ...]) -> WSGIServer:
    """A server that is bound and not yet serving. Raises OSError where the port is taken."""
    import prometheus_client  # an extra

    metrics: Any = cast(Any, prometheus_client).make_wsgi_app(registry)
    application: Any = guarded(metrics, Visitors(host, hosts))
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    return make_server(host, port, application, _Server6 if family is socket.AF_INET6 else _Server, _Handler)
