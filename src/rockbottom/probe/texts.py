"""Requests of a chosen size that nobody has sent before."""

import json
from typing import Any

from rockbottom.dialects import Params

POINT_5M = {"cachePoint": {"type": "default"}}
POINT_1H = {"cachePoint": {"type": "default", "ttl": "1h"}}
LEAST_OUTPUT = 16
"""The least ``max_output_tokens`` that Responses takes (sample-per-model-bedrock, 2026-08-22)."""
_WORDS = [
    "river",
    "stone",
    "cloud",
    "paper",
    "green",
    "house",
    "light",
    "music",
    "winter",
    "garden",
    "morning",
    "bridge",
    "window",
    "silver",
    "forest",
    "harbor",
]


def prose(words: int, nonce: str) -> str:
    """``words`` common words behind a beginning that makes them new to the service."""
    return " ".join([nonce, *(_WORDS[(n * 7 + n // 16) % 16] for n in range(words))])


def converse(model_id: str, system: list[dict[str, Any]], content: list[dict[str, Any]], **more: Any) -> Params:
    """The cheapest Converse request with this system prompt and this user message."""
    request: Params = {
        "modelId": model_id,
        "messages": [{"role": "user", "content": content}],
        "inferenceConfig": {"maxTokens": 1},
    }
    if system:
        request["system"] = system
    return {**request, **more}


def anthropic(model_id: str, system: str, question: str) -> Params:
    """The cheapest InvokeModel request with this system prompt, marked, and this user message."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1,
        "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": question}]}],
    }
    return {"modelId": model_id, "body": json.dumps(body)}


def responses(
    model_id: str, key: str, turns: list[tuple[str, ...]], *, implicit: bool = False, options: bool = True
) -> Params:
    """A request of Responses of turns of the user, each of some texts, and short answers between them.

    The first text of the first turn is marked, unless the service's own point is wanted (``implicit``), or the model
    takes no word about caching at all (``options`` false).
    """
    items: list[Any] = []
    for number, texts in enumerate(turns):
        parts: list[dict[str, Any]] = [{"type": "input_text", "text": content} for content in texts]
        if options and not implicit and not number:
            parts[0]["prompt_cache_breakpoint"] = {"mode": "explicit"}
        items += [{"role": "assistant", "content": "Ok."}] * (number > 0)
        items.append({"role": "user", "content": parts})
    mode = {"mode": "implicit" if implicit else "explicit", "ttl": "30m"}
    return {
        "model": model_id,
        "input": items,
        "max_output_tokens": LEAST_OUTPUT,
        "reasoning": {"effort": "none"},
        "store": False,
        "prompt_cache_key": key,
        **({"prompt_cache_options": mode} if options else {}),
    }


def text(value: str) -> dict[str, Any]:
    return {"text": value}
