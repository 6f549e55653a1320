"""HTTP/1.1 to the service: connections that are kept, one request at a time on each, replies relayed as they come.

httptools takes replies apart. Nothing is sent twice, followed, decompressed or stored: what a client for everybody does
beside relaying takes most of the time that it takes (decision 21).
"""

import asyncio
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import httptools

from rockbottom.figures import bare
from rockbottom.gateway.replies import Header, PipedReply

_MOST_WAITING = 1 << 18  # bytes of a reply that wait for the caller, before the service has to wait
_MOST_HEAD = 1 << 18  # bytes of a reply before its body begins
_JOINED = 1 << 17  # a body up to this size travels in one piece with its head
_IDLE_S = 55.0
_TICK_S = 1.0
_NO_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where connections are made to."""

    host: str
    port: int
    tls: bool


class Pool:
    """Connections to any address, made as they are needed and kept for 55 seconds. For one event loop.

    ``connect_s`` is how long a connection may take to be made, ``read_s`` how long nothing may come of a reply.
    """

    def __init__(self, connect_s: float, read_s: float) -> None:
        self.read_s = read_s
        self._connect_s = connect_s
        self._idle: dict[HostAddress, list[_Connection]] = {}
        self._open: set[_Connection] = set()
        self._ticking: asyncio.TimerHandle | None = None

    async def ask(self, address: HostAddress, head: bytes, body: bytes) -> PipedReply:
        """The reply to a request, once its head has come. Raises OSError (TimeoutError) where there is none."""
        connection = self._idle_connection(address) or await self._connected(address)
        reply = connection.ask(head, body)
        try:
            await reply.begun()
        except BaseException:
            reply.close()
            raise
        return reply

    def close(self) -> None:
        """Close every connection, used or not."""
        for connection in list(self._open):
            connection.end()
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def keep(self, connection: "_Connection") -> None:
        """Use it again for the next request."""
        self._idle.setdefault(connection.address, []).append(connection)

    def opened(self, connection: "_Connection") -> None:
        """Watch over a connection from now on."""
        self._open.add(connection)
        if self._ticking is None:
            self._ticking = connection.loop.call_later(self._tick_s, self._tick)

    def lost(self, connection: "_Connection") -> None:
        """It is no more."""
        self._open.discard(connection)
        idle = self._idle.get(connection.address, [])
        if connection in idle:
            idle.remove(connection)

    def _idle_connection(self, address: HostAddress) -> "_Connection | None":
        idle = self._idle.get(address, [])
        while idle:
            connection = idle.pop()  # the one that was used last: the others may grow old
            if not connection.transport.is_closing():
                return connection
        return None

    async def _connected(self, address: HostAddress) -> "_Connection":
        loop = asyncio.get_running_loop()
        context = _context() if address.tls else None
        async with asyncio.timeout(self._connect_s):
            _, connection = await loop.create_connection(
                lambda: _Connection(self, address, loop),
                address.host,
                address.port,
                ssl=context,
                server_hostname=address.host if address.tls else None,
            )
        return connection

    @property
    def _tick_s(self) -> float:
        return min(_TICK_S, self.read_s / 4)

    def _tick(self) -> None:
        self._ticking = None
        for connection in list(self._open):
            connection.close_if_slow(self.read_s if connection.is_used else _IDLE_S)
        if self._open:
            loop = asyncio.get_running_loop()
            self._ticking = loop.call_later(self._tick_s, self._tick)


class _Connection(asyncio.Protocol):
    """One connection, and the reply that comes on it."""

    transport: asyncio.Transport
    _unsent: int = 0  # bytes of the request, when it was looked at last

    def __init__(self, pool: Pool, address: HostAddress, loop: asyncio.AbstractEventLoop) -> None:
        self.address, self.loop = address, loop
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._reply: PipedReply | None = None
        self._headers: list[Header] = []
        self._head = 0  # bytes of the reply's head so far
        self._again = True  # another request may follow
        self._paused = self._heard = False
        self._since = loop.time()

    @property
    def is_used(self) -> bool:
        """Whether a reply is awaited on it."""
        return self._reply is not None

    def ask(self, head: bytes, body: bytes) -> PipedReply:
        """Send a request."""
        reply = self._reply = PipedReply(self)
        self._head, self._heard = 0, True
        if len(body) <= _JOINED:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)
        return reply

    def taken(self) -> None:
        """The caller has taken what had come."""
        if self._paused:
            self._paused = False
            self.transport.resume_reading()

    def free(self, reply: PipedReply) -> None:
        """Nobody reads the reply any more."""
        self._reply = None
        self._heard = True
        unsent = self.transport.get_write_buffer_size()  # it was answered before it was read
        if reply.whole and self._again and not self._paused and not unsent and not self.transport.is_closing():
            self._pool.keep(self)
        else:
            self.end()

    def end(self) -> None:
        """Close it at once: nothing of a request goes on, either."""
        self._pool.lost(self)
        self.transport.abort()

    def close_if_slow(self, seconds: float) -> None:
        """Close it where nothing has come or gone for so long, but for what the caller keeps waiting."""
        now: float = self.loop.time()
        unsent: int = self.transport.get_write_buffer_size()
        if self._heard or self._paused or unsent != self._unsent:
            self._since, self._unsent, self._heard = now, unsent, False
        elif now - self._since > seconds:
            if self._reply is not None:
                self._reply.fail(TimeoutError(f"nothing came for {bare(seconds)} seconds"))
            self.end()

    # asyncio's protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._pool.opened(self)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        reply = self._reply
        if reply is None or reply.whole:  # nobody asked for that
            self._again = False
            if reply is None:
                self.end()
            return
        if not reply.status:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._again = False
            reply.fail(ConnectionError(f"it is not an HTTP/1.1 reply: {error}"))
        if not reply.status and self._head > _MOST_HEAD:
            self._again = False
            reply.fail(ConnectionError(f"its head has more than {_MOST_HEAD} bytes"))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)
        reply = self._reply
        if reply is None or reply.whole:
            return
        if exc is None and reply.status and _ends_with_connection(reply):
            reply.end()
        else:
            reply.fail(ConnectionResetError("the connection was closed before the reply was whole"))

    # httptools' -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._headers = []
        if self._reply is not None and self._reply.whole:  # a second reply to one request
            self._again = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        reply = self._reply
        if status >= 200 and reply is not None and not reply.whole:
            reply.begin(status, self._headers)
            self._headers = []  # what follows are trailers

    def on_body(self, body: bytes) -> None:
        reply = self._reply
        if reply is None or reply.whole:
            return
        reply.feed(body)
        if reply.waiting > _MOST_WAITING and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        reply = self._reply
        if reply is not None and reply.status:  # of an interim reply (100) none
            self._again = self._again and self._parser.should_keep_alive()
            reply.end()


def _ends_with_connection(reply: PipedReply) -> bool:
    """Whether neither a length nor chunks tell the end of a reply."""
    fields = {name.lower(): value.lower() for name, value in reply.headers}
    chunked = fields.get(b"transfer-encoding", b"").rstrip().endswith(b"chunked")
    return reply.status not in _NO_BODY and b"content-length" not in fields and not chunked


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
