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
    """More permissive modes satisfy a model that asks for less."""
    assert http(endpoint, "PUT", "/v1/data_retention", {"mode": mode})[1]["mode"] == mode
    assert http(endpoint, "POST", "/anthropic/v1/messages", {"model": FABLE, **ASKED})[0] == 200
    assert http(endpoint, "GET", f"/v1/models/{FABLE}")[1]["status"] == "available"
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


def converse(endpoint: Any, model: str, region: str = "us-east-1") -> int:
    """The status of a call on bedrock-runtime."""
    runtime = boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **{**KEYS, "region_name": region})
    try:
        reply = runtime.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    except ClientError as refused:
        return refused.response["ResponseMetadata"]["HTTPStatusCode"]
    return reply["ResponseMetadata"]["HTTPStatusCode"]


def test_each_host_and_each_region_has_a_setting_of_its_own(endpoint):
    """ "Neither setting reads the other" (notebook 00-foundations/02, October 2026); a Region keeps its own."""
    profile = f"us.{FABLE}"
    assert http(endpoint, "PUT", "/v1/data_retention", {"mode": "aws_review"})[0] == 200
    assert converse(endpoint, profile) == 400
    bedrock = boto3.client("bedrock", endpoint_url=endpoint.url, **KEYS)
    assert bedrock.get_account_data_retention()["mode"] == "inherit"
    assert bedrock.put_account_data_retention(mode="provider_data_share")["mode"] == "provider_data_share"
    assert converse(endpoint, profile) == 200
    assert converse(endpoint, profile, "us-west-2") == 400
    assert http(endpoint, "GET", "/v1/data_retention")[1]["mode"] == "aws_review"
    status, answer = http(endpoint, "PUT", "/v1/data_retention", {})
    assert status == 400
    assert "missing field `mode`" in answer["error"]["message"]


def project(endpoint: Any, **body: Any) -> dict[str, Any]:
    return http(endpoint, "POST", "/v1/organization/projects", {"name": "samples", **body})[1]


def test_projects_are_made_tagged_renamed_and_archived(endpoint):
    """As the notebook does it: tags by key, a new name, the archive; the default project is left alone."""
    made = project(endpoint, tags={"Application": "Samples", "CostCenter": "0000"})
    assert made["id"].startswith("proj_")
    assert (made["status"], made["data_retention"]) == ("active", {"mode": "inherit"})
    path = f"/v1/organization/projects/{made['id']}"
    tags = http(endpoint, "POST", path, {"add_tags": {"Team": "Samples", "Version": "1.0"}})[1]["tags"]
    assert sorted(tags) == ["Application", "CostCenter", "Team", "Version"]
    tags = http(endpoint, "POST", path, {"remove_tag_keys": ["Version"]})[1]["tags"]
    assert sorted(tags) == ["Application", "CostCenter", "Team"]
    assert http(endpoint, "POST", path, {"name": "samples-v2"})[1]["name"] == "samples-v2"
    listed = http(endpoint, "GET", "/v1/organization/projects")[1]["data"]
    assert [row["name"] for row in listed] == ["Default project", "samples-v2"]
    status, answer = http(endpoint, "POST", "/v1/organization/projects/default", {"add_tags": {"a": "b"}})
    assert (status, answer["error"]["message"]) == (400, "cannot update the default project")
    status, answer = http(endpoint, "POST", "/v1/organization/projects/default/archive", {})
    assert (status, answer["error"]["message"]) == (400, "Cannot archive the default project")
    assert http(endpoint, "POST", f"{path}/archive", {})[1]["status"] == "archived"
    assert http(endpoint, "GET", path)[1]["status"] == "archived"
    assert asked(endpoint, made["id"])[0] == 400
    assert http(endpoint, "GET", "/v1/organization/projects/proj_none")[0] == 404
    endpoint.state.reset()
    assert http(endpoint, "GET", path)[0] == 404


def asked(endpoint: Any, name: str, model: str = "anthropic.claude-sonnet-5") -> tuple[int, dict[str, Any]]:
    """A message in a workspace."""
    data = json.dumps({"model": model, **ASKED}).encode()
    headers = {"host": "bedrock-mantle.us-east-1.api.aws", "anthropic-workspace": name}
    request = urllib.request.Request(f"{endpoint.url}/anthropic/v1/messages", data, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_a_projects_mode_comes_before_the_accounts(endpoint):
    """ "Project, then account, then the model's own default" (AWS, Data retention)."""
    reviewed = project(endpoint, data_retention={"mode": "aws_review"})["id"]
    assert asked(endpoint, reviewed, FABLE)[0] == 200
    assert asked(endpoint, "default", FABLE)[0] == 400
    http(endpoint, "PUT", "/v1/data_retention", {"mode": "aws_review"})
    assert asked(endpoint, "default", FABLE)[0] == 200
    http(endpoint, "POST", f"/v1/organization/projects/{reviewed}", {"data_retention": {"mode": "none"}})
    status, answer = asked(endpoint, reviewed, FABLE)
    assert (status, answer["error"]["message"]) == (400, "data retention mode 'none' is not available for this model")
    assert project(endpoint, data_retention={"mode": "sometimes"})["error"]["message"].startswith("Failed to deserial")


def test_nothing_is_kept_where_nothing_may_be_retained(endpoint):
    """AWS, Data retention: with `none` `store` defaults to false and true is rejected; no background mode."""
    http(endpoint, "PUT", "/v1/data_retention", {"mode": "none"})
    body = {"model": "google.gemma-4-31b", "input": "Hi"}
    status, reply = http(endpoint, "POST", "/openai/v1/responses", body)
    assert (status, reply["store"]) == (200, False)
    assert http(endpoint, "GET", f"/openai/v1/responses/{reply['id']}")[0] == 404
    assert http(endpoint, "POST", "/openai/v1/responses", {**body, "store": False})[0] == 200
    for member in ("store", "background"):
        assert http(endpoint, "POST", "/openai/v1/responses", {**body, member: True})[0] == 400
    assert http(endpoint, "PUT", "/v1/data_retention", {"mode": "default"})[0] == 200
    assert http(endpoint, "POST", "/openai/v1/responses", body)[1]["store"] is True
