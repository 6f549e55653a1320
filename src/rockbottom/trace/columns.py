"""The columnar schema of recorded requests: one row per request, one row per block, one row per cachePoint.

Everything is a numpy array, so that a month of traffic is a few arrays and a replay is a loop over them.
A request's blocks stand in canonical order (tools, system, messages). A block's ``prefix`` is a 64-bit
hash that names the whole prefix up to and including it (so equal hashes mean an equal prefix, wherever it
occurs), keyed by a secret; its ``depth`` is the tokens of that prefix. No text is in a trace.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Float64 = Annotated[Array, "float64"]
Int32 = Annotated[Array, "int32"]
UInt8 = Annotated[Array, "uint8"]
UInt64 = Annotated[Array, "uint64"]

UNKNOWN = -1
"""In an integer column: not recorded. Never zero, because zero is a count."""


class ApiCode(IntEnum):
    """The family of operations a request came through, as stored in ``Requests.api``."""

    UNKNOWN = 0
    CONVERSE = 1
    INVOKE = 2


class SectionCode(IntEnum):
    """The part of the prompt a block stands in, as stored in ``Blocks.section``."""

    TOOLS = 0
    SYSTEM = 1
    MESSAGES = 2


class TtlCode(IntEnum):
    """The lifetime a cachePoint asked for, as stored in ``Points.ttl``; ``DEFAULT``: none was named."""

    DEFAULT = 0
    FIVE_MINUTES = 1
    ONE_HOUR = 2


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """One row per request, in order of time."""

    at: Float64  # instant of the request, seconds since the epoch or since the start of the trace
    session: Int32  # code of the session; -1: none recorded
    account: Int32  # code of the AWS account; -1: none recorded
    model: Int32  # code of the model id as the caller gave it
    region: Int32  # code of the Region called; -1: none recorded
    served: Int32  # code of the Region that served it; -1: none recorded
    tier: Int32  # code of the service tier; -1: none recorded
    api: UInt8  # ApiCode
    tokens_in: Int32  # tokens of the whole prompt: uncached, read and written
    tokens_out: Int32  # tokens of the reply; -1: not recorded
    observed_input: Int32  # uncached input tokens that the service reported; -1: not recorded
    observed_read: Int32  # tokens read from the cache, as reported; -1: not recorded
    observed_write_5m: Int32  # tokens written for 5 minutes, as reported; -1: not recorded
    observed_write_1h: Int32  # tokens written for an hour, as reported; -1: not recorded
    parameters: UInt64  # hash of the parameters that are part of the cache key
    identity: UInt64  # hash of the request id; 0: none recorded


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """One row per block of a request."""

    prefix: UInt64  # keyed hash of the prefix that ends with this block
    depth: Int32  # tokens of that prefix
    section: UInt8  # SectionCode
    kind: UInt8  # index into KINDS
    weight: UInt8  # how many blocks the lookback counts it as
    begins: UInt8  # 1: a message begins with this block; 0 throughout where messages are not told apart


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """One row per cachePoint that was sent."""

    after: Int32  # how many of the request's blocks stand before it
    ttl: UInt8  # TtlCode


KINDS: tuple[str, ...] = (
    "unknown", "text", "image", "document", "text_document", "video", "audio", "tool_use", "tool_result",
    "reasoning", "guard", "citations", "search_result", "tool", "system_tool", "tool_addition", "tool_removal",
    "slice", "deferred_tool", "counted", "instructions", "output_text",
)  # fmt: skip
"""Block kinds by their code: those of ``prompt.BlockKind``; ``slice``, a fixed number of tokens of a prompt; and
``counted``, a run of tokens of which only counters tell."""

NAME_TABLES = ("session", "account", "model", "region", "tier")
"""The columns that hold codes; ``served`` uses the names of ``region``."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Recorded requests in order of time, as columns. ``names[column][code]`` gives back the text of a code.

    ``block_offsets[i] .. block_offsets[i + 1]`` are the rows of request i in ``blocks``; likewise points.
    """

    requests: Requests
    blocks: Blocks
    points: Points
    block_offsets: Array
    point_offsets: Array
    names: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.requests.at)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for _, array in self.columns())

    def columns(self) -> Iterator[tuple[str, Array]]:
        """Every array with its dotted name."""
        for part, table in (("requests", self.requests), ("blocks", self.blocks), ("points", self.points)):
            for column in fields(type(table)):
                yield f"{part}.{column.name}", getattr(table, column.name)
        yield "block_offsets", self.block_offsets
        yield "point_offsets", self.point_offsets

    @property
    def span_s(self) -> float:
        """Seconds from the first request to the last."""
        return float(self.requests.at[-1] - self.requests.at[0]) if len(self) else 0.0

    @property
    def is_observed(self) -> bool:
        """Whether every request carries the counters the service reported."""
        return len(self) > 0 and bool((self.requests.observed_read >= 0).all())


def dtypes(table: type) -> dict[str, np.dtype[Any]]:
    """The type of every column of Requests, Blocks or Points."""
    hints = get_type_hints(table, include_extras=True)
    return {column.name: np.dtype(hints[column.name].__metadata__[0]) for column in fields(table)}


def table_of(table: type, columns: Mapping[str, Any], length: int) -> Any:
    """A Requests, Blocks or Points of these columns; what is missing is filled with "not recorded"."""
    made: dict[str, Array] = {}
    for name, dtype in dtypes(table).items():
        given = columns.get(name)
        made[name] = _unrecorded(length, dtype) if given is None else np.asarray(given, dtype)
    return table(**made)


def _unrecorded(length: int, dtype: np.dtype[Any]) -> Array:
    """A column of "not recorded"; zeros take no memory until something is written to them."""
    return np.zeros(length, dtype) if dtype.kind in "uf" else np.full(length, UNKNOWN, dtype)


def offsets_of(counts: Any) -> Array:
    """Offsets from the number of rows that each request has."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def empty_trace() -> Trace:
    """A trace without requests."""
    none: dict[str, Any] = {}
    names: dict[str, tuple[str, ...]] = dict.fromkeys(NAME_TABLES, ())
    offsets = np.zeros(1, np.int64)
    return Trace(table_of(Requests, none, 0), table_of(Blocks, none, 0), table_of(Points, none, 0), offsets, offsets,
                 names)  # fmt: skip


def selected(trace: Trace, rows: Sequence[int] | Array) -> Trace:
    """The trace of these requests only, in this order."""
    chosen = np.asarray(rows, np.int64)
    blocks, block_offsets = _rows_of(trace.block_offsets, chosen)
    points, point_offsets = _rows_of(trace.point_offsets, chosen)
    return Trace(
        _taken(trace.requests, chosen),
        _taken(trace.blocks, blocks),
        _taken(trace.points, points),
        block_offsets,
        point_offsets,
        trace.names,
    )


def _taken(table: Any, rows: Array) -> Any:
    return type(table)(**{column.name: getattr(table, column.name)[rows] for column in fields(table)})


def _rows_of(offsets: Array, chosen: Array) -> tuple[Array, Array]:
    starts, counts = offsets[chosen], offsets[chosen + 1] - offsets[chosen]
    made = offsets_of(counts)
    rows = np.arange(made[-1], dtype=np.int64) + np.repeat(starts - made[:-1], counts)
    return rows, made
