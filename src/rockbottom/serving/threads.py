"""Servers of the standard library, a thread for each connection, with the limits that they lack.

``http.server`` waits without end for a head that comes byte by byte, takes 100 header fields of 64 KiB each, and as
many connections as there are. The limits are those of the servers on asyncio beside it.
"""

import socket
from contextlib import suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, ThreadingMixIn
from threading import Lock
from time import monotonic
from typing import Any, cast

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of the header fields of a request."""
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class LimitedThreads(ThreadingMixIn, BaseServer):
    """A server's half: so many connections, and so long for the head of a request. Stands before the server's class."""

    daemon_threads = True
    max_connections = 200
    """Connections at once: each has a thread."""
    read_seconds = 60.0
    """How long a connection may take to begin a request, and a request to arrive up to its body."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._lock = Lock()
        self._since: dict[Any, float | None] = {}  # of each connection: since when a head is awaited; None: none is
        super().__init__(*arguments, **options)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            full = len(self._since) >= self.max_connections
            if not full:
                self._since[request] = monotonic()
        if not full:
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.sendall(_BUSY)
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Close what is too slow; asked some times a second."""
        super().service_actions()
        oldest = monotonic() - self.read_seconds
        with self._lock:
            slow = [request for request, since in self._since.items() if since is not None and since < oldest]
            self._since.update(dict.fromkeys(slow))
        for request in slow:
            with suppress(OSError):
                request.sendall(_SLOW)
                request.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it

    def awaits_head(self, request: Any, *, awaited: bool) -> None:
        """Note whether the head of a request is awaited on a connection."""
        with self._lock:
            if request in self._since:
                self._since[request] = monotonic() if awaited else None


class LimitedHead(BaseHTTPRequestHandler):
    """A handler's half: header fields of ``MAX_HEAD_BYTES``, in the server's time. Stands before its class."""

    timeout = 75  # seconds that a connection may be silent

    def handle_one_request(self) -> None:
        cast(LimitedThreads, self.server).awaits_head(self.connection, awaited=True)
        super().handle_one_request()

    def parse_request(self) -> bool:
        whole = self.rfile
        self.rfile = cast(Any, _Head(whole))
        try:
            return super().parse_request()
        finally:
            self.rfile = whole
            cast(LimitedThreads, self.server).awaits_head(self.connection, awaited=False)


class _Head:
    """The lines of a head, as far as they fit; more of them is what ``http.server`` answers with 431."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._left = MAX_HEAD_BYTES

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._lines.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise HTTPException(f"more than {MAX_HEAD_BYTES} bytes")
        return line
