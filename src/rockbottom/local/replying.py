"""A counted call and its answer put into the body, headers or frames of its API."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from rockbottom.dialects import ANTHROPIC, CONVERSE, NOVA
from rockbottom.dialects import Dialect as Spelling
from rockbottom.local import bodies
from rockbottom.local.answers import Answer
from rockbottom.local.bodies import Counters
from rockbottom.local.runtime import Counted, Dialect, Headers
from rockbottom.wire import chunk_frame, event_frame

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Reply:
    """What goes back: headers, and either a body or the frames of a stream."""

    headers: Headers
    body: bytes
    frames: list[bytes]
    usage: Json
    output_log: bytes
    latency_ms: int
    first_byte_ms: int
    counters: Counters


def replied(counted: Counted, answer: Answer) -> Reply:
    """The reply of a call once its answer is known."""
    call, counters = counted.call, counted.counters(answer.output_tokens)
    elapsed = int((time.perf_counter() - call.began) * 1000)
    pace, read = counted.pace, counted.outcome.read
    latency = int(pace.total_ms(counted.fresh, read, answer.output_tokens)) if pace else elapsed
    first = int(pace.first_byte_ms(counted.fresh, read)) if pace else elapsed
    if counted.first_byte_ms is not None:
        first = counted.first_byte_ms
    build = _BUILDERS[counted.dialect, call.stream]
    headers, body, frames, usage, logged = build(counted, answer, counters, latency, first)
    return Reply(headers, body, frames, usage, logged, latency, first, counters)


PIECE_CHARS = 24
"""Longest text of one event of a stream, as ``wire`` cuts it."""
_LEADS = {Dialect.CONVERSE: 1, Dialect.NOVA: 1, Dialect.ANTHROPIC: 2}  # frames before the first text


def frames_before(counted: Counted) -> list[bytes]:
    """The frames that begin a stream whose first block is text, before anything of it is known."""
    return _begun(counted, "-")[: _LEADS[counted.dialect]]


def frames_of(counted: Counted, text: str) -> list[bytes]:
    """The frames of a piece of that text."""
    lead = _LEADS[counted.dialect]
    return _begun(counted, text)[lead : lead + _pieces(text)]


def frames_after(counted: Counted, reply: Reply, answer: Answer) -> list[bytes]:
    """The frames of a reply that are left when its first block, a text, was sent as it came."""
    return reply.frames[_LEADS[counted.dialect] + _pieces(answer.content[0]["text"]) :]


def _begun(counted: Counted, text: str) -> list[bytes]:
    return replied(counted, Answer(({"text": text},), "end_turn", 1)).frames


def _pieces(text: str) -> int:
    return -(-len(text) // PIECE_CHARS)


_Built = tuple[Headers, bytes, list[bytes], Json, bytes]


def _converse(
    counted: Counted, answer: Answer, counters: Counters, latency: int, first: int, *, stream: bool
) -> _Built:
    usage = bodies.converse_usage(counters, counted.model.model.vendor, stream=stream)
    echoes = {name: counted.body[name] for name in ("performanceConfig", "serviceTier") if counted.body.get(name)}
    reply = bodies.converse_body(answer, usage, latency, echoes)
    paths = counted.body.get("additionalModelResponseFieldPaths")
    if paths and "/stop_sequence" in paths:
        reply["additionalModelResponseFields"] = {"stop_sequence": answer.stop_sequence}
    if not stream:
        body = _encode(reply)
        return [], body, [], usage, body
    events = list(CONVERSE.cut(reply, {}, PIECE_CHARS))
    frames = [event_frame(name, _encode(payload)) for name, payload in events]
    return [], b"", frames, usage, _encode([{name: payload} for name, payload in events])


def _anthropic(
    counted: Counted, answer: Answer, counters: Counters, latency: int, first: int, *, stream: bool
) -> _Built:
    identity = counted.call.request_id.replace("-", "")[:24]
    reply = bodies.anthropic_body(answer, counters, counted.model.model.id.removeprefix("anthropic."), identity)
    return _native_built(counted, reply, counters, latency, first, stream, ANTHROPIC)


def _nova(counted: Counted, answer: Answer, counters: Counters, latency: int, first: int, *, stream: bool) -> _Built:
    reply = bodies.nova_body(answer, counters)
    return _native_built(counted, reply, counters, latency, first, stream, NOVA)


def _native_built(
    counted: Counted,
    reply: Json,
    counters: Counters,
    latency: int,
    first: int,
    stream: bool,
    spelling: Spelling,
) -> _Built:
    headers = [
        (name, value)
        for name in (b"x-amzn-bedrock-service-tier", b"x-amzn-bedrock-performanceconfig-latency")
        if (value := counted.call.headers.get(name)) is not None
    ]
    if not stream:
        body = _encode(reply)
        return [*headers, *bodies.token_headers(counters, latency)], body, [], reply["usage"], body
    metrics = bodies.invocation_metrics(counters, latency, first)
    chunks = [chunk for _, chunk in spelling.cut(reply, metrics, PIECE_CHARS)]
    frames = [chunk_frame(_encode(chunk)) for chunk in chunks]
    headers.append((b"x-amzn-bedrock-content-type", b"application/json"))
    return headers, b"", frames, reply["usage"], _encode(chunks)


_BUILDERS: Mapping[tuple[Dialect, bool], Callable[[Counted, Answer, Counters, int, int], _Built]] = {
    (dialect, stream): partial(build, stream=stream)
    for dialect, build in ((Dialect.CONVERSE, _converse), (Dialect.ANTHROPIC, _anthropic), (Dialect.NOVA, _nova))
    for stream in (False, True)
}
