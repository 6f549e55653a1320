"""The columnar schema of recorded requests: one row per request, one row per block, one row per cachePoint.

Everything is a numpy array, so that a month of traffic is a few arrays and a replay is a loop over them.
A request's blocks stand in canonical order (tools, system, messages). A block's ``prefix`` is a 64-bit
hash that names the whole prefix up to and including it (so equal hashes mean an equal prefix, wherever it
occurs), keyed by a secret; its ``depth`` is the tokens of that prefix. No text is in a trace.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from rockbottom.prompt import Api
from rockbottom.quantities import UNNAMED, Ttl, Usage
from rockbottom.quantities import WRITES as UNITS

Array = NDArray[Any]
Float64 = Annotated[Array, "float64"]
Int32 = Annotated[Array, "int32"]
UInt8 = Annotated[Array, "uint8"]
UInt64 = Annotated[Array, "uint64"]
Int32OrNone = Annotated[Array | None, "int32"]
UInt32OrNone = Annotated[Array | None, "uint32"]
Int32ByTtl = Annotated[Mapping[Ttl, Array], "int32"]

UNKNOWN = -1
"""In an integer column: not recorded. Never zero, because zero is a count."""


class ApiCode(IntEnum):
    """The family of operations a request came through, as stored in ``RequestColumns.api``."""

    UNKNOWN = 0
    CONVERSE = 1
    INVOKE = 2
    MESSAGES = 3
    CHAT = 4
    RESPONSES = 5


API_CODES: Mapping[Api, ApiCode] = {api: ApiCode[api.name] for api in Api}
"""How a family of operations is stored."""

APIS: Mapping[int, Api] = {ApiCode.UNKNOWN: Api.CONVERSE, **{code: api for api, code in API_CODES.items()}}
"""The family by its code; where none was recorded, Converse."""


class OpeningCode(IntEnum):
    """What a request says of whether more will follow it, as stored in ``RequestColumns.opening``."""

    LIST = 0  # messages or items, to which others can be added; or not known
    TEXT = 1  # one text as ``input`` (Responses)
    KEYED = 2  # a prompt_cache_key of the caller's


class SectionCode(IntEnum):
    """The part of the prompt a block stands in, as stored in ``Blocks.section``."""

    TOOLS = 0
    SYSTEM = 1
    MESSAGES = 2


NO_TTL = 0
"""In ``Points.ttl``: the cachePoint names no lifetime."""

WRITES: Mapping[str, Ttl] = {f"observed_write_{ttl.value}": ttl for ttl in Ttl}
"""The columns of tokens written by lifetime, as files and readers name them."""

_written = attrgetter(*(UNITS[ttl].value for ttl in WRITES.values()))
"""The same of a ``Usage``; looked up once, because every request of a log is counted."""

_ALWAYS = (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)


@dataclass(frozen=True, slots=True, eq=False)
class RequestColumns:
    """One row per request, in order of time."""

    at: Float64  # instant of the request, seconds since the epoch or since the start of the trace
    session: Int32  # code of the session; -1: none recorded
    account: Int32  # code of the AWS account; -1: none recorded
    model: Int32  # code of the model id as the caller gave it
    region: Int32  # code of the Region called; -1: none recorded
    served: Int32  # code of the Region that served it; -1: none recorded
    tier: Int32  # code of the service tier; -1: none recorded
    api: UInt8  # ApiCode
    host: UInt8  # 1: bedrock-mantle; 0: bedrock-runtime
    opening: UInt8  # OpeningCode
    tokens_in: Int32  # tokens of the whole prompt: uncached, read and written
    tokens_out: Int32  # tokens of the reply; -1: not recorded
    observed_input: Int32  # uncached input tokens that the service reported; -1: not recorded
    observed_read: Int32  # tokens read from the cache, as reported; -1: not recorded
    observed_writes: Int32ByTtl  # tokens written by lifetime, as reported; -1: not recorded; absent: none at all
    parameters: UInt64  # hash of the parameters that are part of the cache key
    identity: UInt64  # hash of the request id; 0: none recorded
    label: Int32OrNone = None  # code of what the reader was told to tell requests apart by; -1: none; None: none at all


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """One row per block of a request."""

    prefix: UInt64  # keyed hash of the prefix that ends with this block
    depth: Int32  # tokens of that prefix
    section: UInt8  # SectionCode
    kind: UInt8  # index into KINDS
    weight: UInt8  # how many blocks the lookback counts it as
    begins: UInt8  # 1: a message begins with this block; 0 throughout where messages are not told apart
    content: UInt32OrNone = None  # keyed hash of the block alone; None: not told, or the prefixes tell as much


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """One row per cachePoint that was sent."""

    after: Int32  # how many of the request's blocks stand before it; 0: the service is to add no point of its own
    ttl: UInt8  # the code of the lifetime asked for (``Ttl.code``), or NO_TTL


KINDS: tuple[str, ...] = (
    "unknown", "text", "image", "document", "text_document", "video", "audio", "tool_use", "tool_result",
    "reasoning", "guard", "citations", "search_result", "tool", "system_tool", "tool_addition", "tool_removal",
    "slice", "deferred_tool", "counted", "instructions", "output_text",
)  # fmt: skip
"""Block kinds by their code: those of ``prompt.BlockKind``; ``slice``, a fixed number of tokens of a prompt; and
``counted``, a run of tokens of which only counters tell."""

_COUNTED = KINDS.index("counted")
_BY_TTL = "observed_writes"
_CONTENT = "content"
NAME_TABLES = ("session", "account", "model", "region", "tier", "label")
"""The columns that hold codes; ``served`` uses the names of ``region``."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Recorded requests in order of time, as columns. ``names[column][code]`` gives back the text of a code.

    ``block_offsets[i] .. block_offsets[i + 1]`` are the rows of request i in ``blocks``; likewise points. ``unseen``
    are the instants of requests that are none of these: they went on with a conversation that the service keeps.
    """

    requests: RequestColumns
    blocks: Blocks
    points: Points
    block_offsets: Array
    point_offsets: Array
    names: Mapping[str, tuple[str, ...]]
    unseen: Array | None = None

    def __len__(self) -> int:
        return len(self.requests.at)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for _, array in self.columns())

    def columns(self) -> Iterator[tuple[str, Array]]:
        """Every array with its dotted name."""
        for part, table in (("requests", self.requests), ("blocks", self.blocks), ("points", self.points)):
            for name, array in arrays(table):
                yield f"{part}.{name}", array
        yield "block_offsets", self.block_offsets
        yield "point_offsets", self.point_offsets
        if self.unseen is not None:
            yield "unseen", self.unseen

    @property
    def span_s(self) -> float:
        """Seconds from the first request to the last."""
        return float(self.requests.at[-1] - self.requests.at[0]) if len(self) else 0.0

    @property
    def tells_blocks(self) -> bool:
        """Whether every request has blocks that were read, not inferred from counters."""
        return bool(np.diff(self.block_offsets).all()) and not bool((self.blocks.kind == _COUNTED).any())

    @property
    def is_observed(self) -> bool:
        """Whether every request carries the counters the service reported."""
        return len(self) > 0 and bool((self.requests.observed_read >= 0).all())


@cache
def dtypes(table: type) -> Mapping[str, np.dtype[Any]]:
    """The type of every column of RequestColumns, Blocks or Points by its name."""
    hints = get_type_hints(table, include_extras=True)
    types: dict[str, np.dtype[Any]] = {}
    for column in fields(table):
        names = WRITES if column.name == _BY_TTL else (column.name,)
        types.update(dict.fromkeys(names, np.dtype(hints[column.name].__metadata__[0])))
    return types


def arrays(table: RequestColumns | Blocks | Points) -> Iterator[tuple[str, Array]]:
    """The columns that a RequestColumns, Blocks or Points has by their names, in the order of ``dtypes``."""
    for name in dtypes(type(table)):
        array = getattr(table, _BY_TTL).get(WRITES[name]) if name in WRITES else getattr(table, name)
        if array is not None:
            yield name, array


def table_of(table: type, columns: Mapping[str, Any], length: int) -> Any:
    """A RequestColumns, Blocks or Points of these columns; what is missing is filled with "not recorded"."""
    filled: dict[str, Any] = {}
    for name, dtype in dtypes(table).items():
        column = columns.get(name)
        if column is None and name == _CONTENT:
            continue
        filled[name] = _unrecorded(length, dtype) if column is None else np.asarray(column, dtype)
    if table is RequestColumns:
        if not (filled["label"] >= 0).any():
            filled["label"] = None
        writes = {ttl: filled.pop(name) for name, ttl in WRITES.items()}
        filled[_BY_TTL] = {ttl: tokens for ttl, tokens in writes.items() if ttl in _ALWAYS or (tokens > 0).any()}
    return table(**filled)


def observed(usage: Usage) -> dict[str, int]:
    """The columns of what the service counted for one request: all but the output."""
    columns: dict[str, int] = dict(zip(WRITES, _written(usage), strict=True))
    columns["observed_input"], columns["observed_read"] = usage.input, usage.cache_read
    columns["tokens_in"] = usage.total_input
    return columns


def usage_at(requests: RequestColumns, row: int) -> Usage:
    """What the service counted for one request; what was not recorded counts as none."""
    writes = {ttl: max(int(tokens[row]), 0) for ttl, tokens in requests.observed_writes.items()}
    uncached, output, read = requests.observed_input[row], requests.tokens_out[row], requests.observed_read[row]
    return Usage.of(max(int(uncached), 0), max(int(output), 0), max(int(read), 0), writes)


def observed_write(tokens: int | None) -> dict[str, int]:
    """The columns of tokens written of which no lifetime is told; None: not recorded."""
    if tokens is None:
        return dict.fromkeys(WRITES, UNKNOWN)
    return {name: tokens if ttl is UNNAMED else 0 for name, ttl in WRITES.items()}


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
    requests, blocks, points = table_of(RequestColumns, none, 0), table_of(Blocks, none, 0), table_of(Points, none, 0)
    return Trace(requests, blocks, points, offsets, offsets, names)


def selected(trace: Trace, rows: Sequence[int] | Array) -> Trace:
    """The trace of these requests only, in this order."""
    chosen = np.asarray(rows, np.int64)
    blocks, block_offsets = _rows_of(trace.block_offsets, chosen)
    points, point_offsets = _rows_of(trace.point_offsets, chosen)
    return Trace(
        _rows_taken(trace.requests, chosen),
        _rows_taken(trace.blocks, blocks),
        _rows_taken(trace.points, points),
        block_offsets,
        point_offsets,
        trace.names,
        trace.unseen,
    )


def _rows_taken(table: RequestColumns | Blocks | Points, rows: Array) -> Any:
    return table_of(type(table), {name: array[rows] for name, array in arrays(table)}, len(rows))


def _rows_of(offsets: Array, chosen: Array) -> tuple[Array, Array]:
    starts, counts = offsets[chosen], offsets[chosen + 1] - offsets[chosen]
    new_offsets = offsets_of(counts)
    rows = np.arange(new_offsets[-1], dtype=np.int64) + np.repeat(starts - new_offsets[:-1], counts)
    return rows, new_offsets
