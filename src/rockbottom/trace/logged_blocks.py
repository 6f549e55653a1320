"""The blocks in a list of a logged body: each with its kind, as the bytes it was logged as, and the points between."""

import re
from collections.abc import Sequence

import msgspec

from rockbottom.dialects import CACHE_POINT, POINT_MARKS, POINT_MEMBERS
from rockbottom.quantities import UNNAMED, Ttl, Undecodable, decoder_of
from rockbottom.trace.columns import KINDS, NO_TTL, SectionCode
from rockbottom.trace.records import Message, Raw, ToolConfig

_CACHE_POINT = CACHE_POINT.encode()
_CODE = {name: code for code, name in enumerate(KINDS)}
_CONVERSE = {
    b"text": "text", b"image": "image", b"document": "document", b"video": "video", b"audio": "audio",
    b"toolUse": "tool_use", b"toolResult": "tool_result", b"reasoningContent": "reasoning",
    b"guardContent": "guard", b"citationsContent": "citations", b"searchResult": "search_result",
    b"toolSpec": "tool", b"systemTool": "system_tool", b"toolAddition": "tool_addition",
    b"toolRemoval": "tool_removal",
}  # fmt: skip
_ANTHROPIC = {
    b"text": "text", b"image": "image", b"document": "document", b"tool_use": "tool_use",
    b"tool_result": "tool_result", b"thinking": "reasoning", b"redacted_thinking": "reasoning",
    b"search_result": "search_result", b"input_text": "text", b"output_text": "output_text", b"reasoning": "reasoning",
    b"input_image": "image", b"image_url": "image", b"input_file": "document", b"function_call": "tool_use",
    b"custom_tool_call": "tool_use", b"function": "tool_use", b"function_call_output": "tool_result",
    b"custom_tool_call_output": "tool_result",
}  # fmt: skip
_TEXT_FORMATS = re.compile(rb'"format"\s*:\s*"(?:csv|docx?|xlsx?|html|txt|md)"')
_FIRST_NAME = re.compile(rb'\s*\{\s*"(\w+)"')
_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')
_TTL = re.compile(rb'"ttl"\s*:\s*"?(\w*)')
_TTLS = {ttl.value.encode(): ttl for ttl in Ttl}
_MEMBERS = "|".join(sorted(POINT_MEMBERS)).encode()
_MARK = rb'"(?:' + _MEMBERS + rb')"\s*:\s*\{[^{}]*\}'
_MARK_AFTER, _MARK_BEFORE = re.compile(rb"\s*,\s*" + _MARK), re.compile(_MARK + rb"\s*,?\s*")
_OUTPUT_TEXT = _CODE["output_text"]
TEXT, TEXT_DOCUMENT, IMAGE = _CODE["text"], _CODE["text_document"], _CODE["image"]


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    """A block that is a text and nothing else."""

    text: str
    type: str = ""


_text = decoder_of(_Text)
_message = decoder_of(Message)
_system = decoder_of(str | list[Raw] | None)
_tools = decoder_of(list[Raw] | None)
_tool_config = decoder_of(ToolConfig)


def listed_in(section: int, raw: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The role of a message, the members of the list of blocks that a part of a body holds, and the choice of a tool.

    Raises Undecodable for what has no known shape.
    """
    role, choice = b"", b""
    if section == SectionCode.MESSAGES:
        message = _message(raw)
        role, listed = message.role.encode(), _content(message.content)
        if message.tool_calls:
            listed = [*listed, bytes(message.tool_calls)]
        elif message.content is None and raw.startswith(b"{") and b'"type"' in raw:  # an item that is no message
            listed = [raw]
    elif section == SectionCode.SYSTEM:
        listed = _content(_system(raw))
    elif raw.lstrip()[:1] == b"{":
        config = _tool_config(raw)
        listed, choice = [bytes(tool) for tool in config.tools or ()], bytes(config.toolChoice)
    else:
        listed = [bytes(tool) for tool in _tools(raw) or ()]
    return role, listed, choice


def leading_of(messages: Sequence[Raw | bytes]) -> int:
    """How many messages at the start are the system's: on OpenAI's surfaces they make up the system section."""
    for number, message in enumerate(messages):
        raw = bytes(message)
        named = b'"system"' in raw or b'"developer"' in raw
        if not named or _message(raw).role not in ("system", "developer"):
            return number
    return len(messages)


def kinds_by_role(kinds: Sequence[int], section: int, role: bytes) -> list[int]:
    """The kinds of blocks of OpenAI's surfaces, texts told apart by who said them: not after each may a point stand.

    ``instructions`` have no role; of what a tool answered all is one result.
    """
    if role == b"tool":
        return [_CODE["tool_result"]] * len(kinds)
    instructions = section == SectionCode.SYSTEM and not role
    text = _CODE["instructions" if instructions else "output_text" if role == b"assistant" else "text"]
    return [text if kind == TEXT else kind for kind in kinds]


def _content(content: str | list[Raw] | None) -> list[bytes]:
    if content is None:
        return []
    if isinstance(content, str):
        # A string and one text block are the same prompt (Anthropic's shorthand).
        return [b'{"type":"text","text":' + msgspec.json.encode(content) + b"}"]
    listed = [bytes(raw) for raw in content]
    if any(raw[:1] != b"{" for raw in listed):
        raise Undecodable("a content block is no object")
    return listed


def named_by(raw: bytes, kind: int) -> bytes:
    """What a block is known by: a text by itself, however it is spelled around it; anything else by its bytes."""
    if kind in (TEXT, _OUTPUT_TEXT):
        try:
            return b"\0" + _text(raw).text.encode("utf-8", "surrogatepass")
        except Undecodable:
            return raw
    return raw


def take(
    blocks: list[tuple[bytes, int]], points: list[tuple[int, int]], raw: bytes, section: int, anthropic: bool
) -> None:
    """One member of a list of blocks: a block, a point, or a block with a point on it."""
    marked = b"cache" in raw and any(mark in raw for mark in POINT_MARKS)  # one look at most blocks
    if not marked:
        if raw.startswith(b'{"text":') and section:  # what most blocks are, in either dialect; no tool
            blocks.append((raw, TEXT))
            return
        blocks.append((raw, _kind_of(raw, anthropic, section)))
        return
    name = _first_name(raw)
    if name == _CACHE_POINT and len(raw) < 80:
        points.append((len(blocks), _ttl_of(raw)))
    elif name == b"toolResult":  # a point inside Converse's toolResult does nothing
        blocks.append((_unmarked(raw), _CODE["tool_result"]))
    else:
        bare = _unmarked(raw)
        blocks.append((bare, _kind_of(bare, anthropic, section)))
        points.append((len(blocks), _ttl_of(raw)))


def _unmarked(raw: bytes) -> bytes:
    return _MARK_BEFORE.sub(b"", _MARK_AFTER.sub(b"", raw))


def _first_name(raw: bytes) -> bytes:
    match = _FIRST_NAME.match(raw)
    return match[1] if match else b""


def _ttl_of(raw: bytes) -> int:
    """The code of the longest lifetime named; ``UNNAMED`` stands for one that is not known."""
    names = _TTL.findall(raw)
    if not names:
        return NO_TTL
    return max((_TTLS.get(name, UNNAMED) for name in names), key=lambda ttl: ttl.seconds).code


def _kind_of(raw: bytes, anthropic: bool, section: int) -> int:
    name = _first_name(raw)
    if section == SectionCode.TOOLS:
        return _CODE["system_tool" if name == b"systemTool" else "tool"]
    if name == b"type" or anthropic:
        match = _TYPE.search(raw) if name != b"text" else None
        return _CODE[_ANTHROPIC.get(match[1], "unknown")] if match else _CODE["text"]
    kind = _CODE[_CONVERSE.get(name, "unknown")]
    if kind == _CODE["document"] and _TEXT_FORMATS.search(raw):
        return TEXT_DOCUMENT
    return kind
