"""What a PDF holds as far as an estimate needs it: its pages, and the text that can be read without its fonts."""

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

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
