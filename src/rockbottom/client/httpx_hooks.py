"""Clients built on httpx (AnthropicBedrock, LiteLLM's handlers, plain httpx) attached at their transport.

The transport of such a client carries finished, signed requests. One for Converse or InvokeModel is opened,
planned, closed again and signed anew with the same key; every other request passes as it is. An attempt that
the SDK repeats after a failure gets the plan of the first attempt.
"""

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from functools import cache, lru_cache
from typing import Any

from msgspec import Struct

from rockbottom.client.attachment import Attachment
from rockbottom.client.botocore_hooks import about_points
from rockbottom.client.calls import Call
from rockbottom.client.counting import counts_nothing, with_usage
from rockbottom.client.feeding import feed_of
from rockbottom.client.httpx_streams import watched
from rockbottom.client.listening import CallListener
from rockbottom.client.signing import CredentialSource, credentials_of, resigned
from rockbottom.client.tagging import metadata_of, with_project
from rockbottom.client.whereabouts import Whereabouts, whereabouts_of
from rockbottom.dialects import OperationRoute, Params, api_of, is_guarded, operation_of, route_to, surface_route_of
from rockbottom.quantities import RockbottomError, is_object, json_bytes

_REPEATED_S = 300.0
_MOST_REPEATED = 64


class Leg(Struct):
    """One attempt of one call: what travels, and how its reply is read."""

    call: Call
    request: Any  # httpx's, as it travels
    asked: Any  # httpx's, as the caller made it
    digest: bytes
    counting: bool = False  # its usage was asked for here, and not by the caller, who is not to see it


class HttpxHooks:
    """Plans requests on their way through a transport, and watches the replies."""

    def __init__(
        self, attachment: Attachment, client: Any, library: Any, host: str = "", *, answers_for_budget: bool
    ) -> None:
        self._attachment = attachment
        self._host = host  # of the client's base_url
        self._credentials: CredentialSource = credentials_of(client, attachment.credentials)
        self._region: str | None = getattr(client, "aws_region", None)
        self.library = library
        # An SDK around the httpx client takes whatever is raised below it for a broken connection and tries again.
        self.answers_for_budget = answers_for_budget
        self._lock = threading.Lock()
        self._failed: OrderedDict[bytes, tuple[float, Params]] = OrderedDict()

    @property
    def attachment(self) -> Attachment:
        """What these hooks tell of calls."""
        return self._attachment

    def opened(self, request: Any, content: bytes) -> tuple[Params, str, Whereabouts] | None:
        """The arguments as boto3 takes them, the operation, and where the request goes; None: it is not Bedrock's."""
        route = self._route(request)
        if route is None:
            return None
        api = api_of(route.operation)
        arguments: Any = {"body": content} if api.wrapped else json.loads(content.decode())
        where = whereabouts_of(f"{request.url.scheme}://{request.url.host}", self._region)
        if api.names_model:
            if not is_object(arguments):
                return None
            where = where.at(_host_of(request, str(arguments.get("model"))))
            return dict(arguments), operation_of(arguments, route.operation), where
        return {"modelId": route.model, **arguments}, route.operation, where

    def is_ours(self, request: Any) -> bool:
        """Whether this is a request of a known dialect to Bedrock; nothing of any other is even read."""
        return self._route(request) is not None

    def _route(self, request: Any) -> OperationRoute | None:
        if request.method != "POST":
            return None
        route = route_to(request.url.raw_path.decode("ascii", "replace").partition("?")[0], below=True)
        if route is None or not api_of(route.operation).names_model:
            return route
        # Other services have these paths too.
        host = str(request.url.host)
        return route if host == self._host or reaches_bedrock(host) else None

    def leg(self, original: Any, content: bytes, call: Call) -> Leg:
        """The attempt that carries a call."""
        api = api_of(call.operation)
        call.guarded = is_guarded(call.operation, str(original.url.host), original.headers)
        digest = hashlib.blake2b(content, digest_size=16).digest()
        sent = self._repeated(digest)
        if sent is not None and call.changed:
            call.sent = sent
        tagging = self._attachment.options.request_metadata and bool(call.tags) and not api.native
        counting = api.names_model and counts_nothing(call) and not self._attachment.options.dry_run
        if not call.changed and not tagging and not counting:
            return Leg(call, original, original, digest)
        travels: Params = call.sent
        if counting:
            travels = with_usage(travels)
        if tagging:
            travels = {**travels, "requestMetadata": metadata_of(call.tags, travels.get("requestMetadata"))}
        body = travels["body"] if api.wrapped else _without_model(travels)
        request = self._rebuilt(original, body if isinstance(body, bytes) else str(body).encode(), plain=counting)
        if request is None:
            call.sent, call.restored = call.original, True
        return Leg(call, request or original, original, digest, counting and request is not None)

    def _rebuilt(self, original: Any, body: bytes, *, plain: bool) -> Any | None:
        """The request with another body; ``plain``: its reply has to come uncompressed, to be cut."""
        headers = [
            (key, value)
            for key, value in original.headers.multi_items()
            if key.lower() not in ("content-length", "transfer-encoding")
        ]
        if plain:
            headers = [*((key, value) for key, value in headers if key.lower() != "accept-encoding"), _PLAIN]
        request = self.library.Request(
            original.method, original.url, headers=headers, content=body, extensions=original.extensions
        )
        if original.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD") != "UNSIGNED-PAYLOAD":
            request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        if original.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256"):
            signed = resigned(request, body, self._credentials)
            if signed is None:
                self._attachment.talk.once(
                    "sign",
                    "requests of this client are signed with a key that rockbottom does not hold, so they are "
                    "sent unmodified. Fix: give the client its credentials through the environment, or attach with "
                    "credentials=boto3.Session(...)",
                )
                return None
            request.headers.update(signed)
        return request

    def _repeated(self, digest: bytes) -> Params | None:
        failed = self._failed.pop(digest, None)
        return failed[1] if failed is not None and failed[0] > time.monotonic() else None

    def failed(self, leg: Leg) -> None:
        """The attempt brought no reply, or one that the SDK may try again."""
        self._attachment.failed(leg.call)
        if leg.call.changed:
            with self._lock:
                self._failed[leg.digest] = (time.monotonic() + _REPEATED_S, leg.call.sent)
                while len(self._failed) > _MOST_REPEATED:
                    self._failed.popitem(last=False)

    def refusal(self, leg: Leg, status: int, text: str) -> bool:
        """Whether the service refused our points, so that the caller's own request is to be sent instead."""
        about = about_points(text) or (leg.counting and "stream_options" in text)
        if status not in (400, 403) or not (leg.call.changed or leg.counting) or not about:
            return False
        if not leg.call.changed:
            leg.counting = False
            return True
        leg.call.restored, leg.call.refusal = True, text
        return True

    def watch(self, leg: Leg, response: Any) -> Any:
        """A good reply, looked at while the caller reads it; a new one where its transport made it of bytes."""
        call = leg.call
        self._attachment.answered(call)
        call.request_id = response.headers.get("x-amzn-requestid", "")
        listener = CallListener(self._attachment, call)
        feed = feed_of(call, response.headers, listener, counting=leg.counting)
        if feed is None:
            listener.abandoned()  # nothing, where it is counted already
            return response
        stream = watched(self.library, response.stream, feed)
        listener.hold(stream)
        if response.is_stream_consumed:  # made of bytes, it read itself
            return self.library.Response(
                response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
            )
        response.stream = stream
        return response

    def report_failure(self, error: Exception) -> None:
        """Log an internal failure once."""
        self._attachment.talk.failure("planning", error)

    def depart(self, original: Any, content: bytes) -> Leg | None:
        """Plan one request; None: it passes as it is. Raises what a budget raises on purpose."""
        try:
            opened = self.opened(original, content)
            call = self._attachment.depart(*opened) if opened else None
            return self._off(original, content, call) if opened and call else None
        except RockbottomError:
            raise
        except Exception as error:
            return self.report_failure(error)

    async def depart_async(self, original: Any, content: bytes) -> Leg | None:
        """As ``depart``, without blocking the event loop."""
        try:
            opened = self.opened(original, content)
            call = await self._attachment.depart_async(*opened) if opened else None
            return self._off(original, content, call) if opened and call else None
        except RockbottomError:
            raise
        except Exception as error:
            return self.report_failure(error)

    def _off(self, original: Any, content: bytes, call: Call) -> Leg:
        if call.flight is not None:
            call.flight.airborne = True
        call.tags = with_project(call.tags, original.headers)
        return self.leg(original, content, call)


def _host_of(request: Any, model: str) -> str | None:
    """Which of the two hosts a request to a surface is for; None where only its address can say."""
    named = {name: request.headers.get(name.decode(), "").encode("latin-1", "replace") for name in _TELLING}
    route = surface_route_of(request.method, request.url.raw_path.partition(b"?")[0], named)
    return None if route is None else route.at(model).host


_TELLING = (b"host", b"authorization")
_BEDROCK = re.compile(
    r"bedrock-(?:runtime|mantle)(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)|localhost"
)


@lru_cache(maxsize=256)
def reaches_bedrock(host: str) -> bool:
    """Whether a host is Bedrock's, or an endpoint on this machine that stands in for it."""
    return _BEDROCK.fullmatch(host) is not None or host.startswith("127.") or host == "::1"


@cache
def transport_class(base: Any) -> Any:
    """A transport's class with a look at each request before and each reply after it, whichever way it is asked.

    ``_rockbottom_base`` is the class that it was.
    """
    synchronous, asynchronous = hasattr(base, "handle_request"), hasattr(base, "handle_async_request")
    bases = (_synchronous(base),) * synchronous + (_asynchronous(base),) * asynchronous
    transport: Any = bases[0] if len(bases) == 1 else type(base.__name__, bases, {})
    transport.__name__, transport.__qualname__, transport.__module__ = base.__name__, base.__qualname__, base.__module__
    transport._rockbottom_base = base
    return transport


def _synchronous(base: Any) -> Any:
    class Sync(base):
        def handle_request(self, request: Any) -> Any:
            hooks: HttpxHooks = self._rockbottom
            inner: Any = super()
            try:
                leg = hooks.depart(request, request.read()) if hooks.is_ours(request) else None
            except RockbottomError as error:
                return _refused(hooks, request, error)
            if leg is None:
                return inner.handle_request(request)
            try:
                response = inner.handle_request(leg.request)
            except BaseException:
                hooks.failed(leg)
                raise
            if response.status_code >= 300:
                response = _readable_again(hooks, response, response.read())
                if hooks.refusal(leg, response.status_code, response.text):
                    response = inner.handle_request(leg.asked)
            return _arrived(hooks, leg, response)

    return Sync


def _asynchronous(base: Any) -> Any:
    class Async(base):
        async def handle_async_request(self, request: Any) -> Any:
            hooks: HttpxHooks = self._rockbottom
            inner: Any = super()
            try:
                leg = await hooks.depart_async(request, await request.aread()) if hooks.is_ours(request) else None
            except RockbottomError as error:
                return _refused(hooks, request, error)
            if leg is None:
                return await inner.handle_async_request(request)
            try:
                response = await inner.handle_async_request(leg.request)
            except BaseException:
                hooks.failed(leg)
                raise
            if response.status_code >= 300:
                response = _readable_again(hooks, response, await response.aread())
                if hooks.refusal(leg, response.status_code, response.text):
                    response = await inner.handle_async_request(leg.asked)
            return _arrived(hooks, leg, response)

    return Async


def _refused(hooks: HttpxHooks, request: Any, error: RockbottomError) -> Any:
    """What a budget says: raised to a caller of httpx, an error reply (402, not to be repeated) to an SDK around it."""
    if not hooks.answers_for_budget:
        raise error
    body = {"type": "error", "error": {"type": type(error).__name__, "message": str(error)}, "message": str(error)}
    return hooks.library.Response(402, headers={"x-should-retry": "false"}, json=body, request=request)


def _readable_again(hooks: HttpxHooks, response: Any, content: bytes) -> Any:
    """An error reply that was read, as one that can be read again."""
    dropped = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(key, value) for key, value in response.headers.multi_items() if key.lower() not in dropped]
    return hooks.library.Response(
        response.status_code, headers=headers, content=content, extensions=response.extensions
    )


def _arrived(hooks: HttpxHooks, leg: Leg, response: Any) -> Any:
    if response.status_code >= 300:
        leg.call.request_id = response.headers.get("x-amzn-requestid", "")
        hooks.failed(leg)
        return response
    try:
        return hooks.watch(leg, response)
    except Exception as error:
        hooks.report_failure(error)
        return response


_PLAIN = ("accept-encoding", "identity")


def _without_model(request: Params) -> bytes:
    body = {key: value for key, value in request.items() if key != "modelId"}
    return json_bytes(body)
