"""Requests that two readers could take for different ones: refused whole, and nothing of them reaches the service."""

import contextlib
import socket
from urllib.parse import urlsplit

import pytest

from rockbottom.gateway import RunningGateway
from tests.gateway.conftest import MODEL, Scripted

BODY = b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
LENGTH = b"content-length: %d\r\n" % len(BODY)
LINE = f"POST /model/{MODEL}/converse HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode()
SECOND = LINE + LENGTH + b"\r\n" + BODY


def answered(url: str, *pieces: bytes) -> bytes:
    """All that comes back for some bytes, within a second of the last."""
    place, data = urlsplit(url), b""
    with socket.create_connection((place.hostname, place.port)) as connection, contextlib.suppress(OSError):
        connection.settimeout(1.0)
        for piece in pieces:
            connection.sendall(piece)
        while more := connection.recv(65_536):
            data += more
    return data


@pytest.mark.parametrize(
    "request_",
    [
        LINE + LENGTH + b"content-length: 5\r\n\r\n" + BODY,
        LINE + LENGTH + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
        LINE + b"transfer-encoding: xchunked\r\n\r\n" + BODY,
        LINE + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        LINE + LENGTH.replace(b":", b" :") + b"\r\n" + BODY,
        LINE + LENGTH.replace(b": ", b": +") + b"\r\n" + BODY,
        LINE + b"x: a\r\n b\r\n" + LENGTH + b"\r\n" + BODY,
        (LINE + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
        LINE + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        LINE + b"x: a\0b\r\n" + LENGTH + b"\r\n" + BODY,
        SECOND.replace(b"sonnet", b"son net"),
        SECOND.replace(b"sonnet", b"sonn\xe9t"),
        LINE + b"connection: upgrade\r\nupgrade: h2c\r\n" + LENGTH + b"\r\n" + SECOND,
        LINE + b"connection: upgrade\r\nupgrade: websocket\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_what_could_be_two_requests_is_none(both: tuple[Scripted, RunningGateway], request_: bytes) -> None:
    service, gateway = both
    before = len(service.seen)
    reply = answered(gateway.url, request_, SECOND)
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert reply.count(b"HTTP/1.1 ") == 1
    assert len(service.seen) == before


def test_requests_one_behind_the_other_are_answered_each(both: tuple[Scripted, RunningGateway]) -> None:
    service, gateway = both
    before = len(service.seen)
    assert answered(gateway.url, SECOND * 3).count(b"HTTP/1.1 200 ") == 3
    assert [seen.body for seen in service.seen[before:]] == [BODY] * 3


def test_what_connection_names_goes_no_further(both: tuple[Scripted, RunningGateway]) -> None:
    service, gateway = both
    answered(gateway.url, LINE + b"connection: close, x-hop\r\nx-hop: 1\r\nx-end: 1\r\n" + LENGTH + b"\r\n" + BODY)
    assert (service.seen[-1].headers.get("x-hop"), service.seen[-1].headers.get("x-end")) == (None, "1")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://127.0.0.1:8787/model/%b/converse", 200),
        (b"HTTPS://localhost/model/%b/converse", 200),
        (b"http://bedrock-runtime.us-east-1.amazonaws.com/model/%b/converse", 200),
        (b"http://evil.example/model/%b/converse", 403),  # though its Host header is 127.0.0.1
        (b"http://127.0.0.1", 404),
        (b"http://user@127.0.0.1/model/%b/converse", 400),
        (b"ftp://127.0.0.1/model/%b/converse", 400),
        (b"http:///model/%b/converse", 400),
        (b"model/%b/converse", 400),
        (b"//evil.example/model/%b/converse", 404),
    ],
)
def test_a_target_with_an_address_counts_and_not_the_host_header(both, target: bytes, status: int) -> None:
    """RFC 9112, 3.2.2: an origin server ignores Host then; the path goes on, and never to another host."""
    service, gateway = both
    before = len(service.seen)
    target = target.replace(b"%b", MODEL.encode())
    request_ = b"POST %b HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n%b\r\n%b" % (target, LENGTH, BODY)
    assert answered(gateway.url, request_).startswith(b"HTTP/1.1 %d " % status)
    assert [seen.path for seen in service.seen[before:]] == ([f"/model/{MODEL}/converse"] if status == 200 else [])


@pytest.mark.parametrize("hosts", [b"", b"host: 127.0.0.1\r\nhost: 127.0.0.1\r\n"])
def test_a_request_has_one_host(both, hosts: bytes) -> None:
    """RFC 9112, 3.2: 400 for a request of HTTP/1.1 without a Host header field, and for one with two."""
    service, gateway = both
    before = len(service.seen)
    request_ = f"POST /model/{MODEL}/converse HTTP/1.1\r\n".encode() + hosts + LENGTH + b"\r\n" + BODY
    assert answered(gateway.url, request_).startswith(b"HTTP/1.1 400 ")
    assert len(service.seen) == before


def test_a_caller_of_http_1_0_needs_no_host(both) -> None:
    """A load balancer's look at the health of a gateway."""
    assert answered(both[1].url, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
