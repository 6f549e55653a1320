"""An endpoint with a manual clock for all tests of this folder, reset before each, and clients for it."""

import json
import urllib.request
from types import SimpleNamespace
from urllib.error import HTTPError

import boto3
import pytest
from botocore.config import Config

from rockbottom.local import ClockKind, running

START = 1_790_000_000.0  # 2026-09-21T14:13:20Z
SONNET = "us.anthropic.claude-sonnet-4-6"
NOVA = "us.amazon.nova-pro-v1:0"
CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
POINT = {"cachePoint": {"type": "default"}}


@pytest.fixture(scope="session")
def served():
    """One endpoint for the session."""
    with running(clock=ClockKind.MANUAL, start_at=START) as one:
        yield one


@pytest.fixture
def endpoint(served):
    """The endpoint as it was at its start."""
    control(served, "POST", "reset")
    control(served, "POST", "clock", {"kind": "manual", "set": START})
    return served


def client_of(service, url, **config):
    """A boto3 client that does not retry."""
    return boto3.client(
        service, endpoint_url=url, **CREDENTIALS, config=Config(retries={"max_attempts": 0}, read_timeout=20, **config)
    )


@pytest.fixture
def runtime(endpoint):
    """bedrock-runtime."""
    return client_of("bedrock-runtime", endpoint.url)


@pytest.fixture
def bedrock(endpoint):
    """The control plane."""
    return client_of("bedrock", endpoint.url)


def control(one, method, name, body=None):
    """A call of the control API; its JSON."""
    return http(one, method, f"/_rockbottom/{name}", body)[1]


def http(one, method, path, body=None, headers=None):
    """A plain HTTP call: status, JSON (or bytes), headers."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(one.url + path, data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            raw, status, found = reply.read(), reply.status, reply.headers
    except HTTPError as error:
        raw, status, found = error.read(), error.code, error.headers
    kind = found.get("content-type", "")
    return status, json.loads(raw) if kind == "application/json" and raw else raw, found


def user(*content):
    """A user message of texts and blocks."""
    return {"role": "user", "content": [{"text": part} if isinstance(part, str) else part for part in content]}


def assistant(*content):
    """An assistant message of texts and blocks."""
    return {**user(*content), "role": "assistant"}


RULES = " ".join(f"Rule {number}: answer politely and cite section {number}." for number in range(400))


@pytest.fixture(scope="session")
def kit():
    """Names that every test file of this folder uses."""
    return SimpleNamespace(
        START=START,
        SONNET=SONNET,
        NOVA=NOVA,
        CREDENTIALS=CREDENTIALS,
        POINT=POINT,
        RULES=RULES,
        client_of=client_of,
        control=control,
        http=http,
        user=user,
        assistant=assistant,
    )
