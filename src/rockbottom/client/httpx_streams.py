"""Replies of httpx watched while the caller reads them: their bytes shown to a watcher, nothing read ahead."""

import json
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

from rockbottom.client.streams import BodyWatcher, StreamWatcher
from rockbottom.wire import Decoder, SseDecoder, WireError, chunks, events


class StreamFeed:
    """Shows the frames of a stream to a watcher, as its bytes go by."""

    def __init__(self, watcher: StreamWatcher) -> None:
        self._decoder = Decoder()
        self.watcher = watcher

    def see(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                kind = frame.text(":event-type")
                if kind == "chunk":
                    for chunk in chunks((frame,)):
                        self.watcher.chunk(json.dumps(chunk).encode())
                elif kind == "metadata":
                    for _, payload in events((frame,)):
                        self.watcher.event(kind, payload)
                elif kind is not None:
                    self.watcher.event(kind, None)
        except WireError:
            return  # whoever reads the stream will say so


class SseFeed:
    """Shows server-sent events to a watcher, as their bytes go by."""

    def __init__(self, watcher: StreamWatcher) -> None:
        self._decoder = SseDecoder()
        self.watcher = watcher

    def see(self, data: bytes) -> None:
        for name, frame in self._decoder.feed(data):
            self.watcher.frame(name, frame)


class UsageFeed(SseFeed):
    """The same for a stream whose usage the caller did not ask for: the chunk that holds it goes no further.

    Chat Completions sends it as a chunk without choices, before the last.
    """

    def __init__(self, watcher: StreamWatcher) -> None:
        super().__init__(watcher)
        self._held = b""

    def passed(self, data: bytes) -> bytes:
        """What of the bytes seen so far goes on to the caller; the beginning of a frame waits for its end."""
        *parts, self._held = _ENDS.split(self._held + data)
        pairs = zip(parts[::2], parts[1::2], strict=True)  # each frame and what ended it
        return b"".join(frame + end for frame, end in pairs if not _is_usage(frame))

    def rest(self) -> bytes:
        """What is left at the end."""
        held, self._held = self._held, b""
        return held


_ENDS = re.compile(rb"(\r\n\r\n|\n\n)")


def _is_usage(frame: bytes) -> bool:
    return b'"choices":[]' in frame.replace(b": [", b":[") and b'"usage"' in frame


class BodyFeed:
    """Shows a whole reply to a watcher, as its bytes go by."""

    def __init__(self, watcher: BodyWatcher) -> None:
        self.watcher = watcher

    def see(self, data: bytes) -> None:
        if data:
            self.watcher.see(data, False)


class UnzippedFeed:
    """Shows a compressed reply to another feed, piece by piece; what cannot be unpacked is shown no further."""

    def __init__(self, feed: StreamFeed | SseFeed | BodyFeed) -> None:
        self._feed = feed
        self._unpacking: Any = zlib.decompressobj(_GZIP_OR_ZLIB)
        self.watcher = feed.watcher

    def see(self, data: bytes) -> None:
        if self._unpacking is None:
            return
        try:
            plain = self._unpacking.decompress(data, _MOST_UNPACKED)
        except zlib.error:
            plain = b""
            self._unpacking = None
        else:
            if self._unpacking.unconsumed_tail:
                self._unpacking = None
        if plain:
            self._feed.see(plain)


_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_MOST_UNPACKED = 8_000_000  # bytes of one piece of a reply

Feed = StreamFeed | SseFeed | BodyFeed | UnzippedFeed


def unpacked(feed: StreamFeed | SseFeed | BodyFeed, encoding: str) -> Feed | None:
    """The feed for a reply with this content-encoding; None where it can be unpacked by nothing in Python itself."""
    if encoding in ("", "identity"):
        return feed
    return UnzippedFeed(feed) if encoding in ("gzip", "x-gzip", "deflate") else None


def watched(library: Any, stream: Any, feed: Feed) -> Any:
    """The stream of a reply of httpx (or a successor, ``library``), each piece shown to ``feed`` as it goes by."""
    sync, asynchronous = _stream_classes(library)
    return (asynchronous if isinstance(stream, library.AsyncByteStream) else sync)(stream, feed)


def shown(feed: Feed, data: bytes) -> bytes:
    """What of a piece the caller is given: all of it, but for what only the feed asked for."""
    return feed.passed(data) if isinstance(feed, UsageFeed) else data


@cache
def _stream_classes(library: Any) -> tuple[Any, Any]:
    class Sync(library.SyncByteStream):
        def __init__(self, inner: Any, feed: Feed) -> None:
            self._inner, self._feed = inner, feed

        def __iter__(self) -> Iterator[bytes]:
            try:
                for data in self._inner:
                    self._feed.see(data)
                    if piece := shown(self._feed, data):
                        yield piece
            except Exception:
                self._feed.watcher.listener.broke()
                raise
            self._feed.watcher.close()
            if isinstance(self._feed, UsageFeed) and (rest := self._feed.rest()):
                yield rest

        def close(self) -> None:
            self._feed.watcher.close()
            self._inner.close()

    class Async(library.AsyncByteStream):
        def __init__(self, inner: Any, feed: Feed) -> None:
            self._inner, self._feed = inner, feed

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for data in self._inner:
                    self._feed.see(data)
                    if piece := shown(self._feed, data):
                        yield piece
            except Exception:
                self._feed.watcher.listener.broke()
                raise
            self._feed.watcher.close()
            if isinstance(self._feed, UsageFeed) and (rest := self._feed.rest()):
                yield rest

        async def aclose(self) -> None:
            self._feed.watcher.close()
            await self._inner.aclose()

    return Sync, Async
