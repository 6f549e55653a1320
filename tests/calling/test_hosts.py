"""Calls that botocore has no operation for: signed, or with a Bedrock API key; errors as boto3 raises them."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from rockbottom.calling import Host, hosts_of

KEYS = {"aws_access_key_id": "AKID", "aws_secret_access_key": "secret"}


@pytest.fixture
def service():
    """A host that says what it was asked, or answers with what a test puts there."""
    told = []

    class Handler(BaseHTTPRequestHandler):
        reply = (200, {"ok": True})

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            told.append((self.path, dict(self.headers), body))
            status, answer = type(self).reply
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", told, Handler
    server.shutdown()
    server.server_close()


def test_a_call_is_signed_for_its_service_and_region(service):
    url, told, _ = service
    host = Host(url + "/", "bedrock-mantle", "us-west-2", keys=KEYS)
    assert host.call("POST", "/openai/v1/responses", {"input": "ä"}, {"X-Amzn-Bedrock-ModelId": "a"}) == {"ok": True}
    (path, headers, body) = told[0]
    assert path == "/openai/v1/responses"
    assert "AKID/" in headers["Authorization"]
    assert "/us-west-2/bedrock-mantle/aws4_request" in headers["Authorization"]
    assert headers["X-Amzn-Bedrock-ModelId"] == "a"
    assert body == '{"input":"ä"}'.encode()


def test_a_bedrock_key_of_the_environment_stands_for_a_signature_but_not_beside_given_keys(service, monkeypatch):
    url, told, _ = service
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-x")
    Host(url, "bedrock", "us-east-1").call("POST", "/a", {})
    Host(url, "bedrock", "us-east-1", keys=KEYS).call("POST", "/a", {})
    assert told[0][1]["Authorization"] == "Bearer bedrock-api-key-x"
    assert told[1][1]["Authorization"].startswith("AWS4-HMAC-SHA256")


def test_nobody_to_call_as_is_said_before_anything_is_sent(service, monkeypatch):
    url, told, _ = service
    import boto3

    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    monkeypatch.setattr(boto3.Session, "get_credentials", lambda self: None)
    with pytest.raises(NoCredentialsError):
        Host(url, "bedrock", "us-east-1").call("POST", "/a", {})
    assert told == []


@pytest.mark.parametrize(("status", "answer", "code", "message"), [
    (400, {"error": {"message": "no", "code": "validation_error"}}, "ValidationException", "no"),
    (401, {"message": "who"}, "AccessDeniedException", "who"),
    (404, b"", "ResourceNotFoundException", "HTTP 404"),
    (429, {"error": {"message": "slow"}}, "ThrottlingException", "slow"),
    (503, {"error": {"message": "later"}}, "ServiceUnavailableException", "later"),
    (200, {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"},
     "UnknownOperationException", "com.amazon.coral.service#UnknownOperationException"),
    (200, b"<html>", "UnknownOperationException", "the reply is not a JSON object"),
])  # fmt: skip
def test_an_error_is_raised_with_a_code_as_boto3s(service, status, answer, code, message):
    """The 200 is recorded: an unknown path on bedrock-runtime (vercel/ai, issue 17523)."""
    url, _, handler = service
    handler.reply = (status, answer)
    with pytest.raises(ClientError) as caught:
        Host(url, "bedrock", "us-east-1", keys=KEYS).call("POST", "/a", {})
    assert caught.value.response["Error"] == {"Code": code, "Message": message}


def test_the_hosts_of_a_region_and_those_of_an_endpoint():
    hosts = hosts_of("eu-west-1")
    assert hosts["bedrock-mantle"].url == "https://bedrock-mantle.eu-west-1.api.aws"
    assert hosts["bedrock-runtime"].url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert hosts_of("eu-west-1", "http://127.0.0.1:4747/")["bedrock-mantle"].url == (
        "http://127.0.0.1:4747/bedrock-mantle"
    )
