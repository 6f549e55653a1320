"""Where a cachePoint may stand in a prompt, and how far it reaches back; the cautious side of every doubt."""

from collections.abc import Sequence
from functools import lru_cache

from rockbottom.catalog import CacheRules
from rockbottom.prompt import Api, BlockKind, Prompt, Section, Segment, digest_of

_SAFE = frozenset(
    {
        BlockKind.TEXT,
        BlockKind.IMAGE,
        BlockKind.DOCUMENT,
        BlockKind.TOOL,
        BlockKind.TOOL_USE,
        BlockKind.TOOL_RESULT,
    }
)
"""Kinds after which a point was seen accepted (pydantic-ai-cassettes, cachecanary-live); elsewhere none is set."""

_EMPTY = frozenset(digest_of("text", role, b"") for role in ("", "user", "assistant"))


class Positions:
    """The legal positions of one prompt under one model's rules; a position is a number of leading segments."""

    def __init__(self, prompt: Prompt, rules: CacheRules, end: int) -> None:
        self._end = end
        self._segments: Sequence[Segment] = prompt.segments
        self.depths = prompt.depths
        self._kinds, self._sections = _allowed(prompt.api, rules.illegal_after, rules.sections)
        self.minimum = max(1, rules.minimum_tokens)
        self.maximum = rules.maximum_cacheable_tokens
        self.lookback = lookback_of(rules)

    def legal(self, position: int) -> bool:
        """Whether a point may stand there and would take effect."""
        depth = self.depths[position]
        if not 0 < position <= self._end or depth < self.minimum or (self.maximum is not None and depth > self.maximum):
            return False
        segment = self._segments[position - 1]
        if segment.kind not in self._kinds or segment.section not in self._sections:
            return False
        between = segment.role == "system" and segment.section is Section.MESSAGES  # of it nothing was recorded
        return not between and not (segment.kind is BlockKind.TEXT and segment.digest in _EMPTY)

    def at_or_below(self, position: int, floor: int = 0) -> int:
        """The deepest legal position from ``position`` down to just above ``floor``, or 0."""
        while position > floor:
            if self.legal(position):
                return position
            position -= 1
        return 0

    def reaches(self, point: int, entry: int) -> bool:
        """Whether a point surely finds an entry at a shallower or equal position."""
        if entry > point:
            return False
        blocks = 0
        for index in range(point - 1, entry - 1, -1):
            blocks += self._segments[index].blocks
            if blocks > self.lookback:
                return False
        return True


@lru_cache(maxsize=64)
def _allowed(api: Api, illegal_after: frozenset[str], sections: frozenset[str]) -> tuple[set[BlockKind], set[Section]]:
    """The kinds of block after which a point may stand, and the sections."""
    kinds = {kind for kind in _SAFE if kind.value not in illegal_after}
    if api.native and Section.TOOLS.value not in sections:
        kinds = {BlockKind.TEXT}  # a native Nova body carries the point beside ``text`` only
    return kinds, {section for section in Section if section.value in sections}


def lookback_of(rules: CacheRules) -> int:
    """The least of the rule in force and of what other sources say: documented 19 or 20, measured 21."""
    others = [int(other.value) for other in rules.contested if other.field == "lookback_blocks"]
    return min([rules.lookback_blocks, *others])
