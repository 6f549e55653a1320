"""Nobody else steers the endpoint: pages of a browser, callers without the token, requests without end."""

import json
import re
import socket
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest

from rockbottom.local import ClockKind, running
from rockbottom.serving import Connection

PAGE = {"origin": "https://evil.example"}


@pytest.fixture
def unused_port():
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


CONVERSE = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
PATH = "/model/us.anthropic.claude-sonnet-4-6/converse"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_rockbottom/replies", {"text": "steered"}),
        ("POST", "/_rockbottom/reset", None),
        ("POST", "/_rockbottom/faults", {"kind": "hang"}),
        ("GET", "/_rockbottom/requests", None),
        ("POST", PATH, CONVERSE),
        ("GET", "/foundation-models", None),
        ("OPTIONS", PATH, None),
    ],
)
def test_a_page_of_another_site_is_refused_everywhere(endpoint, kit, method, path, body):
    """Whatever it asks: 403, nothing done, and no header that lets it read."""
    for headers in (PAGE, {"host": "evil.example:4747"}, {"sec-fetch-site": "cross-site"}):
        status, _, said = kit.http(endpoint, method, path, body, {"content-type": "text/plain", **headers})
        assert status == 403
        assert "access-control-allow-origin" not in said
    assert kit.control(endpoint, "GET", "replies") == {"waiting": 0}
    assert kit.control(endpoint, "GET", "faults") == []


def test_an_allowed_page_may_call_and_read(kit):
    """Its preflight is answered, and its replies say that it may read them."""
    with running(origins=("https://app.example",)) as one:
        asked = {"origin": "https://app.example", "access-control-request-headers": "authorization,x-amz-date"}
        status, _, said = kit.http(one, "OPTIONS", PATH, None, asked)
        assert (status, said["access-control-allow-headers"]) == (204, "authorization,x-amz-date")
        status, _, said = kit.http(one, "POST", PATH, CONVERSE, {"origin": "https://app.example"})
        assert (status, said["access-control-allow-origin"]) == (200, "https://app.example")
        assert kit.http(one, "POST", PATH, CONVERSE, PAGE)[0] == 403


def test_the_s3_beside_it_answers_no_page_either(kit, unused_port):
    """moto would answer every page; its port can be chosen."""
    with running(s3="moto", s3_port=unused_port) as one:
        assert one.s3_url == f"http://127.0.0.1:{unused_port}"
        s3 = SimpleNamespace(url=one.s3_url)
        assert kit.http(s3, "GET", "/")[0] == 200
        for headers in (PAGE, {"host": "evil.example"}):
            assert kit.http(s3, "POST", "/moto-api/reset", b"", headers)[0] == 403


def test_with_a_token_the_control_api_answers_only_who_sends_it(kit):
    """Calls of the service need none; health says that the endpoint is there."""
    with running(control_token="s3cret") as one:
        assert kit.http(one, "POST", "/_rockbottom/reset")[0] == 403
        assert kit.http(one, "POST", "/_rockbottom/reset", None, {"authorization": "Bearer wrong"})[0] == 403
        for headers in ({"authorization": "Bearer s3cret"}, {"x-rockbottom-token": "s3cret"}):
            assert kit.http(one, "POST", "/_rockbottom/reset", None, headers)[0] == 200
        assert kit.http(one, "GET", "/_rockbottom/health")[0] == 200
        assert kit.http(one, "POST", PATH, CONVERSE)[0] == 200


def said_to(url, *parts, pause=0.0):
    """What comes back for raw bytes, until the other side closes."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", url).groups()
    with socket.create_connection((host, int(port)), 20) as raw:
        for part in parts:
            try:
                raw.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        raw.settimeout(20)
        reply = b""
        try:
            while chunk := raw.recv(65536):
                reply += chunk
        except (TimeoutError, ConnectionResetError):
            return reply
        return reply


def test_headers_without_end_are_refused(endpoint):
    """Too many fields, one field too long, and one that never ends: 431 and the connection is closed."""
    start = b"GET /_rockbottom/health HTTP/1.1\r\nhost: localhost\r\n"
    many = b"".join(b"x-%d: 1\r\n" % number for number in range(300))
    assert said_to(endpoint.url, start, many, b"\r\n").startswith(b"HTTP/1.1 431")
    assert said_to(endpoint.url, start, b"x: ", *[b"y" * 16_384] * 20).startswith(b"HTTP/1.1 431")


def test_a_request_that_never_arrives_is_closed(endpoint, monkeypatch):
    """A connection that says nothing, half a head, and half a body: 408, at most a second or two late."""
    monkeypatch.setattr(Connection, "read_seconds", 0.5)
    head = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n" % PATH.encode()
    for parts in ((b"",), (head,), (head, b"\r\n{")):
        assert said_to(endpoint.url, *parts).startswith(b"HTTP/1.1 408")


def test_more_connections_than_there_may_be_are_turned_away(endpoint, monkeypatch, kit):
    """503 to the one too many; those before it go on."""
    monkeypatch.setattr(Connection, "max_connections", 3)
    host, port = re.fullmatch(r"http://(.*):(\d+)", endpoint.url).groups()
    held = [socket.create_connection((host, int(port)), 20) for _ in range(3)]  # taken in the order of their coming
    try:
        assert said_to(endpoint.url).startswith(b"HTTP/1.1 503")
    finally:
        for one in held:
            one.close()
    give_up = time.monotonic() + 20
    while (status := _health(endpoint)) != 200 and time.monotonic() < give_up:
        time.sleep(0.05)
    assert status == 200


def _health(endpoint):
    """The status of a request; None where the connection was turned away before it was read."""
    try:
        with urllib.request.urlopen(f"{endpoint.url}/_rockbottom/health", timeout=20) as reply:
            return reply.status
    except (urllib.error.URLError, ConnectionError):
        return None


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
OPERATIONS = [
    *(("POST", f"/model/us.anthropic.claude-sonnet-4-6/{name}")
      for name in ("converse", "converse-stream", "invoke", "invoke-with-response-stream")),
    ("POST", "/model/us.amazon.nova-pro-v1:0/invoke"),
    ("POST", "/model/anthropic.claude-sonnet-4-6/count-tokens"),
    ("POST", "/inference-profiles"),
    ("POST", "/listTagsForResource"),
    ("POST", "/tagResource"),
    ("POST", "/model-invocation-job"),
    *(("POST", f"/_rockbottom/{name}") for name in ("clock", "faults", "replies", "jobs/faults")),
    *(("PUT", f"/_rockbottom/{name}") for name in ("quotas", "latency", "routing", "switches", "jobs/pace")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": "\xff\xfe"}',
        DEEP,
        b"[" * 5000 + b"]" * 5000,
        b'{"messages": [{"role": "user", "content": [{"text": "\\ud800"}]}]}',
        *(
            json.dumps({"messages": [{"role": "user", "content": [{"text": "a"}]}], "max_tokens": 9}).encode()[:-1]
            + b', "additionalModelRequestFields": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
            for depth in (300, 900, 980)
        ),
    ],
    ids=["utf-8", "deep objects", "deep lists", "half a surrogate", "300 deep", "900 deep", "980 deep"],
)  # fmt: skip
def test_what_is_no_json_is_the_callers_fault_on_every_operation(endpoint, kit, method, path, body):
    """Bytes that are no UTF-8 and JSON 5,000 deep are 400; nothing is ever 500."""
    status, reply, _ = kit.http(endpoint, method, path, body)
    assert status == 400 or (status in (200, 404) and body.count(b"additional")), reply


def test_request_ids_are_never_repeated(kit):
    """Not after a reset, and not by another endpoint with the same seed."""
    seen = set()
    for _ in range(2):
        with running(clock=ClockKind.MANUAL, start_at=kit.START, seed=1) as one:
            for _ in range(2):
                kit.control(one, "POST", "reset")
                seen |= {kit.http(one, "POST", PATH, CONVERSE)[2]["x-amzn-requestid"] for _ in range(5)}
    assert len(seen) == 20
