"""Parts of a trace put together: codes unified, duplicates removed, requests put in order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rockbottom.trace.columns import (
    NAME_TABLES,
    UNKNOWN,
    WRITES,
    Array,
    Blocks,
    Points,
    RequestColumns,
    Trace,
    arrays,
    dtypes,
    empty_trace,
    selected,
    table_of,
)

_TABLE_OF = {**{name: name for name in NAME_TABLES}, "served": "region"}


@dataclass(frozen=True, slots=True)
class Merged:
    """A whole trace, and what was done to make it one."""

    trace: Trace
    duplicates: int  # requests left out because one with the same id was there before
    reordered: int  # requests that stood behind a later one


def merged(parts: Sequence[Trace]) -> Merged:
    """One trace of these parts, without duplicates and sorted by instant (ties keep their order)."""
    whole = _joined(parts)
    rows = _first_of_each(whole.requests.identity)
    duplicates = len(whole) - len(rows)
    at = whole.requests.at[rows]
    if duplicates == 0 and (len(at) < 2 or bool((at[1:] >= at[:-1]).all())):
        return Merged(whole, 0, 0)
    order = np.argsort(at, kind="stable")
    late = int((at < np.maximum.accumulate(at)).sum()) if len(at) else 0
    return Merged(selected(whole, rows[order]), duplicates, late)


def _first_of_each(identity: Array) -> Array:
    """The first row of every request id; rows without an id are all kept."""
    if not identity.any():
        return np.arange(len(identity))
    _, first = np.unique(identity, return_index=True)
    keep = identity == 0
    keep[first] = True
    return np.flatnonzero(keep)


def _joined(parts: Sequence[Trace]) -> Trace:
    if not parts:
        return empty_trace()
    if len(parts) == 1:
        return parts[0]
    names, recoded = _unified(parts)
    return Trace(
        _stacked(RequestColumns, recoded),
        _stacked(Blocks, [part.blocks for part in parts]),
        _stacked(Points, [part.points for part in parts]),
        _offsets([part.block_offsets for part in parts]),
        _offsets([part.point_offsets for part in parts]),
        names,
        _unseen(parts),
    )


def _unseen(parts: Sequence[Trace]) -> Array | None:
    """The instants of all parts, in order."""
    unseen = [part.unseen for part in parts if part.unseen is not None]
    return np.sort(np.concatenate(unseen)) if unseen else None


def _stacked(table: type, tables: Sequence[Any]) -> Any:
    parts = [dict(arrays(part)) for part in tables]
    columns: dict[str, Array] = {}
    for name in dtypes(table):
        if table is Blocks and not all(name in part for part in parts if len(part["prefix"])):
            continue  # of no use where a part lacks it
        if any(name in part for part in parts):
            columns[name] = np.concatenate([part[name] if name in part else _absent(name, part) for part in parts])
    return table_of(table, columns, sum(len(part["at"]) for part in parts) if table is RequestColumns else 0)


def _absent(name: str, columns: Mapping[str, Array]) -> Array:
    """A column that a part does not have: no label, or a lifetime for which it wrote nothing; of no blocks, nothing."""
    if "at" not in columns:
        return np.zeros(0, np.uint32)
    return _none_written(columns) if name in WRITES else np.full(len(columns["at"]), UNKNOWN, np.int32)


def _none_written(columns: Mapping[str, Array]) -> Array:
    """The column of a lifetime for which no request of a part wrote: zeros, or "not recorded" where nothing was."""
    return np.minimum(next(columns[name] for name in WRITES if name in columns), 0)


def _offsets(parts: Sequence[Array]) -> Array:
    base, shifted = 0, [np.zeros(1, np.int64)]
    for offsets in parts:
        shifted.append(offsets[1:] + base)
        base += int(offsets[-1])
    return np.concatenate(shifted)


def _unified(parts: Sequence[Trace]) -> tuple[Mapping[str, tuple[str, ...]], list[RequestColumns]]:
    """The names of all parts in one table each, and every part's codes in terms of it."""
    tables: dict[str, dict[str, int]] = {name: {} for name in NAME_TABLES}
    recoded: list[RequestColumns] = []
    for part in parts:
        changed: dict[str, Array | None] = {}
        for column, table in _TABLE_OF.items():
            codes = tables[table]
            # One slot more than there are names: code -1, "not recorded", reads it and stays -1.
            new = np.array([codes.setdefault(text, len(codes)) for text in part.names.get(table, ())] + [-1], np.int32)
            own_codes = getattr(part.requests, column)
            changed[column] = None if own_codes is None else new[own_codes]
        recoded.append(replace(part.requests, **changed))
    return {name: tuple(codes) for name, codes in tables.items()}, recoded
