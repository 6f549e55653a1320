"""Data retention of an account: Claude Fable is refused below review, on every API, and says so in the list of models.

AWS, "Data retention" in the user guide of Bedrock; the words of the refusal and the statuses of models as recorded by
sample-per-model-bedrock (02-anthropic-claude/01, 99-cross-cutting/03, 2026-08-22).
"""

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rockbottom.local import running
from tests.local.test_guardrails import KEYS

REFUSED = "data retention mode 'default' is not available for this model"
FABLE = "anthropic.claude-fable-5"
ASKED: dict[str, Any] = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def endpoint():
    with running() as server:
        yield server


def http(endpoint: Any, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"host": "bedrock-mantle.us-east-1.api.aws", "content-type": "application/json"}
    request = urllib.request.Request(endpoint.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_a_new_account_cannot_call_fable_and_is_told_so(endpoint):
    """Messages on bedrock-mantle, Converse and InvokeModel on bedrock-runtime; Sonnet 5 answers."""
    status, told = http(endpoint, "POST", "/anthropic/v1/messages", {"model": FABLE, **ASKED})
    assert (status, told["error"]["message"]) == (400, REFUSED)
    assert http(endpoint, "POST", "/anthropic/v1/messages", {"model": "anthropic.claude-sonnet-5", **ASKED})[0] == 200
    runtime = boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **KEYS)
    with pytest.raises(ClientError, match=f"ValidationException.*{REFUSED}"):
        runtime.converse(modelId=f"us.{FABLE}-1", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    with pytest.raises(ClientError, match=REFUSED):
        runtime.invoke_model(modelId=f"us.{FABLE}", body=json.dumps({"anthropic_version": "x", **ASKED}))
    row = http(endpoint, "GET", f"/v1/models/{FABLE}")[1]
    assert (row["status"], row["status_reason"], row["data_retention"]) == (
        "unavailable",
        "This model is not available under data retention mode 'default'.",
        {"mode": "default", "source": "model_default", "allowed_modes": ["aws_review", "provider_data_share"]},
    )
    assert http(endpoint, "GET", "/v1/data_retention") == (200, {"mode": "inherit"})


@pytest.mark.parametrize("mode", ["aws_review", "provider_data_share"])
def test_an_account_that_allows_review_calls_it(endpoint, mode):
    """More permissive modes satisfy a model that asks for less; the control plane sees the same setting."""
    assert http(endpoint, "PUT", "/v1/data_retention", {"mode": mode})[1]["mode"] == mode
    assert http(endpoint, "POST", "/anthropic/v1/messages", {"model": FABLE, **ASKED})[0] == 200
    assert http(endpoint, "GET", f"/v1/models/{FABLE}")[1]["status"] == "available"
    with urllib.request.urlopen(f"{endpoint.url}/data-retention", timeout=20) as reply:
        assert json.load(reply)["mode"] == mode
    endpoint.state.reset()
    assert http(endpoint, "POST", "/anthropic/v1/messages", {"model": FABLE, **ASKED})[0] == 400


def test_zero_retention_closes_what_needs_some(endpoint):
    """GPT-5.6 Sol allows `default` and `provider_data_share` (notebook 00-foundations/02), Haiku 4.5 `none` too."""
    http(endpoint, "PUT", "/v1/data_retention", {"mode": "none"})
    status, told = http(endpoint, "POST", "/openai/v1/responses", {"model": "openai.gpt-5.6-sol", "input": "Hi"})
    assert (status, told["error"]["message"]) == (400, "data retention mode 'none' is not available for this model")
    assert http(endpoint, "POST", "/anthropic/v1/messages", {"model": "anthropic.claude-haiku-4-5", **ASKED})[0] == 200
    status, told = http(endpoint, "PUT", "/v1/data_retention", {"mode": "enabled"})
    assert status == 400
    assert told["error"]["message"].startswith(
        "Failed to deserialize the JSON body into the target type: Invalid 'data_ret"
    )


def test_an_endpoint_can_begin_with_review():
    with running(data_retention="aws_review") as server:
        assert http(server, "POST", "/anthropic/v1/messages", {"model": FABLE, **ASKED})[0] == 200
