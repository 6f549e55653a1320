"""Sizes of images and documents, as far as their first bytes tell; tokens of both are estimates.

Bedrock publishes no formula for either (facts: "image/document token formulas: not found"); width x height
/ 750 for Claude is consistent with one recorded image and is held at low confidence.
"""

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


def content_bytes(source: Any) -> bytes:
    """The bytes of a ``source`` union: ``bytes`` itself, or base64 text as it travels in JSON; else empty."""
    if isinstance(source, bytes | bytearray):
        return bytes(source)
    if isinstance(source, str):
        try:
            return base64.b64decode(source, validate=False)
        except (binascii.Error, ValueError):
            return source.encode("utf-8", "surrogatepass")
    return b""


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, JPEG or WebP, or None when the header does not say."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    if data[:4] == b"GIF8" and len(data) >= 10:
        return struct.unpack("<HH", data[6:10])
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + max(length, 2)
    return None


_PAGE = re.compile(rb"/Type\s*/Page\b")
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\)\s*(?:Tj|')|\[((?:[^\]\\]|\\.)*)\]\s*TJ")
_LITERAL = re.compile(rb"\(((?:[^()\\]|\\.)*)\)")
_MOST_BYTES, _MOST_UNPACKED = 2_000_000, 1 << 20  # of a file, and of one of its streams: the rest is not looked at
_KEPT = 256


class Pdf(NamedTuple):
    """Pages, at least one, and the text shown on them."""

    pages: int
    text: str


_known: dict[bytes, Pdf] = {}


def pdf_of(data: bytes, digest: bytes) -> Pdf:
    """The pages and text of a PDF; remembered under its digest, because a document is sent again and again."""
    known = _known.get(digest)
    if known is None:
        if len(_known) >= _KEPT:
            _known.clear()
        known = _known[digest] = _read(data[:_MOST_BYTES])
    return known


def page_texts(data: bytes) -> tuple[tuple[str, ...], int]:
    """The text of each page where each is a stream of its own, else all of it as one; and how many pages there are.

    No texts where none can be read.
    """
    unpacked = list(_unpacked(data[:_MOST_BYTES]))
    pages = _pages(data[:_MOST_BYTES], unpacked)
    texts = [text for stream in unpacked if (text := " ".join(_shown(stream)).strip())]
    return tuple(texts) if len(texts) in (0, pages) else (" ".join(texts),), pages


def _read(data: bytes) -> Pdf:
    unpacked = list(_unpacked(data))
    shown = [text for stream in unpacked for text in _shown(stream)]
    return Pdf(_pages(data, unpacked), "\n".join(shown))


def _pages(data: bytes, unpacked: Iterable[bytes]) -> int:
    return max(1, len(_PAGE.findall(data)) or sum(len(_PAGE.findall(stream)) for stream in unpacked))


def _unpacked(data: bytes) -> Iterator[bytes]:
    for match in _STREAM.finditer(data):
        try:
            yield zlib.decompressobj().decompress(match[1], _MOST_UNPACKED)
        except zlib.error:
            continue


def _shown(stream: bytes) -> Iterator[str]:
    if b"Tj" not in stream and b"TJ" not in stream:
        return
    for match in _SHOWN.finditer(stream):
        parts = [match[1]] if match[1] is not None else _LITERAL.findall(match[2])
        yield b"".join(parts).decode("latin-1")
