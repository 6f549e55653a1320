"""Prefixes numbered: one small integer per distinct prefix of a namespace, in order of first appearance.

With it the state of a cache is an array, and a replay looks things up by index instead of by hash.
"""

from dataclasses import dataclass

import numpy as np

from rockbottom.trace import Array, Trace, compiled

SPREAD, HIGH = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """``of_block[row]`` is the number of the prefix that ends with that block; numbers run from 0 to ``count``.

    ``known[i]`` is how many prefixes were known before request i: those with larger numbers are new in it.
    """

    of_block: Array
    count: int
    known: Array


def nodes_of(trace: Trace, namespaces: Array | None = None) -> Nodes:
    """The prefixes of a trace numbered; equal prefixes in different namespaces (a code per request) are different."""
    prefix, offsets = trace.blocks.prefix, trace.block_offsets
    if namespaces is not None and len(namespaces) and (namespaces != namespaces[0]).any():
        salts = np.repeat(namespaces.astype(np.uint64), np.diff(offsets))
        prefix = prefix ^ (salts * np.uint64(0x9E3779B97F4A7C15))
    of_block, known = np.empty(len(prefix), np.int32), np.empty(len(trace), np.int32)
    # A table of at least four places for three rows; untouched pages of ``first`` cost nothing.
    slots = np.full(1 << (max(4 * len(prefix) // 3, 16) - 1).bit_length(), -1, np.int32)
    # Numbers of blocks that fit into the table are their own places, and neighbours stay neighbours.
    dense = len(prefix) > 0 and int(prefix.max()) < len(slots)
    count = _fill(prefix, offsets, of_block, known, slots, np.empty(len(prefix), np.uint64), dense)
    return Nodes(of_block, count, known)


def renumbered(of_block: Array, offsets: Array, count: int) -> Nodes:
    """Prefixes that were numbered before, in requests of another order or number."""
    known = np.empty(len(offsets) - 1, np.int32)
    _known(of_block, offsets, known)
    return Nodes(of_block, count, known)


@compiled
def _known(of_block: Array, offsets: Array, known: Array) -> None:
    most = -1
    for i in range(len(known)):
        known[i] = most + 1
        for row in range(offsets[i], offsets[i + 1]):
            most = max(most, of_block[row])


@compiled
def _fill(prefix: Array, offsets: Array, of_block: Array, known: Array, slots: Array, first: Array, dense: bool) -> int:
    """Number every block; returns how many different prefixes there are.

    Where a prefix was seen before, the next block usually goes on as it did then, and numbers were given in
    that order: so the number after the last one is tried before the table. Open addressing, linear probing. A
    prefix is a hash, or the number of a block; unless ``dense`` it is spread, for numbers may have any pattern.
    """
    mask = np.uint64(len(slots) - 1)
    step = np.uint64(1)
    count, node = 0, -1
    for i in range(len(known)):
        known[i] = count
        for row in range(offsets[i], offsets[i + 1]):
            key = prefix[row]
            node += 1
            if node < count and first[node] == key:
                of_block[row] = node
                continue
            place = key if dense else ((key ^ (key >> HIGH)) * SPREAD >> HIGH) & mask
            node = np.int64(slots[place])
            while node >= 0 and first[node] != key:
                place = (place + step) & mask
                node = np.int64(slots[place])
            if node < 0:
                slots[place] = count
                first[count] = key
                node = count
                count += 1
            of_block[row] = node
    return count
