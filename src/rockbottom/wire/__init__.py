"""Bytes to messages and back: event-stream frames and Bedrock's stream events; no sockets."""

from rockbottom.wire.errors import (
    CorruptFrame,
    InvalidHeader,
    StreamFailed,
    TruncatedStream,
    WireError,
)
from rockbottom.wire.events import (
    Event,
    Json,
    chunk_frame,
    chunks,
    event_frame,
    events,
    exception_frame,
)
from rockbottom.wire.frames import (
    MAX_HEADERS_BYTES,
    MAX_PAYLOAD_BYTES,
    Decoder,
    Frame,
    Header,
    HeaderType,
    encoded,
    string_headers,
)

__all__ = [
    "MAX_HEADERS_BYTES",
    "MAX_PAYLOAD_BYTES",
    "CorruptFrame",
    "Decoder",
    "Event",
    "Frame",
    "Header",
    "HeaderType",
    "InvalidHeader",
    "Json",
    "StreamFailed",
    "TruncatedStream",
    "WireError",
    "chunk_frame",
    "chunks",
    "encoded",
    "event_frame",
    "events",
    "exception_frame",
    "string_headers",
]
