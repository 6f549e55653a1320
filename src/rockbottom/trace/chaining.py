"""Digests of blocks chained into prefixes, and tokens shared out over blocks; compiled. Needs numba."""

from dataclasses import replace

import numpy as np

from rockbottom.trace.columns import Array, Trace
from rockbottom.trace.compiled import compiled
from rockbottom.trace.scanning import mix

BYTES_PER_TOKEN = 4  # where nothing was counted


def chained(trace: Trace, seeds: Array, first: int, second: int) -> Trace:
    """The trace whose ``blocks.prefix`` held digests and ``blocks.depth`` sizes, made what they should be.

    ``seeds`` are three numbers per request (and a fourth that is not looked at), mixed in where tools, system
    and messages begin. ``tokens_in`` is filled in from the sizes where it was not counted.
    """
    prefix, depth = np.empty_like(trace.blocks.prefix), np.empty_like(trace.blocks.depth)
    tokens_in = trace.requests.tokens_in.copy()
    if len(trace):
        words = np.uint64(first), np.uint64(second)
        _chain(trace.block_offsets, trace.blocks.prefix, trace.blocks.section, seeds, *words, prefix)
        _share(trace.block_offsets, trace.blocks.depth, tokens_in, BYTES_PER_TOKEN, depth)
    requests = replace(trace.requests, tokens_in=tokens_in)
    return replace(trace, requests=requests, blocks=replace(trace.blocks, prefix=prefix, depth=depth))


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


@compiled
def _share(offsets: Array, size: Array, tokens_in: Array, per_token: int, depth: Array) -> None:
    for i in range(len(tokens_in)):
        total = np.int64(0)
        for row in range(offsets[i], offsets[i + 1]):
            total += size[row]
        if tokens_in[i] < 0:
            tokens_in[i] = total // per_token
        tokens, so_far = np.int64(tokens_in[i]), np.int64(0)
        for row in range(offsets[i], offsets[i + 1]):
            so_far += size[row]
            depth[row] = so_far * tokens // max(total, 1)
