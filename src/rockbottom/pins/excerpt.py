"""A request cut down to its prefix: what is kept where the text of a pin is wanted. Nothing behind it is."""

from collections.abc import Mapping
from typing import Any

from rockbottom.dialects import is_point
from rockbottom.pins.prefix import Prefix
from rockbottom.prompt import Api, BlockKind, Section
from rockbottom.quantities import is_list, is_object

_LISTS = ("messages", "input")
_SETTINGS = (
    "thinking", "output_config", "output_format", "outputConfig", "additionalModelRequestFields", "tool_choice",
    "anthropic_version", "instructions", "reasoning", "reasoning_effort", "response_format", "text", "prompt_cache_key",
    "prompt_cache_options",
)  # fmt: skip


def excerpt(prefix: Prefix) -> dict[str, Any]:
    """The body with only the blocks of the prefix, its points, and the settings that are part of its key."""
    body, last = prefix.body, prefix.sent.prompt.segments[prefix.end - 1]
    cut: dict[str, Any] = {name: body[name] for name in _SETTINGS if name in body}
    cut["modelId"] = prefix.model_name
    if body.get("tools"):
        cut["tools"] = _tools(body["tools"], prefix)
    if body.get("toolConfig"):
        config = body["toolConfig"]
        cut["toolConfig"] = {**config, "tools": _tools(config.get("tools"), prefix)}
    if last.section is not Section.TOOLS and "system" in body:
        whole = last.section is Section.MESSAGES
        cut["system"] = body["system"] if whole else _up_to(body["system"], last.index)
    in_list = last.section is Section.MESSAGES or (last.section is Section.SYSTEM and "system" not in body)
    name = next((name for name in _LISTS if name in body), "")
    if name and in_list and last.kind is not BlockKind.INSTRUCTIONS:
        cut[name] = _messages(body[name], last.message, last.index)
    elif name == "input":
        cut[name] = []  # by which a body of Responses is known
    return cut


def _messages(listed: Any, last: int, index: int) -> Any:
    """The messages up to one, and of that its blocks up to one."""
    if not is_list(listed):
        return listed
    messages: list[Any] = list(listed[: last + 1])
    if is_object(messages[-1]) and "content" in messages[-1]:
        messages[-1] = {**messages[-1], "content": _up_to(messages[-1]["content"], index)}
    return messages


def _tools(tools: Any, prefix: Prefix) -> Any:
    last = prefix.sent.prompt.segments[prefix.end - 1]
    return _up_to(tools, last.index) if last.section is Section.TOOLS else tools


def _up_to(blocks: Any, index: int) -> Any:
    """The blocks up to one, and the cachePoint right behind it."""
    if not is_list(blocks):
        return blocks
    shown = list(blocks[: index + 1])
    if len(blocks) > index + 1 and is_point(blocks[index + 1]):
        shown.append(blocks[index + 1])
    return shown


def request_of(text: Mapping[str, Any], api: str) -> dict[str, Any]:
    """The excerpt as a request again, in the form that its API takes."""
    if api == "converse":
        return dict(text)
    body = {key: value for key, value in text.items() if key != "modelId"}
    if Api(api).names_model:
        return {"model": text.get("modelId"), **body}
    import json  # only native bodies need it

    return {"modelId": text.get("modelId"), "body": json.dumps(body)}
