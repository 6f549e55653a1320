"""The rules of prompt caching per model, and the switches where sources disagree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from msgspec import Struct

from rockbottom.quantities import Source, Ttl


@dataclass(frozen=True, slots=True)
class CacheRules:
    """What the service does with cachePoints of one model, in force from ``valid_from``.

    Token counts are of the cumulative prefix (tools, then system, then messages). Block kinds are
    the values of ``prompt.BlockKind``.
    """

    model: str  # bare id
    explicit: bool  # a cachePoint on Converse is accepted
    implicit: bool | None  # reads may appear without any cachePoint; None: not known
    minimum_tokens: int  # below it nothing is cached, silently
    maximum_points: int
    maximum_cacheable_tokens: int | None  # Nova caches at most this much of a prompt
    ttls: tuple[Ttl, ...]  # the first is the one an omitted ttl means
    accepts_ttl_field: bool  # Nova refuses any explicit ttl, even "5m"
    sections: frozenset[str]  # "tools", "system", "messages": where a point is legal
    illegal_after: frozenset[str]  # block kinds after which a point is refused
    lookback_blocks: int  # blocks added since an entry with which a point reaches it, at most; 0: exact
    residual_tokens: int  # tail of every prompt that is never cached (the header of the answer)
    residual_tokens_with_tools: int
    keeps_thinking: bool  # old thinking blocks stay in the prompt when the user speaks again
    valid_from: date
    source: Source
    contested: tuple["ContestedRule", ...] = ()
    tool_choice_in_key: bool = False  # another toolChoice is another prefix, from the first block on
    points_on: frozenset[str] = frozenset()  # the surfaces besides Converse that take points where it takes none
    implicit_point: bool = False  # the service adds a point at the latest message unless the request says not to
    best_effort: bool = False  # the service caches by itself, now and then, and charges nothing for writing

    @property
    def takes_any_points(self) -> bool:
        """Whether a point takes effect on some surface."""
        return self.explicit or bool(self.points_on)

    def takes_points(self, api: str) -> bool:
        """Whether a point on this surface (a value of ``prompt.Api``) takes effect."""
        return self.explicit or api in self.points_on


class ContestedRule(Struct, frozen=True):
    """Another value that a source gives for one field of a CacheRules row; shown, not used."""

    field: str
    value: str
    source: Source
    note: str


@dataclass(frozen=True, slots=True)
class Switch:
    """One behaviour on which sources conflict or are silent: every side with its source, and the default.

    ``sides`` maps each allowed value to the sources that state it (empty: nobody measured it); ``values`` has the
    number that a side stands for, where it stands for one (tokens, blocks, seconds).
    """

    name: str
    question: str
    default: str
    sides: Mapping[str, tuple[Source, ...]]
    why_default: str
    values: Mapping[str, float] = field(default_factory=dict[str, float])


class MeasuredSwitches(Struct, frozen=True):
    """Sides that were measured for one model on a user's account; they hold from ``valid_from`` on."""

    valid_from: date
    switches: Mapping[str, Switch]
