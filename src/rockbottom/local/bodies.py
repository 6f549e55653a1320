"""Replies in the shapes of each API, with the usage counters in every place where Bedrock puts them.

Which fields appear was read off recorded replies: Claude on Converse always gives the cache fields, their
undocumented *TokenCount twins and serverToolUsage; Nova and the rest give cache fields only when a cachePoint
was sent; cacheDetails comes only with a write, on Claude (130 recorded replies, 2025-03 to 2026-10).
"""

from dataclasses import dataclass
from typing import Any

from rockbottom.local.answers import Answer

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counters:
    """Tokens of one request as the service counts them; ``points`` says whether any cachePoint was sent."""

    uncached: int
    output: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    points: bool = False

    @property
    def write(self) -> int:
        """Tokens written, whatever the TTL."""
        return self.write_5m + self.write_1h

    @property
    def total(self) -> int:
        """Everything: the service's totalTokens."""
        return self.uncached + self.read + self.write + self.output


def converse_usage(counters: Counters, vendor: str, *, stream: bool) -> Json:
    """``usage`` of Converse, or of the metadata event of ConverseStream."""
    usage: Json = {"inputTokens": counters.uncached, "outputTokens": counters.output, "totalTokens": counters.total}
    always = vendor == "anthropic" and not stream
    if always or counters.points or counters.read or counters.write:
        usage["cacheReadInputTokens"] = usage["cacheReadInputTokenCount"] = counters.read
        usage["cacheWriteInputTokens"] = usage["cacheWriteInputTokenCount"] = counters.write
    if vendor == "anthropic" and counters.write:
        split = (("1h", counters.write_1h), ("5m", counters.write_5m))
        usage["cacheDetails"] = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in split if tokens]
    usage["serverToolUsage"] = {}
    return usage


def anthropic_usage(counters: Counters) -> Json:
    """``usage`` of a native Anthropic body."""
    return {
        "input_tokens": counters.uncached,
        "cache_creation_input_tokens": counters.write,
        "cache_read_input_tokens": counters.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counters.write_5m,
            "ephemeral_1h_input_tokens": counters.write_1h,
        },
        "output_tokens": counters.output,
    }


def nova_usage(counters: Counters) -> Json:
    """``usage`` of a native Nova body: the cache fields end in Count and are always there."""
    return {
        "inputTokens": counters.uncached,
        "outputTokens": counters.output,
        "totalTokens": counters.total,
        "cacheReadInputTokenCount": counters.read,
        "cacheWriteInputTokenCount": counters.write,
    }


def invocation_metrics(counters: Counters, latency_ms: int, first_byte_ms: int) -> Json:
    """amazon-bedrock-invocationMetrics, which ride on the last chunk of a native stream."""
    return {
        "inputTokenCount": counters.uncached,
        "outputTokenCount": counters.output,
        "invocationLatency": latency_ms,
        "firstByteLatency": first_byte_ms,
        "cacheReadInputTokenCount": counters.read,
        "cacheWriteInputTokenCount": counters.write,
    }


def token_headers(counters: Counters, latency_ms: int) -> list[tuple[bytes, bytes]]:
    """The counters in the headers of InvokeModel; input means what was neither read nor written."""
    return [
        (b"x-amzn-bedrock-input-token-count", b"%d" % counters.uncached),
        (b"x-amzn-bedrock-output-token-count", b"%d" % counters.output),
        (b"x-amzn-bedrock-cache-read-input-token-count", b"%d" % counters.read),
        (b"x-amzn-bedrock-cache-write-input-token-count", b"%d" % counters.write),
        (b"x-amzn-bedrock-invocation-latency", b"%d" % latency_ms),
    ]


def converse_body(answer: Answer, usage: Json, latency_ms: int, extra: Json) -> Json:
    """A whole Converse reply; ``extra`` are echoes such as serviceTier."""
    message = {"role": "assistant", "content": list(answer.content)}
    return {
        "output": {"message": message},
        "stopReason": answer.stop_reason,
        "usage": usage,
        "metrics": {"latencyMs": latency_ms},
        **extra,
    }


def nova_body(answer: Answer, counters: Counters) -> Json:
    """A whole native Nova reply."""
    message = {"role": "assistant", "content": list(answer.content)}
    return {"output": {"message": message}, "stopReason": answer.stop_reason, "usage": nova_usage(counters)}


def anthropic_body(answer: Answer, counters: Counters, model: str, identity: str) -> Json:
    """A whole native Anthropic reply."""
    return {
        "model": model,
        "id": f"msg_bdrk_{identity}",
        "type": "message",
        "role": "assistant",
        "content": [_anthropic_block(block) for block in answer.content],
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "usage": anthropic_usage(counters),
    }


def _anthropic_block(block: Json) -> Json:
    if "toolUse" in block:
        use = block["toolUse"]
        identity = use["toolUseId"].replace("tooluse_", "toolu_bdrk_")
        return {"type": "tool_use", "id": identity, "name": use["name"], "input": use["input"]}
    if "reasoningContent" in block:
        text = block["reasoningContent"].get("reasoningText") or {}
        return {"type": "thinking", "thinking": text.get("text", ""), "signature": text.get("signature", "")}
    return {"type": "text", "text": block.get("text", "")}
