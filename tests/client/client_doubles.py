"""A planner with one fixed rule, clients for the local endpoint, and requests of a known size."""

import copy
import json
from typing import Any

import boto3
from botocore.config import Config

from rockbottom.local import Running

SONNET = "us.anthropic.claude-sonnet-4-6"
KEYS = {"aws_access_key_id": "AKIDEXAMPLE000000000", "aws_secret_access_key": "local", "region_name": "us-east-1"}


class MarkedPlan:
    """Points at the end of the system prompt and, where ``tail``, of the last message."""

    def __init__(self, tail: bool, ttl: str | None) -> None:
        self.tail, self.ttl = tail, ttl

    def point(self) -> dict[str, Any]:
        return {"cachePoint": {"type": "default", **({"ttl": self.ttl} if self.ttl else {})}}

    def apply(self, request: dict[str, Any]) -> dict[str, Any]:
        if "body" in request:
            return self.native(request)
        new = copy.deepcopy(request)
        if new.get("system"):
            new["system"].append(self.point())
        if self.tail:
            new["messages"][-1]["content"].append(self.point())
        return new

    def native(self, request: dict[str, Any]) -> dict[str, Any]:
        body = json.loads(request["body"])
        if isinstance(body.get("system"), str):
            body["system"] = [{"type": "text", "text": body["system"]}]
        body["system"][-1]["cache_control"] = {"type": "ephemeral", **({"ttl": self.ttl} if self.ttl else {})}
        return {**request, "body": json.dumps(body).encode()}

    def explain(self) -> str:
        return "marked"


class MarkingPlanner:
    """A planner with one fixed rule, which remembers what it was asked and told."""

    def __init__(self, tail: bool = False, ttl: str | None = None) -> None:
        self.tail, self.ttl = tail, ttl
        self.planned: list[dict[str, Any]] = []
        self.observed: list[tuple[dict[str, Any], Any]] = []

    def plan(self, request: Any, *, now: float) -> MarkedPlan:
        self.planned.append(dict(request))
        return MarkedPlan(self.tail, self.ttl)

    def observe(self, request: Any, usage: Any, *, now: float) -> None:
        self.observed.append((dict(request), usage))


def runtime(endpoint: Running, service: str = "bedrock-runtime", **config: Any) -> Any:
    config.setdefault("retries", {"total_max_attempts": 1})
    return boto3.client(service, endpoint_url=endpoint.url, config=Config(**config), **KEYS)


def words(count: int, seed: str = "stable") -> str:
    """About ``count`` tokens of text, another for each seed."""
    return " ".join(f"{seed} rule number {n} stands." for n in range(count // 6))


def ask(question: str = "What now?", system: str | None = None, **more: Any) -> dict[str, Any]:
    """Converse arguments with a system prompt of about 3,000 tokens."""
    return {
        "modelId": SONNET,
        "system": [{"text": system if system is not None else words(3000)}],
        "messages": [{"role": "user", "content": [{"text": question}]}],
        "inferenceConfig": {"maxTokens": 20},
        **more,
    }


def native(question: str = "What now?", system: str | None = None) -> dict[str, Any]:
    """InvokeModel arguments of the same."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 20,
        "system": system if system is not None else words(3000),
        "messages": [{"role": "user", "content": [{"type": "text", "text": question}]}],
    }
    return {"modelId": SONNET, "body": json.dumps(body)}
