"""A list of blocks as it recurs in the requests of a log: taken apart once, added to columns again and again."""

import struct

import numpy as np
from msgspec import Struct

ROW = np.dtype(
    [("prefix", "<u8"), ("depth", "<i4"), ("section", "u1"), ("kind", "u1"), ("weight", "u1"), ("begins", "u1")]
)
"""A block in ``Piece.rows``: ``prefix`` is its digest and ``depth`` its number among the estimates, until both are made
what the columns of these names hold."""

row_of = struct.Struct("<QiBBBB").pack
"""The bytes of a ``ROW``."""


class Piece(Struct, frozen=True, gc=False):
    """A list of blocks as it stands in a body (the tools, the system, one message), taken apart once.

    ``points`` are positions inside the piece. A conversation is sent again with every turn, so pieces recur.
    """

    rows: bytes
    blocks: int
    points: tuple[tuple[int, int], ...]
    images: bool
    choice: bytes
