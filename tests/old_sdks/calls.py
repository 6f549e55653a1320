"""Calls with the boto3 of this environment, plain and attached, at the endpoint given; prints what came as JSON.

Run by test_old_sdks.py with the interpreter of an environment that holds an old boto3.
"""

import json
import logging
import sys
from collections import UserDict
from types import MappingProxyType

import boto3
import botocore

import rockbottom

URL = sys.argv[1]
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
SONNET = "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {n}: parcels of class {n} are kept {7 + n % 21} days." for n in range(400))
QUESTION = {"role": "user", "content": [{"text": "How long?"}]}
SPOKEN = []


class Plan:
    """One-hour points: behind the system prompt, and in front of the last block of the first message."""

    def apply(self, request):
        if "body" in request:
            return request
        first, *rest = request["messages"]
        content = [*first["content"][:-1], self.point(), first["content"][-1]]
        messages = [{"role": first["role"], "content": content if len(content) > 2 else first["content"]}, *rest]
        return {**request, "system": [*request["system"], self.point()], "messages": messages}

    def point(self):
        return {"cachePoint": {"type": "default", "ttl": "1h"}}


class Hours:
    """A planner that asks for an hour, whatever the client knows."""

    def plan(self, request, *, now):
        return Plan()

    def observe(self, request, usage, *, now):
        """Learns nothing."""


def client(seen=None):
    made = boto3.client("bedrock-runtime", endpoint_url=URL, **KEYS)
    return spied(made, seen)


def spied(made, seen):
    if seen is not None:
        made.meta.events.register_last("before-send.bedrock-runtime", lambda request, **_: seen.append(request.body))
    return made


def ask(**more):
    return {"modelId": SONNET, "system": [{"text": RULES}], "messages": [QUESTION], **more}


def native():
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 20, "system": RULES}
    return {"modelId": SONNET, "body": json.dumps({**body, "messages": [{"role": "user", "content": "How long?"}]})}


def counted(attached, call, seen, times=3):
    """What travelled for some calls, and what the report says of them."""
    for _ in range(times):
        call(attached)
    total = rockbottom.report(attached).total
    marks = [b"cachePoint" in body or b"cache_control" in body for body in seen]
    return {
        "points": sum(marks),
        "ttl": sum(b'"ttl"' in body for body in seen),
        "calls": total.calls,
        "unpriced": total.unpriced_calls,
        "cost": str(total.cost_usd),
    }


REFUSED = {
    "a message that is no dict": ask(messages=[UserDict(QUESTION)]),
    "a system block that is no dict": ask(system=[MappingProxyType({"text": RULES})]),
    "a block behind a point": ask(messages=[{"role": "user", "content": [{"text": "a"}, {"unheard": 1}]}]),
    "an argument that nobody knows": ask(surprise=True),
    "a request that is no dict": ask(toolConfig=UserDict({"tools": []})),
}


def refusal(made, request):
    try:
        made.converse(**request)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "answered"


def main():
    log = logging.getLogger("rockbottom.client")
    log.addHandler(
        type("Kept", (logging.Handler,), {"emit": lambda self, record: SPOKEN.append(record.getMessage())})()
    )
    found = {"botocore": botocore.__version__}
    seen = []
    own = rockbottom.attach(client(seen))
    found["own planner"] = counted(own, lambda one: one.converse(**ask()), seen)
    found["notices"] = list(rockbottom.report(own).notices)
    seen = []
    hours = rockbottom.attach(client(seen), planner=Hours())
    found["hours"] = counted(hours, lambda one: one.converse(**ask()), seen)
    seen = []
    found["native"] = counted(rockbottom.attach(client(seen)), lambda one: one.invoke_model(**native()), seen)
    session, seen = rockbottom.attach(boto3.Session(**KEYS)), []
    of_session = spied(session.client("bedrock-runtime", endpoint_url=URL), seen)
    found["session"] = counted(of_session, lambda one: list(one.converse_stream(**ask())["stream"]), seen)
    plain, attached = client(), rockbottom.attach(client(), planner=Hours())
    found["refused"] = {name: [refusal(one, request) for one in (plain, attached)] for name, request in REFUSED.items()}
    found["said"] = SPOKEN
    print(json.dumps(found))


main()
