"""Keys with a role: their calls are made with the role's credentials, assumed once for each set of session tags."""

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import httpx
import pytest

from rockbottom.gateway import new_key, running_gateway
from tests.gateway.conftest import MODEL, asking, configured, scripted

BODY = json.dumps({name: value for name, value in asking().items() if name != "modelId"}).encode()
PATH = f"/model/{MODEL}/converse"
ROLE = "arn:aws:iam::111122223333:role/tenant"


@contextmanager
def security_tokens(status=200):
    """STS on a free port: its address, and what it was asked. Credentials hold for an hour."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            asked.append({name: values[0] for name, values in form.items()})
            expires = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            told = (
                '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
                f"<AccessKeyId>ASIAROLE{len(asked)}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                f"<SessionToken>token{len(asked)}</SessionToken><Expiration>{expires}</Expiration>"
                "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
            ).encode()
            self.send_response(status)
            self.send_header("content-type", "text/xml")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def call(table):
    def asked(gateway, key):
        headers = {"x-api-key": f"{key.id}.{table.secret(key)}", "content-type": "application/json"}
        return httpx.post(gateway.url + PATH, content=BODY, headers=headers, timeout=30)

    return asked


def test_a_role_is_assumed_once_for_each_set_of_tags(table, key, tmp_path, monkeypatch, call):
    """Two tenants of one role and a key without: two questions of STS, three signers, whatever the number of calls."""
    tenants = [new_key(name, 0.0, role=ROLE, tags={"tenant": name}) for name in ("north", "south")]
    for tenant in tenants:
        table.put(tenant)
    with security_tokens() as (url, asked), scripted() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        with running_gateway(configured(service.url, tmp_path)) as gateway:
            for caller in (key, *tenants) * 3:
                assert call(gateway, caller).status_code == 200
    assert [(one["Action"], one["RoleArn"]) for one in asked] == [("AssumeRole", ROLE)] * 2
    assert [(one["Tags.member.1.Key"], one["Tags.member.1.Value"]) for one in asked] == [
        ("tenant", "north"),
        ("tenant", "south"),
    ]
    signers = [seen.headers["authorization"].split("Credential=")[1].split("/")[0] for seen in service.seen]
    assert signers == ["AKIDGATEWAY", "ASIAROLE1", "ASIAROLE2"] * 3
    tokens = [seen.headers.get("x-amz-security-token") for seen in service.seen]
    assert tokens == [None, "token1", "token2"] * 3


def test_a_role_that_cannot_be_assumed_is_503_and_says_nothing_of_why(table, tmp_path, monkeypatch, call):
    tenant = new_key("north", 0.0, role=ROLE)
    table.put(tenant)
    with security_tokens(status=403) as (url, _), scripted() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        with running_gateway(configured(service.url, tmp_path)) as gateway:
            refused = call(gateway, tenant)
    assert (refused.status_code, refused.json()["message"]) == (503, "The gateway has no AWS credentials.")
    assert service.seen == []
