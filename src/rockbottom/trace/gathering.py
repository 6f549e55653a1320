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
    RequestColumns,
    Trace,
    dtypes,
    offsets_of,
    table_of,
)
from rockbottom.trace.pieces import ROW

_TABLE_OF = {**{name: name for name in NAME_TABLES}, "served": "region"}


class Gathered:
    """Columns that grow by one request at a time."""

    def __init__(self) -> None:
        self._runs: list[tuple[tuple[str, ...], list[tuple[Any, ...]]]] = []  # requests that tell the same columns
        self._names: dict[str, dict[str, int]] = {name: {} for name in NAME_TABLES}
        self._prefix, self._depth = array("Q"), array("i")
        self._section, self._kind, self._weight = array("B"), array("B"), array("B")
        self._begins = array("B")
        self._after, self._ttl = array("i"), array("B")
        self._rows = bytearray()  # blocks that came as rows
        self._blocks: list[int] = []
        self._points: list[int] = []
        self.unseen = array("d")
        """Instants of requests that went on with a conversation which the service keeps."""

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
        self._add_request(numbers, names)
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

    def add_rows(
        self,
        numbers: Mapping[str, Any],
        names: Mapping[str, str | None],
        rows: bytes,
        points: Sequence[tuple[int, int]],
    ) -> None:
        """One request whose blocks are rows (``pieces.ROW``); all requests come so, or none."""
        self._add_request(numbers, names)
        self._rows += rows
        self._blocks.append(len(rows) // ROW.itemsize)
        for after, ttl in points:
            self._after.append(after)
            self._ttl.append(ttl)
        self._points.append(len(points))

    def _add_request(self, numbers: Mapping[str, Any], names: Mapping[str, str | None]) -> None:
        values = {**numbers}
        for column, text in names.items():
            if text is not None:
                codes = self._names[_TABLE_OF[column]]
                values[column] = codes.setdefault(text, len(codes))
        columns = tuple(values)
        if not self._runs or self._runs[-1][0] != columns:
            self._runs.append((columns, []))
        self._runs[-1][1].append(tuple(values.values()))

    def trace(self) -> Trace:
        """The requests gathered so far."""
        length = len(self._blocks)
        requests = {column: np.full(length, _missing(dtype), dtype) for column, dtype in dtypes(RequestColumns).items()}
        start = 0
        for columns, rows in self._runs:
            end = start + len(rows)
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                into = requests[column]
                missing = _missing(into.dtype)
                into[start:end] = (
                    [missing if value is None else value for value in values] if None in values else values
                )
            start = end
        blocks = self._block_columns()
        points = {"after": _array(self._after, np.int32), "ttl": _array(self._ttl, np.uint8)}
        return Trace(
            table_of(RequestColumns, requests, length),
            table_of(Blocks, blocks, len(blocks["depth"])),
            table_of(Points, points, len(self._after)),
            offsets_of(self._blocks),
            offsets_of(self._points),
            {name: tuple(codes) for name, codes in self._names.items()},
            np.sort(_array(self.unseen, np.float64)) if self.unseen else None,
        )

    def _block_columns(self) -> dict[str, Array]:
        if self._rows:
            rows = np.frombuffer(bytes(self._rows), ROW)
            return {name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names or ()}
        return {
            "prefix": _array(self._prefix, np.uint64), "depth": _array(self._depth, np.int32),
            "section": _array(self._section, np.uint8), "kind": _array(self._kind, np.uint8),
            "weight": _array(self._weight, np.uint8), "begins": _array(self._begins, np.uint8),
        }  # fmt: skip


def _missing(dtype: np.dtype[Any]) -> int:
    return 0 if dtype.kind in "uf" else UNKNOWN


def _array(values: "array[int] | array[float]", dtype: Any) -> Array:
    return np.frombuffer(values, dtype).copy() if len(values) else np.zeros(0, dtype)


def key_words(key: bytes) -> tuple[int, int]:
    """Two 64-bit words of a secret, for mixing numbers that carry no text."""
    digest = blake2b(b"ids", key=key[:64], digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
