"""Servers of the house: connections of HTTP/1.1 and HTTP/2 with limits, TLS, in the foreground or in a thread.

What is served is an ASGI application. Needs the extra ``local`` or ``gateway``.
"""

from rockbottom.serving.connections import Connection
from rockbottom.serving.server import Server, configured, in_foreground, in_thread
from rockbottom.serving.tls import PROTOCOLS, context_of

__all__ = ["PROTOCOLS", "Connection", "Server", "configured", "context_of", "in_foreground", "in_thread"]
