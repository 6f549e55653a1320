"""Prompts that other programs keep beside their counters: messages as Chat Completions, Converse or OpenTelemetry
spell them, made blocks of a trace.

Tokens of blocks are estimated and shared out over what the service counted. Where something was read or written the
block that ends nearest to it is taken for the one behind which a cachePoint stood: such programs do not keep points.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rockbottom.dialects import CHAT, POINT_MEMBERS
from rockbottom.prompt import BlockKind, MalformedBody, Meter, Prompt, Section, digest_of
from rockbottom.quantities import Undecodable, Usage, decoded, is_list, is_object
from rockbottom.trace.columns import KINDS, SectionCode

_TRUNCATED = "litellm_truncated"
"""What LiteLLM writes in the place of what it left out of a long text (its spend logs, as read on 2026-11-29)."""

_SECTIONS = {
    Section.TOOLS: SectionCode.TOOLS, Section.SYSTEM: SectionCode.SYSTEM, Section.MESSAGES: SectionCode.MESSAGES,
}  # fmt: skip
_UNKNOWN = KINDS.index(BlockKind.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class StoredBlocks:
    """The blocks of one prompt as columns, and the points that its counters prove: after how many blocks."""

    prefix: Sequence[int]
    depth: Sequence[int]
    section: Sequence[int]
    kind: Sequence[int]
    weight: Sequence[int]
    begins: Sequence[int]
    points: Sequence[int]


def stored_prompt(messages: object, tools: object = None, system: object = None) -> Prompt | None:
    """The prompt of stored messages; None where they are no messages, or not whole.

    Each may be JSON text. ``messages`` may also be a body with ``messages``, ``tools`` and ``system`` in it.
    """
    stored = _value(messages)
    if is_object(stored):
        tools, system = stored.get("tools") or tools, stored.get("system") or system
        stored = stored.get("messages")
    if not is_list(stored) or not stored or _TRUNCATED in str(stored):
        return None
    try:
        before = [{"role": "system", "content": _content(instructions)}] if (instructions := _value(system)) else []
        body = {"messages": [*before, *map(_message, stored)], "tools": _listed(_value(tools))}
        return CHAT.read(body, _meter())
    except (MalformedBody, TypeError, AttributeError, RecursionError):
        return None


def stored_blocks(prompt: Prompt, total: int, usage: Usage | None, key: bytes) -> StoredBlocks:
    """The blocks of a prompt for which the service counted ``total`` tokens."""
    estimated = prompt.depths[1:]
    cached = usage.cache_read + usage.cache_write if usage is not None else 0
    points: list[int] = []
    known, whole = (0, 0), (estimated[-1] if estimated else 0, total)
    if cached and estimated and whole[0]:
        place = _nearest(estimated, cached * whole[0] // max(1, total))
        points, known = [place + 1], (estimated[place], cached)
    segments = prompt.segments
    return StoredBlocks(
        list(chained(prompt, key)),
        [_stretched(depth, known, whole) for depth in estimated],
        [_SECTIONS[segment.section] for segment in segments],
        [KINDS.index(name) if (name := segment.kind.value) in KINDS else _UNKNOWN for segment in segments],
        [segment.blocks for segment in segments],
        [int(segment.section is Section.MESSAGES and segment.index == 0) for segment in segments],
        points,
    )


def _nearest(depths: Sequence[int], depth: int) -> int:
    after = min(bisect_left(depths, depth), len(depths) - 1)
    before = max(0, after - 1)
    return before if depth - depths[before] < depths[after] - depth else after


def _stretched(depth: int, known: tuple[int, int], whole: tuple[int, int]) -> int:
    """A depth on the scale of what was counted: in proportion up to the place that is known, and behind it."""
    if depth <= known[0]:
        return depth * known[1] // known[0] if known[0] else 0
    rest = whole[0] - known[0]
    return known[1] + (depth - known[0]) * (whole[1] - known[1]) // rest if rest else whole[1]


def chained(prompt: Prompt, key: bytes) -> Iterator[int]:
    """A keyed hash for every prefix; a block is what the digest of ``prompt`` says it is."""
    state = key
    for segment in prompt.segments:
        state = digest_of("prefix", segment.section.value, key, state, segment.digest)
        yield int.from_bytes(state[:8], "little")


def _value(cell: object) -> object:
    """A cell that is JSON text, decoded; other text as it is."""
    if not isinstance(cell, str) or cell[:1] not in ("{", "["):
        return cell
    try:
        return decoded(cell)
    except Undecodable:
        return cell


def _message(message: Any) -> Mapping[str, Any]:
    content = message.get("content", message.get("parts"))
    members = {name: value for name, value in message.items() if name in ("role", "tool_calls", "tool_call_id")}
    return {**members, "content": _content(content)}


def _content(content: Any) -> Any:
    """Content without the marks of a cache, which move from turn to turn."""
    if not is_list(content):
        return content
    return [part for piece in content if (part := _part(piece))]


def _part(part: Any) -> Mapping[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    bare = {name: value for name, value in part.items() if name not in POINT_MEMBERS}
    text = bare.get("text", bare.get("content"))
    is_text = isinstance(text, str) and bare.get("type", "text") == "text" and len(bare) <= 2
    return {"type": "text", "text": text} if is_text else bare


def _listed(tools: object) -> Sequence[Any]:
    """Tool definitions, also where they stand under a name of their own."""
    if is_object(tools):
        tools = tools.get("tools")
    listed = [tool for tool in tools if is_object(tool)] if is_list(tools) else []
    return [{name: value for name, value in tool.items() if name not in POINT_MEMBERS} for tool in listed]


@cache
def _meter() -> Meter:
    from rockbottom.catalog import load_catalog

    return Meter(next(iter(load_catalog().token_weights.values())))
