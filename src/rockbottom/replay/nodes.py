"""Prefixes numbered: one small integer per distinct prefix of a namespace, in order of first appearance.

With it the state of a cache is an array, and a replay looks things up by index instead of by hash.
"""

from dataclasses import dataclass

import numpy as np

from rockbottom.trace import Array, Trace
from rockbottom.trace.compiled import compiled


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """``of_block[row]`` is the number of the prefix that ends with that block; numbers run from 0 to ``count``."""

    of_block: Array
    count: int


def nodes_of(trace: Trace, namespaces: Array | None = None) -> Nodes:
    """The prefixes of a trace numbered; equal prefixes in different namespaces (a code per request) are different."""
    prefix, offsets = trace.blocks.prefix, trace.block_offsets
    if namespaces is not None and len(namespaces) and (namespaces != namespaces[0]).any():
        salts = np.repeat(namespaces.astype(np.uint64), np.diff(offsets))
        prefix = prefix ^ (salts * np.uint64(0x9E3779B97F4A7C15))
    of_block = np.empty(len(prefix), np.int32)
    return Nodes(of_block, _number(prefix, of_block))


def _number(prefix: Array, of_block: Array) -> int:
    slots = np.full(_capacity(1 << 16), -1, np.int32)
    first = np.empty(1 << 15, np.uint64)
    done, count = 0, 0
    while True:
        done, count = _fill(prefix, of_block, slots, first, done, count)
        if done == len(prefix):
            return count
        # Full: twice the room, and what is known put in again.
        larger = np.empty(2 * len(first), np.uint64)
        larger[:count] = first[:count]
        first = larger
        slots = np.full(_capacity(2 * len(first)), -1, np.int32)
        _refill(slots, first, count)


def _capacity(wanted: int) -> int:
    return 1 << (wanted - 1).bit_length()


@compiled
def _fill(prefix: Array, of_block: Array, slots: Array, first: Array, done: int, count: int) -> tuple[int, int]:
    """Number blocks from row ``done`` until all are done or ``first`` is full; returns both counts.

    Open addressing, linear probing; a prefix is a hash already, so its low bits are the place to look.
    """
    mask = np.uint64(len(slots) - 1)
    one = np.uint64(1)
    for row in range(done, len(prefix)):
        key = prefix[row]
        place = (key ^ (key >> np.uint64(32))) & mask
        node = slots[place]
        while node >= 0 and first[np.uint64(node)] != key:
            place = (place + one) & mask
            node = slots[place]
        if node < 0:
            if count == len(first):
                return row, count
            slots[place] = count
            first[count] = key
            node = count
            count += 1
        of_block[row] = node
    return len(prefix), count


@compiled
def _refill(slots: Array, first: Array, count: int) -> None:
    mask = np.uint64(len(slots) - 1)
    one = np.uint64(1)
    for node in range(count):
        key = first[node]
        place = (key ^ (key >> np.uint64(32))) & mask
        while slots[place] >= 0:
            place = (place + one) & mask
        slots[place] = node
