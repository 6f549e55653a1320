"""The one shape of a model invocation log record, and its decoder; what is not named here is skipped, not decoded.

Bodies are parameters of the shape: decoded at once into the members that decide what is cached, or left as bytes for
whoever wants the text. Shapes: AWS, "Model invocation logging", and delivered records of 2026-10.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec

from rockbottom.quantities import Undecodable, decoder_of

Raw = msgspec.Raw
NOTHING = msgspec.Raw()
"""A member that is not there: no bytes."""

MOST_TOKENS = 2**31 - 1
"""Columns hold 32 bits; no prompt comes near."""
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
B = TypeVar("B")
R = TypeVar("R")


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
    inputTokens: Count = 0


class CacheCreation(msgspec.Struct):
    """Anthropic's split of the tokens written."""

    ephemeral_5m_input_tokens: Count = 0
    ephemeral_1h_input_tokens: Count = 0


class Counters(msgspec.Struct):
    """Usage in any dialect."""

    inputTokens: Count | None = None
    outputTokens: Count | None = None
    cacheReadInputTokens: Count | None = None
    cacheWriteInputTokens: Count | None = None
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokenCount: Count | None = None
    cacheDetails: list[CacheDetail] | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None


class Metrics(msgspec.Struct):
    """Milliseconds until a reply began or ended, as each dialect spells them."""

    firstByteLatency: float | None = None
    latencyMs: float | None = None
    invocationLatency: float | None = None


class _Start(msgspec.Struct):
    usage: Counters | None = None
    metrics: Metrics | None = None


class Reply(msgspec.Struct):
    """A reply, or one event of a streamed one."""

    usage: Counters | None = None
    message: _Start | None = None
    metadata: _Start | None = None
    metrics: Metrics | None = None
    native_metrics: Metrics | None = msgspec.field(default=None, name="amazon-bedrock-invocationMetrics")


Replied: TypeAlias = Reply | list[Reply] | None
"""A reply: an object, or the list of the events of a stream; None: not recorded."""


class Input(msgspec.Struct, Generic[B]):
    """``input`` of a record: the request and its uncached tokens."""

    inputBodyJson: B = None  # type: ignore[assignment]  # the parameter allows None or has no bytes
    inputBodyS3Path: str | None = None
    inputTokenCount: Count | None = None
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokenCount: Count | None = None


class Output(msgspec.Struct, Generic[R]):
    """``output`` of a record."""

    outputBodyJson: R = None  # type: ignore[assignment]  # the parameter allows None or has no bytes
    outputBodyS3Path: str | None = None
    outputTokenCount: Count | None = None


class Record(msgspec.Struct, Generic[B, R]):
    """One invocation, with its request body as ``B`` and its reply as ``R``."""

    modelId: str
    timestamp: datetime
    operation: str = ""
    requestId: str = ""
    accountId: str | None = None
    region: str | None = None
    inferenceRegion: str | None = None
    requestMetadata: dict[str, str] | None = None
    errorCode: str | None = None
    input: Input[B] = msgspec.field(default_factory=Input)  # type: ignore[assignment]  # as Input.inputBodyJson
    output: Output[R] = msgspec.field(default_factory=Output)  # type: ignore[assignment]  # as Output.outputBodyJson
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokenCount: Count | None = None

    @property
    def at(self) -> float:
        """The instant of the request in seconds since the epoch; one without an offset is in UTC."""
        stamp = self.timestamp
        return (stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)).timestamp()


Columnar: TypeAlias = Record[Body | None, Replied]
"""A record with the members of its bodies that columns need."""
Textual: TypeAlias = Record[Raw, Raw]
"""A record whose bodies are still bytes (none: an empty string of bytes, or None)."""

_columnar = decoder_of(Columnar)
_textual = decoder_of(Textual, strict=False)
_members = decoder_of(dict[str, Raw])
body_of = decoder_of(Body)
"""A request body as columns need it. Raises Undecodable."""
reply_of = decoder_of(Reply | list[Reply], strict=False)
"""A reply as columns need it. Raises Undecodable."""


def columnar(line: bytes | str) -> Columnar:
    """A log record. A body of a shape of its own (an embedding model's, say) counts as no body.

    Counts that are spelled ``6137.0`` or ``"6137"`` are read. Raises Undecodable for what is no record.
    """
    try:
        return _columnar(line)
    except Undecodable:
        loose = textual(line)
    values: dict[str, Any] = {name: getattr(loose, name) for name in Record.__struct_fields__}
    given, reply = loose.input, loose.output
    values["input"] = Input(
        _or_none(body_of, given.inputBodyJson), given.inputBodyS3Path, given.inputTokenCount,
        given.cacheReadInputTokenCount, given.cacheWriteInputTokenCount,
    )  # fmt: skip
    values["output"] = Output(_or_none(reply_of, reply.outputBodyJson), reply.outputBodyS3Path, reply.outputTokenCount)
    return Record(**values)


def textual(line: bytes | str) -> Textual:
    """A log record with its bodies as they stand in it. Raises Undecodable for what is no record."""
    try:
        return _textual(line)
    except Undecodable:
        members = _members(line)
        if b"null" not in members.values():
            raise
    return _textual(msgspec.json.encode({name: raw for name, raw in members.items() if raw != b"null"}))


def _or_none(read: Callable[[bytes], Any], raw: Raw | None) -> Any:
    """A body, or None where there is none of the shape that is looked for."""
    try:
        return read(bytes(raw)) if raw and raw != b"null" else None
    except Undecodable:
        return None
