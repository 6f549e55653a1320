"""Spans and events of model calls in OTLP JSON, as the file exporter of the OpenTelemetry Collector writes them.

A line is one export: ``resourceSpans`` or ``resourceLogs``. Read are spans and events of the GenAI conventions (new
and older names of the attributes, and those that pydantic-ai, Langfuse and the AI SDK give to their counters of the
cache), spans of OpenInference, and the events of Claude Code (``claude_code.api_request``) and Codex
(``codex.sse_event``). A span of an agent or a tool sums up what its calls say and is left out.

The GenAI conventions count what was read and written into ``gen_ai.usage.input_tokens``; instrumentations of before
hand on what the provider counts, which may leave them out. Where a total is recorded it decides, and so do counters
that cannot be true otherwise (OpenTelemetry GenAI conventions and Claude Code's telemetry, as read on 2026-11-29).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rockbottom.quantities import Undecodable, Usage, decoded, is_list, is_object
from rockbottom.trace.counted import NO_BLOCKS, Counted, CountedRequests, count_of, exclusive, is_of_bedrock
from rockbottom.trace.damages import Damages
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart, lines_of
from rockbottom.trace.rows import exports_of, text_of
from rockbottom.trace.stored_prompts import stored_prompt

Attributes = Mapping[str, Any]


class _Spelling(NamedTuple):
    """Names of the attributes of a call. ``inclusive``: its input counts what was read and written; None: it may."""

    model: tuple[str, ...]
    input: tuple[str, ...]
    output: tuple[str, ...]
    read: tuple[str, ...]
    write: tuple[str, ...]
    total: tuple[str, ...]
    session: tuple[str, ...]
    identity: tuple[str, ...]
    inclusive: bool | None


_USAGE = "gen_ai.usage."
_OF_SESSIONS = ("gen_ai.conversation.id", "session.id", "conversation.id", "thread.id", "langfuse.session.id")
_GEN_AI = _Spelling(
    ("gen_ai.request.model", "gen_ai.response.model"),
    (_USAGE + "input_tokens", _USAGE + "prompt_tokens", "llm.usage.prompt_tokens"),
    (_USAGE + "output_tokens", _USAGE + "completion_tokens", "llm.usage.completion_tokens"),
    (_USAGE + "cache_read.input_tokens", _USAGE + "cache_read_input_tokens", _USAGE + "input_tokens.cached",
     _USAGE + "cache_read_tokens", _USAGE + "details.cache_read_tokens", _USAGE + "input_cached_tokens",
     "ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
    (_USAGE + "cache_creation.input_tokens", _USAGE + "cache_write.input_tokens",
     _USAGE + "cache_creation_input_tokens", _USAGE + "cache_write_input_tokens",
     _USAGE + "cache_write_tokens", _USAGE + "details.cache_write_tokens", _USAGE + "input_cache_creation",
     "ai.usage.inputTokenDetails.cacheWriteTokens"),
    (_USAGE + "total_tokens", "llm.usage.total_tokens", "ai.usage.totalTokens"),
    _OF_SESSIONS,
    ("gen_ai.response.id", "aws.request_id"),
    None,
)  # fmt: skip
_OPENINFERENCE = _Spelling(
    ("llm.model_name",), ("llm.token_count.prompt",), ("llm.token_count.completion",),
    ("llm.token_count.prompt_details.cache_read",), ("llm.token_count.prompt_details.cache_write",),
    ("llm.token_count.total",), _OF_SESSIONS, (), None,
)  # fmt: skip
_CLAUDE_CODE = _Spelling(
    ("model",), ("input_tokens",), ("output_tokens",), ("cache_read_tokens",), ("cache_creation_tokens",), (),
    _OF_SESSIONS, ("request_id",), False,
)  # fmt: skip
_CODEX = _Spelling(
    ("model",), ("input_token_count",), ("output_token_count",), ("cached_token_count",), (), (), _OF_SESSIONS, (),
    True,
)  # fmt: skip
_EVENTS = {
    "api_request": _CLAUDE_CODE, "claude_code.api_request": _CLAUDE_CODE, "codex.sse_event": _CODEX,
    "gen_ai.client.inference.operation.details": _GEN_AI,
}  # fmt: skip
_SUMMARIES = ("invoke_agent", "create_agent", "execute_tool", "invoke_workflow")
"""Operations that call models through spans of their own (GenAI agent spans)."""


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """The spans of one export that are calls of a model, and what is damaged in it."""
    damages, requests, size = Damages(), CountedRequests(settings.key), 0
    for number, text in lines_of(part, damages):
        size += len(text)
        if b"token" not in text and b"Token" not in text:
            continue
        with damages.of(f"{part}:{number}"):
            for record, attributes, spelling in _records_of(decoded(text)):
                requests.add(_request(record, attributes, spelling, settings.by))
    return requests.part(damages, size)


def _records_of(export: Any) -> Iterator[tuple[Attributes, Attributes, _Spelling]]:
    """Spans and events of model calls in one export, with their attributes, and how these are spelled."""
    for outer, middle, inner in (("resourceSpans", "scopeSpans", "spans"), ("resourceLogs", "scopeLogs", "logRecords")):
        for resource in _objects(export, outer):
            for scope in _objects(resource, middle):
                for record in _objects(scope, inner):
                    attributes = _attributes(record)
                    spelling = _spelling(record, attributes, is_event=inner == "logRecords")
                    if spelling is not None:
                        yield record, attributes, spelling


def _objects(holder: object, name: str) -> Iterator[Attributes]:
    inner = holder.get(name) if is_object(holder) else None
    return (item for item in inner if is_object(item)) if is_list(inner) else iter(())


def _attributes(record: Attributes) -> Attributes:
    values: dict[str, Any] = {}
    for attribute in _objects(record, "attributes"):
        value = attribute.get("value")
        if is_object(value):
            values[text_of(attribute.get("key"))] = next(iter(value.values()), None)
    return values


def _spelling(record: Attributes, attributes: Attributes, *, is_event: bool) -> _Spelling | None:
    """How the attributes of a model call are spelled; None: the record is none, or sums up others."""
    if is_event:
        name = text_of(record.get("eventName")) or text_of(attributes.get("event.name"))
        body = record.get("body")
        name = name or (text_of(body.get("stringValue")) if is_object(body) else "")
        if name == "codex.sse_event" and attributes.get("event.kind") != "response.completed":
            return None
        return _EVENTS.get(name)
    if attributes.get("gen_ai.operation.name") in _SUMMARIES:
        return None
    if attributes.get("openinference.span.kind", "LLM") != "LLM":
        return None
    return next(
        (spelling for spelling in (_GEN_AI, _OPENINFERENCE) if _first(attributes, spelling.input) is not None), None
    )


def _request(record: Attributes, attributes: Attributes, spelling: _Spelling, by: str) -> Counted | None:
    """The request of a record; None where it counted nothing. Raises Undecodable."""
    tokens_in, output = (count_of(_first(attributes, names)) for names in (spelling.input, spelling.output))
    nanoseconds = next((count for name in _TIMES if (count := count_of(record.get(name)))), None)
    if tokens_in is None:
        return None
    if nanoseconds is None:
        raise Undecodable("a call without its instant")
    read, write = (count_of(_first(attributes, names)) for names in (spelling.read, spelling.write))
    usage = None
    if read is not None or write is not None or spelling.inclusive is not None:
        usage = _usage(attributes, spelling, tokens_in, output or 0, read or 0, write or 0)
    model = text_of(_first(attributes, spelling.model))
    return Counted(
        nanoseconds / 1e9,
        model,
        tokens_in if usage is None else usage.total_input,
        output,
        usage,
        text_of(_first(attributes, spelling.session)) or None,
        _identity(record, attributes, spelling),
        text_of(attributes.get("aws.region") or attributes.get("cloud.region")) or None,
        not _is_bedrock(attributes, model),
        text_of(attributes.get(by)) or None,
        stored_prompt(
            attributes.get("gen_ai.input.messages"), attributes.get("gen_ai.tool.definitions"),
            attributes.get("gen_ai.system_instructions"),
        ),
    )  # fmt: skip


_TIMES = ("startTimeUnixNano", "timeUnixNano", "observedTimeUnixNano")


def _usage(attributes: Attributes, spelling: _Spelling, tokens_in: int, output: int, read: int, write: int) -> Usage:
    inclusive = spelling.inclusive
    total = count_of(_first(attributes, spelling.total))
    if inclusive is None and read + write > tokens_in:
        inclusive = False
    elif inclusive is None:
        inclusive = total is None or total != tokens_in + output + read + write or not read + write
    return exclusive(tokens_in, output, read, write) if inclusive else Usage(tokens_in, output, read, write)


def _identity(record: Attributes, attributes: Attributes, spelling: _Spelling) -> str:
    """The id of the reply, or the span: a span and its event tell of one call."""
    reply = text_of(_first(attributes, spelling.identity))
    span = text_of(record.get("traceId")) + text_of(record.get("spanId"))
    return reply or (span if spelling is not _CODEX else "")


def _first(attributes: Attributes, names: Sequence[str]) -> Any:
    return next((attributes[name] for name in names if attributes.get(name) is not None), None)


def _is_bedrock(attributes: Attributes, model: str) -> bool:
    system = text_of(attributes.get("gen_ai.provider.name")) or text_of(attributes.get("gen_ai.system"))
    return "bedrock" in system.lower() or is_of_bedrock(model)


def _recognises(path: Path, head: bytes) -> bool:
    return b'"resourceSpans"' in head or b'"resourceLogs"' in head


READER = LogReader(
    "otlp", "OpenTelemetry: spans and events of model calls, OTLP JSON lines", _recognises, exports_of, read,
    lacks=NO_BLOCKS,
)  # fmt: skip
