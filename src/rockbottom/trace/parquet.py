"""A trace in one Parquet file: one row per request, its blocks and points as lists. Needs pyarrow.

Pages carry checksums, which are verified; the names, the notes and the number of rows, which no page holds, have one of
their own. A file whose bytes changed is refused, never read as other numbers.
"""

import json
import zlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from rockbottom.files import replacing
from rockbottom.quantities import Undecodable, decoded
from rockbottom.trace.columns import (
    NAME_TABLES,
    WRITES,
    Array,
    Blocks,
    Points,
    RequestColumns,
    Trace,
    arrays,
    dtypes,
    table_of,
)

FORMAT = "rockbottom.trace/1"
_MAY_LACK = (*WRITES, "label", "host", "opening")
"""Columns that a trace without anything in them does not have, and those that older files lack."""
_DAMAGED = (OSError, LookupError, TypeError, AttributeError, OverflowError, MemoryError, Undecodable)


def write_parquet(trace: Trace, path: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write the columns; ``notes`` (how it was made) go into the file's metadata as JSON."""
    pa: Any = import_module("pyarrow")
    pq: Any = import_module("pyarrow.parquet")
    columns: dict[str, Any] = {name: pa.array(values) for name, values in arrays(trace.requests)}
    for prefix, table, offsets in (
        ("block", trace.blocks, trace.block_offsets),
        ("point", trace.points, trace.point_offsets),
    ):
        starts = pa.array(offsets, pa.int64())
        for name, values in arrays(table):
            columns[f"{prefix}_{name}"] = pa.LargeListArray.from_arrays(starts, pa.array(values))
    metadata = {
        "format": FORMAT,
        "names": json.dumps({name: list(texts) for name, texts in trace.names.items() if texts or name != "label"}),
        "notes": json.dumps(dict(notes or {})),
        **({} if trace.unseen is None else {"unseen": json.dumps(trace.unseen.tolist())}),
    }
    metadata["sums"] = _sums(metadata["names"], metadata["notes"], trace)
    with_notes = pa.table(columns).replace_schema_metadata(metadata)
    with replacing(path) as beside:
        pq.write_table(with_notes, beside, compression="zstd", write_page_checksum=True)


def read_parquet(path: Path) -> Trace:
    """The trace of such a file. Raises ValueError for a Parquet file that is not one, or is damaged."""
    pa: Any = import_module("pyarrow")
    pq: Any = import_module("pyarrow.parquet")
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        return _trace_of(table)
    except (*_DAMAGED, pa.ArrowException) as error:
        raise ValueError(f"damaged: {error}") from error


def _trace_of(table: Any) -> Trace:
    metadata: Any = table.schema.metadata or {}
    if metadata.get(b"format") != FORMAT.encode():
        raise ValueError("a Parquet file that `rockbottom trace import` did not write")
    told_names = {name: tuple(texts) for name, texts in decoded(metadata[b"names"]).items()}
    names = {**dict.fromkeys(NAME_TABLES, ()), **told_names}
    present = set(table.column_names)
    requests = {name: _flat(table[name]) for name in dtypes(RequestColumns) if name in present or name not in _MAY_LACK}
    blocks, block_offsets = _lists(table, "block", Blocks)
    points, point_offsets = _lists(table, "point", Points)
    trace = Trace(
        table_of(RequestColumns, requests, table.num_rows),
        table_of(Blocks, blocks, int(block_offsets[-1])),
        table_of(Points, points, int(point_offsets[-1])),
        block_offsets,
        point_offsets,
        names,
        np.array(decoded(metadata[b"unseen"]), np.float64) if b"unseen" in metadata else None,
    )
    checksum = metadata.get(b"sums")  # files of before have none
    texts = metadata[b"names"].decode(), metadata[b"notes"].decode()
    if checksum is not None and checksum.decode() != _sums(*texts, trace):
        raise ValueError("damaged: its checksum is another")
    return trace


def _sums(names: str, notes: str, trace: Trace) -> str:
    """A checksum of everything that a trace is read from."""
    total = zlib.crc32(f"{names}\0{notes}".encode())
    for name, array in trace.columns():
        total = zlib.crc32(np.ascontiguousarray(array).data, zlib.crc32(f"{name} {array.dtype}".encode(), total))
    return f"{total:08x}"


def notes_of(path: Path) -> Mapping[str, Any]:
    """How a trace file was made."""
    pq: Any = import_module("pyarrow.parquet")
    metadata: Any = pq.read_schema(path).metadata or {}
    return decoded(metadata.get(b"notes", b"{}"))


def _flat(column: Any) -> Array:
    return column.combine_chunks().to_numpy(zero_copy_only=False)


def _lists(table: Any, prefix: str, kind: type) -> tuple[dict[str, Array], Array]:
    columns: dict[str, Array] = {}
    offsets = np.zeros(table.num_rows + 1, np.int64)
    for name in dtypes(kind):
        if f"{prefix}_{name}" not in table.column_names:
            continue  # the file is older than the column: it fills up with "not recorded"
        parts = table[f"{prefix}_{name}"].chunks
        columns[name] = np.concatenate([part.flatten().to_numpy() for part in parts]) if parts else np.zeros(0)
        lengths = [np.diff(part.offsets.to_numpy()) for part in parts]
        if lengths:
            np.cumsum(np.concatenate(lengths), out=offsets[1:])
    return columns, offsets
