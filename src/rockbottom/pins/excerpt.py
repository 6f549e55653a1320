"""A request cut down to its prefix: what is kept where the text of a pin is wanted. Nothing behind it is."""

from collections.abc import Mapping
from typing import Any

from rockbottom.pins.prefix import Prefix
from rockbottom.prompt import Section
from rockbottom.quantities import is_list, is_object

_SETTINGS = (
    "thinking", "output_config", "output_format", "outputConfig", "additionalModelRequestFields", "tool_choice",
    "anthropic_version",
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
    if last.section is Section.MESSAGES:
        messages = list(body["messages"][: last.message + 1])
        messages[-1] = {**messages[-1], "content": _up_to(messages[-1].get("content"), last.index)}
        cut["messages"] = messages
    return cut


def _tools(tools: Any, prefix: Prefix) -> Any:
    last = prefix.sent.prompt.segments[prefix.end - 1]
    return _up_to(tools, last.index) if last.section is Section.TOOLS else tools


def _up_to(blocks: Any, index: int) -> Any:
    """The blocks up to one, and the cachePoint right behind it."""
    if not is_list(blocks):
        return blocks
    kept = list(blocks[: index + 1])
    if len(blocks) > index + 1 and is_object(blocks[index + 1]) and "cachePoint" in blocks[index + 1]:
        kept.append(blocks[index + 1])
    return kept


def request_of(text: Mapping[str, Any], api: str) -> dict[str, Any]:
    """The excerpt as a request again, in the form that its API takes."""
    if api == "converse":
        return dict(text)
    import json  # only native bodies need it

    body = {key: value for key, value in text.items() if key != "modelId"}
    return {"modelId": text.get("modelId"), "body": json.dumps(body)}
