"""Harder faults: replies that are errors, credentials that expire, a process that is killed, connections that idle."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest

from rockbottom.gateway import running_gateway
from tests.gateway.conftest import MODEL, OK, asking, configured, scripted

BODY = json.dumps({name: value for name, value in asking("hi").items() if name != "modelId"}).encode()
PATH = f"/model/{MODEL}/converse"


@pytest.fixture
def headers(table, key):
    return {"x-api-key": f"{key.id}.{table.secret(key)}", "content-type": "application/json"}


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("path", [PATH, "/anthropic/v1/messages", "/openai/v1/chat/completions"])
def test_an_error_of_the_service_is_relayed_and_nothing_is_sent_again(headers, tmp_path, status, path):
    """Status, body and headers as they came; the next call goes on."""
    told = b'{"message":"not now"}'
    body = BODY if path == PATH else json.dumps({"model": "openai.gpt-oss-120b", "messages": [], "stream": True})
    with scripted([(status, told), OK]) as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        refused = httpx.post(gateway.url + path, content=body, headers=headers)
        assert (refused.status_code, refused.content, len(service.seen)) == (status, told, 1)
        assert httpx.post(gateway.url + path, content=body, headers=headers).status_code == 200


def test_credentials_that_expire_are_fetched_anew_before_they_do(headers, tmp_path, monkeypatch):
    """Those of a process, which are good for five minutes and so due at once: every call has fresh ones."""
    made = tmp_path / "made"
    script = tmp_path / "credentials.py"
    expires = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    script.write_text(
        f"import json, pathlib\np = pathlib.Path({str(made)!r})\n"
        "n = len(p.read_text()) if p.exists() else 0\np.write_text('x' * (n + 1))\n"
        f"print(json.dumps({{'Version': 1, 'AccessKeyId': 'AKID%d' % n, 'SecretAccessKey': 's', "
        f"'SessionToken': 'token%d' % n, 'Expiration': {expires!r}}}))\n"
    )
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {script}\n")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with scripted() as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        for _ in range(3):
            assert httpx.post(gateway.url + PATH, content=BODY, headers=headers, timeout=20).status_code == 200
    signed = [seen.headers["authorization"].split("Credential=")[1].split("/")[0] for seen in service.seen]
    assert len(set(signed)) == 3
    tokens = [seen.headers["x-amz-security-token"].removeprefix("token") for seen in service.seen]
    assert tokens == [name.removeprefix("AKID") for name in signed]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_answered_before_the_end_is_in_the_ledger(headers, tmp_path, end):
    """Under load from four threads: every reply that was read has its line, but for those under way when killed."""
    config = tmp_path / "gateway.yaml"
    answered = []
    with scripted() as service:
        config.write_text(
            f"listen: 127.0.0.1:0\nupstream: {{region: us-east-1, runtime: '{service.url}'}}\n"
            "keys: keys.json\nledger: ledger\n"
        )
        command = [sys.executable, "-m", "rockbottom", "gateway", "--config", str(config)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
        )
        url = process.stdout.readline().strip()

        def ask():
            with httpx.Client(timeout=20) as client:
                while True:
                    try:
                        if client.post(url + PATH, content=BODY, headers=headers).status_code == 200:
                            answered.append(1)
                    except httpx.HTTPError:
                        return

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while len(answered) < 40 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(end)
        process.wait(60)
        for thread in threads:
            thread.join(30)
    lines = [line for file in (tmp_path / "ledger").glob("*.ndjson") for line in file.read_text().splitlines()]
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    assert len(answered) >= 40
    assert len(whole) >= len(answered) - (len(threads) if end == signal.SIGKILL else 0)


@pytest.mark.slow
def test_many_idle_connections_cost_the_others_nothing(headers, tmp_path):
    """10,000 that say nothing beside one that calls, at a gateway that was started with 256 open files at most."""
    resource = pytest.importorskip("resource")
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = min(10_000, room - 1_000)

    async def idle(url):
        place = urlsplit(url)
        held = [await asyncio.open_connection(place.hostname, place.port) for _ in range(count)]
        async with httpx.AsyncClient(timeout=30) as client:
            replies = [await client.post(url + PATH, content=BODY, headers=headers) for _ in range(20)]
        for _, writer in held:
            writer.close()
        return [reply.status_code for reply in replies]

    config = tmp_path / "gateway.yaml"
    with scripted() as service:
        config.write_text(
            f"listen: 127.0.0.1:0\nupstream: {{region: us-east-1, runtime: '{service.url}'}}\nkeys: keys.json\n"
        )
        started = [sys.executable, "-m", "rockbottom", "gateway", "--config", str(config)]
        few = f"import os, resource as r; r.setrlimit(r.RLIMIT_NOFILE, (256, {room})); os.execv(*{started[0], started})"
        command = [sys.executable, "-c", few]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert asyncio.run(idle(process.stdout.readline().strip())) == [200] * 20
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def test_a_stream_goes_on_when_the_credentials_it_began_with_are_over(headers, tmp_path, monkeypatch):
    """They sign the beginning alone; the next call has those that were fetched meanwhile."""
    from botocore.credentials import Credentials

    held = [Credentials("AKIDOLD", "s", "old")]
    monkeypatch.setattr("rockbottom.gateway.upstream.Credentials.own", lambda self: held[0])
    stream_path = f"/model/{MODEL}/converse-stream"
    begun, go_on, signed = threading.Event(), threading.Event(), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            signed.append(
                (self.headers["authorization"].split("Credential=")[1][:7], self.headers["x-amz-security-token"])
            )
            self.send_response(200)
            self.send_header("content-length", "9")
            self.end_headers()
            self.wfile.write(b"one")
            begun.set()
            if self.path == stream_path:
                go_on.wait(20)
            self.wfile.write(b"twotwo")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with (
        running_gateway(configured(url, tmp_path)) as gateway,
        httpx.stream("POST", gateway.url + stream_path, content=BODY, headers=headers, timeout=30) as reply,
    ):
        assert begun.wait(10)
        held[0] = Credentials("AKIDNEW", "s", "new")
        assert httpx.post(gateway.url + PATH, content=BODY, headers=headers, timeout=20).content == b"onetwotwo"
        go_on.set()
        assert reply.read() == b"onetwotwo"
    server.shutdown()
    server.server_close()
    assert signed == [("AKIDOLD", "old"), ("AKIDNEW", "new")]


def test_a_signature_that_is_sent_twice_is_of_the_same_request_alone(gateway, key, table):
    """AWS takes one again within its five minutes for the same bytes; for others, or by another's name, it is none."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", gateway.url + PATH, headers={"content-type": "application/json"}, data=BODY)
    SigV4Auth(Credentials(key.id, table.secret(key)), "bedrock", "us-east-1").add_auth(request)
    signed = {name.lower(): value for name, value in request.headers.items()}

    def status(path=PATH, content=BODY, **changed):
        return httpx.post(gateway.url + path, content=content, headers={**signed, **changed}, timeout=20).status_code

    assert [status(), status()] == [200, 200]
    assert status(content=BODY.replace(b"hi", b"ho")) == 403
    assert status(path=f"/model/{MODEL}/converse-stream") == 403
    assert status(authorization=signed["authorization"].replace(key.id, "RBKOTHER")) == 403
    assert status(Authorization=signed["authorization"]) == 403  # two of them
    old = (datetime.now(UTC) - timedelta(minutes=6)).strftime("%Y%m%dT%H%M%SZ")
    assert status(**{"x-amz-date": old}) == 403
