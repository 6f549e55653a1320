"""Bytes to messages and back: event-stream frames, Bedrock's stream events, whole replies; no sockets."""

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
from rockbottom.wire.replies import (
    METRICS,
    anthropic_chunks,
    anthropic_reply,
    converse_events,
    converse_reply,
    nova_chunks,
    nova_reply,
)

__all__ = [
    "MAX_HEADERS_BYTES",
    "MAX_PAYLOAD_BYTES",
    "METRICS",
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
    "anthropic_chunks",
    "anthropic_reply",
    "chunk_frame",
    "chunks",
    "converse_events",
    "converse_reply",
    "encoded",
    "event_frame",
    "events",
    "exception_frame",
    "nova_chunks",
    "nova_reply",
    "string_headers",
]
