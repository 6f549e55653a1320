"""Servers of the house: connections of HTTP/1.1 and HTTP/2 with limits, TLS, in the foreground or in a thread.

What is served is an ASGI application, and needs the extra ``local`` or ``gateway``; ``LimitedThreads`` and
``LimitedHead`` put limits on servers of the standard library.
"""

from typing import TYPE_CHECKING

from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.serving.addresses import CannotListen, bound
    from rockbottom.serving.connections import Connection
    from rockbottom.serving.server import Server, configured, in_foreground, in_thread
    from rockbottom.serving.threads import LimitedHead, LimitedThreads
    from rockbottom.serving.tls import context_of

__all__ = [
    "CannotListen",
    "Connection",
    "LimitedHead",
    "LimitedThreads",
    "Server",
    "bound",
    "configured",
    "context_of",
    "in_foreground",
    "in_thread",
]

_HOMES = {
    "addresses": "CannotListen bound",
    "connections": "Connection",
    "server": "Server configured in_foreground in_thread",
    "threads": "LimitedHead LimitedThreads",
    "tls": "context_of",
}

__getattr__ = late(__name__, _HOMES)
