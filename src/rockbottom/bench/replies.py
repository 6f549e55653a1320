"""A reply of the service in one shape, whatever API it came through: usage, content, and how long it took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rockbottom.dialects import usage_of
from rockbottom.quantities import Ttl, Usage


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call brought back.

    ``content`` is in Converse shape. ``latency_ms`` is the service's own figure where it gives one, else None;
    ``elapsed_ms`` is what this machine waited for the whole reply and ``first_ms`` for its first token (streams only).
    """

    usage: Usage
    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    latency_ms: float | None = None
    elapsed_ms: float = 0.0
    first_ms: float | None = None
    request_id: str = ""


def counted(usage: Mapping[str, Any], ttl: Ttl = Ttl.FIVE_MINUTES) -> Usage:
    """The usage of a reply; what it does not split by lifetime was asked for at ``ttl``. Raises ValueError."""
    usage_told = usage_of(usage, ttl)
    if usage_told is None:
        raise ValueError("the reply counts no tokens")
    return usage_told


def converse_blocks(blocks: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Anthropic content blocks in Converse shape; text and tool uses, the rest is left out."""
    found: list[Mapping[str, Any]] = []
    for block in blocks:
        if block.get("type") == "text" and block.get("text"):
            found.append({"text": block["text"]})
        elif block.get("type") == "tool_use":
            use = {"toolUseId": block["id"], "name": block["name"], "input": block.get("input") or {}}
            found.append({"toolUse": use})
    return tuple(found)
