"""Replies of Converse: their streams cut and assembled. Nova's own replies are spelled likewise."""

from collections.abc import Iterable, Iterator

from rockbottom.dialects.members import PERFORMANCE_CONFIG, SERVICE_TIER
from rockbottom.dialects.streams import json_of, json_pieces, pieces
from rockbottom.wire import Event, Json, TruncatedStream


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


_METADATA = ("usage", "metrics", "trace", PERFORMANCE_CONFIG, SERVICE_TIER)


def _block_events(index: int, block: Json, piece_chars: int) -> Iterator[Event]:
    at: Json = {"contentBlockIndex": index}
    if "toolUse" in block:
        use = block["toolUse"]
        yield "contentBlockStart", {"start": {"toolUse": {k: v for k, v in use.items() if k != "input"}}, **at}
        for piece in json_pieces(use["input"], piece_chars):
            yield "contentBlockDelta", {"delta": {"toolUse": {"input": piece}}, **at}
    elif "reasoningContent" in block:
        for delta in _reasoning_deltas(block["reasoningContent"], piece_chars):
            yield "contentBlockDelta", {"delta": {"reasoningContent": delta}, **at}
    elif "citationsContent" in block:
        cited = block["citationsContent"]
        for piece in pieces("".join(part["text"] for part in cited["content"]), piece_chars):
            yield "contentBlockDelta", {"delta": {"text": piece}, **at}
        for citation in cited["citations"]:
            yield "contentBlockDelta", {"delta": {"citation": citation}, **at}
    else:
        for piece in pieces(block["text"], piece_chars):
            yield "contentBlockDelta", {"delta": {"text": piece}, **at}
    yield "contentBlockStop", at


def _reasoning_deltas(reasoning: Json, piece_chars: int) -> Iterator[Json]:
    if "redactedContent" in reasoning:
        yield {"redactedContent": reasoning["redactedContent"]}
        return
    text = reasoning["reasoningText"]
    for piece in pieces(text["text"], piece_chars):
        yield {"text": piece}
    if "signature" in text:
        yield {"signature": text["signature"]}


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
        elif "citation" in delta:
            block = self._blocks.get(index) or {"text": ""}
            if "citationsContent" not in block:
                block = {"citationsContent": {"content": [{"text": block.get("text", "")}], "citations": []}}
                self._blocks[index] = block
            block["citationsContent"]["citations"].append(delta["citation"])
        elif "text" in delta:
            block = self._blocks.setdefault(index, {"text": ""})
            holder = block["citationsContent"]["content"][0] if "citationsContent" in block else block
            holder["text"] = holder.get("text", "") + delta["text"]

    def content(self) -> list[Json]:
        for index, parts in self._inputs.items():
            self._blocks[index]["toolUse"]["input"] = json_of("".join(parts))
        return [self._blocks[index] for index in sorted(self._blocks)]


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
