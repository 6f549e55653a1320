"""Bytes to messages and back: event-stream frames and Bedrock's stream events; no sockets."""

from rockbottom.wire.errors import (
    CorruptFrame,
    InvalidHeader,
    StreamFailed,
    TruncatedStream,
    WireError,
)
from rockbottom.wire.events import (
    EVENT_STREAM,
    Event,
    Json,
    chunk_frame,
    chunks,
    event_frame,
    events,
    exception_frame,
)
from rockbottom.wire.frames import MAX_HEADERS_BYTES, Decoder, Frame, Header, HeaderType, encoded, string_headers
from rockbottom.wire.sse import DONE, SSE_TYPE, SseDecoder, sse_frame

__all__ = [
    "DONE",
    "EVENT_STREAM",
    "MAX_HEADERS_BYTES",
    "SSE_TYPE",
    "CorruptFrame",
    "Decoder",
    "Event",
    "Frame",
    "Header",
    "HeaderType",
    "InvalidHeader",
    "Json",
    "SseDecoder",
    "StreamFailed",
    "TruncatedStream",
    "WireError",
    "chunk_frame",
    "chunks",
    "encoded",
    "event_frame",
    "events",
    "exception_frame",
    "sse_frame",
    "string_headers",
]
