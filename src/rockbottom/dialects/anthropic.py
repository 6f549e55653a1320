"""An Anthropic Messages body on InvokeModel (Claude): bodies, points, counters and streams.

``cache_control`` is a member of the block that it closes. On a block inside ``tool_result.content`` it
caches up to that tool_result (cachecanary-live); inside Converse's toolResult it does nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rockbottom.catalog import Model
from rockbottom.dialects.assembly import Assembly, effort_of, schema_of, thinking_of
from rockbottom.dialects.blocks import Weighed, weigh_block
from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.members import CACHE_CONTROL
from rockbottom.dialects.operations import INVOKE, INVOKE_PATHS
from rockbottom.dialects.points import Marked, decorated
from rockbottom.dialects.streams import StreamCounts
from rockbottom.dialects.usage import NO_SPLIT, Counters, split_of
from rockbottom.prompt import (
    Api,
    BlockKind,
    MalformedBody,
    Meter,
    Parameters,
    Placement,
    Prompt,
    Section,
    digest_of,
    json_bytes,
    list_at,
    object_at,
    place_of,
)
from rockbottom.quantities import Ttl, Usage, is_list, is_object
from rockbottom.wire import EVENT_STREAM, Event, Json, chunk_frame

_KINDS = {
    "image": BlockKind.IMAGE,
    "document": BlockKind.DOCUMENT,
    "tool_use": BlockKind.TOOL_USE,
    "tool_result": BlockKind.TOOL_RESULT,
    "thinking": BlockKind.REASONING,
    "redacted_thinking": BlockKind.REASONING,
    "search_result": BlockKind.SEARCH_RESULT,
}


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
    control = block.get(CACHE_CONTROL) or _nested_control(block)
    if control:
        assembly.add_point(control, section, message, index, decorates=True)


def _nested_control(block: Mapping[str, Any]) -> Any:
    content = block.get("content") if block.get("type") == "tool_result" else None
    if not is_list(content):
        return None
    return next((part[CACHE_CONTROL] for part in reversed(content) if part.get(CACHE_CONTROL)), None)


def _tool(tool: object, meter: Meter, index: int) -> Weighed:
    if not is_object(tool):
        raise MalformedBody(f"tools[{index}]", type(tool).__name__, wanted="an object")
    try:
        kind = BlockKind.DEFERRED_TOOL if tool.get("defer_loading") is True else BlockKind.TOOL
        return Weighed(kind, *meter.json(_bare(tool), "tool"))
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedBody(f"tools[{index}]", f"{type(error).__name__}: {error}", wanted="JSON") from error


def _bare(block: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in block.items() if member != CACHE_CONTROL}


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
        citations=_cites(body),
    )


def _cites(body: Mapping[str, Any]) -> bool:
    for message in body.get("messages") or ():
        content = message.get("content")
        for block in content if is_list(content) else ():
            if block.get("type") == "document" and object_at(block, "citations", "citations").get("enabled"):
                return True
    return False


_SPLIT = "ephemeral_{}_input_tokens"
_TTLS = (Ttl.FIVE_MINUTES, Ttl.ONE_HOUR)  # those that Anthropic names


def _split(counted: Mapping[str, Any]) -> Mapping[Ttl, int]:
    creation = counted.get("cache_creation")
    if not is_object(creation):
        return NO_SPLIT
    return split_of((ttl.value, creation.get(_SPLIT.format(ttl.value))) for ttl in Ttl)


COUNTERS = Counters(
    "input_tokens", "output_tokens", ("cache_read_input_tokens",), ("cache_creation_input_tokens",), _split
)


class Anthropic(Marked):
    """An Anthropic Messages body on InvokeModel and InvokeModelWithResponseStream."""

    name = "anthropic"
    lead = 2
    api = Api.INVOKE
    vendor = "anthropic"
    operations = INVOKE
    paths = INVOKE_PATHS
    required = ("anthropic_version", "max_tokens", "messages")
    counters = COUNTERS
    stream_type = EVENT_STREAM

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a body. Raises MalformedBody for a shape that cannot be read."""
        assembly = Assembly(meter)
        assembly.begin_list(Section.TOOLS)
        for index, tool in enumerate(list_at(body, "tools", "tools")):
            _add(assembly, _tool(tool, meter, index), tool, Section.TOOLS, "", 0, index)
        _read_content(assembly, body.get("system"), Section.SYSTEM, "", 0)
        for number, message in enumerate(list_at(body, "messages", "messages")):
            if not is_object(message):
                raise MalformedBody(f"messages[{number}]", type(message).__name__, wanted="an object")
            _read_content(assembly, message.get("content"), Section.MESSAGES, str(message.get("role", "")), number)
        return assembly.prompt(self.api, _parameters(body))

    def with_points(self, body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement]) -> dict[str, Any]:
        """The body with ``cache_control`` set on the segments named; strings become text blocks."""
        return decorated(body, prompt, placements, CACHE_CONTROL, "ephemeral", "tools")

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        """A Converse body as one of these. Raises MalformedBody for a block that has no form here."""
        from rockbottom.dialects.anthropic_spelling import anthropic_spelled

        return anthropic_spelled(converse)

    def told(self, reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
        """The texts and tool uses of a whole reply in Converse's blocks, and why it stopped."""
        from rockbottom.dialects.anthropic_replies import told_block

        content = reply["content"]
        listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return tuple(spoken for block in listed if (spoken := told_block(block))), str(reply.get("stop_reason") or "")

    def unspelled(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A body as Converse's; what has no part in an answer, thinking and images among it, is left out."""
        from rockbottom.dialects.anthropic_spelling import anthropic_unspelled

        return anthropic_unspelled(body)

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        writes = usage.writes()
        return {
            "input_tokens": usage.input,
            "cache_creation_input_tokens": usage.cache_write,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation": {_SPLIT.format(ttl.value): writes[ttl] for ttl in _TTLS},
            "output_tokens": usage.output,
        }

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        """A whole reply of Converse's as one of these."""
        from rockbottom.dialects.anthropic_replies import answer_block

        more: Mapping[str, Any] = reply.get("additionalModelResponseFields") or {}
        return {
            "model": _VERSION.sub("", model.id.removeprefix("anthropic.")),
            "id": f"msg_bdrk_{exchange.identity}",
            "type": "message",
            "role": "assistant",
            "content": [answer_block(block) for block in reply["output"]["message"]["content"]],
            "stop_reason": reply["stopReason"],
            "stop_sequence": more.get("stop_sequence"),
            "usage": reply["usage"],
        }

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The chunks of a whole reply, ``metrics`` on ``message_stop`` as Bedrock adds them."""
        from rockbottom.dialects.anthropic_replies import anthropic_chunks

        return (("chunk", chunk) for chunk in anthropic_chunks(reply, metrics, piece_chars))

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        return (chunk_frame(json_bytes(chunk)) for _, chunk in events)

    def assembled(self, events: Iterable[Event]) -> Json:
        """The whole reply of its chunks. Raises TruncatedStream when ``message_stop`` never came."""
        from rockbottom.dialects.anthropic_replies import anthropic_reply

        return anthropic_reply(chunk for _, chunk in events)

    def counting(self) -> StreamCounts:
        return StreamCounts(COUNTERS.counts)


_VERSION = re.compile(r"-v\d+(:\d+)?$")  # of an id on Bedrock; replies leave it out (sample-per-model-bedrock)
ANTHROPIC = Anthropic()
