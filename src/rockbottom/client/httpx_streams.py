"""Replies of httpx watched while the caller reads them: their bytes shown to a watcher, nothing read ahead."""

import json
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

from rockbottom.client.streams import BodyWatcher, StreamWatcher
from rockbottom.wire import Decoder, WireError, chunks, events


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


class BodyFeed:
    """Shows a whole reply to a watcher, as its bytes go by."""

    def __init__(self, watcher: BodyWatcher) -> None:
        self.watcher = watcher

    def see(self, data: bytes) -> None:
        if data:
            self.watcher.see(data, False)


Feed = StreamFeed | BodyFeed


def watched(library: Any, stream: Any, feed: Feed) -> Any:
    """The stream of a reply of httpx (or a successor, ``library``), each piece shown to ``feed`` as it goes by."""
    sync, asynchronous = _stream_classes(library)
    return (asynchronous if isinstance(stream, library.AsyncByteStream) else sync)(stream, feed)


@cache
def _stream_classes(library: Any) -> tuple[Any, Any]:
    class Sync(library.SyncByteStream):
        def __init__(self, inner: Any, feed: Feed) -> None:
            self._inner, self._feed = inner, feed

        def __iter__(self) -> Iterator[bytes]:
            try:
                for data in self._inner:
                    self._feed.see(data)
                    yield data
            except Exception:
                self._feed.watcher.listener.broke()
                raise
            self._feed.watcher.close()

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
                    yield data
            except Exception:
                self._feed.watcher.listener.broke()
                raise
            self._feed.watcher.close()

        async def aclose(self) -> None:
            self._feed.watcher.close()
            await self._inner.aclose()

    return Sync, Async
