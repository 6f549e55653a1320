"""Replies of httpx watched while the caller reads them: their bytes shown to a watcher, nothing read ahead."""

import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from rockbottom.client.streams import BodyWatcher, StreamWatcher
from rockbottom.wire import Decoder, SseDecoder, WireError, chunks, events

Unpack = Callable[[bytes], bytes]
"""The plain bytes of the next piece of a compressed reply."""


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

    def close(self) -> None:
        self.watcher.close()


class SseFeed:
    """Shows server-sent events to a watcher, as their bytes go by."""

    def __init__(self, watcher: StreamWatcher) -> None:
        self._decoder = SseDecoder()
        self.watcher = watcher

    def see(self, data: bytes) -> None:
        for name, frame in self._decoder.feed(data):
            self.watcher.frame(name, frame)

    def close(self) -> None:
        for name, frame in self._decoder.close():
            self.watcher.frame(name, frame)
        self.watcher.close()


class UsageFeed(SseFeed):
    """Feeds a stream whose usage the caller did not ask for: the chunk that holds it is kept from the caller.

    Chat Completions sends it as a chunk without choices, before the last.
    """

    def __init__(self, watcher: StreamWatcher) -> None:
        super().__init__(watcher)
        self._held = bytearray()

    def passed(self, data: bytes) -> bytes:
        """What of the bytes seen so far goes on to the caller; the beginning of a frame waits for its end."""
        searched = max(0, len(self._held) - _LONGEST_END + 1)
        self._held += data
        frames: list[bytes] = []
        begins = 0
        for end in _ENDS.finditer(self._held, searched):
            frames.append(bytes(self._held[begins : end.end()]))
            begins = end.end()
        del self._held[:begins]
        return b"".join(frame for frame in frames if not _is_usage(frame))

    def rest(self) -> bytes:
        """What is left at the end."""
        left = bytes(self._held)
        self._held.clear()
        return b"" if _is_usage(left) else left


_ENDS = re.compile(rb"\r\r\n?|(?:\r\n|\n)(?:\r\n|\n|\r(?=[^\n]))")
_LONGEST_END = len(b"\r\n\r\n")
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


def _is_usage(frame: bytes) -> bool:
    return b'"usage"' in frame and _NO_CHOICES.search(frame) is not None


class BodyFeed:
    """Shows a whole reply to a watcher, as its bytes go by."""

    def __init__(self, watcher: BodyWatcher) -> None:
        self.watcher = watcher

    def see(self, data: bytes) -> None:
        if data:
            self.watcher.see(data, False)

    def close(self) -> None:
        self.watcher.close()


class UnpackedFeed:
    """Shows a compressed reply to another feed, piece by piece; what cannot be unpacked is shown no further."""

    def __init__(self, feed: StreamFeed | SseFeed | BodyFeed, unpack: Unpack) -> None:
        self._feed = feed
        self._unpack: Unpack | None = unpack
        self.watcher = feed.watcher

    def see(self, data: bytes) -> None:
        if self._unpack is None:
            return
        try:
            plain = self._unpack(data)
        except Exception:  # each package has errors of its own; whoever reads the reply will say so
            plain = b""
            self._unpack = None
        if len(plain) > _MOST_UNPACKED:
            self._unpack = None
        elif plain:
            self._feed.see(plain)

    def close(self) -> None:
        self._feed.close()


_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_MOST_UNPACKED = 8_000_000  # bytes of one piece of a reply


def _unzip() -> Unpack:
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    return lambda data: unpacking.decompress(data, _MOST_UNPACKED + 1)


def _unpack_zstd() -> Unpack | None:
    """By Python itself from 3.14 on, or by the package that httpx takes where it asks for zstd."""
    for name, decoder in (("compression.zstd", "ZstdDecompressor"), ("backports.zstd", "ZstdDecompressor")):
        module = _module(name)
        if module is not None:
            return getattr(module, decoder)().decompress
    module = _module("zstandard")
    return None if module is None else module.ZstdDecompressor().decompressobj().decompress


def _unpack_brotli() -> Unpack | None:
    """By either package that httpx takes where it asks for br."""
    module = _module("brotli") or _module("brotlicffi")
    if module is None:
        return None
    unpacking = module.Decompressor()
    return getattr(unpacking, "decompress", None) or unpacking.process


def _module(name: str) -> Any | None:
    try:
        return import_module(name)
    except ImportError:
        return None


_UNPACKING: Mapping[str, Callable[[], Unpack | None]] = {
    "gzip": _unzip,
    "x-gzip": _unzip,
    "deflate": _unzip,
    "zstd": _unpack_zstd,
    "br": _unpack_brotli,
}

Feed = StreamFeed | SseFeed | BodyFeed | UnpackedFeed


def unpacked(feed: StreamFeed | SseFeed | BodyFeed, encoding: str) -> Feed | None:
    """The feed for a reply with this content-encoding; None where nothing that is installed unpacks it."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return feed
    begin = _UNPACKING.get(encoding)
    unpack = None if begin is None else begin()
    return None if unpack is None else UnpackedFeed(feed, unpack)


def watched(library: Any, stream: Any, feed: Feed) -> Any:
    """The stream of a reply of httpx (or a successor, ``library``), each piece shown to ``feed`` as it goes by."""
    kinds = isinstance(stream, library.SyncByteStream), isinstance(stream, library.AsyncByteStream)
    return _stream_classes(library)[kinds](stream, feed)


def shown(feed: Feed, data: bytes) -> bytes:
    """What of a piece the caller is given: all of it, but for what only the feed asked for."""
    return feed.passed(data) if isinstance(feed, UsageFeed) else data


@cache
def _stream_classes(library: Any) -> Mapping[tuple[bool, bool], Any]:
    """By whether the stream is read by a synchronous client, by an asynchronous one; bytes are read by either."""

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
            self._feed.close()
            if isinstance(self._feed, UsageFeed) and (rest := self._feed.rest()):
                yield rest

        def close(self) -> None:
            self._feed.close()
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
            self._feed.close()
            if isinstance(self._feed, UsageFeed) and (rest := self._feed.rest()):
                yield rest

        async def aclose(self) -> None:
            self._feed.close()
            await self._inner.aclose()

    class Both(Sync, Async):
        pass

    return {(True, False): Sync, (False, True): Async, (True, True): Both, (False, False): Sync}
