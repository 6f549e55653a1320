"""Replies watched while the caller reads them: the same object, the same bytes, nothing read ahead.

A stream keeps its state and gains a class of its own: a subclass of what it was, made on the fly, which looks
at each event or chunk on its way to the caller. ``isinstance`` and every other method stay as they were.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol, cast

from rockbottom.client.charges import blocked_input
from rockbottom.dialects import GUARDRAIL_ACTION, Counts, StreamCounts, body_counts
from rockbottom.quantities import NO_USAGE, Ttl, Usage


class Listener(Protocol):
    """Told how a reply goes; only the first end counts."""

    def began(self) -> None:
        """Called when the first token has come."""
        ...

    def told(self, metadata: Mapping[str, Any]) -> None:
        """Called before ``finished`` with what a reply says beside its usage."""
        ...

    def finished(self, usage: Usage) -> None: ...

    def known(self, at_least: Usage) -> None:
        """Called with the counts that come before the first token: all there is of a reply not read to its end."""
        ...

    def abandoned(self) -> None:
        """Called when a reply ended, or is not read further, without a usage."""
        ...

    def silent(self) -> None:
        """Called when a reply was read whole and counts no tokens."""
        ...

    def broke(self) -> None:
        """Called when a reply broke off with an error."""
        ...


_MOST_BYTES = 8_000_000


class StreamWatcher:
    """Tells a listener of the first token and of the usage of a stream, whose events go by here."""

    def __init__(self, counting: StreamCounts, default_ttl: Ttl, listener: Listener) -> None:
        self._counting = counting
        self._default_ttl = default_ttl
        self.listener = listener
        self._has_begun = False

    def see(self, event: Any) -> None:
        """Look at one event of botocore; an event that cannot be read is none of ours."""
        try:
            for name, payload in event.items():
                if name == "chunk":
                    self.chunk(payload.get("bytes", b""))
                else:
                    self.event(name, payload)
        except (TypeError, AttributeError):
            return

    def event(self, name: str, payload: Any) -> None:
        """Look at one event of Converse."""
        self._counting.event(name, payload)
        self._tell()

    def chunk(self, data: bytes) -> None:
        """Look at one chunk of a native stream."""
        self._counting.chunk(data)
        self._tell()

    def frame(self, name: str, data: bytes) -> None:
        """Look at one server-sent event."""
        self._counting.frame(name, data)
        self._tell()

    def _tell(self) -> None:
        counting = self._counting
        if counting.failed:
            self.listener.broke()
        if counting.begun and not self._has_begun:
            self._has_begun = True
            self.listener.began()
            if counting.at_least is not None:
                self.listener.known(counting.at_least.usage(self._default_ttl))
        if counting.metadata is not None:
            self.listener.told(counting.metadata)
        if counting.counts is not None:
            self.listener.finished(counting.counts.usage(self._default_ttl))

    def close(self) -> None:
        """The stream is at its end, or will not be read further."""
        self.listener.abandoned()


class BodyWatcher:
    """Keeps a copy of a reply while the caller reads it, and reads the usage at its end.

    ``headers`` are the counts of its headers, which hold where the body has none.
    """

    def __init__(
        self,
        counted: Callable[[object], Counts | None],
        default_ttl: Ttl,
        listener: Listener,
        headers: Counts | None = None,
    ) -> None:
        self._counted = counted
        self._headers = headers
        self._default_ttl = default_ttl
        self.listener = listener
        self._parts: list[bytes] = []
        self._size = 0

    def see(self, data: bytes, whole: bool) -> None:
        """Look at what was just read; ``whole``: nothing follows."""
        self._size += len(data)
        if data and self._size <= _MOST_BYTES:
            self._parts.append(bytes(data))
        if whole or not data:
            self.end()

    def end(self) -> None:
        """Everything was read, or the body was closed."""
        text, self._parts = b"".join(self._parts), []
        if not text:
            return self.listener.abandoned()
        try:
            body = json.loads(text)
            counts = self._counted(body.get("usage")) or body_counts(body) or self._headers
        except (ValueError, AttributeError):
            return self.listener.abandoned()
        if GUARDRAIL_ACTION in body:
            self.listener.told(body)
        if counts is None:
            # Recorded without a usage: https://github.com/panther-labs/panther-analysis (rules of model invocations)
            return self.listener.finished(NO_USAGE) if blocked_input(body) else self.listener.silent()
        return self.listener.finished(counts.usage(self._default_ttl))

    def close(self) -> None:
        """End: nothing more will be read."""
        self.end()


def watched_stream(stream: Any, counting: StreamCounts, default_ttl: Ttl, listener: Listener) -> Any:
    """An event stream of botocore made to tell the listener what goes by; anything else comes back as it is."""
    from botocore.eventstream import EventStream  # botocore is there: the stream is its

    if isinstance(stream, EventStream):
        stream.__class__ = _stream_class(type(stream))
        stream.__dict__["_rockbottom"] = StreamWatcher(counting, default_ttl, listener)
    return stream


def watched_body(
    body: Any,
    counted: Callable[[object], Counts | None],
    default_ttl: Ttl,
    listener: Listener,
    headers: Counts | None = None,
) -> Any:
    """A body of botocore made to tell the listener what goes by; anything else comes back as it is."""
    from botocore.response import StreamingBody

    if isinstance(body, cast(Any, StreamingBody)):
        body.__class__ = _body_class(cast(Any, type(body)))
        body._rockbottom = BodyWatcher(counted, default_ttl, listener, headers)
    return body


@cache
def _stream_class(base: Any) -> Any:
    class Sync(base):
        def __iter__(self) -> Iterator[Any]:
            watcher: StreamWatcher = self._rockbottom
            inner: Any = super()
            try:
                for event in inner.__iter__():
                    watcher.see(event)
                    yield event
            except Exception:
                watcher.listener.broke()
                raise
            watcher.close()

        def close(self) -> Any:
            inner: Any = super()
            self._rockbottom.close()
            return inner.close()

    if not hasattr(base, "__aiter__"):
        return _named(Sync, base)

    class Async(base):
        async def __aiter__(self) -> AsyncIterator[Any]:
            watcher: StreamWatcher = self._rockbottom
            inner: Any = super()
            try:
                async for event in inner.__aiter__():
                    watcher.see(event)
                    yield event
            except Exception:
                watcher.listener.broke()
                raise
            watcher.close()

        def close(self) -> Any:
            inner: Any = super()
            self._rockbottom.close()
            return inner.close()

    return _named(Async, base)


@cache
def _body_class(base: Any) -> Any:
    class Sync(base):
        def read(self, amt: int | None = None) -> bytes:
            inner: Any = super()
            data = inner.read(amt)
            self._rockbottom.see(data, amt is None or amt < 0)
            return data

        def readinto(self, b: Any) -> int:
            inner: Any = super()
            amount = inner.readinto(b)
            self._rockbottom.see(bytes(b[:amount]), False)
            return amount

        def close(self) -> None:
            inner: Any = super()
            self._rockbottom.end()
            inner.close()

    if not hasattr(base, "__aiter__"):
        return _named(Sync, base)

    class Async(base):
        async def read(self, amt: int | None = None) -> bytes:
            inner: Any = super()
            data = await inner.read(amt)
            self._rockbottom.see(data, amt is None or amt < 0)
            return data

        async def readinto(self, b: Any) -> int:
            inner: Any = super()
            amount = await inner.readinto(b)
            self._rockbottom.see(bytes(b[:amount]), False)
            return amount

        def close(self) -> None:
            inner: Any = super()
            self._rockbottom.end()
            inner.close()

    return _named(Async, base)


def _named(subclass: Any, base: Any) -> Any:
    subclass.__name__, subclass.__qualname__, subclass.__module__ = base.__name__, base.__qualname__, base.__module__
    subclass.__doc__ = base.__doc__
    return subclass
