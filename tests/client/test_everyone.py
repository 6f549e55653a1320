"""One attachment for all clients of a program: what one session writes, another reads."""

import boto3
import pytest

import rockbottom
from rockbottom.client import Everyone, Recording
from tests.client.client_doubles import KEYS, ask

httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")


def _session(**more):
    return boto3.Session(
        **{"aws_access_key_id": KEYS["aws_access_key_id"], "aws_secret_access_key": KEYS["aws_secret_access_key"],
              "region_name": KEYS["region_name"], **more}
    )  # fmt: skip


def test_sessions_share_what_is_learned_and_what_is_reported(endpoint):
    records = []
    sink = type("Sink", (), {"record": lambda self, call: records.append(call), "close": lambda self: None})()
    everyone = Everyone(record=Recording(sinks=[sink]))
    clients = []
    for _ in range(3):
        session = _session()
        everyone.join(session)
        everyone.join(session)  # a second time changes nothing
        clients.append(session.client("bedrock-runtime", endpoint_url=endpoint.url))
    usages = [client.converse(**ask())["usage"] for client in clients]
    assert [usage["cacheReadInputTokens"] > 0 for usage in usages] == [False, True, True]
    assert everyone.report().total.calls == len(records) == 3
    assert rockbottom.report(clients[0]).total.calls == 3


def test_before_the_first_client_there_is_nothing_to_report():
    with pytest.raises(rockbottom.NotAttached):
        Everyone().report()


def test_the_program_may_attach_and_detach_a_client_or_a_session_of_its_own(endpoint):
    everyone, session = Everyone(), _session()
    everyone.join(session)
    client = session.client("bedrock-runtime", endpoint_url=endpoint.url)
    rockbottom.attach(client, hold_s=0)
    client.converse(**ask())
    assert rockbottom.report(client).total.calls == 1
    assert everyone.report().total.calls == 0
    plain = rockbottom.detach(session.client("bedrock-runtime", endpoint_url=endpoint.url))
    plain.converse(**ask())
    assert everyone.report().total.calls == 0
    rockbottom.attach(session, notices=False)
    session.client("bedrock-runtime", endpoint_url=endpoint.url).converse(**ask())
    assert rockbottom.report(session).total.calls == 1
    everyone.join(session)
    assert everyone.report().total.calls == 0


def test_clients_of_other_kinds_are_joined_to_the_same(endpoint):
    everyone, session, handler = Everyone(), _session(), httpx.Client()
    everyone.join(handler)
    everyone.join(session)
    session.client("bedrock-runtime", endpoint_url=endpoint.url).converse(**ask())
    assert rockbottom.report(handler).total.calls == rockbottom.report(session).total.calls == 1


def test_a_profile_is_asked_for_with_the_keys_that_may_ask(endpoint, monkeypatch):
    """The latest session is of an account that does not know the profile; the one before it is asked then."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", endpoint.url)
    asked = []

    def lookup_at(credentials, url):
        def lookup(arn):
            held = credentials()
            asked.append(held.access_key)
            if held.access_key != KEYS["aws_access_key_id"]:
                raise PermissionError
            model = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"
            return {"models": [{"modelArn": model}]}

        return lookup

    monkeypatch.setattr("rockbottom.client.everyone.lookup_at", lookup_at)
    everyone, own, other = Everyone(), _session(), _session(aws_access_key_id="AKIAOTHER00000000000")
    everyone.join(own)
    everyone.join(other)
    created = own.client("bedrock", endpoint_url=endpoint.url).create_inference_profile(
        inferenceProfileName="of-everyone",
        modelSource={"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"},
    )
    client = own.client("bedrock-runtime", endpoint_url=endpoint.url)
    client.converse(**{**ask(), "modelId": created["inferenceProfileArn"]})
    assert asked == ["AKIAOTHER00000000000", KEYS["aws_access_key_id"]]
    (row,) = everyone.report().models
    assert row.name.startswith("Nova Pro")
