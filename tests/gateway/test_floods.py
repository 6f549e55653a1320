"""Callers that want to wear a gateway out, over either protocol: they are closed, and the next caller is answered."""

import contextlib
import http.client
import select
import socket
import struct
import threading
import time
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

from rockbottom.gateway import RunningGateway, running_gateway
from tests.gateway.conftest import MODEL, configured

BODY = b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
PATH = f"/model/{MODEL}/converse"
FIELDS = [(":method", "POST"), (":path", PATH), (":scheme", "http"), (":authority", "127.0.0.1")]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, SETTINGS, PING, WINDOW, CONTINUATION = 1, 4, 6, 8, 9


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def opened(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname, place.port), 20)


def is_closed(raw: socket.socket, data: bytes, times: int, *, reads: bool) -> bool:
    """Send the same bytes over and over, reading what comes back or not; whether the other side ended that."""
    raw.settimeout(5.0)
    try:
        for _ in range(times):
            raw.sendall(data)
            while reads and select.select([raw], [], [], 0)[0]:
                if not raw.recv(1 << 20):
                    return True
        while raw.recv(1 << 20):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def spoken(raw: socket.socket, fields: list[tuple[str, str]], body: bytes = BODY) -> list[h2.events.Event]:
    """What comes back for a request over HTTP/2, whose fields nobody checks on this side."""
    config = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    wire = h2.connection.H2Connection(config)
    wire.initiate_connection()
    wire.send_headers(1, fields)
    wire.send_data(1, body, end_stream=True)
    raw.sendall(wire.data_to_send())
    events: list[h2.events.Event] = []
    ended = (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)
    with contextlib.suppress(OSError):
        while (data := raw.recv(65_536)) and not any(isinstance(event, ended) for event in events):
            events += wire.receive_data(data)
            raw.settimeout(1.0)
    return events


def next_is_answered(gateway: RunningGateway) -> bool:
    return httpx.post(gateway.url + PATH, content=BODY, timeout=20).status_code == 200


@pytest.mark.parametrize("kind", ["settings", "ping"])
@pytest.mark.parametrize("reads", [True, False])
def test_frames_that_ask_for_nothing_end_the_connection(both, kind: str, reads: bool) -> None:
    """100,000 of them: each takes an answer, which waits here where the other side does not read it."""
    _, gateway = both
    one = frame(SETTINGS, 0, 0) if kind == "settings" else frame(PING, 0, 0, b"12345678")
    with opened(gateway.url) as raw:
        raw.sendall(PREFACE + frame(SETTINGS, 0, 0))
        assert is_closed(raw, one * 1000, 100, reads=reads)
    assert next_is_answered(gateway)


def test_a_caller_who_takes_a_long_reply_piece_by_piece_is_none_of_those(both) -> None:
    """20,000 credits for more bytes while one request is under way, as for a reply of so many pieces."""
    service, gateway = both
    wire = h2.connection.H2Connection()
    wire.initiate_connection()
    wire.send_headers(1, FIELDS)
    with opened(gateway.url) as raw:
        raw.sendall(wire.data_to_send())
        for _ in range(20):
            raw.sendall(frame(WINDOW, 0, 0, b"\0\0\0\x01") * 1000)
        wire.send_data(1, BODY, end_stream=True)
        raw.sendall(wire.data_to_send())
        raw.settimeout(20)
        events: list[h2.events.Event] = []
        while not any(isinstance(event, h2.events.StreamEnded) for event in events):
            data = raw.recv(65_536)
            assert data
            events += wire.receive_data(data)
    (reply,) = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
    assert dict(reply.headers)[b":status"] == b"200"
    assert service.seen[-1].body == BODY


def test_requests_that_are_taken_back_at_once_end_the_connection(both) -> None:
    """CVE-2023-44487: each begins and is reset; what reached the service is far from all of them."""
    service, gateway = both
    before = len(service.seen)
    wire = h2.connection.H2Connection()
    wire.initiate_connection()
    with opened(gateway.url) as raw:
        raw.sendall(wire.data_to_send())
        for number in range(1, 4001, 2):
            wire.send_headers(number, FIELDS, end_stream=False)
            wire.reset_stream(number)
        assert is_closed(raw, wire.data_to_send(), 1, reads=True)
    assert len(service.seen) == before
    assert next_is_answered(gateway)


def test_header_fields_that_never_end_end_the_connection(both) -> None:
    """CVE-2024-27316: a field in pieces of 1 KB, 1,000 of them, none of which is the last."""
    service, gateway = both
    before = len(service.seen)
    with opened(gateway.url) as raw:
        raw.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, b"\x00\x01x\x7f\xff\xff\x03"))
        assert is_closed(raw, frame(CONTINUATION, 0, 1, b"y" * 1000), 1000, reads=False)
    assert len(service.seen) == before
    assert next_is_answered(gateway)


@pytest.mark.parametrize(
    "fields",
    [
        [*FIELDS, ("host", "169.254.169.254")],  # RFC 9113, 8.3.1: another than :authority
        [*FIELDS, (":authority", "b.example")],
        [*FIELDS[:3], ("host", "a.example"), (":authority", "a.example")],  # a field before its like
        [*FIELDS, ("transfer-encoding", "chunked")],
        [*FIELDS, ("connection", "x-hop"), ("x-hop", "1")],
        [*FIELDS, ("content-length", "3")],
        [*FIELDS, ("content-length", "56"), ("content-length", "3")],
        [*FIELDS, ("x", "a\r\nhost: b")],
        [*FIELDS, ("x y", "1")],
        [*FIELDS, ("X-Upper", "1")],
        [*FIELDS[:1], (":path", f"{PATH} HTTP/1.1\r\nhost: b"), *FIELDS[2:]],
        [*FIELDS[:1], (":path", ""), *FIELDS[2:]],
        [(":method", "POST / HTTP/1.1\r\nx: y"), *FIELDS[1:]],
    ],
)
def test_what_could_be_two_requests_over_http_2_is_none(both, fields: list[tuple[str, str]]) -> None:
    """It is refused whole, and nothing of it reaches the service."""
    service, gateway = both
    before = len(service.seen)
    with opened(gateway.url) as raw:
        events = spoken(raw, fields)
    answered = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
    statuses = {dict(event.headers)[b":status"] for event in answered}
    assert not statuses or statuses <= {b"400", b"404", b"405"}
    assert len(service.seen) == before
    assert next_is_answered(gateway)


def test_a_host_beside_an_equal_authority_is_one(both) -> None:
    service, gateway = both
    with opened(gateway.url) as raw:
        events = spoken(raw, [*FIELDS, ("host", "127.0.0.1"), ("content-length", str(len(BODY)))])
    (reply,) = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
    assert dict(reply.headers)[b":status"] == b"200"
    assert service.seen[-1].body == BODY


@pytest.mark.parametrize("path", [PATH, "/model/unknown/converse"])
def test_trailers_of_a_caller_are_no_header_fields(both, path: str) -> None:
    """They would pass the checks of hosts and lengths, and whatever stands before the gateway: none goes on."""
    service, gateway = both
    request = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\ntrailer: x-late\r\n\r\n"
        f"{len(BODY):x}\r\n{BODY.decode()}\r\n0\r\nx-late: 1\r\nhost: b.example\r\nauthorization: Bearer x\r\n\r\n"
    ).encode()
    for pieces in ((request,), (request[:-40], request[-40:])):
        with opened(gateway.url) as raw:
            for piece in pieces:
                raw.sendall(piece)
                time.sleep(0.05)
            assert raw.recv(4096).startswith(b"HTTP/1.1 200 ")
        headers = service.seen[-1].headers
        assert "x-late" not in headers
        assert "b.example" not in headers["host"]
        assert not headers["authorization"].startswith("Bearer")
        assert service.seen[-1].body == BODY


def test_a_caller_who_waits_to_be_told_to_go_on_is_told(both) -> None:
    service, gateway = both
    with opened(gateway.url) as raw:
        fields = f"host: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: {len(BODY)}"
        raw.sendall(f"POST {PATH} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
        assert raw.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(BODY)
        assert raw.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert "expect" not in service.seen[-1].headers


@pytest.mark.parametrize(
    "sent", ["POST /model/", f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 560\r\n\r\n{{"]
)
def test_a_request_that_comes_a_byte_at_a_time_is_not_waited_for(both, monkeypatch, sent: str) -> None:
    """A byte each .1 s, in its head and in its body: what was sent does not begin the wait anew."""
    _, gateway = both
    monkeypatch.setattr("rockbottom.gateway.server._Connection.read_seconds", 0.5)
    with opened(gateway.url) as raw:
        raw.sendall(sent.encode())
        begun, reply = time.monotonic(), b""
        raw.settimeout(0.1)
        while time.monotonic() - begun < 20 and not reply:
            with contextlib.suppress(TimeoutError):
                raw.sendall(b" ")
                reply = raw.recv(4096)
    assert reply.startswith(b"HTTP/1.1 408 ")


def saying(answer: bytes) -> socket.socket:
    """The listener of a service that answers every request with these bytes, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                with one, contextlib.suppress(OSError):
                    one.recv(1 << 20)
                    one.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener


OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-own: 1\r\n"


@pytest.mark.parametrize(
    "answer, status, body",
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 2\r\n\r\n{}", 200, b"{}"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 3 + OK + b"content-length: 2\r\n\r\n{}", 200, b"{}"),
        (OK + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-late: 1\r\n\r\n", 200, b"{}"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", 502, None),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000, 502, None),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000, 502, None),
    ],
)
def test_what_a_service_says_before_and_behind_its_reply_goes_no_further(tmp_path, answer, status, body) -> None:
    """Interim replies and trailers are left out; a head without an end, and a change of protocol, are no reply."""
    with (
        saying(answer) as listener,
        running_gateway(configured(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path, keys=None)) as gateway,
    ):
        place = urlsplit(gateway.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
        connection.request("POST", PATH, BODY)
        reply = connection.getresponse()
        assert reply.status == status
        assert body in (None, reply.read())
        assert not {"link", "x-late", "upgrade"} & {name.lower() for name in reply.headers}
