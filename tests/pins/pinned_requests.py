"""Requests of a known shape, and a gate on a fixed day."""

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

from rockbottom.pins import Gate, PinCheck, Rendering, read_pins

SONNET = "us.anthropic.claude-sonnet-4-6"
ON = date(2026, 11, 21)
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))
POINT = {"cachePoint": {"type": "default"}}


def tool(name: str, description: str = "Looks something up.") -> dict[str, Any]:
    schema = {"type": "object", "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}}}
    return {"toolSpec": {"name": name, "description": description, "inputSchema": {"json": schema}}}


def support(text: str = RULES, question: str = "Where is my parcel?", model: str = SONNET) -> dict[str, Any]:
    """Three tools and a system text in front of one point, and a question behind it."""
    return {
        "modelId": model,
        "toolConfig": {"tools": [tool("find_order"), tool("find_parcel"), tool("refund")]},
        "system": [{"text": text}, POINT],
        "messages": [{"role": "user", "content": [{"text": question}]}],
    }


def native(text: str = RULES) -> dict[str, Any]:
    """The same kind of request as an Anthropic body."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "tools": [{"name": "find_order", "description": "Looks.", "input_schema": {"type": "object"}}],
        "system": [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "Where is my parcel?"}],
    }
    return {"modelId": SONNET, "body": json.dumps(body)}


def gate(path: Path, **options: Any) -> Gate:
    return Gate(path, read_pins(path), ON, **options)


def accepted(path: Path, request: dict[str, Any], *, with_text: bool = False, **options: Any) -> PinCheck:
    """The request pinned as ``support``."""
    one = gate(path, **options)
    return one.accept([one.judged(rendering(request))], with_text=with_text)[0]


def rendering(*requests: dict[str, Any], name: str = "support", source: str = "support.json") -> Rendering:
    return Rendering(name, source, tuple(copy.deepcopy(request) for request in requests), file=source)


def judged(path: Path, request: dict[str, Any], **options: Any) -> PinCheck:
    return gate(path, **options).judged(rendering(request))
