"""Events of Bedrock's streams, as frames and as (name, JSON) pairs.

ConverseStream sends one event type per member of ConverseStreamOutput; InvokeModelWithResponseStream
sends ``chunk`` events whose JSON holds base64 of the model's own JSON; both report failures as
exception messages (botocore bedrock-runtime 2023-09-30, and facts of the event-stream format).
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, cast

import msgspec

from rockbottom.quantities import Undecodable, decoded
from rockbottom.wire.errors import CorruptFrame, StreamFailed
from rockbottom.wire.frames import Frame, encoded_headers, framed, string_headers

Json = dict[str, Any]
EVENT_STREAM = "application/vnd.amazon.eventstream"
"""The media type of a stream of frames."""

Event = tuple[str, Json]
"""An event's name (``contentBlockDelta``) and its payload."""

_RETRY_SAFE = frozenset(
    {
        "internalServerException",
        "modelStreamErrorException",
        "modelTimeoutException",
        "serviceUnavailableException",
        "throttlingException",
    }
)


def event_frame(name: str, payload: bytes) -> bytes:
    """The frame of an event whose JSON is ``payload``."""
    return framed(_event_headers(name), payload)


def exception_frame(name: str, message: str) -> bytes:
    """The frame of a failure after the stream began; ``name`` as in the model: ``throttlingException``."""
    return framed(_exception_headers(name), msgspec.json.encode({"message": message}))


def chunk_frame(payload: bytes) -> bytes:
    """The frame of an InvokeModelWithResponseStream chunk around the model's own JSON."""
    return event_frame("chunk", b'{"bytes":"' + base64.b64encode(payload) + b'"}')


def events(frames: Iterable[Frame]) -> Iterator[Event]:
    """The events in frames. Raises StreamFailed on an exception message, CorruptFrame on bad JSON."""
    for frame in frames:
        kind = frame.text(":message-type")
        if kind == "exception":
            raise _failure(frame.text(":exception-type") or "unknownException", _json(frame.payload))
        if kind == "error":
            raise _failure(frame.text(":error-code") or "error", {"message": frame.text(":error-message") or ""})
        yield frame.text(":event-type") or "", _json(frame.payload)


def chunks(frames: Iterable[Frame]) -> Iterator[Json]:
    """The model's own JSON in the ``chunk`` events of frames. Raises as ``events``."""
    for name, payload in events(frames):
        if name == "chunk" and isinstance(payload.get("bytes"), str):
            try:
                raw = base64.b64decode(payload["bytes"], validate=True)
            except (binascii.Error, ValueError) as error:
                raise CorruptFrame(f"a chunk is not base64: {error}") from error
            yield _json(raw)


def _failure(code: str, payload: Json) -> StreamFailed:
    return StreamFailed(code, str(payload.get("message", "")), retry_safe=code in _RETRY_SAFE)


def _json(raw: bytes) -> Json:
    try:
        value = decoded(raw or b"{}")
    except Undecodable as error:
        raise CorruptFrame(f"an event is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CorruptFrame(f"an event is JSON but not an object: {raw[:80]!r}")
    return cast(Json, value)


@lru_cache(maxsize=64)
def _event_headers(name: str) -> bytes:
    return encoded_headers(
        string_headers({":event-type": name, ":content-type": "application/json", ":message-type": "event"})
    )


@lru_cache(maxsize=64)
def _exception_headers(name: str) -> bytes:
    return encoded_headers(
        string_headers({":exception-type": name, ":content-type": "application/json", ":message-type": "exception"})
    )
