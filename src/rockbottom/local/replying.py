"""A counted call and its answer put into the body, headers or frames of its API."""

import time
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec.structs import replace as changed

from rockbottom.catalog import RUNTIME
from rockbottom.dialects import (
    GUARDRAIL_ACTION,
    PERFORMANCE_CONFIG,
    SERVICE_TIER,
    Exchange,
    headers_of,
    invoked,
    named_tier,
)
from rockbottom.local.answers import NeutralReply
from rockbottom.local.calls import CountedCall
from rockbottom.local.failures import ServiceFailure
from rockbottom.local.guardrail_findings import without_masked
from rockbottom.local.guardrails import INTERVENED, Assessed
from rockbottom.local.sending import Headers, identities
from rockbottom.local.surface_failures import failure_frame
from rockbottom.local.surface_store import UNDER_WAY
from rockbottom.quantities import Usage
from rockbottom.wire import SSE_TYPE, exception_frame

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class SentReply:
    """What goes back: headers, and either a body or the frames of a stream."""

    headers: Headers
    body: bytes
    frames: list[bytes]
    told: Json  # its ``usage`` object
    whole: Json
    output_log: bytes
    latency_ms: int
    first_byte_ms: int
    usage: Usage


def replied(counted: CountedCall, answer: NeutralReply) -> SentReply:
    """The reply of a call once its answer is known; a guardrail may have put its own in the place of the model's."""
    answer, told_of_guardrail = _guarded(counted, answer)
    call, usage = counted.call, counted.usage(answer.output_tokens)
    elapsed = int((time.perf_counter() - call.began) * 1000)
    pace, read = counted.pace, counted.outcome.read
    latency = max(1, int(pace.total_ms(counted.fresh, read, answer.output_tokens)) if pace else elapsed)
    first = int(pace.first_byte_ms(counted.fresh, read)) if pace else elapsed
    if counted.first_byte_ms is not None:
        first = counted.first_byte_ms
    reply, metrics = _built(counted, answer, usage, latency, first)
    if not (call.stream and counted.dialect.api.native):
        reply.update(told_of_guardrail)
    headers, reply_usage = _headers(counted, usage, latency), reply.get("usage") or _reply_usage(counted, usage)
    if call.stream:
        frames, logged = _framed(counted, reply, metrics, told_of_guardrail)
        return SentReply(headers, b"", frames, reply_usage, reply, logged, latency, first, usage)
    body = _encode(reply)
    sent = _encode({**reply, **UNDER_WAY}) if reply.get("background") else body
    return SentReply(headers, sent, [], reply_usage, reply, body, latency, first, usage)


def _guarded(counted: CountedCall, answer: NeutralReply) -> tuple[NeutralReply, Json]:
    """The answer after the call's guardrail, and what the reply tells of it."""
    guarded = counted.guarded
    if guarded is None:
        return answer, {}
    output: Assessed | None = None
    native = counted.dialect.api.native
    texts = [str(block["text"]) for block in answer.content if "text" in block]
    if not guarded.input.blocked:
        output = guarded.output(texts, stream=counted.call.stream)
        if output.blocked:
            text = str(guarded.guardrail.config["blockedOutputsMessaging"])
            answer = replace(answer, content=({"text": text},), stop_reason=INTERVENED)
        elif output.masks:
            content = tuple(
                without_masked(block, output.masks) if "text" in block else block for block in answer.content
            )
            answer = replace(answer, content=content, stop_reason=answer.stop_reason if native else INTERVENED)
    if native:
        return answer, guarded.native(output)
    return answer, {"trace": {"guardrail": guarded.trace(output, texts)}} if guarded.traced else {}


PIECE_CHARS = 24
"""Longest text of one event of a stream, as ``wire`` cuts it."""


def identities_of(counted: CountedCall) -> Headers:
    """The headers that name the request."""
    surface = counted.call.surface
    return identities(counted.call.request_id, None if surface is None else surface.route)


def stream_headers(counted: CountedCall) -> Headers:
    """The headers of a stream, besides those of its reply."""
    media = counted.dialect.stream_type
    plain: Headers = [(b"cache-control", b"no-cache")] if media == SSE_TYPE else []
    return [(b"content-type", media.encode()), *plain, *identities_of(counted)]


def broken_frame(counted: CountedCall, failure: ServiceFailure) -> bytes:
    """The frame of a failure in the middle of a stream."""
    surface = counted.call.surface
    if surface is not None:
        return failure_frame(surface.route.of_anthropic, failure)
    return exception_frame(failure.event_name, failure.message)


def frames_before(counted: CountedCall) -> list[bytes]:
    """The frames that begin a stream whose first block is text, before anything of it is known."""
    return _begun(counted, "-")[: counted.dialect.lead]


def frames_of(counted: CountedCall, text: str) -> list[bytes]:
    """The frames of a piece of that text."""
    lead = counted.dialect.lead
    return _begun(counted, text)[lead : lead + _pieces(text)]


def frames_after(counted: CountedCall, reply: SentReply, answer: NeutralReply) -> list[bytes]:
    """The frames of a reply that are left when its first block, a text, was sent as it came."""
    return reply.frames[counted.dialect.lead + _pieces(answer.content[0]["text"]) :]


def _begun(counted: CountedCall, text: str) -> list[bytes]:
    return replied(counted, NeutralReply(({"text": text},), "end_turn", 1)).frames


def _pieces(text: str) -> int:
    return -(-len(text) // PIECE_CHARS)


def _built(counted: CountedCall, answer: NeutralReply, usage: Usage, latency: int, first: int) -> tuple[Json, Json]:
    """The reply as a whole, and what is measured beside it."""
    dialect, body = counted.dialect, counted.body
    native = dialect.api.native
    reply: Json = {
        "output": {"message": {"role": "assistant", "content": list(answer.content)}},
        "stopReason": answer.stop_reason,
        "usage": _reply_usage(counted, usage),
        "metrics": {"latencyMs": latency},
    }
    if not native:
        reply.update({name: body[name] for name in (PERFORMANCE_CONFIG, SERVICE_TIER) if body.get(name)})
    if native or "/stop_sequence" in (body.get("additionalModelResponseFieldPaths") or ()):
        reply["additionalModelResponseFields"] = {"stop_sequence": answer.stop_sequence}
    metrics = {**invoked(usage), "invocationLatency": latency, "firstByteLatency": first}
    if not native:
        return reply, metrics
    identity = counted.call.request_id.replace("-", "")[:24]
    return dialect.answered(reply, counted.model.model, _exchange(counted, answer, identity)), metrics


def _reply_usage(counted: CountedCall, usage: Usage) -> Json:
    """The ``usage`` of a reply; GPT's on ConverseStream may count twice what was cached (gpt_stream_counters)."""
    dialect, model, stream = counted.dialect, counted.model.model, counted.call.stream
    if not dialect.api.native and stream and model.vendor == "openai" and counted.overlaps:
        usage = changed(usage, input=usage.total_input)
    return dialect.counted(usage, model, points=counted.points, stream=stream)


def _exchange(counted: CountedCall, answer: NeutralReply, identity: str) -> Exchange:
    """What the reply repeats of its request, as it was sent."""
    surface = counted.call.surface
    body = counted.body if surface is None else surface.body
    asked_tier = named_tier(body)
    tier = str(asked_tier) if asked_tier not in (None, "auto") else "default"
    thoughts: list[Any] = [block["reasoningContent"] for block in answer.content if "reasoningContent" in block]
    texts = [thought["reasoningText"].get("text", "") for thought in thoughts if "reasoningText" in thought]
    reasoning = min(sum(map(counted.count, texts)), answer.output_tokens)
    # bedrock-runtime puts the reasoning of gpt-oss into the text of Chat Completions (sample-per-model-bedrock).
    inline = surface is not None and surface.route.host == RUNTIME
    return Exchange(counted.model.model, identity, body, counted.at, tier, reasoning, inline)


def _framed(counted: CountedCall, reply: Json, metrics: Json, told_of_guardrail: Json) -> tuple[list[bytes], bytes]:
    """The frames of a stream, and its events as the invocation log has them."""
    dialect = counted.dialect
    events = list(dialect.cut(reply, metrics, PIECE_CHARS))
    if told_of_guardrail and dialect.api.wrapped:
        action = {GUARDRAIL_ACTION: told_of_guardrail[GUARDRAIL_ACTION]}
        events = [(name, {**chunk, **action}) for name, chunk in events]
        events[-1][1].update(told_of_guardrail)
    frames = list(dialect.framed(events, counted.model.model, counted.body))
    if not dialect.api.native:
        return frames, _encode([{name: payload} for name, payload in events])
    return frames, _encode([chunk for _, chunk in events])


def _headers(counted: CountedCall, usage: Usage, latency: int) -> Headers:
    """The headers of a native reply of InvokeModel; the others have none of their own."""
    if not counted.dialect.api.wrapped:
        return []
    headers = [(name, value) for name in _ECHOED if (value := counted.call.headers.get(name)) is not None]
    if counted.call.stream:
        return [*headers, (b"x-amzn-bedrock-content-type", b"application/json")]
    counts = {**headers_of(usage), "x-amzn-bedrock-invocation-latency": latency}
    return [*headers, *((name.encode(), b"%d" % count) for name, count in counts.items())]


_ECHOED = (b"x-amzn-bedrock-service-tier", b"x-amzn-bedrock-performanceconfig-latency")
