"""Digests of blocks chained into prefixes, ids mixed with a key; compiled. Needs numba."""

from dataclasses import replace

import numpy as np

from rockbottom.trace.columns import Array, Trace
from rockbottom.trace.compiling import compiled, inlined

_M1, _M2, _STEP = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


@inlined
def _mix(value: np.uint64, first: np.uint64, second: np.uint64) -> np.uint64:
    """A permutation of 64-bit numbers chosen by a key (splitmix64's finisher, twice)."""
    x = (value ^ first) + _STEP
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    x = (x ^ (x >> _S31)) ^ second
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    return x ^ (x >> _S31)


def mixed(ids: Array, first: int, second: int) -> Array:
    """Every id mixed with the key."""
    return _mix_all(ids, np.uint64(first), np.uint64(second))


@compiled
def _mix_all(ids: Array, first: np.uint64, second: np.uint64) -> Array:
    out = np.empty(len(ids), np.uint64)
    for i in range(len(ids)):
        out[i] = _mix(ids[i], first, second)
    return out


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
        state = _mix(seeds[i, 0], first, second)
        for row in range(offsets[i], offsets[i + 1]):
            while at < section[row]:
                at += 1
                state = _mix(state ^ seeds[i, at], first, second)
            state = _mix(state ^ digest[row], first, second)
            prefix[row] = state
