"""A session attached: every bedrock-runtime client that it makes afterwards is planned; others are left alone."""

import boto3
import botocore.session
import pytest

import rockbottom.client as rb
from rockbottom.client import NotAttachable
from tests.client.client_doubles import KEYS, MarkingPlanner, ask, native


def _boto3():
    return boto3.Session(
        aws_access_key_id=KEYS["aws_access_key_id"],
        aws_secret_access_key=KEYS["aws_secret_access_key"],
        region_name=KEYS["region_name"],
    )


def _botocore():
    session = botocore.session.Session()
    session.set_credentials(KEYS["aws_access_key_id"], KEYS["aws_secret_access_key"])
    session.set_config_variable("region", KEYS["region_name"])
    return session


@pytest.mark.parametrize("make", [_boto3, _botocore])
def test_clients_of_an_attached_session_are_attached(endpoint, make):
    """Two clients share what is learned and what is reported; one that was made before is left alone."""
    session, planner = make(), MarkingPlanner()
    create = getattr(session, "client", None) or session.create_client
    before = create("bedrock-runtime", endpoint_url=endpoint.url)
    assert rb.attach(session, planner=planner) is session
    one, two = (create("bedrock-runtime", endpoint_url=endpoint.url) for _ in range(2))
    before.converse(**ask())
    assert planner.planned == []
    first, second = one.converse(**ask())["usage"], two.converse(**ask())["usage"]
    assert first["cacheWriteInputTokens"] == second["cacheReadInputTokens"] > 0
    two.invoke_model(**native())["body"].read()
    for _ in one.converse_stream(**ask())["stream"]:
        pass
    assert rb.report(session).total.calls == 4
    assert len(planner.observed) == 4


def test_a_profile_is_looked_up_with_the_sessions_credentials(endpoint, monkeypatch):
    """The ARN of an application profile leads to its model, at the endpoint that the environment names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", endpoint.url)
    session = _boto3()
    made = session.client("bedrock", endpoint_url=endpoint.url).create_inference_profile(
        inferenceProfileName="of-a-session",
        modelSource={"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"},
    )
    client = rb.attach(session, planner=MarkingPlanner()).client("bedrock-runtime", endpoint_url=endpoint.url)
    client.converse(**{**ask(), "modelId": made["inferenceProfileArn"]})
    (row,) = rb.report(session).models
    assert row.name.startswith("Nova Pro")


def test_keep_alive_needs_a_client():
    """A session has no client to send its own requests through."""
    with pytest.raises(NotAttachable, match="not a session"):
        rb.attach(_boto3(), keep_alive_usd=1)
