"""Signatures that the gateway makes are botocore's, which signs the same request here."""

import hashlib
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rockbottom.gateway.routes import route_of
from rockbottom.gateway.sigv4 import Signature, Signed, signing, verify

_ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A111122223333%3Aapplication-inference-profile%2Fabc"


@pytest.mark.parametrize("token", [None, "a-session-token=="])
@pytest.mark.parametrize(
    ("method", "path", "query", "body", "headers"),
    [
        ("POST", "/model/us.anthropic.claude-sonnet-4-6/converse", "", b"{}", {"content-type": "application/json"}),
        ("POST", f"/model/{_ARN}/converse-stream", "", "\u00e9".encode(), {"accept": "application/json"}),
        ("GET", "/inference-profiles", "type=SYSTEM_DEFINED&maxResults=7", b"", {}),
        ("POST", "/v1/messages", "beta=true", b"x" * 40_000, {"content-type": "application/json", "accept": "*/*"}),
    ],
)
def test_a_signature_is_the_one_that_botocore_makes(method, path, query, body, headers, token):
    credentials = Credentials("AKID", "secret", token)
    url = f"http://127.0.0.1:8787{path}" + (f"?{query}" if query else "")
    theirs = AWSRequest(method, url, headers=dict(headers), data=body)
    SigV4Auth(credentials, "bedrock", "eu-central-1").add_auth(theirs)
    stamp = theirs.headers["X-Amz-Date"]
    now = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    request = Signed(method, path, query, {**headers, "host": "127.0.0.1:8787"}, body)
    ours = signing(request, credentials, "eu-central-1", "bedrock", now)
    assert ours == {name: value for name, value in theirs.headers.items() if name.lower() not in headers}
    read = {**request.headers, **{name.lower(): value for name, value in ours.items()}}
    verify(request.with_headers(read), Signature.of(ours["Authorization"]), ["secret"], now)


def test_a_body_is_hashed_anew_where_it_is_another():
    request = Signed("POST", "/", "", {}, b"one")
    assert request.payload == request.with_headers({"a": "b"}).payload == hashlib.sha256(b"one").hexdigest()
    assert Signed("POST", "/", "", {}, b"two").payload == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize(
    "path",
    [
        "/model/anthropic.claude-haiku/../amazon.nova-pro-v1:0/converse",
        "/model/anthropic.claude-haiku%2F..%2Famazon.nova-pro-v1:0/converse",
        "/model/anthropic.claude-haiku/%2e%2e/amazon.nova-pro-v1:0/converse",
        "/model/./amazon.nova-pro-v1:0/converse",
        "/inference-profiles/../model/x/converse",
    ],
)
def test_a_path_that_means_another_path_is_not_carried(path):
    assert route_of("POST", path, {}) is None
    assert route_of("GET", path, {}) is None
