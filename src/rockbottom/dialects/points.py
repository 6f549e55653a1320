"""A plan written back into a body: cachePoints put in or taken out, the caller's objects untouched.

Only the lists and objects on the way to a change are copied; everything else is shared with the body given.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rockbottom.dialects.members import CACHE_POINT, POINT_MEMBERS
from rockbottom.prompt import Placement, Prompt, Section, Segment
from rockbottom.quantities import Ttl, is_list, is_object

Json = Mapping[str, Any]


def converse_point(ttl: Ttl | None = None) -> dict[str, Any]:
    """The block of Converse that is a point; None: it names no lifetime."""
    return {CACHE_POINT: point(ttl, "default")}


def is_point(block: object) -> bool:
    """Whether a block of a Converse body is a point and nothing else."""
    return is_object(block) and CACHE_POINT in block


def stripped(body: Mapping[str, Any]) -> dict[str, Any]:
    """A Converse, Anthropic or Nova body without any cachePoint block or member."""
    new = dict(body)
    if is_object(new.get("toolConfig")):
        tools = _bare(new["toolConfig"].get("tools"))
        new["toolConfig"] = {**new["toolConfig"], "tools": tools} if tools is not None else new["toolConfig"]
    for member in ("tools", "system"):
        if member in new:
            new[member] = _bare(new[member])
    if is_list(new.get("messages")):
        new["messages"] = [
            {**message, "content": _bare(message.get("content"))} if is_object(message) else message
            for message in new["messages"]
        ]
    return new


class Marked:
    """What dialects have in common whose points are members of blocks, or blocks, and the caller's alone."""

    def without_points(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body without any point."""
        return stripped(body)

    def explicit_only(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body as it is: the service adds no point to it."""
        return body


def _bare(blocks: Any) -> Any:
    if not is_list(blocks):
        return blocks
    bare = [_bare_block(block) for block in blocks]
    return [block for block in bare if block != {}]


def _bare_block(block: Any) -> Any:
    if not is_object(block):
        return block
    bare = {member: value for member, value in block.items() if member not in POINT_MEMBERS}
    if bare.get("type") == "tool_result":
        bare["content"] = _bare(bare.get("content"))
    return bare


def without_ttls(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Converse arguments whose cachePoints name no lifetime; the very same where none does."""
    changed: dict[str, Any] = {}
    if isinstance(request.get("system"), list):
        changed["system"] = _unnamed(request["system"])
    if isinstance(request.get("toolConfig"), dict):
        config = request["toolConfig"]
        tools = _unnamed(config.get("tools"))
        changed["toolConfig"] = config if tools is config.get("tools") else {**config, "tools": tools}
    if isinstance(request.get("messages"), list):
        messages = [_unnamed_in(message) for message in request["messages"]]
        pairs = zip(messages, request["messages"], strict=True)
        changed["messages"] = messages if any(new is not old for new, old in pairs) else request["messages"]
    return request if all(request[key] is value for key, value in changed.items()) else {**request, **changed}


def _unnamed_in(message: Any) -> Any:
    content = message.get("content")
    unnamed = _unnamed(content)
    return message if unnamed is content else {**message, "content": unnamed}


def _unnamed(blocks: Any) -> Any:
    if not any("ttl" in (block.get(CACHE_POINT) or {}) for block in blocks or ()):
        return blocks
    return [_unnamed_point(block) if CACHE_POINT in block else block for block in blocks]


def _unnamed_point(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, CACHE_POINT: {key: value for key, value in block[CACHE_POINT].items() if key != "ttl"}}


def point(ttl: Ttl | None, kind: str) -> dict[str, str]:
    """The object that marks a point."""
    return {"type": kind} if ttl is None else {"type": kind, "ttl": ttl.value}


def with_marks(
    blocks: Iterable[Json], spelled: Callable[[Json], dict[str, Any]], member: str, kind: str
) -> list[dict[str, Any]]:
    """Converse's blocks spelled anew, each cachePoint between them as a ``member`` of the block that it closes."""
    marked: list[dict[str, Any]] = []
    for block in blocks:
        if CACHE_POINT not in block:
            marked.append(spelled(block))
        elif marked:
            marked[-1] = {**marked[-1], member: {**block[CACHE_POINT], "type": kind}}
    return marked


def decorated(
    body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement], member: str, kind: str, tools: str
) -> dict[str, Any]:
    """A body with ``member`` set on the segments named; strings become text blocks."""
    new = dict(body)
    for placement in placements:
        segment = prompt.segments[placement.after - 1]
        blocks = list_for(new, segment, body, tools=tools)
        blocks[segment.index] = {**blocks[segment.index], member: point(placement.ttl, kind)}
    return new


def list_for(new: dict[str, Any], segment: Segment, body: Mapping[str, Any], *, tools: str = "toolConfig") -> list[Any]:
    """The list that holds the segment, copied on the way down unless an earlier placement copied it."""
    if segment.section is Section.TOOLS and tools == "toolConfig":
        holder = _own(new, "toolConfig", body.get("toolConfig"))
        original: Any = body.get("toolConfig") or {}
        return _own_list(holder, "tools", original.get("tools"))
    if segment.section is not Section.MESSAGES:
        member = segment.section.value
        return _own_list(new, member, body.get(member))
    messages = _own_list(new, "messages", body.get("messages"))
    original_message: Any = (body.get("messages") or ())[segment.message]
    message = _own(messages, segment.message, original_message)
    return _own_list(message, "content", original_message.get("content"))


def _own(holder: Any, key: Any, original: Any) -> dict[str, Any]:
    if holder[key] is original:
        holder[key] = dict(original)
    return holder[key]


def _own_list(holder: dict[str, Any], key: str, original: Any) -> list[Any]:
    if holder[key] is original:
        holder[key] = [{"type": "text", "text": original}] if isinstance(original, str) else list(original)
    return holder[key]
