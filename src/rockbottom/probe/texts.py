"""Requests of a chosen size that nobody has sent before."""

import json
from typing import Any

from rockbottom.catalog import limit
from rockbottom.dialects import ANTHROPIC, RESPONSES, Params, converse_point
from rockbottom.quantities import Ttl

POINT_5M = converse_point()
POINT_1H = converse_point(Ttl.ONE_HOUR)
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
    body = ANTHROPIC.spelled(converse(model_id, [text(system), POINT_5M], [text(question)]))
    return {"modelId": model_id, "body": json.dumps(body)}


def responses(
    model_id: str, key: str, turns: list[tuple[str, ...]], *, implicit: bool = False, options: bool = True
) -> Params:
    """A request of Responses of turns of the user, each of some texts, and short answers between them.

    The first text of the first turn is marked, unless the service's own point is wanted (``implicit``), or the model
    takes no word about caching at all (``options`` false).
    """
    messages: list[Any] = []
    for number, texts in enumerate(turns):
        content = [text(part) for part in texts]
        if options and not implicit and not number:
            content.insert(1, POINT_5M)
        messages += [{"role": "assistant", "content": [text("Ok.")]}] * (number > 0)
        messages.append({"role": "user", "content": content})
    mode = {"mode": "implicit" if implicit else "explicit", "ttl": "30m"}
    return {
        "model": model_id,
        **RESPONSES.spelled({"messages": messages, "inferenceConfig": {"maxTokens": limit("responses_output_tokens")}}),
        "reasoning": {"effort": "none"},
        "prompt_cache_key": key,
        **({"prompt_cache_options": mode} if options else {}),
    }


def text(value: str) -> dict[str, Any]:
    return {"text": value}
