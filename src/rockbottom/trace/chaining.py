"""Digests of blocks chained into prefixes; compiled. Needs numba."""

from dataclasses import replace

import numpy as np

from rockbottom.trace.columns import Array, Trace
from rockbottom.trace.compiling import compiled
from rockbottom.trace.scanning import mix


def chained(trace: Trace, seeds: Array, first: int, second: int) -> Trace:
    """The trace whose ``blocks.prefix`` held digests of blocks, made what it should be.

    ``seeds`` are three numbers per request (and a fourth that is not looked at), mixed in where tools, system
    and messages begin. What a block is by itself stays in ``blocks.content``.
    """
    prefix = np.empty_like(trace.blocks.prefix)
    if len(trace):
        words = np.uint64(first), np.uint64(second)
        _chain(trace.block_offsets, trace.blocks.prefix, trace.blocks.section, seeds, *words, prefix)
    content = (trace.blocks.prefix >> np.uint64(32)).astype(np.uint32)
    return replace(trace, blocks=replace(trace.blocks, prefix=prefix, content=content))


@compiled
def _chain(
    offsets: Array, digest: Array, section: Array, seeds: Array, first: np.uint64, second: np.uint64, prefix: Array
) -> None:
    for i in range(len(offsets) - 1):
        at = 0
        state = mix(seeds[i, 0], first, second)
        for row in range(offsets[i], offsets[i + 1]):
            while at < section[row]:
                at += 1
                state = mix(state ^ seeds[i, at], first, second)
            state = mix(state ^ digest[row], first, second)
            prefix[row] = state
