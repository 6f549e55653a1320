"""The shapes of a model invocation log record that the readers look at; everything else is skipped, not decoded."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

Raw = msgspec.Raw
NOTHING = msgspec.Raw()
"""A member that is not there: no bytes."""


class Message(msgspec.Struct):
    """One message; blocks stay as the bytes they were logged as."""

    role: str = ""
    content: str | list[Raw] | None = None


class ToolConfig(msgspec.Struct):
    """Converse's ``toolConfig``."""

    tools: list[Raw] | None = None
    toolChoice: Raw = NOTHING


class Body(msgspec.Struct):
    """A Converse, Anthropic or Nova body; the members that decide what is cached, each as its bytes."""

    messages: list[Raw] | None = None
    system: Raw = NOTHING
    toolConfig: Raw = NOTHING
    tools: Raw = NOTHING
    additionalModelRequestFields: Raw = NOTHING
    outputConfig: Raw = NOTHING
    thinking: Raw = NOTHING
    output_config: Raw = NOTHING
    output_format: Raw = NOTHING
    tool_choice: Raw = NOTHING
    schemaVersion: Raw = NOTHING  # only Nova's native bodies name one; their blocks are spelled as Converse's


class CacheDetail(msgspec.Struct):
    """Tokens written with one TTL."""

    ttl: str = "5m"
    inputTokens: int = 0


class CacheCreation(msgspec.Struct):
    """Anthropic's split of the tokens written."""

    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class Counters(msgspec.Struct):
    """Usage in any dialect."""

    inputTokens: int | None = None
    outputTokens: int | None = None
    cacheReadInputTokens: int | None = None
    cacheWriteInputTokens: int | None = None
    cacheReadInputTokenCount: int | None = None
    cacheWriteInputTokenCount: int | None = None
    cacheDetails: list[CacheDetail] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None


class _Start(msgspec.Struct):
    usage: Counters | None = None


class Reply(msgspec.Struct):
    """A reply, or one event of a streamed one."""

    usage: Counters | None = None
    message: _Start | None = None
    metadata: _Start | None = None


class Input(msgspec.Struct):
    """``input`` of a record: the request and its uncached tokens."""

    inputBodyJson: Body | None = None
    inputBodyS3Path: str | None = None
    inputTokenCount: int | None = None
    cacheReadInputTokenCount: int | None = None
    cacheWriteInputTokenCount: int | None = None


class Output(msgspec.Struct):
    """``output`` of a record."""

    outputBodyJson: Reply | list[Reply] | None = None
    outputBodyS3Path: str | None = None
    outputTokenCount: int | None = None


class Record(msgspec.Struct):
    """One invocation."""

    modelId: str
    timestamp: datetime
    operation: str = ""
    requestId: str = ""
    accountId: str | None = None
    region: str | None = None
    inferenceRegion: str | None = None
    requestMetadata: dict[str, str] | None = None
    errorCode: str | None = None
    input: Input = msgspec.field(default_factory=Input)
    output: Output = msgspec.field(default_factory=Output)
    cacheReadInputTokenCount: int | None = None
    cacheWriteInputTokenCount: int | None = None


class _LooseInput(msgspec.Struct):
    inputBodyJson: Raw = NOTHING
    inputBodyS3Path: str | None = None
    inputTokenCount: int | None = None
    cacheReadInputTokenCount: int | None = None
    cacheWriteInputTokenCount: int | None = None


class _LooseOutput(msgspec.Struct):
    outputBodyJson: Raw = NOTHING
    outputBodyS3Path: str | None = None
    outputTokenCount: int | None = None


class _LooseRecord(Record):
    input: _LooseInput = msgspec.field(default_factory=_LooseInput)  # type: ignore[assignment]
    output: _LooseOutput = msgspec.field(default_factory=_LooseOutput)  # type: ignore[assignment]


_records = msgspec.json.Decoder(Record)
_loose_records = msgspec.json.Decoder(_LooseRecord)
_bodies = msgspec.json.Decoder(Body)
_replies = msgspec.json.Decoder(Reply | list[Reply])


def record_of(line: bytes) -> Record:
    """A line of the log. A body of a shape of its own (an embedding model's, say) counts as no body.

    Raises MsgspecError for a line that is no record.
    """
    try:
        return _records.decode(line)
    except msgspec.ValidationError:
        loose = _loose_records.decode(line)
    given, reply = loose.input, loose.output
    values = {name: getattr(loose, name) for name in Record.__struct_fields__}
    values["input"] = Input(
        _read(body_of, bytes(given.inputBodyJson)), given.inputBodyS3Path, given.inputTokenCount,
        given.cacheReadInputTokenCount, given.cacheWriteInputTokenCount,
    )  # fmt: skip
    read_reply = _read(reply_of, bytes(reply.outputBodyJson))
    values["output"] = Output(read_reply, reply.outputBodyS3Path, reply.outputTokenCount)
    return Record(**values)


def _read(read: Callable[[bytes], Any], raw: bytes) -> Any:
    try:
        return read(raw) if raw else None
    except msgspec.ValidationError:
        return None


def body_of(raw: bytes) -> Body:
    """A request body. Raises MsgspecError."""
    return _bodies.decode(raw)


def reply_of(raw: bytes) -> Reply | list[Reply]:
    """A reply: an object, or the list of the events of a stream. Raises MsgspecError."""
    return _replies.decode(raw)
