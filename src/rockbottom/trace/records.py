"""The one shape of a model invocation log record, and its decoder; what is not named here is skipped, not decoded.

The request body is a parameter of the shape: decoded at once into the members that decide what is cached, or left as
bytes for whoever wants the text; a reply always stays bytes, since the record itself mostly holds all that was counted.
Shapes: AWS, "Model invocation logging", and delivered records of 2026-10.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec

from rockbottom.quantities import Undecodable, decoded, decoder_of

Raw = msgspec.Raw
NOTHING = msgspec.Raw()
"""A member that is not there: no bytes."""

MOST_TOKENS = 2**31 - 1
"""Columns hold 32 bits; no prompt comes near."""
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
B = TypeVar("B")


class Message(msgspec.Struct):
    """One message; blocks stay as the bytes they were logged as."""

    role: str = ""
    content: str | list[Raw] | None = None
    tool_calls: Raw = NOTHING  # of Chat Completions


class ToolConfig(msgspec.Struct):
    """The ``toolConfig`` of a Converse body; its tools stay undecoded until they are asked for."""

    tools: list[Raw] | None = None
    toolChoice: Raw = NOTHING


class Body(msgspec.Struct):
    """A body of any surface; the members that decide what is cached, each as its bytes."""

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
    reasoning: Raw = NOTHING
    reasoning_effort: Raw = NOTHING
    text: Raw = NOTHING
    response_format: Raw = NOTHING
    instructions: Raw = NOTHING
    input: Raw = NOTHING  # of Responses
    prompt_cache_options: Raw = NOTHING
    prompt_cache_key: Raw = NOTHING
    previous_response_id: Raw = NOTHING
    conversation: Raw = NOTHING
    serviceTier: Raw = NOTHING
    service_tier: Raw = NOTHING
    performanceConfig: Raw = NOTHING
    performanceConfigLatency: Raw = NOTHING
    schemaVersion: Raw = NOTHING  # only Nova's native bodies name one; their blocks are spelled as Converse's


class Input(msgspec.Struct, Generic[B]):
    """``input`` of a record: the request and its uncached tokens."""

    inputBodyJson: B = None  # type: ignore[assignment]  # the parameter allows None or has no bytes
    inputBodyS3Path: str | None = None
    inputTokenCount: Count | None = None
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokenCount: Count | None = None


class Output(msgspec.Struct):
    """The ``output`` of a record: the body of the reply and its counts."""

    outputBodyJson: Raw = NOTHING
    outputBodyS3Path: str | None = None
    outputTokenCount: Count | None = None


class LogRecord(msgspec.Struct, Generic[B]):
    """One invocation, with its request body as ``B``."""

    modelId: str
    timestamp: datetime
    operation: str = ""
    requestId: str = ""
    accountId: str | None = None
    region: str | None = None
    inferenceRegion: str | None = None
    requestMetadata: dict[str, str] | None = None
    identity: Raw = NOTHING
    projectIdentifier: Raw = NOTHING
    errorCode: str | None = None
    input: Input[B] = msgspec.field(default_factory=Input)  # type: ignore[assignment]  # as Input.inputBodyJson
    output: Output = msgspec.field(default_factory=Output)
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokenCount: Count | None = None

    @property
    def at(self) -> float:
        """The instant of the request in seconds since the epoch; one without an offset is in UTC."""
        stamp = self.timestamp
        return (stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)).timestamp()


Columnar: TypeAlias = LogRecord[Body | None]
"""A record with the members of its body that columns need."""
Textual: TypeAlias = LogRecord[Raw]
"""A record whose body is still bytes (none: an empty string of bytes, or None)."""

_columnar = decoder_of(Columnar)
_textual = decoder_of(Textual, strict=False)
_members = decoder_of(dict[str, Raw])
body_of = decoder_of(Body)
"""A request body as columns need it. Raises Undecodable."""


def columnar(line: bytes | str) -> Columnar:
    """A log record. A body of a shape of its own (an embedding model's, say) counts as no body.

    Counts that are spelled ``6137.0`` or ``"6137"`` are read. Raises Undecodable for what is no record.
    """
    try:
        return _columnar(line)
    except Undecodable:
        loose = textual(line)
    values: dict[str, Any] = {name: getattr(loose, name) for name in LogRecord.__struct_fields__}
    loose_input = loose.input
    values["input"] = Input(
        _body_or_none(loose_input.inputBodyJson), loose_input.inputBodyS3Path, loose_input.inputTokenCount,
        loose_input.cacheReadInputTokenCount, loose_input.cacheWriteInputTokenCount,
    )  # fmt: skip
    return LogRecord(**values)


def textual(line: bytes | str) -> Textual:
    """A log record with its body as it stands in it. Raises Undecodable for what is no record."""
    try:
        return _textual(line)
    except Undecodable:
        members = _members(line)
        if b"null" not in members.values():
            raise
    return _textual(msgspec.json.encode({name: raw for name, raw in members.items() if raw != b"null"}))


def raw_of(member: Raw | None) -> bytes:
    """The JSON of a member, also where a pipeline wrote it as text; empty where it is not there or null."""
    raw = bytes(member or b"")
    if raw[:1] == b'"' and raw[1:2] in (b"{", b"["):
        return str(decoded(raw)).encode("utf-8", "replace")
    return b"" if raw == b"null" else raw


def _body_or_none(member: Raw | None) -> Body | None:
    """A request body, or None where there is none of the shape that is looked for."""
    raw = raw_of(member)
    try:
        return body_of(raw) if raw else None
    except Undecodable:
        return None
