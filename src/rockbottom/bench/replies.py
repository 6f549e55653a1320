"""A reply of the service in one shape, whatever API it came through: usage, content, and how long it took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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


def converse_usage(usage: Mapping[str, Any], ttl: Ttl) -> Usage:
    """Usage from Converse counters; ``inputTokens`` leaves out what was read and written.

    Writes are split by ``cacheDetails`` where the service gives them; what it does not split was asked for at ``ttl``.
    """
    writes = {str(detail["ttl"]): int(detail["inputTokens"]) for detail in usage.get("cacheDetails") or ()}
    read, written = _either(usage, "cacheReadInputToken"), _either(usage, "cacheWriteInputToken")
    return _usage(int(usage.get("inputTokens", 0)), int(usage.get("outputTokens", 0)), read, written, writes, ttl)


def anthropic_usage(usage: Mapping[str, Any], ttl: Ttl) -> Usage:
    """Usage from the counters of an Anthropic Messages body."""
    split = usage.get("cache_creation") or {}
    writes = {
        "5m": int(split.get("ephemeral_5m_input_tokens") or 0),
        "1h": int(split.get("ephemeral_1h_input_tokens") or 0),
    }
    return _usage(
        int(usage.get("input_tokens") or 0),
        int(usage.get("output_tokens") or 0),
        int(usage.get("cache_read_input_tokens") or 0),
        int(usage.get("cache_creation_input_tokens") or 0),
        writes,
        ttl,
    )


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


def _either(usage: Mapping[str, Any], stem: str) -> int:
    """Converse spells the counter ``...Tokens``, Nova's own body ``...TokenCount``."""
    return int(usage.get(f"{stem}s") or usage.get(f"{stem}Count") or 0)


def _usage(read_in: int, out: int, read: int, written: int, writes: Mapping[str, int], ttl: Ttl) -> Usage:
    five, half, hour = writes.get("5m", 0), writes.get("30m", 0), writes.get("1h", 0)
    rest = max(0, written - five - half - hour)
    return Usage(
        input=read_in,
        output=out,
        cache_read=read,
        cache_write_5m=five + (rest if ttl is Ttl.FIVE_MINUTES else 0),
        cache_write_30m=half + (rest if ttl is Ttl.THIRTY_MINUTES else 0),
        cache_write_1h=hour + (rest if ttl is Ttl.ONE_HOUR else 0),
    )
