"""What a prompt is made of: which part of it a block is."""

from enum import Enum

from rockbottom.prompt.segments import BlockKind, Section


class Part(Enum):
    """What a segment is made of, as a result on the composition of prompts names it."""

    TOOLS = "tools"
    SYSTEM = "system"
    RESULTS = "tool results"
    MEDIA = "media and documents"
    HISTORY = "history"
    NEWEST = "newest message"


_MEDIA = frozenset({
    BlockKind.IMAGE, BlockKind.VIDEO, BlockKind.AUDIO, BlockKind.DOCUMENT, BlockKind.TEXT_DOCUMENT,
})  # fmt: skip


def part_of(section: Section, kind: BlockKind, *, newest: bool) -> Part:
    """The part of a prompt that a block is; ``newest``: it stands in the last message."""
    if section is Section.TOOLS:
        return Part.TOOLS
    if section is Section.SYSTEM:
        return Part.SYSTEM
    if kind is BlockKind.TOOL_RESULT:
        return Part.RESULTS
    if kind in _MEDIA:
        return Part.MEDIA
    return Part.NEWEST if newest else Part.HISTORY
