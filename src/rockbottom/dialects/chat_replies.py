"""Replies of Chat Completions: their message, and their streams cut and assembled."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.openai import STATUS, input_of
from rockbottom.dialects.streams import json_pieces, pieces
from rockbottom.prompt import json_bytes
from rockbottom.wire import Json, StreamFailed, TruncatedStream

_STOPS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "content_filtered"}


def chat_answer(reply: Json, exchange: Exchange) -> Json:
    """A whole reply of Converse's as one of Chat Completions."""
    content = reply["output"]["message"]["content"]
    texts = "".join(block["text"] for block in content if "text" in block)
    calls = [_call(block["toolUse"]) for block in content if "toolUse" in block]
    message: Json = {"role": "assistant", "content": texts or None, "refusal": None}
    thoughts = "".join(_thought(block) for block in content)
    if thoughts and exchange.inline_reasoning:
        message["content"] = f"<reasoning>{thoughts}</reasoning>{texts}"
    elif thoughts:
        message["reasoning"] = thoughts
    if calls:
        message["tool_calls"] = calls
    usage: Json = reply["usage"]
    if "completion_tokens_details" in usage:
        usage["completion_tokens_details"]["reasoning_tokens"] = exchange.reasoning_tokens
    return {
        "id": f"chatcmpl-{exchange.identity}",
        "object": "chat.completion",
        "created": int(exchange.at),
        "model": exchange.body.get("model"),
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": STATUS.get(reply["stopReason"], reply["stopReason"]),
            }
        ],
        "service_tier": exchange.tier,
        "usage": usage,
    }


def _thought(block: Mapping[str, Any]) -> str:
    thought: Any = block.get("reasoningContent") or {}
    text: Any = thought.get("reasoningText") or {}
    return str(text.get("text", ""))


def _call(use: Mapping[str, Any]) -> Json:
    arguments = json_bytes(use["input"]).decode("utf-8", "surrogatepass")
    identity = use["toolUseId"].replace("tooluse_", "call_")
    return {"id": identity, "type": "function", "function": {"name": use["name"], "arguments": arguments}}


def told_message(reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
    """The texts and tool uses of a whole reply in Converse's blocks, and why it stopped."""
    choice = reply["choices"][0]
    message = choice["message"]
    blocks: list[Json] = [{"text": message["content"]}] if message.get("content") else []
    for call in message.get("tool_calls") or ():
        function = call["function"]
        use = {"toolUseId": call["id"], "name": function["name"], "input": input_of(function.get("arguments") or "{}")}
        blocks.append({"toolUse": use})
    reason = str(choice.get("finish_reason") or "")
    return tuple(blocks), _STOPS.get(reason, reason)


def chat_chunks(reply: Json, piece_chars: int) -> Iterator[tuple[str, Json]]:
    """The chunks of a whole reply, the usage in one of its own."""
    choice = reply["choices"][0]
    message = choice["message"]
    head = {member: reply[member] for member in ("id", "created", "model", "service_tier")}
    head["object"] = "chat.completion.chunk"

    def chunk(delta: Json, finish: str | None = None) -> tuple[str, Json]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return "chunk", {**head, "choices": [choice], "usage": None}

    yield chunk({"role": "assistant", "content": ""})
    for text in pieces(message["reasoning"], piece_chars) if message.get("reasoning") else ():
        yield chunk({"reasoning": text})
    for text in pieces(message["content"], piece_chars) if message.get("content") else ():
        yield chunk({"content": text})
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        begun: Json = {**call, "index": number, "function": {"name": function["name"], "arguments": ""}}
        yield chunk({"tool_calls": [begun]})
        for text in json_pieces(input_of(function["arguments"]), piece_chars):
            yield chunk({"tool_calls": [{"index": number, "function": {"arguments": text}}]})
    yield chunk({}, choice["finish_reason"])
    yield "usage", {**head, "choices": [], "usage": reply["usage"]}


def chat_reply(chunks: Iterable[Json]) -> Json:
    """The whole reply of its chunks. Raises TruncatedStream when no finish_reason came, StreamFailed for an error."""
    reply: Json = {}
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    calls: dict[int, Json] = {}
    finish: str | None = None
    for chunk in chunks:
        if chunk.get("error") is not None:
            raise StreamFailed("error", str(chunk["error"]), retry_safe=False)
        reply.update({member: value for member, value in chunk.items() if member != "choices" and value is not None})
        for choice in chunk.get("choices") or ():
            _add_delta(message, calls, choice.get("delta") or {})
            finish = choice.get("finish_reason") or finish
    if finish is None:
        raise TruncatedStream("the stream ended without a finish_reason; its usage may have been billed")
    if calls:
        message["tool_calls"] = [calls[number] for number in sorted(calls)]
    whole = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**reply, "object": "chat.completion", "choices": [whole]}


def _add_delta(message: Json, calls: dict[int, Json], delta: Json) -> None:
    for member in ("content", "reasoning"):
        if delta.get(member):
            message[member] = (message.get(member) or "") + delta[member]
    for piece in delta.get("tool_calls") or ():
        call = calls.setdefault(piece.get("index", 0), {**piece, "function": {"name": "", "arguments": ""}})
        function: Mapping[str, Any] = piece.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""
