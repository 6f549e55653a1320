"""What prompts are made of, and the turn at which to compact: typed for every answer that tells it."""

import msgspec
from msgspec import UNSET, UnsetType

from rockbottom.quantities import Usd


class PromptPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of all prompts, or one tool: its tokens, and what they cost by where they stood."""

    name: str
    tokens: int
    usd: Usd


class CompactionResult(msgspec.Struct, frozen=True, kw_only=True):
    """Compaction tried on the conversations of the traffic, all of them at the same turn.

    ``turn`` is the request before which the history gives way to a summary of ``summary_tokens``, which is assumed;
    ``conversations`` come to it. ``less_usd`` is what later requests cost less, ``more_usd`` what the summary and the
    cache that it breaks cost. Where no turn pays, the figures are those of the one that costs least.
    """

    turn: int
    conversations: int
    summary_tokens: int
    less_usd: Usd
    more_usd: Usd

    @property
    def saves_usd(self) -> Usd:
        """What compaction takes off; negative where it makes the traffic dearer."""
        return self.less_usd - self.more_usd


class PromptParts(msgspec.Struct, frozen=True, kw_only=True):
    """What prompts are made of. ``never_called``: tools that no message calls, of ``tools``; ``results``: by tool.

    These three are there where the texts of the prompts were read.

    ``compaction`` is there where some conversation is long enough to be compacted: of the requests as they were sent,
    and ``attached_compaction`` with the points of the planner, whose cache it breaks.
    """

    parts: tuple[PromptPart, ...]
    never_called: tuple[PromptPart, ...] | UnsetType = UNSET
    results: tuple[PromptPart, ...] | UnsetType = UNSET
    tools: int | UnsetType = UNSET
    compaction: CompactionResult | UnsetType = UNSET
    attached_compaction: CompactionResult | UnsetType = UNSET

    @property
    def usd(self) -> Usd:
        """What all parts cost together."""
        return sum((part.usd for part in self.parts), Usd(0))
