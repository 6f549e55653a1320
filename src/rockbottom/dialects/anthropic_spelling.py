"""An Anthropic Messages body from and to Converse's: what benches send, and what the local endpoint answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rockbottom.dialects.members import CACHE_CONTROL, CACHE_POINT
from rockbottom.dialects.points import with_marks
from rockbottom.prompt import MalformedBody, json_bytes
from rockbottom.wire import Json

_LIMITS = {
    "maxTokens": "max_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "stopSequences": "stop_sequences",
}


def anthropic_spelled(converse: Mapping[str, Any]) -> dict[str, Any]:
    """A Converse body as an Anthropic one. Raises MalformedBody for a block that has no form there."""
    config: Mapping[str, Any] = converse.get("inferenceConfig") or {}
    tool_config: Mapping[str, Any] = converse.get("toolConfig") or {}
    body: dict[str, Any] = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": config.get("maxTokens"),
        "messages": [
            {"role": message["role"], "content": _marked(message["content"], _spelled_block)}
            for message in converse["messages"]
        ],
    }
    if system := _marked(converse.get("system") or (), _spelled_block):
        body["system"] = system
    if tools := _marked(tool_config.get("tools") or (), _spelled_tool):
        body["tools"] = tools
    body |= {ours: config[theirs] for theirs, ours in _LIMITS.items() if theirs in config}
    return body


def _marked(blocks: Iterable[Json], spelled: Callable[[Mapping[str, Any]], Json]) -> list[Json]:
    return with_marks(blocks, spelled, CACHE_CONTROL, "ephemeral")


def _spelled_tool(tool: Mapping[str, Any]) -> Json:
    spec = tool["toolSpec"]
    described = {"description": spec["description"]} if spec.get("description") else {}
    return {"name": spec["name"], **described, "input_schema": spec["inputSchema"]["json"]}


def _spelled_block(block: Mapping[str, Any]) -> Json:
    if "toolUse" in block:
        use = block["toolUse"]
        return {"type": "tool_use", "id": use["toolUseId"], "name": use["name"], "input": use["input"]}
    if "toolResult" in block:
        result = block["toolResult"]
        content = [_spelled_block(part) for part in result["content"] if CACHE_POINT not in part]
        return {"type": "tool_result", "tool_use_id": result["toolUseId"], "content": content}
    if "json" in block:
        return {"type": "text", "text": json_bytes(block["json"]).decode("utf-8", "surrogatepass")}
    if "text" in block:
        return {"type": "text", "text": block["text"]}
    raise MalformedBody("content", f"a {next(iter(block), 'empty')} block", wanted="one that InvokeModel has a form of")


def anthropic_unspelled(body: Mapping[str, Any]) -> dict[str, Any]:
    """An Anthropic body as Converse's, as far as an answer depends on it."""
    converse: dict[str, Any] = {
        "inferenceConfig": {theirs: body[ours] for theirs, ours in _LIMITS.items() if body.get(ours) is not None},
        "system": _unspelled_blocks(body.get("system")),
        "messages": [
            {"role": message.get("role"), "content": _unspelled_blocks(message.get("content"))}
            for message in body.get("messages") or ()
        ],
    }
    forms = ("thinking", "output_config", "output_format")
    converse["additionalModelRequestFields"] = {name: body[name] for name in forms if body.get(name)}
    choice: Mapping[str, Any] = body.get("tool_choice") or {}
    kind = str(choice.get("type", "auto"))
    tools = [{"toolSpec": _unspelled_tool(tool)} for tool in body.get("tools") or () if _is_called(tool)]
    if tools:
        converse["toolConfig"] = {"tools": tools, "toolChoice": {kind: {"name": choice.get("name")}}}
    return converse


# Tools whose schema Anthropic knows and a request does not hold; what others of its tools do, it does itself.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "bash": ("command",),
    "text_editor": ("command", "path"),
    "memory": ("command", "path"),
}


def _is_called(tool: Mapping[str, Any]) -> bool:
    """Whether a tool is one that the caller runs."""
    kind = str(tool.get("type") or "custom")
    return kind == "custom" or "input_schema" in tool or kind.rpartition("_")[0] in _KNOWN


def _unspelled_tool(tool: Mapping[str, Any]) -> Json:
    members = _KNOWN.get(str(tool.get("type")).rpartition("_")[0], ())
    known = {"type": "object", "properties": {name: {"type": "string"} for name in members}, "required": list(members)}
    schema = tool.get("input_schema") or (known if members else {})
    described = {"description": tool["description"]} if tool.get("description") else {}
    return {"name": tool.get("name", ""), **described, "inputSchema": {"json": schema}}


_CHANGES = {"tool_addition": "toolAddition", "tool_removal": "toolRemoval"}


def _unspelled_blocks(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"text": content}]
    return [block for part in content or () for block in _unspelled_block(part)]


def _unspelled_block(block: Mapping[str, Any]) -> Iterator[Json]:
    kind = block.get("type")
    if kind == "text":
        yield {"text": block.get("text", "")}
    elif kind == "tool_use":
        yield {"toolUse": {"toolUseId": block.get("id"), "name": block.get("name"), "input": block.get("input")}}
    elif kind == "tool_result":
        content = _unspelled_blocks(block.get("content"))
        yield {"toolResult": {"toolUseId": block.get("tool_use_id"), "content": content}}
    elif kind in _CHANGES:
        tool: Mapping[str, Any] = block.get("tool") or {}
        defined = tool.get("definition")
        yield {_CHANGES[str(kind)]: {"tool": tool if defined is None else {"toolSpec": _unspelled_tool(defined)}}}
    elif kind == "document":
        source: Mapping[str, Any] = block.get("source") or {}
        content_source: Json = {"text": source.get("data", "")} if source.get("type") == "text" else {}
        if source.get("type") == "base64":
            content_source = {"bytes": source.get("data")}
        if source.get("type") == "content":
            content_source = {"content": _unspelled_blocks(source.get("content"))}
        yield {"document": {"name": block.get("title"), "source": content_source, "citations": block.get("citations")}}
