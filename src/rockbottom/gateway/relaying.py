"""One request through the gateway: told whose it is, planned, sent on, its reply relayed as it comes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from rockbottom.budgets import BudgetExceeded
from rockbottom.client import Attachment, Call, Watched, Whereabouts, about_points, tagged, watched, whereabouts_of
from rockbottom.gateway.configuration import Configuration
from rockbottom.gateway.errors import Refused
from rockbottom.gateway.identities import Identities
from rockbottom.gateway.keys import Key
from rockbottom.gateway.routes import Route, error_reply, route_of
from rockbottom.gateway.sigv4 import Signed
from rockbottom.gateway.splicing import spliced
from rockbottom.gateway.upstream import Way, frozen
from rockbottom.process import Visitors
from rockbottom.quantities import RockbottomError, Undecodable, decoded

if TYPE_CHECKING:
    from aiohttp import ClientResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_log = logging.getLogger("rockbottom.gateway")
_OWN_REPLY_HEADERS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "trailer", "transfer-encoding", "upgrade"}
)
_SMALL = 100_000  # bytes of an error reply that are read to see whether our points were refused


@dataclass(frozen=True, slots=True)
class Departure:
    """A request that leaves: what it was, what travels, and the call that is counted for it (None: none)."""

    request: Signed
    target: str
    body: bytes
    attachment: Attachment
    call: Call | None
    credentials: Any

    @property
    def changed(self) -> bool:
        """Whether it travels otherwise than it came."""
        return self.body is not self.request.body


class Relay:
    """Carries requests. ``attachment_for`` gives what plans and books the calls of a key."""

    def __init__(
        self,
        configuration: Configuration,
        identities: Identities,
        way: Way,
        attachment_for: Callable[[Key], Attachment],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.configuration, self.identities, self.way = configuration, identities, way
        self._attachment_for, self._clock = attachment_for, clock
        self._where: Whereabouts = whereabouts_of(way.upstream.url, way.upstream.region)
        self._most = int(configuration.limits.body_mb * 1_000_000)
        self._visitors = Visitors(configuration.host)
        self.under_way = 0

    async def carry(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        self.under_way += 1
        path = cast("bytes", scope["raw_path"]).decode("latin-1")
        try:
            await self._carried(scope, path, receive, send)
        except Refused as refusal:
            await _refuse(send, path, refusal)
        except BudgetExceeded as over:
            await _refuse(send, path, Refused(429, "ThrottlingException", str(over), retry_after_s=over.retry_after_s))
        except RockbottomError as error:
            await _refuse(send, path, Refused(400, "ValidationException", str(error)))
        finally:
            self.under_way -= 1

    async def _carried(self, scope: Mapping[str, Any], path: str, receive: Receive, send: Send) -> None:
        method = scope["method"]
        route = route_of(method, path)
        if route is None:
            message = f"The gateway carries no {method} {path[:200]}; it carries /model/ID/converse and the like."
            raise Refused(404, "UnknownOperationException", message)
        headers = _headers(scope)
        if self.identities.open_to_all:
            refused = self._visitors.refusal(method, headers.get)
            if refused is not None:
                raise Refused(403, "AccessDeniedException", refused)
        body = await self._body(headers, receive)
        query = cast("bytes", scope["query_string"]).decode("latin-1")
        request = Signed(method, path, query, headers, body)
        key = self.identities.caller(request)
        self.identities.admit(key, route.model)
        departure = await self._departed(request, route, key)
        await self._relayed(departure, receive, send)

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        limit = f"A body may have {self._most:,} bytes at this gateway (limits.body_mb)."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most:
            raise Refused(413, "RequestEntityTooLargeException", limit)
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "ValidationException", "The caller left before the body was whole.")
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._most:
                raise Refused(413, "RequestEntityTooLargeException", limit)
            pieces.append(piece)
            if not message.get("more_body"):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _departed(self, request: Signed, route: Route, key: Key) -> Departure:
        """The request planned, where it can be. Raises what a budget raises."""
        attachment = self._attachment_for(key)
        target = request.path + (f"?{request.query}" if request.query else "")
        call, body = None, request.body
        if route.is_planned:
            with tagged(key.tags):
                call, body = await self._planned(attachment, request, route)
        try:
            credentials = await frozen(self.way.credentials, key.role, key.tags)
        except Exception as error:
            if call is not None:
                attachment.failed(call)
            _log.warning("no credentials (%s): %s", type(error).__name__, error)
            raise Refused(503, "ServiceUnavailableException", "The gateway has no AWS credentials.") from error
        return Departure(request, target, body, attachment, call, credentials)

    async def _planned(self, attachment: Attachment, request: Signed, route: Route) -> tuple[Call | None, bytes]:
        params: dict[str, Any] = {"modelId": route.model}
        if route.is_native:
            params["body"] = request.body
        else:
            try:
                params.update(decoded(request.body, dict[str, Any]))
            except Undecodable:
                return None, request.body  # the service will say what is wrong with it
        call = await attachment.depart_async(params, route.operation, self._where)
        if call is None or not call.changed:
            return call, request.body
        return call, _bytes_of(request.body, params, call, route)

    async def _relayed(self, departure: Departure, receive: Receive, send: Send) -> None:
        """Send it on and relay the reply; the caller's going away ends it."""
        leaving = asyncio.ensure_future(_left(receive))
        carrying = asyncio.ensure_future(self._through(departure, send))
        try:
            await asyncio.wait((leaving, carrying), return_when=asyncio.FIRST_COMPLETED)
            if carrying.done():
                return carrying.result()
            carrying.cancel()
            await asyncio.wait((carrying,))
        finally:
            leaving.cancel()
            if not carrying.done():
                carrying.cancel()
        return None

    async def _through(self, departure: Departure, send: Send) -> None:
        call, attachment = departure.call, departure.attachment
        try:
            response = await self._sent(departure)
        except BaseException:
            if call is not None:
                attachment.failed(call)
            raise
        try:
            await self._answered(departure, response, send)
        finally:
            response.close() if not response.content.at_eof() else response.release()

    async def _sent(self, departure: Departure) -> "ClientResponse":
        request = departure.request
        send = self.way.send
        response = await send(request.method, departure.target, request.headers, departure.body, departure.credentials)
        if response.status not in (400, 403) or not departure.changed or departure.call is None:
            return response
        text = await response.content.read(_SMALL)
        if not about_points(text.decode("utf-8", "replace")):
            response.content.unread_data(text)
            return response
        departure.call.restored, departure.call.refusal = True, text.decode("utf-8", "replace")
        response.close()
        return await send(request.method, departure.target, request.headers, request.body, departure.credentials)

    async def _answered(self, departure: Departure, response: "ClientResponse", send: Send) -> None:
        call, attachment = departure.call, departure.attachment
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in response.headers.items()
            if name.lower() not in _OWN_REPLY_HEADERS
        ]
        watching: Watched | None = None
        if call is not None:
            plain = {name.lower(): value for name, value in response.headers.items()}
            call.request_id = plain.get("x-amzn-requestid", "")
            if response.status < 300:
                watching = watched(attachment, call, plain)
            else:
                attachment.failed(call)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        try:
            async for piece in response.content.iter_any():
                if watching is not None:
                    watching.see(piece)
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
        if watching is not None:
            watching.ended()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Broken(Exception):  # no error of the caller's: his connection is closed, as the service's was
    """A reply broke off after it had begun: uvicorn closes the connection, so the caller sees that it is not whole."""


def _bytes_of(data: bytes, params: Mapping[str, Any], call: Call, route: Route) -> bytes:
    """What travels: the bytes that came, with what the plan adds."""
    if route.is_native:
        request = call.request
        assert request is not None  # a changed call was read
        return spliced(data, decoded(data, dict[str, Any]), request.body)
    read = {name: value for name, value in params.items() if name != "modelId"}
    planned = {name: value for name, value in call.sent.items() if name != "modelId"}
    return spliced(data, read, planned)


async def _left(receive: Receive) -> None:
    """Returns when the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """By name in lower case; of one that is there twice the values with a comma, as signatures take them."""
    headers: dict[str, str] = {}
    for name, value in cast("list[tuple[bytes, bytes]]", scope["headers"]):
        text = name.decode("latin-1")
        given = value.decode("latin-1")
        headers[text] = f"{headers[text]},{given}" if text in headers else given
    return headers


async def _refuse(send: Send, path: str, refusal: Refused) -> None:
    body, headers = error_reply(path, refusal.status, refusal.kind, str(refusal))
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, round(refusal.retry_after_s))).encode()))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
