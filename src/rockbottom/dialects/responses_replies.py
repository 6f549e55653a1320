"""Replies of Responses: their items, and their streams cut and assembled."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rockbottom.catalog import surface_of
from rockbottom.dialects.dialect import Exchange
from rockbottom.dialects.openai import ENDS, input_of
from rockbottom.dialects.streams import INPUT_PIECE_CHARS, pieces
from rockbottom.prompt import json_bytes
from rockbottom.quantities import is_object
from rockbottom.wire import Event, Json, StreamFailed, TruncatedStream

_ENCRYPTED = "reasoning.encrypted_content"
_RETRY_SAFE = ("server_error", "rate_limit_exceeded")


def responses_answer(reply: Json, exchange: Exchange) -> Json:
    """A whole reply of Converse's as one of Responses, with what it repeats of its request."""
    body, usage = exchange.body, reply["usage"]
    cut = reply["stopReason"] == "max_tokens"
    if exchange.reasoning_tokens and surface_of(exchange.model).writes_counted:
        usage["output_tokens_details"]["reasoning_tokens"] = exchange.reasoning_tokens
    reply_of_all: Json = {
        "id": f"resp_{exchange.identity}",
        "object": "response",
        "created_at": int(exchange.at),
        "status": "incomplete" if cut else "completed",
        "background": bool(body.get("background", False)),
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": body.get("model"),
        "output": list(_items(reply["output"]["message"]["content"], exchange, cut)),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "service_tier": exchange.tier,
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(body.get("text") or {})},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", surface_of(exchange.model).repeats.get("top_p", 1.0)),
        "truncation": body.get("truncation", "disabled"),
        "usage": usage,
    }
    return {**reply_of_all, **_besides(exchange)} if surface_of(exchange.model).writes_counted else reply_of_all


def _besides(exchange: Exchange) -> Json:
    """What replies repeat besides; those of gpt-oss do not (cassettes of pydantic-ai, 2026-07)."""
    body = exchange.body
    effort = {"effort": surface_of(exchange.model).repeats.get("effort")}
    context = {"context": "all_turns"} if surface_of(exchange.model).options == "taken" else {}
    options = {"prompt_cache_options": body["prompt_cache_options"]} if body.get("prompt_cache_options") else {}
    return {
        "billing": {"payer": "developer"},
        "completed_at": int(exchange.at),
        "frequency_penalty": 0.0,
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "moderation": None,
        "presence_penalty": 0.0,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        **options,
        "prompt_cache_retention": "in_memory",
        "reasoning": {**effort, "summary": None, **context, **(body.get("reasoning") or {})},
        "safety_identifier": body.get("safety_identifier"),
        "store": body.get("store", True) is not False,
        "top_logprobs": body.get("top_logprobs", 0),
        "user": body.get("user"),
    }


def _items(content: Iterable[Mapping[str, Any]], exchange: Exchange, cut: bool) -> Iterator[Json]:
    status = "incomplete" if cut else "completed"
    repeats = surface_of(exchange.model).repeats
    phase = {"phase": repeats["phase"]} if "phase" in repeats else {}
    for number, block in enumerate(content):
        identity = f"{exchange.identity}{number:02d}"
        if "toolUse" in block:
            use = block["toolUse"]
            yield {
                "id": f"fc_{identity}",
                "type": "function_call",
                "status": status,
                "arguments": json_bytes(use["input"]).decode("utf-8", "surrogatepass"),
                "call_id": f"call_{number}",  # by its place in the output, as bedrock-mantle numbers them
                "name": use["name"],
            }
        elif "reasoningContent" in block:
            yield _reasoning(block["reasoningContent"], identity, exchange.body)
        else:
            part: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": block.get("text", "")}
            item: Json = {"status": status, "role": "assistant", "content": [part], **phase}
            yield {"id": f"msg_{identity}", "type": "message", **item}


def _reasoning(block: Mapping[str, Any], identity: str, body: Mapping[str, Any]) -> Json:
    thought: Any = block.get("reasoningText") or {}
    text = str(thought.get("text", ""))
    item: Json = {"id": f"rs_{identity}", "type": "reasoning", "summary": []}
    if _ENCRYPTED in (body.get("include") or ()):
        blob = base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
        return {**item, "encrypted_content": f"rsn_{blob}"}
    return {**item, "content": [{"type": "reasoning_text", "text": text}], "status": "completed"}


def told_items(reply: Mapping[str, Any]) -> tuple[tuple[Json, ...], str]:
    """The texts and tool uses of a whole reply in Converse's blocks, and why it stopped."""
    blocks: list[Json] = []
    for item in reply["output"]:
        if item.get("type") == "message":
            blocks += [{"text": part["text"]} for part in item["content"] if part.get("type") == "output_text"]
        elif item.get("type") == "function_call":
            use = {"toolUseId": item["call_id"], "name": item["name"], "input": input_of(item["arguments"])}
            blocks.append({"toolUse": use})
    if reply.get("status") == "incomplete":
        return tuple(blocks), "max_tokens"
    return tuple(blocks), "tool_use" if any("toolUse" in block for block in blocks) else "end_turn"


def responses_events(reply: Json, piece_chars: int) -> Iterator[Event]:
    """The events of a whole reply, numbered; its usage is in the last alone."""
    begun: Json = {**reply, "status": "in_progress", "output": [], "usage": None, "service_tier": "auto"}
    begun["incomplete_details"] = None
    if "completed_at" in begun:
        begun["completed_at"] = None
    for number, (name, payload) in enumerate(_events(reply, begun, piece_chars)):
        yield name, {"type": name, "sequence_number": number, **payload}


def _events(reply: Json, begun: Json, piece_chars: int) -> Iterator[Event]:
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for index, item in enumerate(reply["output"]):
        at = {"output_index": index}
        yield "response.output_item.added", {**at, "item": _begun(item)}
        yield from _item_events(item, {**at, "item_id": item["id"]}, piece_chars)
        yield "response.output_item.done", {**at, "item": item}
    end = "response.incomplete" if reply["status"] == "incomplete" else "response.completed"
    yield end, {"response": reply}


def _begun(item: Json) -> Json:
    emptied: Json = {"content": []} if "content" in item else {"arguments": ""} if "arguments" in item else {}
    return {**item, **({"status": "in_progress"} if "status" in item else {}), **emptied}


def _item_events(item: Json, at: Json, piece_chars: int) -> Iterator[Event]:
    if item["type"] == "function_call":
        for piece in pieces(item["arguments"], min(piece_chars, INPUT_PIECE_CHARS)):
            yield "response.function_call_arguments.delta", {**at, "delta": piece}
        done = {"name": item["name"], "arguments": item["arguments"]}
        yield "response.function_call_arguments.done", {**at, **done}
        return
    for index, part in enumerate(item.get("content") or ()):
        here = {**at, "content_index": index}
        thought = part["type"] == "reasoning_text"
        kind, name = ("reasoning_part", "reasoning_text") if thought else ("content_part", "output_text")
        more: Json = {} if thought else {"logprobs": []}
        yield f"response.{kind}.added", {**here, "part": {**part, "text": ""}}
        for piece in pieces(part["text"], piece_chars):
            yield f"response.{name}.delta", {**here, "delta": piece, **more}
        yield f"response.{name}.done", {**here, "text": part["text"], **more}
        yield f"response.{kind}.done", {**here, "part": part}


def responses_reply(events: Iterable[Event]) -> Json:
    """The whole reply of a stream, which its last event repeats.

    Raises TruncatedStream where that never came, StreamFailed where the reply failed inside a good status.
    """
    for _, payload in events:
        kind = payload.get("type")
        if kind in ENDS[:2]:
            return payload["response"]
        if kind == ENDS[2] or kind == "error" or kind is None:
            raise _failure(payload)
    raise TruncatedStream("the stream ended without response.completed; its usage is unknown and may have been billed")


def _failure(payload: Json) -> StreamFailed:
    response = payload.get("response")
    error: Any = (response if is_object(response) else payload).get("error")
    code = str(error.get("code") or "error") if is_object(error) else "error"
    detail: Any = error.get("message") if is_object(error) else error
    message = detail or payload.get("message") or payload.get("Message") or payload.get("errorMessage") or ""
    return StreamFailed(code, str(message), retry_safe=code in _RETRY_SAFE)
