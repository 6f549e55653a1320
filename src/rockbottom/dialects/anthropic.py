"""An Anthropic Messages body (InvokeModel on Claude) read into a canonical prompt.

``cache_control`` is a member of the block that it closes. On a block inside ``tool_result.content`` it
caches up to that tool_result (cachecanary-live); inside Converse's toolResult it does nothing.
"""

from collections.abc import Mapping
from typing import Any

from rockbottom.dialects.assembly import Assembly, effort_of, schema_of, thinking_of
from rockbottom.dialects.blocks import Weighed, weigh_block
from rockbottom.dialects.usage import NO_SPLIT, Counters, split_of
from rockbottom.prompt import (
    Api,
    BlockKind,
    MalformedBody,
    Meter,
    Parameters,
    Prompt,
    Section,
    digest_of,
    json_bytes,
    list_at,
    object_at,
    place_of,
)
from rockbottom.quantities import Ttl, is_list, is_object


def _split(said: Mapping[str, Any]) -> Mapping[Ttl, int]:
    creation = said.get("cache_creation")
    if not is_object(creation):
        return NO_SPLIT
    return split_of((ttl.value, creation.get(f"ephemeral_{ttl.value}_input_tokens")) for ttl in Ttl)


COUNTERS = Counters(
    "input_tokens", "output_tokens", ("cache_read_input_tokens",), ("cache_creation_input_tokens",), _split
)

_KINDS = {
    "image": BlockKind.IMAGE,
    "document": BlockKind.DOCUMENT,
    "tool_use": BlockKind.TOOL_USE,
    "tool_result": BlockKind.TOOL_RESULT,
    "thinking": BlockKind.REASONING,
    "redacted_thinking": BlockKind.REASONING,
    "search_result": BlockKind.SEARCH_RESULT,
}


def read_anthropic(body: Mapping[str, Any], meter: Meter) -> Prompt:
    """The prompt of an Anthropic Messages body. Raises MalformedBody for a shape that cannot be read."""
    assembly = Assembly(meter)
    assembly.begin_list(Section.TOOLS)
    for index, tool in enumerate(list_at(body, "tools", "tools")):
        _add(assembly, _tool(tool, meter, index), tool, Section.TOOLS, "", 0, index)
    _read_content(assembly, body.get("system"), Section.SYSTEM, "", 0)
    for number, message in enumerate(list_at(body, "messages", "messages")):
        if not is_object(message):
            raise MalformedBody(f"messages[{number}]", type(message).__name__, wanted="an object")
        _read_content(assembly, message.get("content"), Section.MESSAGES, str(message.get("role", "")), number)
    return assembly.prompt(Api.INVOKE, _parameters(body))


def _read_content(assembly: Assembly, content: Any, section: Section, role: str, message: int) -> None:
    if content is None:
        return
    assembly.begin_list(section)
    if isinstance(content, str):
        text = Weighed(BlockKind.TEXT, *assembly.meter.text(content, "text", role))
        assembly.add(text, section, role, message, 0)
        return
    if not is_list(content):
        raise MalformedBody(place_of(section, message, 0), type(content).__name__, wanted="a string or a list")
    for index, block in enumerate(content):
        place = place_of(section, message, index)
        if not is_object(block):
            raise MalformedBody(place, type(block).__name__, wanted="an object")
        try:
            weighed = _weigh(block, role, assembly.meter)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise MalformedBody(place, f"{type(error).__name__}: {error}", wanted="a content block") from error
        _add(assembly, weighed, block, section, role, message, index)


def _add(
    assembly: Assembly,
    weighed: Weighed,
    block: Mapping[str, Any],
    section: Section,
    role: str,
    message: int,
    index: int,
) -> None:
    assembly.add(weighed, section, role, message, index)
    control = block.get("cache_control") or _nested_control(block)
    if control:
        assembly.add_point(control, section, message, index, decorates=True)


def _nested_control(block: Mapping[str, Any]) -> Any:
    content = block.get("content") if block.get("type") == "tool_result" else None
    if not is_list(content):
        return None
    return next((part["cache_control"] for part in reversed(content) if part.get("cache_control")), None)


def _tool(tool: object, meter: Meter, index: int) -> Weighed:
    if not is_object(tool):
        raise MalformedBody(f"tools[{index}]", type(tool).__name__, wanted="an object")
    try:
        return Weighed(BlockKind.TOOL, *meter.json(_bare(tool), "tool"))
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedBody(f"tools[{index}]", f"{type(error).__name__}: {error}", wanted="JSON") from error


def _bare(block: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in block.items() if member != "cache_control"}


def _weigh(block: Mapping[str, Any], role: str, meter: Meter) -> Weighed:
    kind = block.get("type")
    if kind == "text" or (kind is None and "text" in block):
        return Weighed(BlockKind.TEXT, *meter.text(str(block["text"]), "text", role))
    if kind in ("image", "document"):
        return _weigh_media(block, str(kind), role, meter)
    if kind == "tool_result":
        return _weigh_result(block, role, meter)
    return Weighed(_KINDS.get(str(kind), BlockKind.UNKNOWN), *meter.json(_bare(block), str(kind), role))


def _weigh_media(block: Mapping[str, Any], kind: str, role: str, meter: Meter) -> Weighed:
    source: Any = block["source"]
    if source.get("type") == "text" or source.get("media_type") == "text/plain":
        data = str(source.get("data", ""))
        digest = digest_of("document", role, data.encode("utf-8", "surrogatepass"))
        return Weighed(BlockKind.DOCUMENT, digest, meter.tokens_of_text(data))
    media_format = str(source.get("media_type", "")).rpartition("/")[2]
    return weigh_block({kind: {"format": media_format, "source": {"bytes": source.get("data")}}}, role, meter, kind)


def _weigh_result(block: Mapping[str, Any], role: str, meter: Meter) -> Weighed:
    content = block.get("content") or ()
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    inner = [_weigh(part, role, meter) for part in parts]
    label = json_bytes([block.get("tool_use_id"), block.get("is_error")])
    digest = digest_of("tool_result", role, label, *(part.digest for part in inner))
    tokens = sum(part.tokens for part in inner) + meter.tokens_of_text(str(block.get("tool_use_id", "")))
    return Weighed(BlockKind.TOOL_RESULT, digest, tokens)


def _parameters(body: Mapping[str, Any]) -> Parameters:
    output = object_at(body, "output_config", "output_config")
    choice = object_at(body, "tool_choice", "tool_choice")
    return Parameters(
        thinking=thinking_of(body.get("thinking")),
        effort=effort_of(output.get("effort")),
        output_schema=schema_of(output.get("format") or body.get("output_format")),
        tool_choice=str(choice.get("type", "auto")),
    )
