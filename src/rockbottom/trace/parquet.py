"""A trace in one Parquet file: one row per request, its blocks and points as lists. Needs pyarrow."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from rockbottom.trace.columns import Array, Blocks, Points, Requests, Trace, table_of

FORMAT = "rockbottom.trace/1"


def write_parquet(trace: Trace, path: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write the columns; ``notes`` (how it was made) go into the file's metadata as JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {c.name: pa.array(getattr(trace.requests, c.name)) for c in fields(Requests)}
    for prefix, table, offsets in (
        ("block", trace.blocks, trace.block_offsets),
        ("point", trace.points, trace.point_offsets),
    ):
        starts = pa.array(offsets, pa.int64())
        for column in fields(type(table)):
            values = pa.array(getattr(table, column.name))
            columns[f"{prefix}_{column.name}"] = pa.LargeListArray.from_arrays(starts, values)
    metadata = {
        "format": FORMAT,
        "names": json.dumps({name: list(texts) for name, texts in trace.names.items()}),
        "notes": json.dumps(dict(notes or {})),
    }
    made = pa.table(columns).replace_schema_metadata(metadata)
    beside = path.with_name(path.name + ".part")
    pq.write_table(made, beside, compression="zstd")
    beside.replace(path)


def read_parquet(path: Path) -> Trace:
    """The trace of such a file. Raises ValueError for a Parquet file that is not one."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    metadata = table.schema.metadata or {}
    if metadata.get(b"format") != FORMAT.encode():
        raise ValueError(f"not a trace of the format {FORMAT}")
    names = {name: tuple(texts) for name, texts in json.loads(metadata[b"names"]).items()}
    length = table.num_rows
    requests = {c.name: _flat(table[c.name]) for c in fields(Requests)}
    blocks, block_offsets = _lists(table, "block", Blocks)
    points, point_offsets = _lists(table, "point", Points)
    return Trace(
        table_of(Requests, requests, length),
        table_of(Blocks, blocks, int(block_offsets[-1])),
        table_of(Points, points, int(point_offsets[-1])),
        block_offsets,
        point_offsets,
        names,
    )


def notes_of(path: Path) -> Mapping[str, Any]:
    """How a trace file was made."""
    import pyarrow.parquet as pq

    return json.loads((pq.read_schema(path).metadata or {}).get(b"notes", b"{}"))


def _flat(column: Any) -> Array:
    return column.combine_chunks().to_numpy(zero_copy_only=False)


def _lists(table: Any, prefix: str, kind: type) -> tuple[dict[str, Array], Array]:
    made: dict[str, Array] = {}
    offsets = np.zeros(table.num_rows + 1, np.int64)
    for column in fields(kind):
        parts = table[f"{prefix}_{column.name}"].chunks
        made[column.name] = np.concatenate([part.flatten().to_numpy() for part in parts]) if parts else np.zeros(0)
        lengths = [np.diff(part.offsets.to_numpy()) for part in parts]
        if lengths:
            np.cumsum(np.concatenate(lengths), out=offsets[1:])
    return made, offsets
