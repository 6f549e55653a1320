"""A list of blocks as it recurs in the requests of a log: taken apart once, added to columns again and again."""

from array import array
from typing import NamedTuple


class Piece(NamedTuple):
    """A list of blocks as it stands in a body (the tools, the system, one message), taken apart once.

    ``points`` are positions inside the piece. A conversation is sent again with every turn, so pieces recur.
    """

    digests: "array[int]"
    sizes: "array[int]"
    section: bytes
    kind: bytes
    weight: bytes
    begins: bytes
    points: tuple[tuple[int, int], ...]
    images: bool
    choice: bytes
