"""HTTP/2 for the application: with prior knowledge in cleartext, as the AWS SDK for JavaScript speaks it, or by ALPN.

The protocol is h2's; this module carries its events to an ASGI application and back. Limits are those of HTTP/1.1
(``limits``): header bytes and fields, time to read a request, and streams instead of connections.
"""

import asyncio
from typing import Any, cast
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from uvicorn.protocols.http.flow_control import FlowControl

from rockbottom.serving.limits import MAX_HEADER_BYTES, MAX_HEADERS, Limited, Unsent

MAX_STREAMS = 128
"""Requests at once on one connection."""
_WINDOW = 1 << 20  # of each stream; a body is acknowledged as the application takes it
_CONNECTION_WINDOW = 8 << 20
_MAX_UNREAD = 1 << 18  # bytes that made no event; a frame has 16 KiB
_MAX_RESETS = 500  # streams that one connection may begin and take back
_MAX_IDLE_EVENTS = 10_000  # between two requests: pings, settings, empty frames (RFC 9113, 10.5)
_SLICE = 1 << 14  # bytes that are judged at a time, so that a flood ends where its limit is
_IDLE_SECONDS = 75.0
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"proxy-connection"})


class Http2:
    """One HTTP/2 connection, an asyncio protocol."""

    def __init__(self, before: Limited) -> None:
        self._app = cast(Any, before).app
        self._before = before  # whose limits hold here too
        self._unsent = Unsent()
        self._loop = before.loop
        self._state = before.server_state
        self._scheme = before.scheme or "http"
        self._addresses = before.client, before.server
        self.transport: asyncio.Transport = before.transport
        self.flow = FlowControl(self.transport)
        self.streams: dict[int, _Stream] = {}
        self._resets = self._unread = self._idle_events = 0
        self._idle_since = self._loop.time()
        self._closing = False
        config = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self.wire = h2.connection.H2Connection(config=config)
        settings = h2.settings.SettingCodes
        self.wire.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                settings.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
                settings.INITIAL_WINDOW_SIZE: _WINDOW,
                settings.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES,
                settings.ENABLE_PUSH: 0,
            },
        )
        self.wire.decoder.max_header_list_size = MAX_HEADER_BYTES

    def begin(self) -> None:
        """Take the transport over from HTTP/1.1."""
        self._state.connections.add(self)  # pyright: ignore[reportArgumentType]  # uvicorn asks only for shutdown()
        self.wire.initiate_connection()
        self.wire.increment_flow_control_window(_CONNECTION_WINDOW)
        self.flush()

    def flush(self) -> None:
        """Send the bytes that wait."""
        data = self.wire.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    # asyncio's protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Does nothing: the connection was made before."""

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE):
            if self.transport.is_closing():
                return
            self._judge(data[start : start + _SLICE] if len(data) > _SLICE else data)

    def _judge(self, data: bytes) -> None:
        try:
            events = self.wire.receive_data(data)
        except h2.exceptions.ProtocolError:
            self.flush()  # the reason, which h2 has put down
            self.transport.close()
            return
        for event in events:
            self._take(event)
        self.flush()
        # h2 gathers a frame before it judges its length: one that is longer than any may be is not waited for.
        self._unread = 0 if events else self._unread + len(data)
        if self._unread > _MAX_UNREAD:
            self.transport.close()
        elif self._idle_events > _MAX_IDLE_EVENTS:
            self._calm_down()

    def _calm_down(self) -> None:
        """Close a connection whose frames ask for nothing, and say why."""
        self.wire.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
        self.flush()
        self.transport.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)  # pyright: ignore[reportArgumentType]  # a set of uvicorn's own
        for stream in self.streams.values():
            stream.leave()
        self.flow.resume_writing()

    def pause_writing(self) -> None:
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        self.flow.resume_writing()

    # uvicorn's ------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Take no more requests, and close after the last that is being answered."""
        self._closing = True
        if not self.transport.is_closing():
            self.wire.close_connection()
            self.flush()
        self._close_when_done()

    def close_if_slow(self, now: float) -> None:
        """Reset what takes too long to arrive or to be taken, and close a connection that nobody uses."""
        limits = self._before
        if self._unsent.seconds(self.transport, now) > limits.write_seconds:
            self.transport.abort()  # to close it would wait until the rest is taken
            return
        for stream in list(self.streams.values()):
            is_late = stream.receiving and now - stream.began > limits.read_seconds
            if is_late or (stream.waits_since is not None and now - stream.waits_since > limits.write_seconds):
                stream.leave()
                self.reset(stream.number)
        if not self.streams and now - self._idle_since > _IDLE_SECONDS:
            self.shutdown()

    def _close_when_done(self) -> None:
        if self._closing and not self.streams:
            self.transport.close()

    # Streams --------------------------------------------------------------------------------------------------

    def _take(self, event: h2.events.Event) -> None:
        asks = isinstance(event, h2.events.RequestReceived) or (
            isinstance(event, h2.events.DataReceived) and event.data
        )
        if not (self.streams and isinstance(event, h2.events.WindowUpdated)):  # a long reply takes one for each piece
            self._idle_events = 0 if asks else self._idle_events + 1
        if isinstance(event, h2.events.RequestReceived):
            self._request(event)
        elif isinstance(event, h2.events.DataReceived):
            stream = self.streams.get(event.stream_id or 0)
            if stream is not None:
                stream.feed(event.data or b"", event.flow_controlled_length or 0)
            else:
                self.acknowledge(event.flow_controlled_length or 0, event.stream_id or 0)
        elif isinstance(event, h2.events.StreamEnded):
            if (stream := self.streams.get(event.stream_id or 0)) is not None:
                stream.end()
        elif isinstance(event, h2.events.StreamReset):
            self._resets += 1
            if (stream := self.streams.get(event.stream_id or 0)) is not None:
                stream.leave()
            if self._resets > _MAX_RESETS:
                self._calm_down()
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for stream in self.streams.values():
                stream.may_send.set()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._closing = True
            self._close_when_done()

    def _request(self, event: h2.events.RequestReceived) -> None:
        number = event.stream_id or 0
        pseudo: dict[bytes, bytes] = {}
        headers: list[tuple[bytes, bytes]] = []
        for name, value in event.headers or ():
            place, text = bytes(name), bytes(value)
            if place.startswith(b":"):
                pseudo[place] = text
            else:
                headers.append((place, text))
        if len(headers) > MAX_HEADERS or self._closing:
            self.reset(number)
            return
        if b":authority" in pseudo:
            headers = [(b"host", pseudo[b":authority"]), *(pair for pair in headers if pair[0] != b"host")]
        raw_path, _, query = pseudo.get(b":path", b"/").partition(b"?")
        client, server = self._addresses
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "2",
            "scheme": self._scheme,
            "method": pseudo.get(b":method", b"").decode("latin-1"),
            "path": unquote(raw_path.decode("latin-1")),
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": headers,
            "client": client,
            "server": server,
        }
        stream = self.streams[number] = _Stream(self, number, self._loop.time())
        task = self._loop.create_task(stream.run(self._app, scope))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def acknowledge(self, size: int, number: int) -> None:
        """Let the other side send so many bytes more."""
        if size:
            try:
                self.wire.acknowledge_received_data(size, number)
            except h2.exceptions.ProtocolError:
                return  # the connection is over
            self.flush()

    def reset(self, number: int) -> None:
        """Reset a stream that has not ended."""
        try:
            self.wire.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
        except h2.exceptions.ProtocolError:
            return
        self.flush()

    def done(self, number: int) -> None:
        """Forget a stream that was answered."""
        self.streams.pop(number, None)
        self._idle_since = self._loop.time()
        self._close_when_done()


class _Stream:
    """One request and its answer."""

    def __init__(self, connection: Http2, number: int, began: float) -> None:
        self.number = number
        self.began = began
        self.receiving = True
        self.may_send = asyncio.Event()
        self.waits_since: float | None = None  # for the other side to take more; None: it takes
        self._connection = connection
        self._parts: list[bytes] = []
        self._owed = 0  # bytes of flow control that the parts took
        self._arrived = asyncio.Event()
        self._gone = False
        self._has_whole_body = False  # the application has had the whole body
        self._head: list[tuple[bytes, bytes]] | None = None
        self._ended = False

    def feed(self, data: bytes, size: int) -> None:
        """Take a piece of the request's body."""
        self._parts.append(data)
        self._owed += size
        self._arrived.set()

    def end(self) -> None:
        """Note that the request is complete."""
        self.receiving = False
        self._arrived.set()

    def leave(self) -> None:
        """Note that the other side has gone, or is no longer waited for."""
        self._gone, self.receiving = True, False
        self._arrived.set()
        self.may_send.set()

    async def run(self, app: Any, scope: dict[str, Any]) -> None:
        """Have the application answer."""
        try:
            await app(scope, self.receive, self.send)
        finally:
            if not self._ended:
                self._connection.reset(self.number)
            self._connection.acknowledge(self._owed, self.number)
            self._connection.done(self.number)

    async def receive(self) -> dict[str, Any]:
        """The next piece of the body, as ASGI has it."""
        while not self._parts and self.receiving:
            self._arrived.clear()
            await self._arrived.wait()
        if self._gone or (self._has_whole_body and not self._parts):
            if not self._gone:
                self._arrived.clear()
                await self._arrived.wait()  # nothing follows but the end
            return {"type": "http.disconnect"}
        body, owed = b"".join(self._parts), self._owed
        self._parts, self._owed = [], 0
        self._connection.acknowledge(owed, self.number)
        self._has_whole_body = not self.receiving
        return {"type": "http.request", "body": body, "more_body": self.receiving}

    async def send(self, message: dict[str, Any]) -> None:
        """Take a message of the answer; head and first piece travel together."""
        if message["type"] == "http.response.start":
            named = [(name.lower(), value) for name, value in message["headers"] if name.lower() not in _HOP_BY_HOP]
            self._head = [(b":status", b"%d" % message["status"]), *named]
            return
        body, more = message.get("body", b""), bool(message.get("more_body"))
        try:
            await self._send(body, more)
        except h2.exceptions.ProtocolError:
            self._gone = self._ended = True  # closed by the other side in the meantime

    async def _send(self, body: bytes, more: bool) -> None:
        wire, connection = self._connection.wire, self._connection
        if self._gone or self._ended:
            return
        if self._head is not None:
            wire.send_headers(self.number, self._head, end_stream=not body and not more)
            self._head = None
            self._ended = not body and not more
        view = memoryview(body)
        while len(view) and not self._gone:
            room = min(wire.local_flow_control_window(self.number), wire.max_outbound_frame_size)
            if room <= 0:
                connection.flush()
                self.may_send.clear()
                if self.waits_since is None:
                    self.waits_since = asyncio.get_running_loop().time()
                await self.may_send.wait()
                continue
            self.waits_since = None
            last = len(view) <= room and not more
            wire.send_data(self.number, bytes(view[:room]), end_stream=last)
            self._ended = last
            view = view[room:]
        if not body and not more and not self._ended:
            wire.end_stream(self.number)
            self._ended = True
        connection.flush()
        if connection.flow.write_paused:
            await connection.flow.drain()
