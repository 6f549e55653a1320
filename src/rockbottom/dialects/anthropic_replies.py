"""Replies of Anthropic Messages bodies: their blocks, and their streams cut and assembled."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rockbottom.dialects.streams import METRICS, json_of, json_pieces, pieces
from rockbottom.wire import Json, TruncatedStream


def answer_block(block: Mapping[str, Any]) -> Json:
    """A block of a Converse reply as one of an Anthropic reply."""
    if "toolUse" in block:
        use = block["toolUse"]
        identity = use["toolUseId"].replace("tooluse_", "toolu_bdrk_")
        return {"type": "tool_use", "id": identity, "name": use["name"], "input": use["input"]}
    if "reasoningContent" in block:
        text: Mapping[str, Any] = block["reasoningContent"].get("reasoningText") or {}
        return {"type": "thinking", "thinking": text.get("text", ""), "signature": text.get("signature", "")}
    if "citationsContent" in block:
        cited = block["citationsContent"]
        spoken = "".join(part["text"] for part in cited["content"])
        return {"type": "text", "text": spoken, "citations": [_citation(citation) for citation in cited["citations"]]}
    return {"type": "text", "text": block.get("text", "")}


def _citation(citation: Mapping[str, Any]) -> Json:
    """A citation of Converse's as one of Anthropic's."""
    text = "".join(part["text"] for part in citation["sourceContent"])
    location: Mapping[str, Any] = citation["location"]
    kind = next(iter(location))
    place = location[kind]
    name, start, end = _LOCATIONS[kind]
    return {
        "type": name,
        "cited_text": text,
        "document_index": place["documentIndex"],
        "document_title": citation.get("title") or None,
        start: place["start"],
        end: place["end"],
    }


_LOCATIONS: Mapping[str, tuple[str, str, str]] = {
    "documentChar": ("char_location", "start_char_index", "end_char_index"),
    "documentChunk": ("content_block_location", "start_block_index", "end_block_index"),
    "documentPage": ("page_location", "start_page_number", "end_page_number"),
}
"""What Converse's kinds of places are in Anthropic's words."""


def told_block(block: Mapping[str, Any]) -> Json | None:
    """A text or tool use in Converse's blocks; None for the rest."""
    if block.get("type") == "text" and block.get("text"):
        return {"text": block["text"]}
    if block.get("type") == "tool_use":
        return {"toolUse": {"toolUseId": block["id"], "name": block["name"], "input": block.get("input") or {}}}
    return None


def anthropic_chunks(reply: Json, metrics: Json, piece_chars: int) -> Iterator[Json]:
    """The chunks of a whole reply, ``metrics`` on ``message_stop`` as Bedrock adds them."""
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
        yield from _block_events(index, block, piece_chars)
    delta = {"stop_reason": reply["stop_reason"], "stop_sequence": reply["stop_sequence"]}
    yield {"type": "message_delta", "delta": delta, "usage": usage}
    yield {"type": "message_stop", METRICS: metrics}


def _block_events(index: int, block: Json, piece_chars: int) -> Iterator[Json]:
    if block["type"] == "tool_use":
        yield {"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}}
        deltas = [
            {"type": "input_json_delta", "partial_json": piece} for piece in json_pieces(block["input"], piece_chars)
        ]
    elif block["type"] == "thinking":
        yield {
            "type": "content_block_start",
            "index": index,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        }
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], piece_chars)]
        deltas.append({"type": "signature_delta", "signature": block.get("signature", "")})
    else:
        cites: Json = {"citations": []} if "citations" in block else {}
        yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": "", **cites}}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"], piece_chars)]
        deltas += [{"type": "citations_delta", "citation": citation} for citation in block.get("citations", ())]
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def anthropic_reply(chunks: Iterable[Json]) -> Json:
    """The whole reply of its chunks. Raises TruncatedStream when ``message_stop`` never came."""
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
            _add_delta(blocks[chunk["index"]], inputs.setdefault(chunk["index"], []), chunk["delta"])
        elif kind == "message_delta":
            reply.update(chunk["delta"])
            reply["usage"] = {**reply.get("usage", {}), **chunk.get("usage", {})}
        elif kind == "message_stop":
            stopped = True
    if not stopped:
        raise TruncatedStream("the stream ended without message_stop; its usage is unknown and may have been billed")
    for index, block in blocks.items():
        if block["type"] == "tool_use":
            block["input"] = json_of("".join(inputs.get(index, [])))
    return {**reply, "content": [blocks[index] for index in sorted(blocks)]}


def _add_delta(block: Json, pieces: list[str], delta: Json) -> None:
    kind = delta["type"]
    if kind == "input_json_delta":
        pieces.append(delta["partial_json"])
    elif kind == "thinking_delta":
        block["thinking"] += delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "text_delta":
        block["text"] += delta["text"]
    elif kind == "citations_delta":
        block["citations"] = [*block.get("citations", ()), delta["citation"]]
