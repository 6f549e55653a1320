"""The canonical prompt: segments in the order the service reads them, and the cachePoints between them.

Order is tools, then system, then messages (AWS prompt-caching page: "Cache checkpoints are processed in
this order: tools -> system -> messages"). A cachePoint closes the prefix of all segments before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate
from typing import NewType

import msgspec
from msgspec import Struct

from rockbottom.quantities import Ttl

PrefixHash = NewType("PrefixHash", bytes)


class Section(Enum):
    """The part of a request that a segment stands in, in canonical order."""

    __hash__ = object.__hash__  # as of BlockKind

    TOOLS = "tools"
    SYSTEM = "system"
    MESSAGES = "messages"


class Api(Enum):
    """The family of operations a prompt was built for; streaming or not makes no difference to it."""

    __hash__ = object.__hash__  # as of BlockKind

    CONVERSE = "converse"
    INVOKE = "invoke"
    MESSAGES = "messages"
    CHAT = "chat"
    RESPONSES = "responses"

    @property
    def native(self) -> bool:
        """Whether its bodies are in the words of the model's vendor, points being marks on blocks, or in Bedrock's."""
        return self is not Api.CONVERSE

    @property
    def wrapped(self) -> bool:
        """Whether the body is text in an argument of its own beside the model id; else the arguments are the body."""
        return self is Api.INVOKE

    @property
    def names_model(self) -> bool:
        """Whether the body itself names the model; else its path or an argument does."""
        return self in (Api.MESSAGES, Api.CHAT, Api.RESPONSES)


class BlockKind(Enum):
    """What a segment holds; the values are those that ``catalog.CacheRules.illegal_after`` uses."""

    TEXT = "text"
    IMAGE = "image"
    DOCUMENT = "document"
    TEXT_DOCUMENT = "text_document"
    VIDEO = "video"
    AUDIO = "audio"
    TOOL_USE = "tool_use"
    TOOL_RESULT = "tool_result"
    REASONING = "reasoning"
    GUARD = "guard"
    CITATIONS = "citations"
    SEARCH_RESULT = "search_result"
    TOOL = "tool"
    DEFERRED_TOOL = "deferred_tool"
    SYSTEM_TOOL = "system_tool"
    TOOL_ADDITION = "tool_addition"
    TOOL_REMOVAL = "tool_removal"
    CACHE_POINT = "cache_point"
    UNKNOWN = "unknown"
    INSTRUCTIONS = "instructions"
    OUTPUT_TEXT = "output_text"

    __hash__ = object.__hash__  # a prompt asks for hundreds, and that of Enum is a function of Python's


class Segment(msgspec.Struct, frozen=True, gc=False):
    """One content block, system block or tool definition.

    ``digest`` names the exact content (role included); ``tokens`` is counted or estimated; ``blocks``
    is how many blocks the lookback counts it as (a text-like document is expanded into two).
    ``message`` and ``index`` are its places in ``messages`` and in its own list, as the caller wrote them.
    A msgspec struct, because a conversation makes hundreds: one is made several times as fast as a dataclass.
    """

    section: Section
    kind: BlockKind
    digest: bytes
    tokens: int
    blocks: int = 1
    role: str = ""
    message: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class CachePoint:
    """A cachePoint (or cache_control) and the prefix it closes: the first ``after`` segments.

    ``follows`` is the kind of the block before it in its own list (None when it is the first there,
    CACHE_POINT after another point). ``ttl`` is None when the caller left it out.
    """

    after: int
    ttl: Ttl | None
    section: Section
    follows: BlockKind | None
    message: int = 0
    index: int = 0


class Placement(Struct, frozen=True):
    """A point to be set: it closes the first ``after`` segments; ``ttl`` None leaves the field out."""

    after: int
    ttl: Ttl | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parts of a request outside its text that decide whether a prefix is the same one.

    facts: thinking and effort and output schema change everything; tool_choice has two groups and
    changes messages only; images present or not changes messages; citations change system and messages.
    An absent parameter equals its neutral value ("disabled", "high", "", "auto"). ``cache_key`` is a caller's
    ``prompt_cache_key``; whether it parts entries is a switch.
    """

    thinking: str = "disabled"
    effort: str = "high"
    output_schema: str = ""
    tool_choice: str = "auto"
    images: bool = False
    citations: bool = False
    cache_key: str = ""

    @property
    def tool_choice_group(self) -> str:
        """``auto`` for {absent, auto, none}, ``any`` for {any, tool}: members of a group share entries."""
        return "any" if self.tool_choice in ("any", "tool") else "auto"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request in canonical order. ``depths[i]`` is the tokens of the first ``i`` segments.

    ``implicit`` is what the request says about a point that the service sets by itself (GPT, on the latest message):
    wanted or not; None: nothing, and then the service sets one where the model has it. ``bare``: its input is one text,
    to which no turn can be added as it stands (Responses).
    """

    api: Api
    segments: tuple[Segment, ...]
    points: tuple[CachePoint, ...]
    parameters: Parameters
    depths: tuple[int, ...]
    implicit: bool | None = None
    bare: bool = False

    @property
    def tokens(self) -> int:
        """Tokens of all segments (the header of the answer, which is never cached, is not among them)."""
        return self.depths[-1]

    @property
    def has_tools(self) -> bool:
        """Whether any tool is defined."""
        return bool(self.segments) and self.segments[0].section is Section.TOOLS

    def place(self, of: Segment | CachePoint) -> str:
        """The path to a block, or to a point, in the body, in the words of its API."""
        kind = of.kind if isinstance(of, Segment) else of.follows
        return place_of(of.section, of.message, of.index, self.api, kind)


def prompt_of(
    api: Api,
    segments: Sequence[Segment],
    points: Sequence[CachePoint],
    parameters: Parameters,
    implicit: bool | None = None,
    *,
    bare: bool = False,
) -> Prompt:
    """The prompt of these segments and points; works out the depths."""
    depths = tuple(accumulate((segment.tokens for segment in segments), initial=0))
    return Prompt(api, tuple(segments), tuple(points), parameters, depths, implicit, bare)


def place_of(section: Section, message: int, index: int, api: Api = Api.CONVERSE, kind: BlockKind | None = None) -> str:
    """The path of a block in a body: ``messages[2].content[0]``, ``system[1]``, ``toolConfig.tools[3]`` on Converse.

    Tools are ``tools[3]`` where the body names its model. OpenAI's surfaces hold system texts among the messages, and
    Responses has ``instructions`` and ``input[2]``, with no content where the item is no message.
    """
    if section is Section.TOOLS:
        return f"tools[{index}]" if api.names_model else f"toolConfig.tools[{index}]"
    if api is Api.RESPONSES:
        if kind is BlockKind.INSTRUCTIONS:
            return "instructions"
        return f"input[{message}]" if kind in _ITEMS else f"input[{message}].content[{index}]"
    if api is Api.CHAT and kind is BlockKind.TOOL_USE:
        return f"messages[{message}].tool_calls"
    if section is Section.MESSAGES or api is Api.CHAT:
        return f"messages[{message}].content[{index}]"
    return f"system[{index}]"


_ITEMS = (BlockKind.TOOL_USE, BlockKind.TOOL_RESULT, BlockKind.REASONING)


def with_placements(prompt: Prompt, placements: Sequence[Placement]) -> Prompt:
    """The prompt with these points set beside its own, as reading the changed body would give it."""
    points = list(prompt.points)
    for placement in placements:
        segment = prompt.segments[placement.after - 1]
        place = segment.section, segment.kind, segment.message, segment.index + 1
        points.append(CachePoint(placement.after, placement.ttl, *place))
    return replace(prompt, points=tuple(sorted(points, key=lambda point: point.after)))
