"""Anthropic's Messages over HTTP, on bedrock-runtime and bedrock-mantle: InvokeModel's body with two members more.

``model`` stands in the body, and a ``cache_control`` of the body's own is a point behind its last block, which
InvokeModel refuses (reported to work on the Messages paths of both hosts, 2026-09-25).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rockbottom.catalog import Model
from rockbottom.dialects.anthropic import COUNTERS, Anthropic
from rockbottom.dialects.assembly import ttl_of
from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.members import CACHE_CONTROL
from rockbottom.dialects.sse import SseCounts
from rockbottom.dialects.streams import METRICS
from rockbottom.dialects.usage import Counts
from rockbottom.prompt import Api, CachePoint, Meter, Prompt, json_bytes, prompt_of
from rockbottom.quantities import Usage, is_object
from rockbottom.wire import SSE_TYPE, Event, Json, sse_frame


class Messages(Anthropic):
    """Messages, streamed or not."""

    name = "messages"
    api = Api.MESSAGES
    operations = ("Messages", "MessagesStream")
    paths: Mapping[str, str] = {"/anthropic/v1/messages": "Messages"}
    required = ("model", "max_tokens", "messages")
    stream_type = SSE_TYPE

    def read(self, body: Mapping[str, Any], meter: Meter) -> Prompt:
        """The prompt of a body. Raises MalformedBody for a shape that cannot be read."""
        prompt = super().read(body, meter)
        control = body.get(CACHE_CONTROL)
        if not is_object(control) or not prompt.segments:
            return prompt
        return prompt_of(prompt.api, prompt.segments, (*prompt.points, _last(prompt, control)), prompt.parameters)

    def without_points(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {member: value for member, value in super().without_points(body).items() if member != CACHE_CONTROL}

    def spelled(self, converse: Mapping[str, Any]) -> dict[str, Any]:
        """A Converse body as one of these; the model is the caller's to name."""
        body = super().spelled(converse)
        return {member: value for member, value in body.items() if member != "anthropic_version"}

    def counted(self, usage: Usage, model: Model, *, points: bool, stream: bool) -> Json:
        reply_usage = super().counted(usage, model, points=points, stream=stream)
        return {**reply_usage, "output_tokens_details": {"thinking_tokens": 0}, "service_tier": "standard"}

    def answered(self, reply: Json, model: Model, exchange: Exchange) -> Json:
        """A whole reply of Converse's as one of these."""
        if exchange.reasoning_tokens:
            reply["usage"]["output_tokens_details"]["thinking_tokens"] = exchange.reasoning_tokens
        return super().answered(reply, model, exchange)

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The events of a whole reply; the service adds nothing of its own to the last."""
        for _, chunk in super().cut(reply, metrics, piece_chars):
            yield chunk["type"], {member: value for member, value in chunk.items() if member != METRICS}

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        """The frames of its events, each named."""
        return (sse_frame(json_bytes(payload), name) for name, payload in events)

    def counting(self) -> "_Counting":
        """What picks the counts out of one stream."""
        return _Counting(COUNTERS.counts)


def _last(prompt: Prompt, control: Mapping[str, Any]) -> CachePoint:
    segment = prompt.segments[-1]
    ttl = ttl_of(control.get("ttl"), CACHE_CONTROL)
    place = segment.section, segment.kind, segment.message, segment.index
    return CachePoint(len(prompt.segments), ttl, *place)


class _Counting(SseCounts):
    """The input is counted at the start, the output at the end."""

    def begins(self, data: bytes) -> bool:
        return b"content_block_delta" in data

    def tells(self, data: bytes) -> bool:
        return b'"usage"' in data or b'"error"' in data

    def look(self, name: str, payload: Mapping[str, Any]) -> None:
        kind = payload.get("type")
        if kind == "message_start":
            message = payload.get("message")
            self.at_least = self._counted(message.get("usage")) if is_object(message) else None
        elif kind == "message_delta":
            self.counts = self._whole(payload.get("usage"))
        elif kind == "error":
            self.failed = True

    def _whole(self, counted: object) -> Counts | None:
        whole, first = self._counted(counted), self.at_least
        if whole is not None and (whole.read or whole.write or first is None):
            return whole
        output = counted.get("output_tokens") if is_object(counted) else None
        return first._replace(output=output) if first is not None and isinstance(output, int) else None


MESSAGES = Messages()
