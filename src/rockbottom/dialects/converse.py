"""Converse and ConverseStream: their bodies, points, counters and streams, for every model."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from rockbottom.catalog import Model
from rockbottom.dialects.assembly import Assembly, effort_of, schema_of, thinking_of
from rockbottom.dialects.blocks import weigh_block
from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.members import CACHE_POINT
from rockbottom.dialects.points import Marked, converse_point, list_for
from rockbottom.dialects.streams import StreamCounts
from rockbottom.dialects.usage import NO_SPLIT, Counters, split_of
from rockbottom.prompt import (
    Api,
    BlockKind,
    HistoryKey,
    ListName,
    MalformedBody,
    Meter,
    Parameters,
    Placement,
    Prompt,
    Section,
    json_bytes,
    list_at,
    object_at,
    packed,
    place_of,
)
from rockbottom.quantities import LONGEST_FIRST, Ttl, Usage, is_list, is_object
from rockbottom.wire import EVENT_STREAM, Event, Json, event_frame

_UNNAMED = frozenset({CACHE_POINT, "image", "document", "video"})
_DOCUMENTS = frozenset({BlockKind.DOCUMENT, BlockKind.TEXT_DOCUMENT})


_kind: Callable[[object], object] = type  # a test on it keeps a value Any, where one on type() would need a cast
_TURN = 2  # messages by which a conversation grows between two requests: the reply, and what the user says to it


def _read_messages(assembly: Assembly, messages: Iterable[Any]) -> None:
    """All messages; a conversation that goes on from one that was read is known as a whole up to there."""
    listed = cast("list[Any]", messages) if type(messages) is list else list(messages)
    overhead = assembly.overhead
    earlier = _earlier(listed, overhead)
    start = assembly.resume(earlier, listed)
    name: ListName | None = ""
    for number, message in enumerate(listed[start:] if start else listed, start):
        content = _content_of(message, number)
        named = _read_list(assembly, content, Section.MESSAGES, str(message.get("role", "")), number)
        name = None if name is None else named
    if name and len(listed) > _TURN:
        assembly.keep_history((name, len(listed), overhead), earlier)


def _content_of(message: object, number: int) -> Iterable[Any]:
    if not is_object(message):
        raise MalformedBody(f"messages[{number}]", type(message).__name__, wanted="an object")
    content: Any = message.get("content")
    if _kind(content) is list:  # nearly always, and then its place needs no name
        return content
    return list_at(message, "content", f"messages[{number}].content")


def _earlier(messages: list[Any], overhead: int) -> HistoryKey | None:
    """The key of the conversation one turn before, if it is long enough to be kept."""
    count = len(messages) - _TURN
    last = messages[count - 1] if count > _TURN else None
    if type(last) is not dict or type(content := cast("dict[str, Any]", last).get("content")) is not list:
        return None
    name = _name_of(cast("list[Any]", content))
    return None if name is None else (name, count, overhead)


def _read_list(
    assembly: Assembly, blocks: Iterable[Any], section: Section, role: str = "", number: int = 0
) -> ListName | None:
    """The tools, the system or the content of one message; a list that was sent before is known as a whole.

    Answers with the name that it is kept under.
    """
    name = _name_of(blocks)
    if name is None:
        assembly.begin_list(section)
        _read_blocks(assembly, blocks, section, role, number)
        return None
    key = assembly.recall(name, section, role, number)
    if key is None:
        return name
    start, weigh = len(assembly.segments), assembly.meter.weigh
    for index, block in enumerate(blocks):
        text = block.get("text") if len(block) == 1 else None  # every block is a dict, or the list had no name
        if type(text) is str:
            assembly.add((BlockKind.TEXT, *weigh(text, role), 1), section, role, number, index)
        else:
            _read_block(assembly, block, section, role, number, index)
    if len(assembly.segments) > start:
        assembly.meter.keep_segments(key, tuple(assembly.segments[start:]))
    return name


def _name_of(content: Iterable[Any]) -> ListName | None:
    """A name for the content, type for type; None for points, for media (big when kept whole), for what has none."""
    only = _only_text(content)
    if only is not None:
        return only
    for block in content:
        if type(block) is not dict or not _UNNAMED.isdisjoint(cast("dict[str, Any]", block)):
            return None
    return packed(content)


def _only_text(content: Any) -> str | None:
    """The text of a list of one block of text: most messages are one, and a text remembers its own hash."""
    block: Any = content[0] if _kind(content) is list and len(content) == 1 else None
    text: Any = block.get("text") if _kind(block) is dict and len(block) == 1 else None
    return text if _kind(text) is str else None


def _read_blocks(assembly: Assembly, blocks: Iterable[Any], section: Section, role: str, message: int) -> None:
    for index, block in enumerate(blocks):
        _read_block(assembly, block, section, role, message, index)


def _read_block(assembly: Assembly, block: Any, section: Section, role: str, message: int, index: int) -> None:
    if is_object(block) and CACHE_POINT in block and len(block) == 1:
        assembly.add_point(block[CACHE_POINT], section, message, index)
        return
    weighed = weigh_block(block, role, assembly.meter, place_of(section, message, index))
    assembly.add(weighed, section, role, message, index)


_PLAIN = Parameters()


def _parameters(body: Mapping[str, Any], tool_config: Mapping[str, Any], citations: bool) -> Parameters:
    if not (tool_config or citations or "outputConfig" in body or "additionalModelRequestFields" in body):
        return _PLAIN
    extra = object_at(body, "additionalModelRequestFields", "additionalModelRequestFields")
    output = object_at(body, "outputConfig", "outputConfig")
    native_output = object_at(extra, "output_config", "additionalModelRequestFields.output_config")
    schema = output.get("textFormat") or native_output.get("format") or extra.get("output_format")
    choice = object_at(tool_config, "toolChoice", "toolConfig.toolChoice")
    return Parameters(
        thinking=thinking_of(extra.get("thinking")),
        effort=effort_of(output.get("effort") or native_output.get("effort")),
        output_schema=schema_of(schema),
        tool_choice=next(iter(choice), "auto"),
        citations=citations,
    )


def _cites(body: Mapping[str, Any]) -> bool:
    return any(
        is_object(block)
        and is_object(document := block.get("document"))
        and is_object(citations := document.get("citations"))
        and bool(citations.get("enabled"))
        for message in list_at(body, "messages", "messages")
        for block in message.get("content") or ()
    )


def _split(counted: Mapping[str, Any]) -> Mapping[Ttl, int]:
    details = counted.get("cacheDetails")
    if not is_list(details):
        return NO_SPLIT
    return split_of((row.get("ttl"), row.get("inputTokens")) for row in details if is_object(row))


COUNTERS = Counters(
    "inputTokens",
    "outputTokens",
    ("cacheReadInputTokens", "cacheReadInputTokenCount"),  # Nova's own body has the second alone
    ("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
    _split,
)


class Converse(Marked):
    """Converse and ConverseStream: boto3 keyword arguments or wire JSON, for every model."""

    name = "converse"
    lead = 1
    api = Api.CONVERSE
    vendor = None
    operations = ("Converse", "ConverseStream")
    paths: Mapping[str, str] = {
        "/model/{model}/converse": "Converse", "/model/{model}/converse-stream": "ConverseStream",
    }  # fmt: skip
    required = ("messages",)
    counters = COUNTERS
    stream_type = EVENT_STREAM

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a Converse body; ``modelId`` is not looked at.

        Raises MalformedBody for a body whose shape cannot be read. Whether the service would accept it is
        another question (``cache.refusal``).
        """
        assembly = Assembly(meter)
        tool_config = object_at(body, "toolConfig", "toolConfig")
        _read_list(assembly, list_at(tool_config, "tools", "toolConfig.tools"), Section.TOOLS)
        _read_list(assembly, list_at(body, "system", "system"), Section.SYSTEM)
        _read_messages(assembly, list_at(body, "messages", "messages"))
        documents = not _DOCUMENTS.isdisjoint(assembly.kinds)
        return assembly.prompt(Api.CONVERSE, _parameters(body, tool_config, documents and _cites(body)))

    def with_points(self, body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement]) -> dict[str, Any]:
        """The body with cachePoint blocks put after the segments named."""
        new = dict(body)
        for placement in sorted(placements, key=lambda placement: -placement.after):
            segment = prompt.segments[placement.after - 1]
            blocks = list_for(new, segment, body)
            blocks.insert(segment.index + 1, converse_point(placement.ttl))
        return new

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        return dict(converse)

    def told(self, reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
        """The content of a whole reply, and why it stopped."""
        return tuple(reply["output"]["message"]["content"]), str(reply.get("stopReason") or "")

    def unspelled(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return body

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        """``usage`` of a reply, or of the last event of a stream."""
        return _usage(usage, model.vendor, points=points, stream=stream)

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        return reply

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The ConverseStream events of a whole reply; what they measure is in the reply."""
        from rockbottom.dialects.converse_replies import converse_events

        return converse_events(reply, piece_chars)

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        return (event_frame(name, json_bytes(payload)) for name, payload in events)

    def assembled(self, events: Iterable[Event]) -> Json:
        """The whole reply of a stream. Raises TruncatedStream when ``metadata`` never came."""
        from rockbottom.dialects.converse_replies import converse_reply

        return converse_reply(events)

    def counting(self) -> StreamCounts:
        return StreamCounts(COUNTERS.counts)


UNDOCUMENTED = ("cacheReadInputTokenCount", "cacheWriteInputTokenCount", "serverToolUsage")
"""Counters of a reply that its invocation log does not hold (recorded)."""


def _usage(usage: Usage, vendor: str, *, points: bool, stream: bool) -> Json:
    """``usage`` of a reply, or of the metadata event of a stream; ``points``: the request carried cachePoints.

    Which fields appear was read off recorded replies: Claude on Converse always gives the cache fields, their
    undocumented *TokenCount twins and serverToolUsage; Nova and the rest give cache fields only when a cachePoint
    was sent; cacheDetails comes only with a write, on Claude (130 recorded replies, 2025-03 to 2026-10).
    """
    reply_usage: Json = {"inputTokens": usage.input, "outputTokens": usage.output, "totalTokens": usage.total}
    always = vendor == "anthropic" and not stream
    if always or points or usage.cache_read or usage.cache_write:
        reply_usage["cacheReadInputTokens"] = reply_usage["cacheReadInputTokenCount"] = usage.cache_read
        reply_usage["cacheWriteInputTokens"] = reply_usage["cacheWriteInputTokenCount"] = usage.cache_write
    if vendor == "anthropic" and usage.cache_write:
        writes = usage.writes()
        split = [{"ttl": ttl.value, "inputTokens": writes[ttl]} for ttl in LONGEST_FIRST if writes[ttl]]
        reply_usage["cacheDetails"] = split
    reply_usage["serverToolUsage"] = {}
    return reply_usage


CONVERSE = Converse()
