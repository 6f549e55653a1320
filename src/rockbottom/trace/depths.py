"""The depths of the prefixes of a trace, shared out by compiled loops. Needs numba."""

from dataclasses import replace

import numpy as np

from rockbottom.prompt import note_counted, share_out
from rockbottom.trace.columns import Array, Trace
from rockbottom.trace.compiling import compiled

_note_counted, _share_out = compiled(note_counted), compiled(share_out)
_APART = np.uint64(0x9E3779B97F4A7C15)  # odd: every model counts for itself


def deepened(trace: Trace, beside: Array) -> Trace:
    """The trace whose ``blocks.depth`` held the estimate of each block, made depths in the tokens that were counted.

    ``beside`` are the tokens of each request that stand behind its last block and can never be cached. ``tokens_in`` is
    filled in from the estimates where it was not counted.
    """
    if not len(trace):
        return trace
    requests, blocks, points = trace.requests, trace.blocks, trace.points
    offsets, tokens_in = np.asarray(trace.block_offsets, np.int64), requests.tokens_in.astype(np.int64)
    last, sent = np.zeros(len(trace), np.int64), np.diff(trace.point_offsets) > 0
    last[sent] = points.after[trace.point_offsets[1:][sent] - 1]
    cached = np.maximum(requests.observed_read, 0).astype(np.int64)
    cached += sum(np.maximum(tokens, 0) for tokens in requests.observed_writes.values())
    whole = np.where(tokens_in > beside, tokens_in - beside, np.maximum(tokens_in, 0))
    models = np.repeat(requests.model, np.diff(offsets)).astype(np.uint64)
    names = np.unique(blocks.prefix ^ (models * _APART), return_inverse=True)[1].astype(np.int64)
    known = np.zeros(int(names.max()) + 1 if len(names) else 0, np.int64)
    sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(blocks.depth, dtype=np.int64)))
    depths = np.zeros(len(names), np.int64)
    _note_counted(offsets, names, whole, last, cached, known)
    _share_out(offsets, names, sums, whole, known, depths)
    estimated = sums[offsets[1:]] - sums[offsets[:-1]] + beside
    tokens_in = np.where(tokens_in < 0, estimated, tokens_in).astype(np.int32)
    return replace(
        trace, requests=replace(requests, tokens_in=tokens_in), blocks=replace(blocks, depth=depths.astype(np.int32))
    )
