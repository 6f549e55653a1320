"""Clients built on httpx (AnthropicBedrock, LiteLLM's handlers, plain httpx) attached at their transport.

The transport of such a client carries finished, signed requests. One for Converse or InvokeModel is opened,
planned, closed again and signed anew with the same key; every other request passes as it is. An attempt that
the SDK repeats after a failure gets the plan of the first attempt.
"""

import hashlib
import json
import re
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import unquote

from rockbottom.catalog import Resolve
from rockbottom.client.attachment import Attachment, Call
from rockbottom.client.botocore_hooks import about_points
from rockbottom.client.errors import NotAttachable
from rockbottom.client.planning import Request
from rockbottom.client.signing import CredentialSource, credentials_of, resigned
from rockbottom.client.streams import BodyWatcher, StreamWatcher
from rockbottom.client.usage import header_usage
from rockbottom.wire import Decoder, WireError, chunks, events

_PATH = re.compile(r"/model/(?P<model>[^/]+)/(?P<kind>converse|converse-stream|invoke|invoke-with-response-stream)$")
_REPEATED_S = 300.0
_MOST_REPEATED = 64


def is_httpx_based(client: Any) -> bool:
    """Whether there is an httpx client in this object, or it is one."""
    return _inner(client) is not None


def _inner(client: Any) -> Any | None:
    for one in (client, getattr(client, "_client", None), getattr(client, "client", None)):
        if one is not None and hasattr(one, "_transport") and hasattr(one, "_mounts"):
            return one
    return None


class Httpx:
    """How an httpx-based client is attached."""

    @staticmethod
    def resolver(client: Any) -> Resolve:
        """Asks GetInferenceProfile with the client's credentials, at the place its requests go to."""
        from rockbottom.client.control_plane import lookup_at
        from rockbottom.client.profiles import ProfileResolver

        source = credentials_of(client)
        base = getattr(client, "base_url", None)
        return ProfileResolver(lookup_at(source, str(base) if base else None))

    @staticmethod
    def install(client: Any, attachment: Attachment) -> None:
        """Watch every transport of the client."""
        if attachment.options.keep_alive_usd is not None:
            raise NotAttachable("keep-alive needs a boto3 client.", fix="attach without keep_alive_usd")
        inner = _inner(client)
        assert inner is not None
        hooks = Hooks(attachment, credentials_of(client), _library_of(inner))
        for transport in {id(one): one for one in (inner._transport, *inner._mounts.values())}.values():
            if transport is not None and not hasattr(transport, "_rockbottom"):
                transport.__class__ = _transport_class(type(transport))
                transport._rockbottom = hooks


@dataclass(slots=True)
class Leg:
    """One attempt of one call: what travels, and how its reply is read."""

    call: Call
    request: Any  # httpx's, as it travels
    asked: Any  # httpx's, as the caller made it
    kind: str
    digest: bytes


class Hooks:
    """Plans requests on their way through a transport, and watches the replies."""

    def __init__(self, attachment: Attachment, credentials: CredentialSource, library: Any) -> None:
        self._attachment = attachment
        self._credentials = credentials
        self._library = library
        self._lock = threading.Lock()
        self._failed: OrderedDict[bytes, tuple[float, Request]] = OrderedDict()

    def opened(self, request: Any, content: bytes) -> tuple[Request, str] | None:
        """The arguments that boto3 would have been given, and the kind of operation; None: not one of ours."""
        found = _match(request)
        if found is None:
            return None
        model = unquote(found["model"])
        if found["kind"].startswith("invoke"):
            return {"modelId": model, "body": content}, found["kind"]
        return {"modelId": model, **json.loads(content)}, found["kind"]

    def leg(self, asked: Any, content: bytes, kind: str, call: Call) -> Leg:
        """The attempt that carries a call."""
        digest = hashlib.blake2b(content, digest_size=16).digest()
        sent = self._repeated(digest)
        if sent is not None and call.changed:
            call.sent = sent
        if not call.changed:
            return Leg(call, asked, asked, kind, digest)
        body = call.sent["body"] if kind.startswith("invoke") else _without_model(call.sent)
        request = self._rebuilt(asked, body if isinstance(body, bytes) else str(body).encode())
        if request is None:
            call.sent, call.restored = call.original, True
        return Leg(call, request or asked, asked, kind, digest)

    def _rebuilt(self, asked: Any, body: bytes) -> Any | None:
        headers = [
            (key, value)
            for key, value in asked.headers.multi_items()
            if key.lower() not in ("content-length", "transfer-encoding")
        ]
        request = self._library.Request(
            asked.method, asked.url, headers=headers, content=body, extensions=asked.extensions
        )
        if asked.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256"):
            signed = resigned(request, body, self._credentials)
            if signed is None:
                self._attachment.once(
                    "sign",
                    "requests of this client are signed with a key that rockbottom does not hold, so they go out "
                    "unmodified. Fix: give the client its credentials through the environment or its own arguments",
                )
                return None
            request.headers.update(signed)
        return request

    def _repeated(self, digest: bytes) -> Request | None:
        found = self._failed.pop(digest, None)
        return found[1] if found is not None and found[0] > time.monotonic() else None

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
        if status not in (400, 403) or not leg.call.changed or not about_points(text):
            return False
        leg.call.restored, leg.call.refusal = True, text
        return True

    def watch(self, leg: Leg, response: Any) -> None:
        """Look at a good reply while the caller reads it."""
        call, attachment = leg.call, self._attachment
        attachment.answered(call)
        ttl = call.reading.default_ttl
        finished, abandoned = partial(attachment.finished, call), partial(attachment.abandoned, call)
        if leg.kind.endswith("stream"):
            feed = _stream_feed(StreamWatcher(ttl, finished, abandoned))
        else:
            usage = header_usage(response.headers, ttl)
            if usage is not None and not usage.cache_write:
                return finished(usage)
            if response.headers.get("content-encoding", "identity") != "identity":
                return abandoned() if usage is None else finished(usage)
            feed = _body_feed(BodyWatcher(ttl, finished, abandoned))
        response.stream = _watched(self._library, response.stream, feed)
        return None

    def report_failure(self, error: Exception) -> None:
        """Log an internal failure once."""
        self._attachment.report_failure("planning", error)

    def depart(self, asked: Any, content: bytes) -> Leg | None:
        """Plan one request; None: it passes as it is."""
        try:
            opened = self.opened(asked, content)
            call = self._attachment.depart(opened[0]) if opened else None
            return self._off(asked, content, opened[1], call) if opened and call else None
        except Exception as error:
            return self.report_failure(error)

    async def depart_async(self, asked: Any, content: bytes) -> Leg | None:
        """The same without blocking the event loop."""
        try:
            opened = self.opened(asked, content)
            call = await self._attachment.depart_async(opened[0]) if opened else None
            return self._off(asked, content, opened[1], call) if opened and call else None
        except Exception as error:
            return self.report_failure(error)

    def _off(self, asked: Any, content: bytes, kind: str, call: Call) -> Leg:
        if call.flight is not None:
            call.flight.airborne = True
        return self.leg(asked, content, kind, call)


def is_ours(request: Any) -> bool:
    """Whether this is a Converse or InvokeModel request; nothing of any other is even read."""
    return _match(request) is not None


def _match(request: Any) -> "re.Match[str] | None":
    path = request.url.raw_path.decode("ascii", "replace").partition("?")[0]
    return _PATH.search(path) if request.method == "POST" else None


Feed = Callable[[bytes | None], None]
"""Takes the pieces of a reply, and None at its end."""


def _stream_feed(watcher: StreamWatcher) -> Feed:
    decoder = Decoder()

    def feed(data: bytes | None) -> None:
        if data is None:
            return
        try:
            for frame in decoder.feed(data):
                if frame.text(":event-type") == "chunk":
                    for chunk in chunks((frame,)):
                        watcher.chunk(json.dumps(chunk).encode())
                elif frame.text(":event-type") == "metadata":
                    for _, payload in events((frame,)):
                        watcher.see({"metadata": payload})
        except WireError:
            return  # whoever reads the stream will say so

    return feed


def _body_feed(watcher: BodyWatcher) -> Feed:
    return lambda data: watcher.end() if data is None else watcher.see(data, False) if data else None


def _watched(library: Any, stream: Any, feed: Feed) -> Any:
    sync, asynchronous = _stream_classes(library)
    return (asynchronous if isinstance(stream, library.AsyncByteStream) else sync)(stream, feed)


@cache
def _stream_classes(library: Any) -> tuple[Any, Any]:
    class Sync(library.SyncByteStream):
        def __init__(self, inner: Any, feed: Feed) -> None:
            self._inner, self._feed = inner, feed

        def __iter__(self) -> Iterator[bytes]:
            for data in self._inner:
                self._feed(data)
                yield data
            self._feed(None)

        def close(self) -> None:
            self._inner.close()

    class Async(library.AsyncByteStream):
        def __init__(self, inner: Any, feed: Feed) -> None:
            self._inner, self._feed = inner, feed

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for data in self._inner:
                self._feed(data)
                yield data
            self._feed(None)

        async def aclose(self) -> None:
            await self._inner.aclose()

    return Sync, Async


@cache
def _transport_class(base: Any) -> Any:
    class Sync(base):
        def handle_request(self, request: Any) -> Any:
            hooks: Hooks = self._rockbottom
            leg = hooks.depart(request, request.read()) if is_ours(request) else None
            if leg is None:
                return super().handle_request(request)
            try:
                response = super().handle_request(leg.request)
            except BaseException:
                hooks.failed(leg)
                raise
            if response.status_code >= 300:
                response = _kept(hooks, response, response.read())
                if hooks.refusal(leg, response.status_code, response.text):
                    response = super().handle_request(leg.asked)
            return _arrived(hooks, leg, response)

    class Async(base):
        async def handle_async_request(self, request: Any) -> Any:
            hooks: Hooks = self._rockbottom
            leg = await hooks.depart_async(request, await request.aread()) if is_ours(request) else None
            if leg is None:
                return await super().handle_async_request(request)
            try:
                response = await super().handle_async_request(leg.request)
            except BaseException:
                hooks.failed(leg)
                raise
            if response.status_code >= 300:
                response = _kept(hooks, response, await response.aread())
                if hooks.refusal(leg, response.status_code, response.text):
                    response = await super().handle_async_request(leg.asked)
            return _arrived(hooks, leg, response)

    made = Async if hasattr(base, "handle_async_request") else Sync
    made.__name__, made.__qualname__, made.__module__ = base.__name__, base.__qualname__, base.__module__
    return made


def _kept(hooks: Hooks, response: Any, content: bytes) -> Any:
    """An error reply that was read, as one that can be read again."""
    dropped = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(key, value) for key, value in response.headers.multi_items() if key.lower() not in dropped]
    return hooks._library.Response(
        response.status_code, headers=headers, content=content, extensions=response.extensions
    )


def _arrived(hooks: Hooks, leg: Leg, response: Any) -> Any:
    if response.status_code >= 300:
        hooks.failed(leg)
        return response
    try:
        hooks.watch(leg, response)
    except Exception as error:
        hooks.report_failure(error)
    return response


def _without_model(request: Request) -> bytes:
    body = {key: value for key, value in request.items() if key != "modelId"}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _library_of(inner: Any) -> Any:
    """The module, httpx or a successor of the same shape, that a client's class comes from."""
    for base in type(inner).__mro__:
        library = sys.modules.get(base.__module__.partition(".")[0])
        if library is not None and hasattr(library, "SyncByteStream"):
            return library
    raise NotAttachable(f"{type(inner).__module__} is no library that rockbottom can attach to.")
