"""Observations that Langfuse exports: from its tables, of a trace or a session, pages of its API, or blob storage.

JSON, JSON lines or CSV; names in camel or snake case. Read are the observations of a model (type GENERATION). The
kinds of ``usageDetails`` add up: those with ``input`` in their name are the prompt, those with ``output`` the reply;
where the total is less, ``input`` counts some of the others too (Langfuse, "Blob storage export field reference", as
read on 2026-11-29; langfuse/langfuse#17117, BerriAI/litellm#26919). Where the member ``input`` holds messages, their
blocks are read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rockbottom.quantities import Undecodable, Usage
from rockbottom.trace.counted import (
    NO_BLOCKS,
    Counted,
    CountedRequests,
    count_of,
    exclusive,
    instant_of,
    is_of_bedrock,
)
from rockbottom.trace.damages import Damages
from rockbottom.trace.reading import LogReader, ReaderSettings, ReadPart
from rockbottom.trace.rows import NOTHING, exports_of, header_with, object_of, rows_in, size_of, text_of
from rockbottom.trace.stored_prompts import stored_prompt

_USAGES = ("usageDetails", "usage_details", "usage", "providedUsageDetails", "provided_usage_details")
_MODELS = ("model", "providedModelName", "provided_model_name", "modelName", "model_name")
_OF_MODELS = ("", "GENERATION", "CHAT", "COMPLETION")
_HEADERS = (("id", "traceId", "startTime"), ("id", "trace_id", "start_time"))


def read(part: str, settings: ReaderSettings) -> ReadPart:
    """The generations of one export, and what is damaged in it."""
    damages, requests = Damages(), CountedRequests(settings.key)
    for place, row in rows_in(part, _header(part), damages):
        with damages.of(place):
            requests.add(_request(row, settings.by))
    return requests.part(damages, size_of(part))


def _header(part: str) -> tuple[str, ...]:
    return ("id",) if ".csv" in Path(part).name else _HEADERS[0]


def _request(row: Mapping[str, Any], by: str) -> Counted | None:
    """The request of an observation; None: it is none of a model. Raises Undecodable."""
    model = text_of(_first(row, *_MODELS))
    if text_of(row.get("type")).upper() not in _OF_MODELS or not model:
        return None
    at = instant_of(_first(row, "startTime", "start_time"))
    if at is None:
        raise Undecodable("an observation without its instant")
    usage, output = _usage(row)
    if usage is None:
        raise Undecodable("an observation of a model without usage")
    session = text_of(_first(row, "sessionId", "session_id"))
    identity, elsewhere = text_of(row.get("id")), not is_of_bedrock(model)
    label = text_of(row.get(by)) or text_of(object_of(row.get("metadata")).get(by)) or None
    return Counted(
        at, model, usage.total_input, output, usage, session or None, identity, elsewhere=elsewhere, label=label,
        prompt=stored_prompt(row.get("input")),
    )  # fmt: skip


def _usage(row: Mapping[str, Any]) -> tuple[Usage | None, int | None]:
    details = next((usage_object for name in _USAGES if (usage_object := object_of(row.get(name)))), NOTHING)
    counts = {_plain(name): count for name, value in details.items() if (count := count_of(value)) is not None}
    if not counts:
        return _of_columns(row)
    inputs = {name: count for name, count in counts.items() if "input" in name or "prompt" in name}
    if not inputs:
        return None, None
    read = sum(count for name, count in inputs.items() if "cached" in name or "cacheread" in name)
    write = sum(count for name, count in inputs.items() if "cachecreation" in name or "cachewrite" in name)
    hours = sum(count for name, count in inputs.items() if "1h" in name and "cache" in name)
    output = sum(count for name, count in counts.items() if "output" in name or "completion" in name)
    whole = sum(inputs.values())
    if (total := counts.get("total")) is not None and read + write <= total - output < whole:
        whole = total - output
    return exclusive(whole, output, read, write, hours), output


def _plain(name: str) -> str:
    """The name of a kind of usage, however it is spelled: ``cache_read_input_tokens``, ``cacheReadInputTokens``."""
    return name.lower().replace("_", "")


def _of_columns(row: Mapping[str, Any]) -> tuple[Usage | None, int | None]:
    """Usage in columns of its own, as older tables have it, which say nothing of caches."""
    tokens_in = count_of(_first(row, "promptTokens", "prompt_tokens", "inputUsage", "input_usage", "inputTokens"))
    output = count_of(
        _first(row, "completionTokens", "completion_tokens", "outputUsage", "output_usage", "outputTokens")
    )
    return (None, None) if tokens_in is None else (Usage(tokens_in, output or 0), output)


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _recognises(path: Path, head: bytes) -> bool:
    if head.lstrip()[:1] in (b"{", b"["):
        of_trace = b'"traceId"' in head or b'"trace_id"' in head
        return of_trace and any(f'"{name}"'.encode() in head for name in (*_USAGES, "promptTokens"))
    line = head.partition(b"\n")[0]
    return any(header_with(line, names) is not None for names in _HEADERS)


READER = LogReader(
    "langfuse", "observations exported by Langfuse: CSV, JSON, JSON lines", _recognises, exports_of, read,
    lacks=NO_BLOCKS,
)  # fmt: skip
