"""Signatures that the gateway makes are botocore's, which signs the same request here."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, EnvProvider

from rockbottom.gateway.routes import route_of
from rockbottom.gateway.sigv4 import Signature, Signed, signing, verify
from rockbottom.gateway.upstream import keys_of_environment

_KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
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


@pytest.mark.parametrize(
    ("env", "fixed"),
    [
        (_KEYS, True),
        ({**_KEYS, "AWS_SESSION_TOKEN": "token"}, True),
        ({**_KEYS, "AWS_SESSION_TOKEN": "token", "AWS_SECURITY_TOKEN": "of old"}, True),
        ({**_KEYS, "AWS_PROFILE": "other"}, True),
        ({**_KEYS, "AWS_CREDENTIAL_EXPIRATION": "2999-01-01T00:00:00Z"}, False),
        ({**_KEYS, "AWS_ACCESS_KEY_ID": ""}, False),
        ({"AWS_ACCESS_KEY_ID": "AKID"}, False),
    ],
)
def test_keys_of_the_environment_are_those_that_botocore_takes(env, fixed):
    keys = keys_of_environment(env)
    assert (keys is not None) == fixed
    if keys is not None:
        theirs = EnvProvider(env).load().get_frozen_credentials()
        assert (keys.access_key, keys.secret_key, keys.token) == (theirs.access_key, theirs.secret_key, theirs.token)


_STARTED = """
import asyncio, os, pathlib, sys
from rockbottom.gateway import read_configuration
from rockbottom.gateway.server import Gateway

pathlib.Path("gateway.yaml").write_text("listen: 127.0.0.1:0\\nupstream: {region: us-east-1}\\n")
gateway = Gateway(read_configuration(pathlib.Path("gateway.yaml"), os.environ), os.environ)
asyncio.run(gateway._warmed())
sys.exit(3 if "botocore" in sys.modules else 0)
"""


@pytest.mark.parametrize(("env", "loaded"), [({}, 0), ({"AWS_CREDENTIAL_EXPIRATION": "2999-01-01T00:00:00Z"}, 3)])
def test_botocore_is_loaded_only_where_credentials_have_to_be_looked_for(tmp_path, env, loaded):
    ended = subprocess.run([sys.executable, "-c", _STARTED], cwd=tmp_path, env={**os.environ, **env}, timeout=60)
    assert ended.returncode == loaded
