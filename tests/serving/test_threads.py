"""Limits of servers that have a thread for each connection."""

import socket
import threading
import time
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from rockbottom.serving import LimitedHead, LimitedThreads


class _Handler(LimitedHead):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(LimitedThreads, ThreadingHTTPServer):
    max_connections = 3
    read_seconds = 1.0


@pytest.fixture
def address():
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address
    server.shutdown()
    thread.join()
    server.server_close()


def read(connection: socket.socket) -> bytes:
    """What comes until the other side closes, or has said that the body is two bytes long."""
    reply = b""
    while not reply.endswith(b"\r\n\r\nok"):
        part = connection.recv(65536)
        if not part:
            break
        reply += part
    return reply


def opened(address: Any, text: bytes = b"") -> socket.socket:
    connection = socket.create_connection(address[:2], 20)
    connection.sendall(text)
    return connection


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(address):
    """One byte each tenth of a second: 408 after a second, however long more would come."""
    connection, began = opened(address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "), time.monotonic()
    connection.settimeout(0.1)
    reply = b""
    while time.monotonic() - began < 20 and not reply:
        try:
            reply = connection.recv(4096)
        except TimeoutError:
            connection.sendall(b"x")
    assert reply.startswith(b"HTTP/1.1 408")
    assert 0.9 < time.monotonic() - began < 15


def test_a_connection_that_is_kept_and_says_nothing_is_closed(address):
    """After its first answer as before it."""
    connection = opened(address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert read(connection).endswith(b"ok")
    assert connection.recv(4096).startswith(b"HTTP/1.1 408")
    assert connection.recv(4096) == b""


def test_so_many_connections_are_served_and_no_more(address):
    """Three wait for a head; the fourth is told that there is no room, and served once there is."""
    waiting = [opened(address) for _ in range(3)]
    time.sleep(0.3)
    assert read(opened(address, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 503")
    for connection in waiting:
        connection.close()
    deadline = time.monotonic() + 15
    while not (reply := read(opened(address, b"GET / HTTP/1.1\r\n\r\n"))).endswith(b"ok"):
        assert time.monotonic() < deadline, reply
        time.sleep(0.1)


@pytest.mark.parametrize(
    "fields", [b"X: " + b"a" * 70_000, b"\r\n".join(b"X-%d: %s" % (number, b"a" * 1_000) for number in range(90))]
)
def test_header_fields_of_more_than_64_kib_are_refused(address, fields):
    """One long field, or many: 431."""
    connection = opened(address)
    with suppress(OSError):  # refused before all of it was sent
        connection.sendall(b"GET / HTTP/1.1\r\n" + fields + b"\r\n\r\n")
    assert b" 431 " in read(connection).partition(b"\r\n")[0]
