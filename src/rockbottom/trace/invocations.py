"""Invocation log records with their text, one at a time, for those who must look into what was said.

The columns of a ``Trace`` hold no text; ``rockbottom explain`` needs it while it reads, and nobody stores it.
Takes what Bedrock delivers (gzip NDJSON in a folder, bodies over 100 KB beside the log), CloudWatch Logs
exports of the same, and files with one record or one bare request body. Shapes: AWS model-invocation-logging
page, and delivered records of 2026-10.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec

from rockbottom.quantities import Usage
from rockbottom.trace.reading import UnreadableSource
from rockbottom.trace.sources import contents, log_names, numbered_lines, offloaded

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One record. ``served`` is the Region that processed it, ``region`` the one it was sent to.

    ``usage`` is None where the record has no counters; its writes stand under 5 minutes where no split is
    recorded and no 1-hour point was sent. ``latency_s`` is how long the reply took to begin, or failing that to
    end; None: not recorded. ``error`` is the code of a failed call. ``at`` is None for a bare body.
    """

    place: str
    operation: str
    model: str
    body: Json
    at: float | None = None
    request_id: str = ""
    account: str = ""
    region: str = ""
    served: str = ""
    tier: str = "default"
    usage: Usage | None = None
    latency_s: float | None = None
    error: str = ""

    @property
    def is_converse(self) -> bool:
        """Whether the body is of Converse or ConverseStream."""
        return self.operation.startswith("Converse")


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that is no record, or a record whose body is missing: where it stands and why."""

    place: str
    why: str


def invocations(source: str) -> Iterator[Invocation | Unread]:
    """Every record in a file, below a folder or an S3 prefix. Raises UnreadableSource when there is nothing."""
    for name in log_names(source):
        yield from invocations_in(name)


def one_invocation(path: Path) -> Invocation:
    """The only record, batch record or request body in a file. Raises UnreadableSource."""
    try:
        value = msgspec.json.decode(contents(str(path)))
        found = _invocation(value, str(path), str(path))
    except (msgspec.DecodeError, OSError, EOFError) as error:
        raise UnreadableSource(f"{path}: {error}") from error
    if isinstance(found, Unread):
        raise UnreadableSource(f"{found.place}: {found.why}")
    return found


def invocations_in(name: str) -> Iterator[Invocation | Unread]:
    """Every record of one log file, by its path or S3 address. Raises UnreadableSource for what S3 refuses."""
    try:
        for number, line in numbered_lines(name):
            place = f"{name}:{number}"
            start = line.find(b"{")  # an exported line begins with its instant
            if start < 0:
                yield Unread(place, "no JSON object")
                continue
            try:
                value = msgspec.json.decode(line[start:])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if number == 1 and line.strip() in (b"{", b"["):
                    yield from _of_pretty_file(name)
                    return
                yield Unread(place, str(error))
                continue
            yield from _of_value(value, place, name)
    except (OSError, EOFError) as error:  # cut short: what was read before counts
        yield Unread(name, str(error))


def _of_pretty_file(name: str) -> Iterator[Invocation | Unread]:
    """A file that is one JSON value over many lines."""
    try:
        value = msgspec.json.decode(contents(name))
    except (msgspec.DecodeError, OSError, EOFError) as error:
        yield Unread(name, str(error))
        return
    values = cast(Sequence[object], value if isinstance(value, list) else [value])
    for number, one in enumerate(values, 1):
        yield from _of_value(one, f"{name}#{number}", name)


def _of_value(value: object, place: str, name: str) -> Iterator[Invocation | Unread]:
    events = cast(Json, value).get("events") if isinstance(value, dict) else None
    if not isinstance(events, list):
        yield _invocation(value, place, name)
        return
    for number, event in enumerate(cast(list[Json], events), 1):  # what `aws logs filter-log-events` prints
        try:
            yield _invocation(msgspec.json.decode(event["message"]), f"{place}#{number}", name)
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            yield Unread(f"{place}#{number}", str(error))


def _invocation(value: object, place: str, name: str) -> Invocation | Unread:
    if not isinstance(value, dict):
        return Unread(place, f"a JSON {type(value).__name__}, not an object")
    record = cast(Json, value)
    if "messages" in record:
        return Invocation(place, _operation(record), str(record.get("modelId", "")), record)
    if isinstance(record.get("modelInput"), dict):
        body = cast(Json, record["modelInput"])
        return Invocation(place, _operation(body), str(record.get("modelId", "")), body)
    if "input" not in record or "modelId" not in record:
        return Unread(place, "neither an invocation log record nor a request body")
    try:
        return _logged(record, place, name)
    except (OSError, EOFError, msgspec.DecodeError, ValueError, TypeError, AttributeError, KeyError) as error:
        return Unread(place, f"{type(error).__name__}: {error}")


def _operation(body: Json) -> str:
    """The operation of a bare body, told by its shape: only native bodies name a version or write text as a string."""
    native = any(name in body for name in ("anthropic_version", "max_tokens", "schemaVersion", "tools"))
    return "InvokeModel" if native or isinstance(body.get("system"), str) else "Converse"


def _logged(record: Json, place: str, name: str) -> Invocation | Unread:
    given: Json = record["input"]
    output: Json = record.get("output") or {}
    error = str(record.get("errorCode") or "")
    body = given.get("inputBodyJson")
    if body is None and given.get("inputBodyS3Path"):
        body = msgspec.json.decode(offloaded(name, given["inputBodyS3Path"]))
    if not isinstance(body, dict):
        return Unread(place, "a record without a request body")
    reply = output.get("outputBodyJson")
    if reply is None and output.get("outputBodyS3Path"):
        try:
            reply = msgspec.json.decode(offloaded(name, output["outputBodyS3Path"]))
        except OSError:
            reply = None  # its counters are in the record as well
    region = str(record.get("region") or "")
    return Invocation(
        place,
        str(record.get("operation") or "InvokeModel"),
        str(record["modelId"]),
        cast(Json, body),
        datetime.fromisoformat(record["timestamp"]).replace(tzinfo=UTC).timestamp(),
        str(record.get("requestId") or ""),
        str(record.get("accountId") or ""),
        region,
        str(record.get("inferenceRegion") or region),
        _tier(cast(Json, body)),
        None if error else _usage(record, given, output, reply, cast(Json, body)),
        _latency_s(reply),
        error,
    )


def _tier(body: Json) -> str:
    tier = body.get("serviceTier")
    return str(cast(Json, tier).get("type", "default")) if isinstance(tier, dict) else "default"


def _usage(record: Json, given: Json, output: Json, reply: Any, body: Json) -> Usage | None:
    told = _usage_of_reply(reply)
    uncached = _first(given.get("inputTokenCount"), told.get("inputTokens"), told.get("input_tokens"))
    if uncached is None:
        return None
    read = _first(
        given.get("cacheReadInputTokenCount"), record.get("cacheReadInputTokenCount"),
        told.get("cacheReadInputTokens"), told.get("cacheReadInputTokenCount"), told.get("cache_read_input_tokens"),
    ) or 0  # fmt: skip
    written = _first(
        given.get("cacheWriteInputTokenCount"), record.get("cacheWriteInputTokenCount"),
        told.get("cacheWriteInputTokens"), told.get("cacheWriteInputTokenCount"),
        told.get("cache_creation_input_tokens"),
    ) or 0  # fmt: skip
    answered = _first(output.get("outputTokenCount"), told.get("outputTokens"), told.get("output_tokens")) or 0
    hour = min(written, _hour(told, written, body))
    return Usage(uncached, answered, read, written - hour, 0, hour)


def _hour(told: Json, written: int, body: Json) -> int:
    """Tokens written for an hour: as reported; where no split is recorded all of them if every point asked for it."""
    details = told.get("cacheDetails")
    if details:
        return sum(int(one.get("inputTokens", 0)) for one in details if one.get("ttl") == "1h")
    creation = told.get("cache_creation")
    if isinstance(creation, dict):
        return int(cast(Json, creation).get("ephemeral_1h_input_tokens", 0))
    ttls = set(_ttls(body))
    return written if ttls == {"1h"} else 0


def _ttls(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in cast(Json, value).items():
            if key in ("cachePoint", "cache_control") and isinstance(inner, dict):
                yield str(cast(Json, inner).get("ttl", "5m"))
            elif key in ("tools", "toolConfig", "system", "messages", "content"):
                yield from _ttls(inner)
    elif isinstance(value, list):
        for inner in cast(list[Any], value):
            yield from _ttls(inner)


def _usage_of_reply(reply: Any) -> Json:
    """The usage of a reply, or of the events of a streamed one put together."""
    found: Json = {}
    for event in cast(list[Any], reply if isinstance(reply, list) else [reply]):
        if isinstance(event, dict):
            holder = cast(Json, event)
            for inner in (holder, holder.get("metadata"), holder.get("message")):
                usage = cast(Json, inner).get("usage") if isinstance(inner, dict) else None
                if isinstance(usage, dict):
                    found.update({key: value for key, value in cast(Json, usage).items() if value is not None})
    return found


def _latency_s(reply: Any) -> float | None:
    for event in reversed(cast(list[Any], reply if isinstance(reply, list) else [reply])):
        if not isinstance(event, dict):
            continue
        holder = cast(Json, event)
        native = holder.get("amazon-bedrock-invocationMetrics")
        holder = holder.get("metadata") if isinstance(holder.get("metadata"), dict) else holder
        told = native or cast(Json, holder).get("metrics")
        if isinstance(told, dict):
            given = cast(Mapping[str, Any], told)
            latency = _first(given.get("firstByteLatency"), given.get("latencyMs"), given.get("invocationLatency"))
            return None if latency is None else latency / 1000
    return None


def _first(*values: Any) -> int | None:
    return next((int(value) for value in values if value is not None), None)
