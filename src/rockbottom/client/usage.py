"""Usage as each operation reports it, read into ``quantities.Usage``.

Where a reply does not say for how long its writes live (no ``cacheDetails``, no ``cache_creation``), the
TTLs of the points that were sent decide: all 1h means 1h, anything else the TTL an omitted one means.
"""

from collections.abc import Mapping
from typing import Any

from rockbottom.quantities import Ttl, Usage

Json = Mapping[str, Any]

HEADER = "x-amzn-bedrock-"
METRICS = "amazon-bedrock-invocationMetrics"
_WRITE = {Ttl.FIVE_MINUTES: "cache_write_5m", Ttl.THIRTY_MINUTES: "cache_write_30m", Ttl.ONE_HOUR: "cache_write_1h"}


def converse_usage(usage: Json, default_ttl: Ttl) -> Usage:
    """The ``usage`` of Converse, of its stream's metadata event, or of a native Nova reply."""
    writes = _number(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    split = {Ttl(row["ttl"]): int(row["inputTokens"]) for row in usage.get("cacheDetails") or ()}
    return _usage(
        _number(usage, "inputTokens"),
        _number(usage, "outputTokens"),
        _number(usage, "cacheReadInputTokens", "cacheReadInputTokenCount"),
        split if sum(split.values()) == writes else {default_ttl: writes},
    )


def anthropic_usage(usage: Json, default_ttl: Ttl) -> Usage:
    """The ``usage`` of a native Anthropic reply."""
    writes = _number(usage, "cache_creation_input_tokens")
    creation = usage.get("cache_creation") or {}
    split = {
        Ttl.FIVE_MINUTES: _number(creation, "ephemeral_5m_input_tokens"),
        Ttl.ONE_HOUR: _number(creation, "ephemeral_1h_input_tokens"),
    }
    return _usage(
        _number(usage, "input_tokens"),
        _number(usage, "output_tokens"),
        _number(usage, "cache_read_input_tokens"),
        split if sum(split.values()) == writes else {default_ttl: writes},
    )


def native_usage(body: Json, default_ttl: Ttl) -> Usage | None:
    """The usage of a whole native reply, None where it carries none that we know."""
    usage = body.get("usage")
    if not isinstance(usage, Mapping):
        return None
    if "input_tokens" in usage and "output_tokens" in usage:
        return anthropic_usage(usage, default_ttl)
    return converse_usage(usage, default_ttl) if "inputTokens" in usage else None


def header_usage(headers: Mapping[str, str], default_ttl: Ttl) -> Usage | None:
    """The usage in the headers of an InvokeModel reply, None where the counts are not all there."""

    def count(name: str) -> int | None:
        text = headers.get(f"{HEADER}{name}-token-count")
        return int(text) if text is not None and text.isdigit() else None

    uncached, output = count("input"), count("output")
    if uncached is None or output is None:
        return None
    return _usage(uncached, output, count("cache-read-input") or 0, {default_ttl: count("cache-write-input") or 0})


def metrics_usage(metrics: Json, split: Mapping[Ttl, int], default_ttl: Ttl) -> Usage:
    """The usage in the last chunk of a native stream; ``split`` is what message_start said of the writes."""
    writes = _number(metrics, "cacheWriteInputTokenCount")
    return _usage(
        _number(metrics, "inputTokenCount"),
        _number(metrics, "outputTokenCount"),
        _number(metrics, "cacheReadInputTokenCount"),
        split if sum(split.values()) == writes else {default_ttl: writes},
    )


def split_of(usage: Json) -> Mapping[Ttl, int]:
    """The writes by TTL in an Anthropic usage object; empty where it does not say."""
    creation = usage.get("cache_creation") or {}
    named = {Ttl.FIVE_MINUTES: "ephemeral_5m_input_tokens", Ttl.ONE_HOUR: "ephemeral_1h_input_tokens"}
    return {ttl: _number(creation, name) for ttl, name in named.items() if _number(creation, name)}


def _usage(uncached: int, output: int, read: int, writes: Mapping[Ttl, int]) -> Usage:
    named = {_WRITE[ttl]: tokens for ttl, tokens in writes.items()}
    return Usage(input=uncached, output=output, cache_read=read, **named)


def _number(row: Json, *names: str) -> int:
    return next((int(row[name]) for name in names if row.get(name) is not None), 0)
