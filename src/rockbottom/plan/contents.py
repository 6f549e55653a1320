"""Changes of content that the caller may allow: tools in one order, volatile sentences behind the stable prefix.

New bodies only; the caller's objects are never touched. A sentence moved keeps its exact words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from rockbottom.dialects import POINT_MEMBERS
from rockbottom.plan.volatile import without
from rockbottom.prompt import Api, json_bytes
from rockbottom.quantities import is_list, is_object

Find = Callable[[str], str]
Pieces = Callable[[int, str], Sequence[str]]
"""The parts of a system block, given by its number and text, that change; the whole text where all of it does."""


class Changed(Struct, frozen=True):
    """A body after the changes: sentences moved to its end, and whether tools and system blocks were put in order."""

    body: Mapping[str, Any]
    sentences: tuple[str, ...] = ()
    sorted_tools: bool = False
    sorted_system: bool = False


def volatile_from(body: Mapping[str, Any], find: Find) -> int:
    """The number of the first system block with a volatile sentence, or -1."""
    for number, (text, _) in enumerate(_system_texts(body)):
        if text and find(text):
            return number
    return -1


def moved(body: Mapping[str, Any], api: Api, pieces: Pieces) -> Changed:
    """The body with volatile sentences of its system prompt put last in the last user message.

    Nothing is moved where that message cannot take another text block: none there, not the user's, or a
    content that is no list.
    """
    last = _last_user(body)
    if last is None:
        return Changed(body)
    sentences: list[str] = []
    blocks: list[Any] = []
    for number, (text, block) in enumerate(_system_texts(body)):
        rest = text
        for piece in pieces(number, text) if text else ():
            shorter = without(rest, piece)
            if shorter != rest:
                sentences.append(piece.strip())
                rest = shorter
        if rest == text:
            blocks.append(block)
        elif rest.strip() and is_object(block):
            blocks.append({**block, "text": rest})
    if not sentences:
        return Changed(body)
    moved_text = "\n".join(sentences)
    typed = api.native and "type" in _first_block(last)
    block = {"type": "text", "text": moved_text} if typed else {"text": moved_text}
    content = last["content"]
    listed = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    messages: list[Any] = [*body["messages"][:-1], {**last, "content": [*listed, block]}]
    new: dict[str, Any] = {**body, "messages": messages, "system": blocks}
    if not blocks:
        del new["system"]
    return Changed(new, tuple(sentences))


def with_sorted_system(body: Mapping[str, Any], order: Sequence[int]) -> Changed:
    """The body with its system blocks in this order of their present numbers."""
    system = body.get("system")
    if not is_list(system) or sorted(order) != list(range(len(system))) or list(order) == sorted(order):
        return Changed(body)
    return Changed({**body, "system": [system[number] for number in order]}, sorted_system=True)


def with_sorted_tools(body: Mapping[str, Any], api: Api) -> tuple[Mapping[str, Any], bool]:
    """The body with its tools in the order of their names, and whether that changed anything."""
    if api.native and "toolConfig" not in body:
        ordered = _ordered(body.get("tools"))
        return (body, False) if ordered is None else ({**body, "tools": ordered}, True)
    config = body.get("toolConfig")
    if not is_object(config):
        return body, False
    ordered = _ordered(config.get("tools"))
    if ordered is None:
        return body, False
    return {**body, "toolConfig": {**config, "tools": ordered}}, True


def _ordered(tools: object) -> list[Any] | None:
    """The tools by name, or None where they are in that order or hold a cachePoint (which would move)."""
    if not is_list(tools) or not all(is_object(tool) for tool in tools):
        return None
    if not all(POINT_MEMBERS.isdisjoint(tool) for tool in tools):
        return None
    ordered = sorted(tools, key=_name)
    return None if ordered == list(tools) else ordered


def _name(tool: Mapping[str, Any]) -> tuple[str, bytes]:
    spec = tool.get("toolSpec", tool)
    name = str(spec.get("name", "")) if is_object(spec) else ""
    try:
        return name, json_bytes(tool)
    except (TypeError, ValueError, RecursionError):
        return name, b""


def _system_texts(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Every system block with its text, ``""`` where it has none."""
    system = body.get("system")
    if isinstance(system, str):
        return [(system, {"type": "text", "text": system})]
    if not is_list(system):
        return []
    return [(_text(block), block) for block in system]


def _text(block: object) -> str:
    text = block.get("text") if is_object(block) else None
    return text if isinstance(text, str) else ""


def _last_user(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    messages = body.get("messages")
    if not is_list(messages) or not messages or not is_object(messages[-1]):
        return None
    last = messages[-1]
    content = last.get("content")
    fits = isinstance(content, str) or (is_list(content) and len(content) > 0)
    return last if last.get("role") == "user" and fits else None


def _first_block(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content: Sequence[Any] | str = message["content"]
    first = {"type": "text"} if isinstance(content, str) else content[0]
    return first if is_object(first) else {}
