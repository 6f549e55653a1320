"""The block of a body that a segment of its prompt was read from."""

from collections.abc import Mapping
from typing import Any

from rockbottom.dialects.members import POINT_MEMBERS
from rockbottom.prompt import Api, BlockKind, Section, Segment
from rockbottom.quantities import is_list, is_object


def block_of(body: Mapping[str, Any], api: Api, vendor: str, segment: Segment) -> Any:
    """The block of a body that a segment stands for, without its cache marker; a string becomes a text block."""
    holder: Any
    if api in (Api.CHAT, Api.RESPONSES):
        return _block_of_openai(body, api, segment)
    if segment.section is Section.TOOLS:
        holder = body["tools"] if _is_anthropic(api, vendor) else body["toolConfig"]["tools"]
    elif segment.section is Section.SYSTEM:
        holder = body["system"]
    else:
        holder = body["messages"][segment.message]["content"]
    if isinstance(holder, str):
        return {"text": holder}
    block = holder[segment.index]
    return {key: value for key, value in block.items() if key not in POINT_MEMBERS} if is_object(block) else block


def _block_of_openai(body: Mapping[str, Any], api: Api, segment: Segment) -> Any:
    """The block of a body of Chat Completions or Responses; what is no part of a message is its whole item."""
    if segment.section is Section.TOOLS:
        return body["tools"][segment.index]
    if segment.kind is BlockKind.INSTRUCTIONS:
        return {"text": body["instructions"]}
    messages: Any = body["input"] if api is Api.RESPONSES else body["messages"]
    if isinstance(messages, str):
        return {"text": messages}
    item: Any = messages[segment.message]
    content = item.get("content")
    if item.get("role") != "tool" and isinstance(content, str) and segment.index == 0:
        return {"text": content}
    if not is_list(content) or segment.index >= len(content):
        return item
    return {key: value for key, value in content[segment.index].items() if key not in POINT_MEMBERS}


def _is_anthropic(api: Api, vendor: str) -> bool:
    return api.native and vendor == "anthropic"
