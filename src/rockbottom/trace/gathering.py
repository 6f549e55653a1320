"""Requests gathered one by one into columns, for formats that are read line by line."""

from array import array
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from rockbottom.trace.columns import (
    NAME_TABLES,
    UNKNOWN,
    Array,
    Blocks,
    Points,
    Requests,
    Trace,
    dtypes,
    offsets_of,
    table_of,
)
from rockbottom.trace.pieces import Piece

_TABLE_OF = {**{name: name for name in NAME_TABLES}, "served": "region"}


class Gathered:
    """Columns that grow by one request at a time."""

    def __init__(self) -> None:
        self._requests: list[dict[str, Any]] = []
        self._names: dict[str, dict[str, int]] = {name: {} for name in NAME_TABLES}
        self._prefix, self._depth = array("Q"), array("i")
        self._section, self._kind, self._weight = array("B"), array("B"), array("B")
        self._begins = array("B")
        self._after, self._ttl = array("i"), array("B")
        self._blocks: list[int] = []
        self._points: list[int] = []

    def add(
        self,
        numbers: Mapping[str, Any],
        names: Mapping[str, str | None],
        prefix: Sequence[int] | Array,
        depth: Sequence[int] | Array,
        section: Sequence[int] | Array,
        kind: Sequence[int] | Array,
        weight: Sequence[int] | Array,
        points: Sequence[tuple[int, int]] = (),
        begins: Sequence[int] | Array | None = None,
    ) -> None:
        """One request: its numeric columns and names (what is missing is "not recorded"), blocks and points.

        ``begins`` None: messages are not told apart.
        """
        self._requests.append({**numbers, **self._codes(names)})
        for column, values in (
            (self._prefix, prefix), (self._depth, depth), (self._section, section), (self._kind, kind),
            (self._weight, weight), (self._begins, bytes(len(depth)) if begins is None else begins),
        ):  # fmt: skip
            if isinstance(values, np.ndarray):
                column.frombytes(np.ascontiguousarray(values, np.dtype(column.typecode)).tobytes())
            else:
                column.extend(values)
        self._blocks.append(len(depth))
        for after, ttl in points:
            self._after.append(after)
            self._ttl.append(ttl)
        self._points.append(len(points))

    def add_pieces(
        self,
        numbers: Mapping[str, Any],
        names: Mapping[str, str | None],
        pieces: Sequence[Piece],
        points: Sequence[tuple[int, int]],
    ) -> None:
        """One request made of pieces: ``prefix`` takes their digests and ``depth`` their sizes, for later."""
        self._requests.append({**numbers, **self._codes(names)})
        before = len(self._depth)
        for piece in pieces:
            self._prefix.extend(piece.digests)
            self._depth.extend(piece.sizes)
        self._section.frombytes(b"".join([piece.section for piece in pieces]))
        self._kind.frombytes(b"".join([piece.kind for piece in pieces]))
        self._weight.frombytes(b"".join([piece.weight for piece in pieces]))
        self._begins.frombytes(b"".join([piece.begins for piece in pieces]))
        self._blocks.append(len(self._depth) - before)
        for after, ttl in points:
            self._after.append(after)
            self._ttl.append(ttl)
        self._points.append(len(points))

    def _codes(self, names: Mapping[str, str | None]) -> dict[str, int]:
        by_column: dict[str, int] = {}
        for column, text in names.items():
            if text is not None:
                codes = self._names[_TABLE_OF[column]]
                by_column[column] = codes.setdefault(text, len(codes))
        return by_column

    def trace(self) -> Trace:
        """The requests gathered so far."""
        length = len(self._blocks)
        requests: dict[str, Array] = {}
        recorded = set[str]().union(*self._requests)
        for column, dtype in dtypes(Requests).items():
            missing = 0 if dtype.kind in "uf" else UNKNOWN
            if column not in recorded:
                requests[column] = np.full(length, missing, dtype)
                continue
            values = [row.get(column) for row in self._requests]
            known = values if None not in values else [missing if value is None else value for value in values]
            requests[column] = np.array(known, dtype)
        blocks = {
            "prefix": _array(self._prefix, np.uint64), "depth": _array(self._depth, np.int32),
            "section": _array(self._section, np.uint8), "kind": _array(self._kind, np.uint8),
            "weight": _array(self._weight, np.uint8), "begins": _array(self._begins, np.uint8),
        }  # fmt: skip
        points = {"after": _array(self._after, np.int32), "ttl": _array(self._ttl, np.uint8)}
        return Trace(
            table_of(Requests, requests, length),
            table_of(Blocks, blocks, len(self._depth)),
            table_of(Points, points, len(self._after)),
            offsets_of(self._blocks),
            offsets_of(self._points),
            {name: tuple(codes) for name, codes in self._names.items()},
        )


def _array(values: "array[int]", dtype: Any) -> Array:
    return np.frombuffer(values, dtype).copy() if len(values) else np.zeros(0, dtype)


def key_words(key: bytes) -> tuple[int, int]:
    """Two 64-bit words of a secret, for mixing numbers that carry no text."""
    digest = blake2b(b"ids", key=key[:64], digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
