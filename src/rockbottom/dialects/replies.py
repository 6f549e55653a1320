"""A whole reply cut into the events of its stream, and a stream assembled into the whole reply.

Three dialects: Converse (``messageStart`` ... ``metadata``), Anthropic Messages (``message_start`` ...
``message_stop``) and Nova (Converse's events, one per chunk). Each pair is inverse: assembling what
was cut gives the reply back, which is how the tests hold them together.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rockbottom.wire import CorruptFrame, Event, Json, TruncatedStream

METRICS = "amazon-bedrock-invocationMetrics"
"""Key that Bedrock adds to the last chunk of a native stream."""


def converse_events(reply: Json, piece_chars: int = 24) -> Iterator[Event]:
    """The ConverseStream events of a whole Converse reply, text in pieces of ``piece_chars``."""
    message = reply["output"]["message"]
    yield "messageStart", {"role": message["role"]}
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block, piece_chars)
    stop: Json = {"stopReason": reply["stopReason"]}
    if "additionalModelResponseFields" in reply:
        stop["additionalModelResponseFields"] = reply["additionalModelResponseFields"]
    yield "messageStop", stop
    yield "metadata", {key: value for key, value in reply.items() if key in _METADATA}


_METADATA = ("usage", "metrics", "trace", "performanceConfig", "serviceTier")


def _block_events(index: int, block: Json, piece_chars: int) -> Iterator[Event]:
    at: Json = {"contentBlockIndex": index}
    if "toolUse" in block:
        use = block["toolUse"]
        yield "contentBlockStart", {"start": {"toolUse": {k: v for k, v in use.items() if k != "input"}}, **at}
        for piece in _pieces(msgspec.json.encode(use["input"]).decode(), piece_chars):
            yield "contentBlockDelta", {"delta": {"toolUse": {"input": piece}}, **at}
    elif "reasoningContent" in block:
        for delta in _reasoning_deltas(block["reasoningContent"], piece_chars):
            yield "contentBlockDelta", {"delta": {"reasoningContent": delta}, **at}
    else:
        for piece in _pieces(block["text"], piece_chars):
            yield "contentBlockDelta", {"delta": {"text": piece}, **at}
    yield "contentBlockStop", at


def _reasoning_deltas(reasoning: Json, piece_chars: int) -> Iterator[Json]:
    if "redactedContent" in reasoning:
        yield {"redactedContent": reasoning["redactedContent"]}
        return
    text = reasoning["reasoningText"]
    for piece in _pieces(text["text"], piece_chars):
        yield {"text": piece}
    if "signature" in text:
        yield {"signature": text["signature"]}


def _pieces(text: str, size: int) -> Iterator[str]:
    for at in range(0, max(len(text), 1), size):
        yield text[at : at + size]


def converse_reply(events: Iterable[Event]) -> Json:
    """The whole Converse reply of a stream. Raises TruncatedStream when ``metadata`` never came."""
    role = "assistant"
    blocks = _Blocks()
    reply: Json = {}
    for name, payload in events:
        if name == "messageStart":
            role = payload["role"]
        elif name == "contentBlockStart":
            blocks.start(payload["contentBlockIndex"], payload.get("start", {}))
        elif name == "contentBlockDelta":
            blocks.add(payload["contentBlockIndex"], payload["delta"])
        elif name in ("messageStop", "metadata"):
            reply.update(payload)
    if "stopReason" not in reply or "usage" not in reply:
        missing = "messageStop" if "stopReason" not in reply else "metadata"
        raise TruncatedStream(f"the stream ended without {missing}; its usage is unknown and may have been billed")
    return {"output": {"message": {"role": role, "content": blocks.content()}}, **reply}


class _Blocks:
    """Content blocks by index while their deltas arrive."""

    def __init__(self) -> None:
        self._blocks: dict[int, Json] = {}
        self._inputs: dict[int, list[str]] = {}

    def start(self, index: int, start: Json) -> None:
        if "toolUse" in start:
            self._blocks[index] = {"toolUse": dict(start["toolUse"])}
            self._inputs[index] = []

    def add(self, index: int, delta: Json) -> None:
        if "toolUse" in delta:
            self._inputs.setdefault(index, []).append(delta["toolUse"].get("input", ""))
            self._blocks.setdefault(index, {"toolUse": {}})
        elif "reasoningContent" in delta:
            _add_reasoning(self._blocks.setdefault(index, {"reasoningContent": {}}), delta["reasoningContent"])
        elif "text" in delta:
            block = self._blocks.setdefault(index, {"text": ""})
            block["text"] = block.get("text", "") + delta["text"]

    def content(self) -> list[Json]:
        for index, pieces in self._inputs.items():
            self._blocks[index]["toolUse"]["input"] = _input("".join(pieces))
        return [self._blocks[index] for index in sorted(self._blocks)]


def _input(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError as error:
        raise CorruptFrame(f"the streamed input of a tool call is not JSON: {error}") from error


def _add_reasoning(block: Json, delta: Json) -> None:
    reasoning = block["reasoningContent"]
    if "redactedContent" in delta:
        reasoning["redactedContent"] = delta["redactedContent"]
        return
    text = reasoning.setdefault("reasoningText", {"text": ""})
    if "text" in delta:
        text["text"] += delta["text"]
    if "signature" in delta:
        text["signature"] = delta["signature"]


def nova_chunks(reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Json]:
    """The chunks of a whole Nova InvokeModel reply: Converse's events, usage and metrics in the last."""
    for name, payload in converse_events(reply, piece_chars):
        if name == "metadata":
            usage: Json = {"usage": payload["usage"], "metrics": {}, "trace": {}}
            yield {"metadata": usage, METRICS: metrics}
        else:
            yield {name: payload}


def nova_reply(chunks: Iterable[Json]) -> Json:
    """The whole Nova reply of its chunks. Raises TruncatedStream when the last never came."""
    reply = converse_reply((name, payload) for chunk in chunks for name, payload in chunk.items() if name != METRICS)
    return {key: reply[key] for key in ("output", "stopReason", "usage")}


def anthropic_chunks(reply: Json, metrics: Json, piece_chars: int = 24) -> Iterator[Json]:
    """The chunks of a whole Anthropic Messages reply, ``metrics`` on ``message_stop`` as Bedrock adds them."""
    usage = reply["usage"]
    head: Json = {
        **reply,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": min(1, usage["output_tokens"])},
    }
    yield {"type": "message_start", "message": head}
    for index, block in enumerate(reply["content"]):
        yield from _anthropic_block(index, block, piece_chars)
    delta = {"stop_reason": reply["stop_reason"], "stop_sequence": reply["stop_sequence"]}
    yield {"type": "message_delta", "delta": delta, "usage": usage}
    yield {"type": "message_stop", METRICS: metrics}


def _anthropic_block(index: int, block: Json, piece_chars: int) -> Iterator[Json]:
    if block["type"] == "tool_use":
        yield {"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}}
        deltas = [
            {"type": "input_json_delta", "partial_json": piece}
            for piece in _pieces(msgspec.json.encode(block["input"]).decode(), piece_chars)
        ]
    elif block["type"] == "thinking":
        yield {
            "type": "content_block_start",
            "index": index,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        }
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"], piece_chars)]
        deltas.append({"type": "signature_delta", "signature": block.get("signature", "")})
    else:
        yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"], piece_chars)]
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def anthropic_reply(chunks: Iterable[Json]) -> Json:
    """The whole Anthropic Messages reply of its chunks. Raises TruncatedStream when ``message_stop`` never came."""
    reply: Json = {}
    blocks: dict[int, Json] = {}
    inputs: dict[int, list[str]] = {}
    stopped = False
    for chunk in chunks:
        kind = chunk.get("type")
        if kind == "message_start":
            reply = dict(chunk["message"])
        elif kind == "content_block_start":
            blocks[chunk["index"]] = dict(chunk["content_block"])
        elif kind == "content_block_delta":
            _add_anthropic(blocks[chunk["index"]], inputs.setdefault(chunk["index"], []), chunk["delta"])
        elif kind == "message_delta":
            reply.update(chunk["delta"])
            reply["usage"] = {**reply.get("usage", {}), **chunk.get("usage", {})}
        elif kind == "message_stop":
            stopped = True
    if not stopped:
        raise TruncatedStream("the stream ended without message_stop; its usage is unknown and may have been billed")
    for index, block in blocks.items():
        if block["type"] == "tool_use":
            block["input"] = _input("".join(inputs.get(index, [])))
    return {**reply, "content": [blocks[index] for index in sorted(blocks)]}


def _add_anthropic(block: Json, pieces: list[str], delta: Json) -> None:
    kind = delta["type"]
    if kind == "input_json_delta":
        pieces.append(delta["partial_json"])
    elif kind == "thinking_delta":
        block["thinking"] += delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "text_delta":
        block["text"] += delta["text"]
