"""Chat Completions as a native body of InvokeModel: the same bodies and points, streams of AWS's (card-gpt-6-luna).

Models of OpenAI are planned on it; other vendors whose bodies are spelled so do not cache.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rockbottom.catalog import Model
from rockbottom.dialects.chat import COUNTERS, Chat
from rockbottom.dialects.operations import INVOKE, INVOKE_PATHS
from rockbottom.dialects.streams import METRICS, StreamCounts
from rockbottom.prompt import Api, json_bytes
from rockbottom.wire import EVENT_STREAM, Event, Json, chunk_frame


class NativeChat(Chat):
    """Chat Completions on InvokeModel and InvokeModelWithResponseStream."""

    name = "native-chat"
    api = Api.INVOKE
    vendor = "openai"
    operations = INVOKE
    paths: Mapping[str, str] = INVOKE_PATHS
    required = ("messages",)
    stream_type = EVENT_STREAM

    def cut(self, reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Event]:
        """The chunks of a whole reply, ``metrics`` on the last."""
        chunks = [chunk for _, chunk in super().cut(reply, metrics, piece_chars)]
        for chunk in chunks[:-1]:
            yield "chunk", chunk
        yield "chunk", {**chunks[-1], METRICS: metrics}

    def framed(self, events: Iterable[Event], model: Model, body: Mapping[str, Any]) -> Iterator[bytes]:
        return (chunk_frame(json_bytes(chunk)) for _, chunk in events)

    def counting(self) -> StreamCounts:
        return StreamCounts(COUNTERS.counts)


NATIVE_CHAT = NativeChat()
