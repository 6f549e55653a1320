"""Connections of a server, each with limits: uvicorn's HTTP/1.1 over httptools, which has none of its own.

A connection that begins with the preface of HTTP/2 goes on as one (``http2``).
"""

import asyncio
import re
from typing import Any, cast

import httptools

from rockbottom.figures import bare
from rockbottom.serving.limits import MAX_HEADER_BYTES, MAX_HEADERS, Limited, Unsent

_ADDRESS = re.compile(rb"https?://([^/?#@]+)([/?].*)?", re.IGNORECASE)
_BODY_FIELDS = frozenset({b"content-length", b"transfer-encoding"})
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Connection(Limited):
    """One HTTP/1.1 connection. What exceeds a limit is answered where that is possible, and closed."""

    reading_since: float | None = None  # of the loop's clock; None: nothing is awaited
    _outside: int = 0  # bytes since the last of a body
    _excess = ""
    _fault = ""  # what makes a request none that can be answered
    _first: bytes | None = b""  # what has come, until it is known which protocol is spoken

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._unsent = Unsent()
        self.reading_since = self.loop.time()
        if len(self.connections) > self.max_connections:
            self._refuse(503, "Service Unavailable", f"more than {self.max_connections} connections")

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._first is not None:
            data = self._first + data
            if _PREFACE.startswith(data):  # the beginning of HTTP/2's, or all of it
                self._first = data
                if data != _PREFACE:
                    return
            if data.startswith(_PREFACE):
                self._become_http2(data)
                return
            self._first = None
        self._outside += len(data)
        super().data_received(data)
        if self._outside > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._refuse(431, "Request Header Fields Too Large", f"more than {MAX_HEADER_BYTES} bytes of headers")

    def _become_http2(self, data: bytes) -> None:
        from rockbottom.serving.http2 import Http2  # h2 is for those who speak it

        self.reading_since = None
        self.connections.discard(self)
        other = Http2(self)
        self.transport.set_protocol(cast(asyncio.Protocol, other))
        other.begin()
        other.data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.reading_since = self.loop.time()

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS:
            self._excess = f"more than {MAX_HEADERS} header fields"
            raise httptools.HttpParserError(self._excess)
        # What came at once may be head and body: only the fields themselves tell.
        if (
            self._outside > MAX_HEADER_BYTES
            and sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADER_BYTES
        ):
            self._excess = f"more than {MAX_HEADER_BYTES} bytes of headers"
            raise httptools.HttpParserError(self._excess)
        if self._asks_for_upgrade() and any(name in _BODY_FIELDS for name, _ in self.headers):
            # The parser would leave the body to the other protocol, and take it for the next request.
            self._fault = "a request with a body cannot be upgraded: speak HTTP/2 from the beginning"
            raise httptools.HttpParserError("upgrade")
        self._set_host()
        super().on_headers_complete()
        self.headers = []  # what follows are trailers, which are no header fields: they would pass all these checks

    def _set_host(self) -> None:
        """Hold the request to one host: that of a target with an address (RFC 9112, 3.2.2), else that of its header."""
        hosts = [place for place, (name, _) in enumerate(self.headers) if name == b"host"]
        if len(hosts) > 1 or (not hosts and self.parser is not None and self.parser.get_http_version() == "1.1"):
            self._fault = "a request has one Host header field"  # RFC 9112, 3.2
            raise httptools.HttpParserError("host")
        if self.url.startswith((b"/", b"*")):
            return
        address = _ADDRESS.fullmatch(self.url)
        if address is None:
            self._fault = "the target of a request is a path, or an address of http or https"
            raise httptools.HttpParserError("target")
        host, rest = address[1], address[2] or b""
        self.url = rest if rest.startswith(b"/") else b"/" + rest
        for place in hosts:
            del self.headers[place]
        self.headers.append((b"host", host))

    def _asks_for_upgrade(self) -> bool:
        return self.parser is not None and bool(self.parser.should_upgrade())

    def on_body(self, body: bytes) -> None:
        self._outside = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._outside = 0
        self.reading_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._excess:
            self._refuse(431, "Request Header Fields Too Large", self._excess)
        elif self._fault:
            self._refuse(400, "Bad Request", self._fault)
        else:
            super().send_400_response(msg)

    def close_if_slow(self, now: float) -> None:
        """Close the connection when what it awaits, or keeps, has taken too long. ``now`` is of the loop's clock."""
        if self._unsent.seconds(self.transport, now) > self.write_seconds:
            self.transport.abort()  # to close it would wait until the rest is taken
            return
        since = self.reading_since
        if since is not None and now - since > self.read_seconds and not self.transport.is_closing():
            self._refuse(408, "Request Timeout", f"the request did not arrive in {bare(self.read_seconds)} seconds")

    def _refuse(self, status: int, phrase: str, why: str) -> None:
        body = why.encode()
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
            % (status, phrase.encode(), len(body), body)
        )
        self.transport.close()
