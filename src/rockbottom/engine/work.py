"""The two functions that every engine runs: a file to columns, and some families of prefixes to their tallies.

A request belongs to the family of its first block. Families never read each other's entries, so their tallies add
up to those of the whole. What spans families is handed in: the names in order of first appearance, and which
request ids were seen in more than one file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Catalog
from rockbottom.replay import ReplayQuestion, ReplayTally, tally
from rockbottom.trace import (
    Array,
    Damages,
    ReaderSettings,
    Trace,
    empty_trace,
    merged,
    readers,
    selected,
    without_contents,
)

BUCKETS = 64
"""Into how many groups the families are put; one group at a time has to fit into the memory of a worker."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What is known of one file besides its rows. ``identities`` are the hashes of its request ids, each once."""

    number: int
    requests: int
    names: Mapping[str, tuple[str, ...]]
    identities: Array
    damages: Damages
    duplicates: int
    bytes_read: int
    with_points: bool
    with_blocks: int

    def among(self, identities: Array) -> int:
        """How many of these request ids it holds."""
        return int(np.isin(self.identities, identities).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Repeated:
    """Request ids that stand in more than one file, in order, and the number of the first file of each."""

    identities: Array
    first: Array

    def keeps(self, trace: Trace, number: int) -> Array:
        """Which requests of a file count: those whose id was not in an earlier file."""
        identity = trace.requests.identity
        if not len(self.identities):
            return np.ones(len(identity), np.bool_)
        place = np.minimum(np.searchsorted(self.identities, identity), len(self.identities) - 1)
        return (self.identities[place] != identity) | (self.first[place] == number)


def columns_of(
    number: int, part: str, reader: str, settings: ReaderSettings, buckets: int
) -> tuple[Columns, list[Trace]]:
    """One file read: what is known of it, and its rows by group of families."""
    read = readers()[reader].read(part, settings)
    whole = merged([without_contents(read.trace)])  # only policies that learn look at them, and those see all
    trace = whole.trace
    identities = np.unique(trace.requests.identity)
    known = Columns(
        number, len(trace), trace.names, identities[identities != 0], read.damages, whole.duplicates, read.bytes_read,
        len(trace.points.after) > 0, int((np.diff(trace.block_offsets) > 0).sum()),
    )  # fmt: skip
    group = groups_of(trace, buckets)
    return known, [selected(trace, np.flatnonzero(group == number)) for number in range(buckets)]


def groups_of(trace: Trace, buckets: int) -> Array:
    """The group of every request, by its first block; requests without blocks are in the first."""
    group = np.zeros(len(trace), np.int64)
    has = np.flatnonzero(np.diff(trace.block_offsets) > 0)
    first = trace.blocks.prefix[trace.block_offsets[:-1][has]]
    group[has] = ((first ^ (first >> np.uint64(32))) % np.uint64(buckets)).astype(np.int64)
    return group


def repeated_in(files: Sequence[Columns]) -> Repeated:
    """The request ids that stand in more than one of these files."""
    if not files:
        return Repeated(np.zeros(0, np.uint64), np.zeros(0, np.int64))
    identities = np.concatenate([file.identities for file in files])
    numbers = np.concatenate([np.full(len(file.identities), file.number) for file in files])
    order = np.lexsort((numbers, identities))
    identities, numbers = identities[order], numbers[order]
    known, first, counts = np.unique(identities, return_index=True, return_counts=True)
    many = counts > 1
    return Repeated(known[many], numbers[first[many]])


def names_in(files: Iterable[Columns]) -> Mapping[str, tuple[str, ...]]:
    """The names of all files in order of first appearance."""
    tables: dict[str, dict[str, None]] = {name: {} for name in empty_trace().names}
    for file in files:
        for name, texts in file.names.items():
            tables[name].update(dict.fromkeys(texts))
    return {name: tuple(texts) for name, texts in tables.items()}


def tallies_of(
    pieces: Iterable[tuple[int, Trace]],
    names: Mapping[str, tuple[str, ...]],
    repeated: Repeated,
    questions: Sequence[ReplayQuestion],
    catalog: Catalog,
    *,
    exact: bool,
) -> list[ReplayTally]:
    """The tallies of one group of families, one for each question. ``pieces`` come with the number of their file."""
    parts = [replace(empty_trace(), names=names)]
    for number, piece in sorted(pieces, key=lambda pair: pair[0]):
        keep = repeated.keeps(piece, number)
        parts.append(piece if keep.all() else selected(piece, np.flatnonzero(keep)))
    trace = merged(parts).trace
    if not len(trace):
        return [ReplayTally() for _ in questions]
    behaviour = behaviour_of(catalog.switches)
    return [tally(trace, question, catalog, behaviour, exact=exact) for question in questions]
