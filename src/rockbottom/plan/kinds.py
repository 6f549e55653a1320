"""The kind of a prefix end, from the shape of its request and the pace of what is below it.

A kind is given three times, from the broadest class to the narrowest, so that little evidence leans on much.
"""

import msgspec

from rockbottom.plan.returns import ClassKey
from rockbottom.plan.runs import GapRecord, Run
from rockbottom.prompt import BlockKind, Prompt, Section

Levels = tuple[ClassKey, ClassKey, ClassKey]

_SIZES = ((256, "256"), (1024, "1k"), (4096, "4k"), (16384, "16k"))
_FLAT_SEGMENTS = 8
"""A single user message of so many blocks is a prompt whose turns cannot be told apart. With 4 public chat costs .927
instead of .922, with 16 .925 (measured as in ``returns``); no other set changes."""


class PromptShape(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a prompt looks like: where its parts end (in segments), and who speaks last."""

    fixed: int  # end of tools and system
    last: int  # start of the last block
    end: int
    speaker: str  # "tool", "user" or "flat"
    setting: str  # "agent" with tools, "plain" without
    stamped: int  # segments before the first that seems to change with every call; all of them if none does
    barrier: int  # nothing behind so many segments is written: what follows changes with every request

    def before(self, position: int, *, certain: bool) -> "PromptShape":
        """The shape where what follows ``position`` changes with every request, or (not ``certain``) may change."""
        barrier = min(self.barrier, position) if certain else self.barrier
        return msgspec.structs.replace(self, stamped=min(self.stamped, position), barrier=barrier)


def shape_of(prompt: Prompt, end: int | None = None, stamped_block: int = -1) -> PromptShape:
    """The shape of the first ``end`` segments (all of them by default).

    ``stamped_block`` is the index of the first system block that seems to change with every call (-1: none).
    """
    segments = prompt.segments
    end = len(segments) if end is None else end
    fixed, stamped = end, end
    for index, segment in enumerate(segments):
        if segment.section is Section.SYSTEM and segment.index == stamped_block:
            stamped = min(stamped, index)
        if index == end:
            break
        if segment.section is Section.MESSAGES:
            fixed = index
            break
    setting = "agent" if prompt.has_tools else "plain"
    if fixed == end:
        return PromptShape(fixed, end, end, "user", setting, stamped, end)
    final = segments[end - 1]
    start = end
    tool = False
    while start > fixed and segments[start - 1].message == final.message:
        start -= 1
        tool = tool or segments[start].kind is BlockKind.TOOL_RESULT
    speaker = "tool" if tool else "user"
    if not tool and start == fixed and final.message == 0 and end - start >= _FLAT_SEGMENTS:
        speaker = "flat"
    return PromptShape(fixed, end - 1, end, speaker, setting, stamped, end)


def part_of(position: int, shape: PromptShape) -> str:
    """Which part of the prompt ends there."""
    if position <= shape.fixed:
        return "fixed"
    return "body" if position <= shape.last else "final"


def kind_of_new(position: int, tokens: int, seen: int, below: Run | None, shape: PromptShape) -> Levels:
    """The kind of an end that was never seen, ``tokens`` above the deepest prefix that was."""
    part, size = part_of(position, shape), _size(tokens)
    if seen <= shape.stamped < position:
        return ("stamped",), ("stamped", part), ("stamped", part, shape.setting)
    if seen <= shape.fixed:
        broad = ("first", part)
        return broad, (*broad, shape.setting), (*broad, shape.setting, shape.speaker, size)
    pace = _pace_name(below.pace) if below is not None and not below.shared else "fresh"
    broad = ("more", pace)
    return broad, (*broad, shape.speaker, shape.setting), (*broad, shape.speaker, shape.setting, part, size)


def kind_of_seen(run: Run, shape: PromptShape) -> Levels:
    """The kind of an end that was seen before."""
    return kind_of_pace(run.pace, run.shared, shape)


def kind_of_pace(pace: GapRecord, shared: bool, shape: PromptShape) -> Levels:
    """The kind of a known end with this history."""
    broad = ("seen", "shared" if shared else "own")
    if not pace.gaps:
        return broad, (*broad, "fresh"), (*broad, "fresh", shape.setting, shape.speaker)
    often = pace.quick  # written out: asked a few times for each plan
    quick = "rare" if often < 0.3 else "some" if often < 0.6 else "most" if often < 0.85 else "all"
    back = "back" if pace.back >= 0.4 or not pace.slow_gaps else "gone"
    uses = "1" if pace.gaps < 4 else "4" if pace.gaps < 8 else "8"
    middle = (*broad, quick, back)
    return broad, middle, (*middle, uses, shape.setting, shape.speaker)


def _pace_name(pace: GapRecord) -> str:
    if not pace.gaps or pace.quick >= 0.8:
        return "steady"
    if pace.quick >= 0.5:
        return "mixed"
    return "slow" if pace.back >= 0.5 else "lost"


def _size(tokens: int) -> str:
    for limit, name in _SIZES:
        if tokens < limit:
            return name
    return "more"
