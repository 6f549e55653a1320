"""HTTP/2 in cleartext, as the AWS SDK for JavaScript speaks it, and TLS, without which boto3 sends no bearer key."""

import asyncio
import json
import re
import socket
import ssl
from contextlib import suppress

import boto3
import httpx
import pytest
from h2.errors import ErrorCodes

from rockbottom.local import running
from rockbottom.serving import Connection

PATH = "/model/us.anthropic.claude-sonnet-4-6/converse"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
BODY = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


@pytest.fixture
def spoken(endpoint):
    """A client that speaks HTTP/2 with prior knowledge."""
    with httpx.Client(base_url=endpoint.url, http1=False, http2=True, timeout=20) as client:
        yield client


def test_the_same_reply_comes_over_either_protocol(endpoint, spoken, kit):
    """Status, body and headers; an error as well."""
    call = {"system": [{"text": kit.RULES}, kit.POINT], **BODY}
    first = spoken.post(PATH, json=call)
    status, second, _ = kit.http(endpoint, "POST", PATH, call)
    assert (first.http_version, first.status_code, status) == ("HTTP/2", 200, 200)
    assert first.json()["output"] == second["output"]
    assert first.json()["usage"]["cacheWriteInputTokens"] == second["usage"]["cacheReadInputTokens"] > 1024
    refused = spoken.post(PATH, json={"messages": []})
    assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (400, "ValidationException")


def test_streams_have_the_same_events(endpoint, spoken, kit):
    """The body of ConverseStream, byte for byte but for what is measured."""
    frames = spoken.post(f"{PATH}-stream", json=BODY)
    assert frames.headers["content-type"] == "application/vnd.amazon.eventstream"
    _, other, _ = kit.http(endpoint, "POST", f"{PATH}-stream", BODY)
    assert re.sub(rb"latencyMs\":\d+", b"", frames.content)[:400] == re.sub(rb"latencyMs\":\d+", b"", other)[:400]


def test_bodies_larger_than_every_window_arrive_and_leave(endpoint, spoken, kit):
    """8 MB in; a list longer than one frame out."""
    reply = spoken.post(PATH, json={"messages": [kit.user("word " * 1_600_000)]})
    assert (reply.status_code, reply.json()["message"]) == (400, "Input is too long for requested model.")
    models = spoken.get("/foundation-models")
    assert len(models.content) > 20_000
    assert models.json() == kit.http(endpoint, "GET", "/foundation-models")[1]


def test_one_connection_carries_many_requests_at_once(endpoint):
    """300 requests, as many of them at once as the endpoint lets it."""

    async def asked():
        limits = httpx.Limits(max_connections=1)
        client = httpx.AsyncClient(base_url=endpoint.url, http1=False, http2=True, timeout=30, limits=limits)
        async with client:
            replies = await asyncio.gather(*(client.post(PATH, json=BODY) for _ in range(300)))
        return {(reply.status_code, reply.http_version) for reply in replies}

    assert asyncio.run(asked()) == {(200, "HTTP/2")}


def test_the_door_and_the_limits_are_the_same(endpoint, spoken, monkeypatch):
    """A page is refused, too many header fields end the stream, too many bytes the connection."""
    assert spoken.get("/_rockbottom/requests", headers={"origin": "https://evil.example"}).status_code == 403
    with pytest.raises(httpx.RemoteProtocolError):
        spoken.get("/foundation-models", headers={f"x-{number}": "1" for number in range(300)})
    with pytest.raises(httpx.RemoteProtocolError):
        spoken.get("/foundation-models", headers={"x": "y" * 100_000})
    assert spoken.get("/foundation-models").status_code == 200


def test_a_request_that_never_arrives_is_reset(endpoint, spoken, monkeypatch):
    """The body stops in the middle."""
    monkeypatch.setattr(Connection, "read_seconds", 0.5)

    async def halted():
        async def body():
            yield b"{"
            await asyncio.sleep(30)

        async with httpx.AsyncClient(base_url=endpoint.url, http1=False, http2=True, timeout=10) as client:
            await client.post(PATH, content=body())

    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(halted())


@pytest.mark.parametrize(
    "data",
    [
        PREFACE + b"\x00\x00\x05\x04\x00\x00\x00\x00\x00wrong",  # settings come six bytes each
        PREFACE + b"\xff\xff\xff\x04\x00\x00\x00\x00\x00" + b"x" * 300_000,
        b"PRI \x00\x01\r\n\r\n" + b"x" * 40,
    ],
)
def test_what_is_neither_protocol_is_closed(endpoint, data, kit):
    """And the next caller is answered."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", endpoint.url).groups()
    with socket.create_connection((host, int(port)), 5) as raw:
        pieces = [data[place : place + 7] for place in range(0, 35, 7)]  # the preface in pieces too
        for piece in (*pieces, data[35:]):
            try:
                raw.sendall(piece)
            except OSError:
                break
        raw.settimeout(5)
        try:
            while raw.recv(4096):
                pass
        except ConnectionResetError:
            pass
    assert kit.http(endpoint, "GET", "/_rockbottom/health")[0] == 200


SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)


@pytest.mark.parametrize("frame", [SETTINGS, PING])
def test_frames_that_ask_for_nothing_have_an_end(endpoint, frame, kit):
    """ENHANCE_YOUR_CALM (RFC 9113, 10.5) before 100,000 of them are read, and the next caller is answered."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", endpoint.url).groups()
    came = b""
    with socket.create_connection((host, int(port)), 30) as raw, suppress(ConnectionError):
        raw.sendall(PREFACE + SETTINGS)
        for _ in range(100):
            raw.sendall(frame * 1000)
            raw.setblocking(False)
            with suppress(BlockingIOError):
                came = (came + raw.recv(1 << 20))[-64:]
            raw.settimeout(30)
        while piece := raw.recv(1 << 20):
            came = (came + piece)[-64:]
    assert not came or int.from_bytes(came[-4:]) == ErrorCodes.ENHANCE_YOUR_CALM
    assert kit.http(endpoint, "GET", "/_rockbottom/health")[0] == 200


def test_a_cut_stream_breaks_off(endpoint, spoken, kit):
    """The fault that closes the connection in the middle resets the stream."""
    kit.control(endpoint, "POST", "faults", {"kind": "cut", "after_events": 1, "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        spoken.post(f"{PATH}-stream", json=BODY)


def test_bearer_keys_work_over_tls(monkeypatch, kit):
    """boto3 trusts the printed bundle and sends its bearer key; a strict client speaks HTTP/2 by ALPN."""
    with running(tls=True) as one:
        assert one.url.startswith("https://127.0.0.1:")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(one.ca_bundle))
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-x")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        client = boto3.Session().client("bedrock-runtime", endpoint_url=one.url, region_name="us-east-1")
        reply = client.converse(modelId=kit.SONNET, **BODY)
        assert reply["usage"]["outputTokens"] > 0
        trust = ssl.create_default_context(cafile=str(one.ca_bundle))
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        with httpx.Client(http2=True, verify=trust, timeout=20) as other:
            answered = other.get(one.url.replace("127.0.0.1", "localhost") + "/foundation-models")
        assert (answered.status_code, answered.http_version) == (200, "HTTP/2")
        bundle = one.ca_bundle
        assert json.dumps(bundle.read_text()).count("BEGIN CERTIFICATE") > 50  # AWS's own are trusted as before
        assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]  # the key is nowhere on disk
    assert not bundle.parent.exists()
