"""Keyed hashes of short pieces of a prefix: they place a change within 32 characters, and no text is kept.

A block is cut from its start into pieces of ``PIECE`` characters. What is inserted or removed shifts everything behind
it, so today's text is searched at every character for the pieces that it still holds (``placing``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from rockbottom.pins.prefix import Prefix
from rockbottom.prompt import BlockKind

PIECE = 32
"""Characters of a piece: a change is placed within as many."""
MOST_PIECES = 32_768
"""Pieces of one pin, 131 kB of its file. Where they are more, those of the longest blocks double in length."""
KEY_BYTES = 8

_BYTES = 3  # of a hash: two different pieces have the same one once in 16.8 million
_NO_TEXT = frozenset({BlockKind.IMAGE, BlockKind.DOCUMENT, BlockKind.VIDEO, BlockKind.AUDIO})


def piece_hash(key: bytes, text: str) -> bytes:
    """The hash of one piece."""
    return blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=_BYTES).digest()


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of one block of ``length`` characters, ``width`` characters each; the last may be shorter."""

    width: int
    length: int
    hashes: bytes

    def __len__(self) -> int:
        return len(self.hashes) // _BYTES

    def hash(self, index: int) -> bytes:
        """The hash of a piece."""
        return self.hashes[index * _BYTES : (index + 1) * _BYTES]

    def start(self, index: int) -> int:
        """The character at which a piece begins; the end of the block behind the last."""
        return min(index * self.width, self.length)

    def holds_at(self, index: int, text: str, at: int, key: bytes) -> bool:
        """Whether a piece stands in a text at this character."""
        end = at + self.start(index + 1) - self.start(index)
        return end <= len(text) and piece_hash(key, text[at:end]) == self.hash(index)

    def are_of(self, text: str, key: bytes) -> bool:
        """Whether these are the pieces of a text."""
        return len(text) == self.length and all(
            self.holds_at(index, text, self.start(index), key) for index in range(len(self))
        )


def pieces_of(prefix: Prefix, key: bytes) -> Mapping[str, Pieces]:
    """The pieces of every block that is text, by its place."""
    texts = {block.place: text for block, text in zip(prefix.blocks, _texts(prefix), strict=True) if text is not None}
    widths = _widths([len(text) for text in texts.values()])
    return {place: _cut(text, width, key) for (place, text), width in zip(texts.items(), widths, strict=True)}


def _texts(prefix: Prefix) -> Iterable[str | None]:
    for index, segment in enumerate(prefix.sent.prompt.segments[: prefix.end]):
        yield None if segment.kind in _NO_TEXT else prefix.text(index)


def _widths(lengths: Sequence[int]) -> Sequence[int]:
    """How many characters the pieces of each block have, so that all together are at most ``MOST_PIECES``."""
    widths = [PIECE] * len(lengths)
    counts = [-(-length // PIECE) for length in lengths]
    while sum(counts) > MOST_PIECES and max(counts) > 1:
        longest = counts.index(max(counts))
        widths[longest] *= 2
        counts[longest] = -(-lengths[longest] // widths[longest])
    return widths


def _cut(text: str, width: int, key: bytes) -> Pieces:
    hashes = b"".join(piece_hash(key, text[start : start + width]) for start in range(0, len(text), width))
    return Pieces(width, len(text), hashes)
