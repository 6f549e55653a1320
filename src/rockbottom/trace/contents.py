"""When it must be known what blocks are by themselves: where tools or system texts change in front of a conversation.

Otherwise the hashes of the prefixes tell as much, and a column of every block is saved.
"""

from dataclasses import replace

import numpy as np

from rockbottom.trace.columns import Array, SectionCode, Trace


def with_needed_contents(trace: Trace) -> Trace:
    """The trace without ``blocks.content`` where no two prompts have another front before the same block."""
    return trace if trace.blocks.content is None or _fronts_change(trace) else without_contents(trace)


def without_contents(trace: Trace) -> Trace:
    """The trace without ``blocks.content``."""
    return replace(trace, blocks=replace(trace.blocks, content=None))


def _fronts_change(trace: Trace) -> bool:
    """Whether a first block of messages, or a last one before them, stands behind two different prefixes."""
    start, end = trace.block_offsets[:-1], trace.block_offsets[1:]
    before = np.concatenate(([0], np.cumsum(trace.blocks.section < SectionCode.MESSAGES)))
    fixed = before[end] - before[start]
    fronted = (fixed > 0) & (start + fixed < end)
    first = (start + fixed)[fronted]
    return _parted(trace, first) or _parted(trace, first - 1)


def _parted(trace: Trace, rows: Array) -> bool:
    """Whether one content has several prefixes among these rows; a prefix has one content."""
    assert trace.blocks.content is not None
    return len(np.unique(trace.blocks.prefix[rows])) > len(np.unique(trace.blocks.content[rows]))
