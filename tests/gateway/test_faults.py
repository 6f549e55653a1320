"""What goes wrong on the way: broken replies, callers that leave, services that are gone, ends in the middle."""

import contextlib
import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import h2.connection
import pytest

from rockbottom.gateway import GatewayLimits, running_gateway
from rockbottom.gateway.sigv4 import Signed
from tests.gateway.conftest import MODEL, asking, configured

BODY = json.dumps({name: value for name, value in asking("hi").items() if name != "modelId"}).encode()
SHORT = b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'


def call(url, key, table, path=f"/model/{MODEL}/converse", body=BODY, timeout=20):
    """A connection on which a call was sent."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    connection.request("POST", path, body, {"x-api-key": f"{key.id}.{table.secret(key)}"})
    return connection


@contextmanager
def raw_service(answer):
    """A service of bare sockets: ``answer(connection)`` once the whole request is there."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve():
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answered, args=(connection,), daemon=True).start()

    def answered(connection):
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(next(line for line in head.lower().split(b"\r\n") if b"content-length" in line).split(b":")[1])
            while len(body) < length:
                body += connection.recv(65536)
            answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        listener.close()


def test_a_service_that_is_not_there_is_502(key, table, tmp_path):
    """In AWS's words, and at once."""
    with running_gateway(configured("http://127.0.0.1:1", tmp_path)) as gateway:
        reply = call(gateway.url, key, table).getresponse()
        assert reply.status == 502
        assert reply.headers["x-amzn-errortype"] == "ServiceUnavailableException"


def test_a_service_that_hangs_is_504(key, table, tmp_path):
    """After the time that the configuration gives."""
    with (
        raw_service(lambda connection: time.sleep(5)) as url,
        running_gateway(configured(url, tmp_path, limits=GatewayLimits(read_s=0.2))) as gateway,
    ):
        assert call(gateway.url, key, table).getresponse().status == 504


def test_a_reply_that_breaks_off_breaks_off_for_the_caller(key, table, tmp_path):
    """He is not told that it is whole."""

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")

    with raw_service(answer) as url, running_gateway(configured(url, tmp_path)) as gateway:
        reply = call(gateway.url, key, table).getresponse()
        with pytest.raises(http.client.HTTPException):
            reply.read()
        assert gateway.gateway.under_way == 0


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n"])
def test_a_request_whose_reply_fails_is_let_go_at_once(key, table, tmp_path, begins):
    """And not when the collector comes: bodies of 25 MB may fail one after another."""
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": f"whose reply fails: {begins}"}]}]}).encode()

    def is_held():
        return any(type(one) is Signed and one.body == body for one in gc.get_objects())

    service = raw_service(lambda connection: connection.sendall(begins))
    with service as url, running_gateway(configured(url, tmp_path)) as gateway:
        gc.disable()
        try:
            reply = call(gateway.url, key, table, body=body).getresponse()
            with contextlib.suppress(http.client.HTTPException):
                reply.read()
            ends = time.monotonic() + 15
            while (gateway.gateway.under_way or is_held()) and time.monotonic() < ends:
                time.sleep(0.02)
            assert not is_held()
        finally:
            gc.enable()


def test_pieces_are_relayed_as_they_come(key, table, tmp_path):
    """The first is there before the service has sent the second."""
    second = threading.Event()

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        second.wait(10)
        connection.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

    with raw_service(answer) as url, running_gateway(configured(url, tmp_path)) as gateway:
        reply = call(gateway.url, key, table).getresponse()
        assert reply.read1() == b"first"
        second.set()
        assert reply.read() == b"second"


@pytest.mark.parametrize("begun", [False, True])
def test_a_caller_who_leaves_ends_the_call_upstream(key, table, tmp_path, begun):
    """Before the first byte and after it; the service's connection is closed, and nothing is under way any more."""
    reached, closed = threading.Event(), threading.Event()

    def answer(connection):
        reached.set()
        if begun:
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        connection.settimeout(10)
        if connection.recv(1) == b"":
            closed.set()

    with raw_service(answer) as url, running_gateway(configured(url, tmp_path)) as gateway:
        connection = call(gateway.url, key, table)
        assert reached.wait(10)
        if begun:
            reply = connection.getresponse()
            assert reply.read1() == b"first"
            reply.close()
        connection.close()
        assert closed.wait(10)
        assert nothing_is_under_way(gateway)


def test_a_slow_reader_does_not_fill_the_memory(key, table, tmp_path):
    """The gateway reads no faster than the caller: of 200 MB that are offered it takes little while he waits."""
    sent = [0]

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n")
        connection.settimeout(3)
        try:
            while sent[0] < 200_000_000:
                sent[0] += connection.send(b"x" * 1_000_000)
        except OSError:
            return

    with raw_service(answer) as url, running_gateway(configured(url, tmp_path)) as gateway:
        connection = call(gateway.url, key, table)
        reply = connection.getresponse()
        time.sleep(1.5)
        held = sent[0]
        reply.close()
        connection.close()
    assert held < 60_000_000  # buffers of four sockets and of the two programs


def endless(connection, closed):
    """Send pieces of a reply until nobody takes them any more."""
    connection.settimeout(30)
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    except TimeoutError:
        return
    except OSError:
        closed.set()


def nothing_is_under_way(gateway):
    deadline = time.monotonic() + 15
    while gateway.gateway.under_way and time.monotonic() < deadline:
        time.sleep(0.02)
    return gateway.gateway.under_way == 0


@pytest.mark.parametrize("http2", [False, True])
def test_a_caller_who_takes_nothing_is_let_go(key, table, tmp_path, http2):
    """After ``write_s``, over either protocol: his connection, or stream, ends, and so does the call upstream."""
    closed = threading.Event()
    token = f"{key.id}.{table.secret(key)}"
    limits = GatewayLimits(write_s=0.5)
    with (
        raw_service(lambda connection: endless(connection, closed)) as url,
        running_gateway(configured(url, tmp_path, limits=limits)) as gateway,
    ):
        place = urlsplit(gateway.url)
        path = f"/model/{MODEL}/converse"
        with socket.create_connection((place.hostname, place.port), 20) as raw:
            if http2:
                wire = h2.connection.H2Connection()
                wire.initiate_connection()
                fields = {":method": "POST", ":path": path, ":scheme": "http", ":authority": "a", "x-api-key": token}
                wire.send_headers(1, fields.items())
                wire.send_data(1, SHORT, end_stream=True)
                raw.sendall(wire.data_to_send())
            else:
                head = f"POST {path} HTTP/1.1\r\nhost: a\r\nx-api-key: {token}\r\ncontent-length: {len(SHORT)}\r\n\r\n"
                raw.sendall(head.encode() + SHORT)
            assert closed.wait(15)
            assert nothing_is_under_way(gateway)


def test_a_caller_who_takes_a_little_now_and_then_gets_all_of_it(key, table, tmp_path):
    """It lasts longer than ``write_s``, which begins anew with each piece that he takes."""
    size = 8_000_000

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)

    limits = GatewayLimits(write_s=4)
    with raw_service(answer) as url, running_gateway(configured(url, tmp_path, limits=limits)) as gateway:
        reply = call(gateway.url, key, table).getresponse()
        taken = 0
        while piece := reply.read(500_000):
            taken += len(piece)
            time.sleep(0.4)
    assert taken == size


@pytest.mark.parametrize("begun", [False, True])
def test_a_reply_that_drips_ends_after_the_longest_time_of_a_call(key, table, tmp_path, begun):
    """A byte now and then is no sign of life: 504 while the head drips, a connection that breaks off after it."""
    closed = threading.Event()

    def answer(connection):
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"transfer-encoding: chunked\r\n\r\n" if begun else b""))
            for _ in range(2_000):
                connection.sendall(b"1\r\nx\r\n" if begun else b"x: y\r\n")
                time.sleep(0.02)
            return
        closed.set()

    limits = GatewayLimits(call_s=1)
    with raw_service(answer) as url, running_gateway(configured(url, tmp_path, limits=limits)) as gateway:
        reply = call(gateway.url, key, table).getresponse()
        if begun:
            with pytest.raises(http.client.IncompleteRead):
                reply.read()
        else:
            assert reply.status == 504
            assert b"longer than 1 seconds (limits.call_s)" in reply.read()
        assert closed.wait(15)
        assert nothing_is_under_way(gateway)


@pytest.mark.parametrize(
    "rest",
    [
        b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"content-length: -1\r\n\r\n",
        b"content-length: +3\r\n\r\nabc",
        b"content-length: 3, 3\r\n\r\nabc",
        b"content-length : 3\r\n\r\nabc",
        b"content-length: 3\x00\r\n\r\nabc",
        b"x: a\r\n content-length: 3\r\n\r\nabc",
        b"x: a\ncontent-length: 3\r\n\r\nabc",
        b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: identity, chunked, identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\nabc\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n3;a=\nb\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_requests_of_two_lengths_go_nowhere(tmp_path, rest):
    """Smuggling shapes, at a gateway that is open, so that nothing but their shape refuses them."""
    reached = []
    with raw_service(reached.append) as url, running_gateway(configured(url, tmp_path, keys=None)) as gateway:
        with socket.create_connection(urlsplit(gateway.url).netloc.split(":"), timeout=5) as connection:
            connection.sendall(b"POST /model/x/converse HTTP/1.1\r\nhost: 127.0.0.1\r\n" + rest)
            connection.settimeout(3)
            try:
                told = connection.recv(4096)
            except TimeoutError:
                told = b""
        assert not told.startswith(b"HTTP/1.1 2")
        assert not reached


def test_sigterm_lets_what_is_under_way_end(key, table, tmp_path):
    """A whole process: not ready at once, the reply whole, the ledger's line written, exit 0."""
    arrived, go_on = threading.Event(), threading.Event()
    whole = (
        b'{"output":{"message":{"role":"assistant","content":[{"text":"ok"}]}},"stopReason":"end_turn",'
        b'"usage":{"inputTokens":9,"outputTokens":1,"totalTokens":10}}'
    )

    def answer(connection):
        arrived.set()
        go_on.wait(60)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(whole), whole))

    with raw_service(answer) as url:
        config = tmp_path / "gateway.yaml"
        config.write_text(
            f"listen: 127.0.0.1:0\nupstream: {{region: us-east-1, runtime: '{url}'}}\nkeys: keys.json\nledger: ledger\n"
        )
        command = [sys.executable, "-m", "rockbottom", "gateway", "--config", str(config)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
        )
        try:
            address = process.stdout.readline().strip()
            connection = call(address, key, table)
            assert arrived.wait(60)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert process.poll() is None
            go_on.set()
            assert connection.getresponse().read() == whole
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
    lines = [line for file in (tmp_path / "ledger").glob("*.ndjson") for line in file.read_text().splitlines()]
    assert [json.loads(line).get("status", "ok") for line in lines] == ["ok"]
