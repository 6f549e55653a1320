"""What a request and a connection may take, whichever version of HTTP they speak."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024
"""Bytes of a request that are not its body: request line, header fields, trailers."""
MAX_HEADERS = 256
"""Header fields of a request."""


class Limited(HttpToolsProtocol):
    """A connection with limits of its own; a server sets them on its class."""

    max_connections = 900
    """Connections at once: fewer than a process usually may open files."""
    read_seconds = 60.0
    """How long a request may take to arrive, and a connection to begin one."""
    write_seconds = 300.0
    """How long the other side may take nothing of what waits for it, as Envoy's ``stream_idle_timeout``."""


class Unsent:
    """Tells how long the other side has taken nothing of what waits for it."""

    def __init__(self) -> None:
        self._size, self._since = 0, 0.0

    def seconds(self, transport: asyncio.WriteTransport, now: float) -> float:
        """The seconds until ``now``, of the loop's clock, in which nothing was taken; 0 where nothing waits."""
        size = transport.get_write_buffer_size()
        if not size or size != self._size:
            self._size, self._since = size, now
        return now - self._since
