"""A native Amazon Nova body (InvokeModel): bodies, points, counters and streams.

Nova bodies use Converse's blocks, except that ``cachePoint`` is a member beside ``text`` in the block that
it closes (AWS prompt-caching page), and that ``inferenceConfig`` is Nova's own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rockbottom.catalog import Model
from rockbottom.dialects.assembly import Assembly
from rockbottom.dialects.blocks import weigh_block
from rockbottom.dialects.converse import CONVERSE, COUNTERS
from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.members import CACHE_POINT
from rockbottom.dialects.operations import INVOKE, INVOKE_PATHS
from rockbottom.dialects.points import Marked, decorated, with_marks
from rockbottom.dialects.streams import METRICS, StreamCounts
from rockbottom.prompt import (
    Api,
    MalformedBody,
    Meter,
    Parameters,
    Placement,
    Prompt,
    Section,
    json_bytes,
    list_at,
    object_at,
    place_of,
)
from rockbottom.quantities import Usage, is_object
from rockbottom.wire import EVENT_STREAM, Event, Json, chunk_frame


def _read_list(assembly: Assembly, blocks: Any, section: Section, role: str, message: int) -> None:
    assembly.begin_list(section)
    for index, block in enumerate(blocks):
        place = place_of(section, message, index)
        if not is_object(block):
            raise MalformedBody(place, type(block).__name__, wanted="an object")
        bare = {member: value for member, value in block.items() if member != CACHE_POINT}
        if bare:
            assembly.add(weigh_block(bare, role, assembly.meter, place), section, role, message, index)
        if CACHE_POINT in block:
            assembly.add_point(block[CACHE_POINT], section, message, index, decorates=True)


_REPLY = ("output", "stopReason", "usage")


class Nova(Marked):
    """A native Amazon Nova body on InvokeModel and InvokeModelWithResponseStream."""

    name = "nova"
    lead = 1
    api = Api.INVOKE
    vendor = "amazon"
    operations = INVOKE
    paths = INVOKE_PATHS
    required = ("messages",)
    counters = COUNTERS
    stream_type = EVENT_STREAM

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a body. Raises MalformedBody for a shape that cannot be read."""
        assembly = Assembly(meter)
        tool_config = object_at(body, "toolConfig", "toolConfig")
        _read_list(assembly, list_at(tool_config, "tools", "toolConfig.tools"), Section.TOOLS, "", 0)
        _read_list(assembly, list_at(body, "system", "system"), Section.SYSTEM, "", 0)
        for number, message in enumerate(list_at(body, "messages", "messages")):
            if not is_object(message):
                raise MalformedBody(f"messages[{number}]", type(message).__name__, wanted="an object")
            content = list_at(message, "content", f"messages[{number}].content")
            _read_list(assembly, content, Section.MESSAGES, str(message.get("role", "")), number)
        choice = object_at(tool_config, "toolChoice", "toolConfig.toolChoice")
        return assembly.prompt(Api.INVOKE, Parameters(tool_choice=next(iter(choice), "auto")))

    def with_points(self, body: Mapping[str, Any], prompt: Prompt, placements: Iterable[Placement]) -> dict[str, Any]:
        """The body with ``cachePoint`` set beside the text of the segments named."""
        return decorated(body, prompt, placements, CACHE_POINT, "default", "toolConfig")

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        """A Converse body with its points beside the text that they close."""
        new = {"schemaVersion": "messages-v1", **converse}
        if "system" in converse:
            new["system"] = with_marks(converse["system"], dict, CACHE_POINT, "default")
        new["messages"] = [
            {**message, "content": with_marks(message["content"], dict, CACHE_POINT, "default")}
            for message in converse["messages"]
        ]
        return new

    def told(self, reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
        """The content of a whole reply, which is spelled as Converse's, and why it stopped."""
        return CONVERSE.told(reply)

    def unspelled(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A body as Converse's, which differs in a name; points stay beside the text."""
        config: Mapping[str, Any] = body.get("inferenceConfig") or {}
        limit = config.get("maxTokens", config.get("max_new_tokens"))
        thinking = {"reasoningConfig": config.get("reasoningConfig")}
        return {**body, "inferenceConfig": {**config, "maxTokens": limit}, "additionalModelRequestFields": thinking}

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        """``usage`` of a reply: the cache fields end in Count and are always there."""
        return {
            "inputTokens": usage.input,
            "outputTokens": usage.output,
            "totalTokens": usage.total,
            "cacheReadInputTokenCount": usage.cache_read,
            "cacheWriteInputTokenCount": usage.cache_write,
        }

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        """A whole reply of Converse's."""
        return {name: reply[name] for name in _REPLY}

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The chunks of a whole reply: Converse's events, usage and ``metrics`` in the last."""
        from rockbottom.dialects.converse_replies import converse_events

        for name, payload in converse_events(reply, piece_chars):
            if name == "metadata":
                usage: Json = {"usage": payload["usage"], "metrics": {}, "trace": {}}
                yield "chunk", {"metadata": usage, METRICS: metrics}
            else:
                yield "chunk", {name: payload}

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        return (chunk_frame(json_bytes(chunk)) for _, chunk in events)

    def assembled(self, events: Iterable[Event]) -> Json:
        """The whole reply of its chunks. Raises TruncatedStream when the last never came."""
        from rockbottom.dialects.converse_replies import converse_reply

        inner = ((name, payload) for _, chunk in events for name, payload in chunk.items() if name != METRICS)
        reply = converse_reply(inner)
        return {name: reply[name] for name in _REPLY}

    def counting(self) -> StreamCounts:
        return StreamCounts(COUNTERS.counts)


NOVA = Nova()
