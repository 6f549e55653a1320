"""What a request and a connection may take, whichever version of HTTP they speak."""

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
