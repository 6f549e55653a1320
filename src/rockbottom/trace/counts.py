"""What the service counted for a logged request: in the record, and where that does not say all, in its reply."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from rockbottom.dialects import METRICS, Counts, api_of, counts_of, invoked_model_of, is_router
from rockbottom.figures import thousands
from rockbottom.prompt import Api
from rockbottom.quantities import UNNAMED, Ttl, Undecodable, Usage, decoded, decoder_of, is_list, is_object
from rockbottom.trace.records import MOST_TOKENS, LogRecord

_OF_A_CACHE = b"ache"  # in the name of every counter of a cache, whatever the dialect
_INCLUSIVE = (Api.CHAT, Api.RESPONSES)
"""Where replies count what was read and written in their input; AWS does not say how its records of them count."""

_LATENCIES = ("firstByteLatency", "latencyMs", "invocationLatency")


class _Holder(msgspec.Struct):
    usage: dict[str, Any] | None = None


class _Reply(_Holder):
    """A reply, or an event of its stream, which may hold the usage one deeper: the last of Converse and of Responses,
    Anthropic's first."""

    message: _Holder | None = None
    metadata: _Holder | None = None
    response: _Holder | None = None


_reply: Callable[[bytes], _Reply | list[_Reply]] = decoder_of(_Reply | list[_Reply])


def usage_of(
    record: LogRecord[Any], reply: Callable[[], bytes], ttls: Collection[Ttl]
) -> tuple[Usage | None, int | None]:
    """What was counted, and the tokens of the answer; None: not recorded.

    ``reply`` gives the JSON of the reply and is only called where the record does not say all. ``ttls`` are
    the lifetimes that the points of the request asked for: where no split of the written tokens is recorded, and all
    points asked for the same, they were written for that.
    Raises Undecodable where the prompt is longer than any column holds.
    """
    counts, output = record.input, record.output.outputTokenCount
    fresh, read, write = counts.inputTokenCount, counts.cacheReadInputTokenCount, counts.cacheWriteInputTokenCount
    read = record.cacheReadInputTokenCount if read is None else read
    write = record.cacheWriteInputTokenCount if write is None else write
    in_reply, lacking = None, fresh is None or output is None or read is None or write is None
    if write or lacking or (read and api_of(record.operation) in _INCLUSIVE):
        reply_json = reply()
        if lacking or _OF_A_CACHE in reply_json:  # else it does not say for how long the tokens were written
            in_reply = counts_of(_usage_in(reply_json))
    if in_reply is not None:
        output = in_reply.output if output is None else output
        read = in_reply.read if read is None else read
        write = in_reply.write if write is None else write
        cached = (in_reply.read, in_reply.write) == (read, write) and read + write > 0
        if fresh is None or (cached and fresh == in_reply.input + read + write):
            fresh = in_reply.input  # a record may count what was read and written among its input
    if fresh is None:
        return None, output
    ttl = next(iter(ttls)) if len(ttls) == 1 else UNNAMED
    usage = Counts(fresh, output, read or 0, write or 0, in_reply.split if in_reply else {}).usage(ttl)
    if usage.total_input > MOST_TOKENS:
        raise Undecodable(f"a prompt of {thousands(usage.total_input)} tokens")
    return usage, output


def is_failed(record: LogRecord[Any], reply: Callable[[], bytes]) -> bool:
    """Whether a call failed: its record says so, or nothing was counted and its reply, sent with status 200, does.

    Recorded: an operation that is not known (vercel-ai-17523), a stream that ends in ``response.failed``.
    """
    if record.errorCode:
        return True
    if record.input.inputTokenCount is not None:
        return False
    return any(map(_fails, _events(reply())[-1:]))


def _fails(event: Mapping[str, Any]) -> bool:
    inner, output = event.get("response"), event.get("Output")
    response = inner if is_object(inner) else event
    if is_object(response.get("usage")):
        return False
    named = response.get("status") == "failed" or event.get("type") == "error" or bool(response.get("error"))
    return named or (is_object(output) and "__type" in output)


def model_of(record: LogRecord[Any], reply: Callable[[], bytes]) -> str:
    """The model that a request is billed for: of a prompt router the one that its reply names, where it names one."""
    if not is_router(record.modelId):
        return record.modelId
    events = (
        {**event, **metadata} if is_object(metadata := event.get("metadata")) else event for event in _events(reply())
    )
    return next((chosen for event in events if (chosen := invoked_model_of(event))), record.modelId)


def latency_s_of(reply: bytes) -> float | None:
    """Seconds until a reply began, or failing that until it ended; None: not recorded."""
    for event in reversed(_events(reply)):
        metadata = event.get("metadata")
        metrics = event.get(METRICS) or (metadata if is_object(metadata) else event).get("metrics")
        if is_object(metrics):
            latency = next((value for name in _LATENCIES if isinstance(value := metrics.get(name), int | float)), None)
            return None if latency is None else latency / 1000
    return None


def _usage_in(reply: bytes) -> Mapping[str, Any]:
    """The ``usage`` of a reply; of a stream, what its events say, later ones on top of earlier ones."""
    try:
        events = _reply(reply)
    except Undecodable:
        return {}
    if not isinstance(events, list):
        if events.usage is not None:
            return events.usage
        events = [events]
    merged: dict[str, Any] = {}
    for event in events:
        for holder in (event, event.message, event.metadata, event.response):
            if holder is not None and holder.usage is not None:
                merged.update({name: value for name, value in holder.usage.items() if value is not None})
    return merged


def _events(reply: bytes) -> Sequence[Mapping[str, Any]]:
    """A reply as the list of its events, one of itself alone; none where it is of no known shape."""
    try:
        value = decoded(reply) if reply else None
    except Undecodable:
        return ()
    if is_object(value):
        return (value,)
    return [event for event in value if is_object(event)] if is_list(value) else ()
