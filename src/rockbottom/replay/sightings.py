"""Placement at second sight: only what an earlier request sent already is marked."""

import numpy as np

from rockbottom.replay.points import USUAL, PlacedPoints, placed, system_ends
from rockbottom.replay.policies import Stage
from rockbottom.trace import Array


def second_sighting(stage: Stage) -> PlacedPoints:
    """A point at the end of what was sent before, and one at the end of tools and system where those were.

    What is seen for the first time is not written, so that nothing is written that never comes again; it is written at
    its second sight and read from its third.
    """
    seen = seen_before(stage)
    return placed([(np.minimum(system_ends(stage.trace), seen), USUAL), (seen, USUAL)])


def seen_before(stage: Stage) -> Array:
    """How many leading blocks of every request an earlier request had."""
    counts = np.diff(stage.trace.block_offsets)
    old = stage.nodes.of_block < np.repeat(stage.nodes.known, counts)
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(old, dtype=np.int64)])
    return (sums[stage.trace.block_offsets[1:]] - sums[stage.trace.block_offsets[:-1]]).astype(np.int32)
