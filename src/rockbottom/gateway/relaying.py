"""One request through the gateway: told whose it is, planned, sent on, its reply relayed as it comes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

from rockbottom.budgets import BudgetExceeded
from rockbottom.catalog import RUNTIME
from rockbottom.client import Attachment, Call, Watched, about_points, tagged, watched, whereabouts_of, with_project
from rockbottom.dialects import Params, is_guarded
from rockbottom.figures import bare, thousands
from rockbottom.gateway.asking import RoutedRequest, asked_of, is_counted, model_for, readable, stripped, travelling
from rockbottom.gateway.configuration import Configuration
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.identities import Identities
from rockbottom.gateway.keys import GatewayKey
from rockbottom.gateway.owners import Owners, OwnerSeeker
from rockbottom.gateway.refusing import RefusalSender
from rockbottom.gateway.replies import PipedReply
from rockbottom.gateway.routes import route_of
from rockbottom.gateway.sigv4 import Signed
from rockbottom.gateway.upstream import UpstreamClient, frozen
from rockbottom.process import Visitors
from rockbottom.quantities import RockbottomError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_log = logging.getLogger("rockbottom.gateway")
_OWN_REPLY_HEADERS = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"trailer", b"transfer-encoding", b"upgrade"}
)
_COUNTED_REPLY_HEADERS = _OWN_REPLY_HEADERS | {b"content-length"}  # of a stream of which a chunk goes no further
_SMALL = 100_000  # bytes of an error reply that are read to see whether our points were refused


@dataclass(slots=True)
class Departure:
    """A request that leaves: what it was, what travels, and the call that is counted for it (None: none).

    ``begun``: the caller has the head of the reply. ``counting``: its usage was asked for here, and not by the caller,
    who is not to see it.
    """

    read: RoutedRequest
    way: UpstreamClient
    headers: Mapping[str, str]
    body: bytes
    original: bytes
    attachment: Attachment
    call: Call | None
    counting: bool = False
    begun: bool = False
    credentials: Any = None
    learning: OwnerSeeker | None = None

    @property
    def changed(self) -> bool:
        """Whether it travels otherwise than it came."""
        return self.body is not self.original


class Relay:
    """Carries requests. ``attachment_for`` gives what plans and books the calls of a key."""

    def __init__(
        self,
        configuration: Configuration,
        identities: Identities,
        way: UpstreamClient,
        attachment_for: Callable[[GatewayKey], Attachment],
        owners: Owners,
    ) -> None:
        self._attachment_for, self._owners = attachment_for, owners
        self._refusals = RefusalSender()
        self.under_way = self.answered = 0
        self.take_over(configuration, identities, way)

    def take_over(self, configuration: Configuration, identities: Identities, way: UpstreamClient) -> None:
        """Carry what comes from now on so; what has left goes on as it left."""
        self.configuration, self.identities, self.way = configuration, identities, way
        self._most = int(configuration.limits.body_mb * 1_000_000)
        self._visitors = Visitors(configuration.host)

    async def carry(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        self.under_way += 1
        path = cast("bytes", scope["raw_path"]).decode("latin-1")
        try:
            await self._carried(scope, path, receive, send)
        except Refused as refusal:
            await self._refusals.send(scope, send, path, refusal)
        except BudgetExceeded as over:
            status, kind = (503, "ServiceUnavailableException") if over.unknown else (429, "ThrottlingException")
            refusal = Refused(status, kind, str(over), retry_after_s=over.retry_after_s)
            # The SDKs of Anthropic and OpenAI would try a 429 again; a spent budget does not come back so soon.
            await self._refusals.send(scope, send, path, refusal, (b"x-should-retry", b"false"))
        except RockbottomError as error:
            await self._refusals.send(scope, send, path, Refused(400, "ValidationException", str(error)))
        finally:
            self.under_way -= 1
            self.answered += 1

    async def _carried(self, scope: Mapping[str, Any], path: str, receive: Receive, send: Send) -> None:
        method = scope["method"]
        headers = _headers(scope)
        route = route_of(method, path, headers, self.way.upstream.surfaces)
        if route is None:
            message = (
                f"The gateway does not relay {method} {path[:200]}; it relays calls of models (/model/ID/converse ...)."
            )
            raise Refused(404, "UnknownOperationException", message)
        if self.identities.open_to_all:
            refused = self._visitors.refusal(method, headers.get)
            if refused is not None:
                raise Refused(403, "AccessDeniedException", refused)
        body = await self._body(headers, receive)
        query = cast("bytes", scope["query_string"]).decode("latin-1")
        request = Signed(method, path, query, headers, body)
        key = self.identities.caller(request)
        read = asked_of(request, route)
        self.identities.admit(key, model_for(key, read))
        read = await self._owners.checked(read, key)
        departure = await self._departed(read, key)
        departure.learning = self._owners.learning(departure.read, key)
        if departure.learning is not None:  # no name could be read in what is compressed
            departure.headers = {**departure.headers, "accept-encoding": "identity"}
        await self._relayed(departure, receive, send)

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most:
            raise self._too_large()
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(
                    400, "ValidationException", "The caller closed the connection before the body was complete."
                )
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._most:
                raise self._too_large()
            pieces.append(piece)
            if not message.get("more_body"):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _too_large(self) -> Refused:
        limit = f"A body may have at most {thousands(self._most)} bytes at this gateway (limits.body_mb)."
        return Refused(413, "RequestEntityTooLargeException", limit)

    async def _departed(self, read: RoutedRequest, key: GatewayKey) -> Departure:
        """The request planned, where it can be. Raises what a budget raises."""
        attachment, original = self._attachment_for(key), read.request.body
        if not attachment.options.dry_run:
            read = stripped(read, key.strip)
        departure = Departure(read, self.way, read.request.headers, read.request.body, original, attachment, None)
        params = read.params
        if params is not None:
            with tagged(key.tags) if key.tags else nullcontext():
                await self._planned(departure, params)
        try:
            departure.credentials = await frozen(departure.way.credentials, key.role, key.tags)
        except Exception as error:
            if departure.call is not None:
                attachment.failed(departure.call)
            _log.warning("no credentials (%s): %s", type(error).__name__, error)
            raise Refused(503, "ServiceUnavailableException", "The gateway has no AWS credentials.") from error
        return departure

    async def _planned(self, departure: Departure, params: Params) -> None:
        """Plan the call, and set the body and headers that are sent."""
        read, way, attachment = departure.read, departure.way, departure.attachment
        where = whereabouts_of(way.url(_host(read)), way.upstream.region).at(_host(read))
        call = departure.call = await attachment.depart_async(params, read.operation, where)
        if call is None:
            return
        call.guarded = is_guarded(read.operation, _host(read), departure.headers)
        call.tags = with_project(call.tags, read.request.headers)
        departure.headers = readable(departure.headers)
        departure.counting = is_counted(attachment, call)
        if departure.counting:  # of a compressed stream no chunk could be left out
            departure.headers = {**departure.headers, "accept-encoding": "identity"}
        if call.changed or departure.counting:
            departure.body = travelling(read, call, counting=departure.counting)

    async def _relayed(self, departure: Departure, receive: Receive, send: Send) -> None:
        """Send it on and relay the reply; the caller's going away ends it, and so does its time."""
        carrying, over, late = cast("asyncio.Task[None]", asyncio.current_task()), False, False
        most_s = self.configuration.limits.call_s

        def left(_: object) -> None:
            if not over:
                carrying.cancel()

        def end() -> None:
            nonlocal late
            late = True
            carrying.cancel()

        leaving = asyncio.ensure_future(_left(receive))
        leaving.add_done_callback(left)
        timer = asyncio.get_running_loop().call_later(most_s, end)
        try:
            await self._through(departure, send)
        except asyncio.CancelledError as error:
            if late and departure.begun:
                raise Broken from error
            if late:
                message = f"The call took longer than {bare(most_s)} seconds (limits.call_s)."
                raise Refused(504, "ServiceUnavailableException", message) from error
            if not leaving.done():  # it was somebody else who ended it
                raise
        finally:
            over = True
            leaving.cancel()
            timer.cancel()

    async def _through(self, departure: Departure, send: Send) -> None:
        call, attachment = departure.call, departure.attachment
        try:
            reply = await self._sent(departure)
        except BaseException as error:
            if call is not None:
                call.request_id = error.request_id if isinstance(error, Refused) else ""
                attachment.failed(call)
            raise
        try:
            await self._answered(departure, reply, send)
        finally:
            reply.close()

    async def _sent(self, departure: Departure) -> PipedReply:
        reply = await self._attempt(departure, departure.body)
        if reply.status not in (400, 403) or not departure.changed or departure.call is None:
            return reply
        try:
            text = (await reply.peek(_SMALL)).decode("utf-8", "replace")
        except BaseException:
            reply.close()
            raise
        if not about_points(text) and not (departure.counting and "stream_options" in text):
            return reply
        if departure.call.changed:
            departure.call.restored, departure.call.refusal = True, text
        departure.counting = False
        reply.close()
        return await self._attempt(departure, departure.original)

    async def _attempt(self, departure: Departure, body: bytes) -> PipedReply:
        read, request = departure.read, departure.read.request
        if body is request.body and read.route.path == request.path:
            leaving = request.with_headers(departure.headers)
        else:
            leaving = Signed(request.method, read.route.path, request.query, departure.headers, body)
        return await departure.way.send(_host(read), leaving, departure.credentials)

    async def _answered(self, departure: Departure, reply: PipedReply, send: Send) -> None:
        call, attachment = departure.call, departure.attachment
        own = _COUNTED_REPLY_HEADERS if departure.counting else _OWN_REPLY_HEADERS
        headers = [(name, value) for name, value in reply.headers if name.lower() not in own]
        watching: Watched | None = None
        if call is not None:
            plain = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers}
            call.request_id = plain.get("x-amzn-requestid", "")
            if reply.status < 300:
                watching = watched(attachment, call, plain, counting=departure.counting)
            else:
                attachment.failed(call)
        departure.begun = True
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        try:
            learning = departure.learning if reply.status < 300 else None
            while piece := await reply.piece():
                last = reply.whole
                if learning is not None:
                    await learning.see(piece)
                if watching is not None:
                    piece = watching.see(piece)
                    if last:  # booked before the caller has it whole, so that his next call finds it counted
                        piece, watching = piece + watching.ended(), None
                if piece:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except asyncio.CancelledError:
            if watching is not None:
                watching.ended()
            raise
        except Exception as error:
            if watching is not None:
                watching.broke()
            _log.info("a reply broke off (%s)", type(error).__name__)
            raise Broken from error
        rest = watching.ended() if watching is not None else b""
        await send({"type": "http.response.body", "body": rest, "more_body": False})


class Broken(Exception):  # no error of the caller's: his connection is closed, as the service's was
    """A reply broke off after it had begun: uvicorn closes the connection, so the caller sees that it is not whole."""


def _host(read: RoutedRequest) -> str:
    return read.route.host or RUNTIME


async def _left(receive: Receive) -> None:
    """Returns when the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """By name in lower case; of one that is there twice the values with a comma, as signatures take them."""
    headers: dict[str, str] = {}
    for name, value in cast("list[tuple[bytes, bytes]]", scope["headers"]):
        text = name.decode("latin-1")
        decoded = value.decode("latin-1")
        headers[text] = f"{headers[text]},{decoded}" if text in headers else decoded
    return headers
