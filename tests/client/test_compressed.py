"""Replies that come compressed: the caller reads them as ever, and what they count is booked."""

import gzip
import importlib
import importlib.util
import json
import sys
import zlib

import pytest

import rockbottom

MODEL = "openai.gpt-oss-120b"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
REPLY = {
    "id": "chatcmpl-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 79},
}
CHUNKS = (
    {"choices": [{"index": 0, "delta": {"content": "Hi"}}]},
    {"choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 79}},
)
PACKED = {"gzip": gzip.compress, "deflate": zlib.compress}
for encoding, package in (("zstd", "zstandard"), ("br", "brotli")):
    if importlib.util.find_spec(package) is not None:  # where httpx finds it, it asks for that encoding
        PACKED[encoding] = importlib.import_module(package).compress


class Pieces:
    """An answer in pieces of three bytes, as packets may cut it."""

    def __init__(self, data, encoding):
        self.data, self.encoding, self.asked = data, encoding, []

    def __call__(self, request):
        import httpx

        self.asked.append(request)
        plain = request.headers.get("accept-encoding") == "identity"
        packed = self.data if plain else PACKED[self.encoding](self.data)
        pieces = (packed[at : at + 3] for at in range(0, len(packed), 3))
        headers = {"content-type": "application/json"} | ({} if plain else {"content-encoding": self.encoding})
        return httpx.Response(200, headers=headers, stream=_stream(httpx, pieces))


def _stream(httpx, pieces):
    class Stream(httpx.SyncByteStream):
        def __iter__(self):
            return iter(pieces)

    return Stream()


def client_of(answer):
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")
    base = "https://bedrock-mantle.us-east-1.api.aws"

    class Transport(httpx.BaseTransport):
        def handle_request(self, request):
            return answer(request)

    return rockbottom.attach(httpx.Client(base_url=base, transport=Transport()))


def booked(client):
    report = rockbottom.report(client)
    return report.total.usage.input, report.total.usage.output, report.without_usage


@pytest.mark.parametrize("encoding", PACKED)
def test_a_whole_reply_is_counted(encoding):
    client = client_of(Pieces(json.dumps(REPLY).encode(), encoding))
    assert client.post("/v1/chat/completions", json=BODY).json() == REPLY
    assert booked(client) == (70, 9, 0)


@pytest.mark.parametrize("encoding", PACKED)
def test_a_stream_whose_usage_was_asked_for_is_counted(encoding):
    text = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in CHUNKS) + b"data: [DONE]\n\n"
    client = client_of(Pieces(text, encoding))
    body = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
    assert client.post("/v1/chat/completions", json=body).content == text
    assert booked(client) == (70, 9, 0)


def test_a_stream_whose_usage_only_we_ask_for_is_asked_for_uncompressed():
    """The chunk with the usage is cut out on its way, which cannot be done to compressed bytes."""
    lines = [
        b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":70,"completion_tokens":9,"total_tokens":79}}\n\n',
        b"data: [DONE]\n\n",
    ]
    answer = Pieces(b"".join(lines), "gzip")
    client = client_of(answer)
    assert client.post("/v1/chat/completions", json={**BODY, "stream": True}).content == lines[0] + lines[2]
    assert answer.asked[0].headers["accept-encoding"] == "identity"
    assert booked(client) == (70, 9, 0)


def test_what_cannot_be_unpacked_is_the_callers_to_find():
    """The call has ended without usage, and is said to; httpx raises what it raises without us."""
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")

    def answer(request):
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=_stream(httpx, iter([b"no gzip"])))

    client = client_of(answer)
    with pytest.raises(httpx.DecodingError):
        client.post("/v1/chat/completions", json=BODY)
    assert booked(client) == (0, 0, 1)


def test_an_encoding_that_nothing_here_unpacks_is_a_call_without_usage_and_named():
    """The caller gets the bytes as they came."""
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")

    def answer(request):
        return httpx.Response(200, headers={"content-encoding": "nothing-knows"}, stream=_stream(httpx, iter([b"abc"])))

    client = client_of(answer)
    assert client.post("/v1/chat/completions", json=BODY).content == b"abc"
    assert booked(client) == (0, 0, 1)
    assert "ended without usage" in str(rockbottom.report(client))


@pytest.mark.parametrize("module", ["zstandard", "brotli"])
def test_an_encoding_whose_package_went_away_is_a_call_without_usage(module, monkeypatch):
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")
    for name in ("compression.zstd", "backports.zstd", "zstandard", "brotli", "brotlicffi"):
        monkeypatch.setitem(sys.modules, name, None)

    def answer(request):
        encoding = {"zstandard": "zstd", "brotli": "br"}[module]
        return httpx.Response(200, headers={"content-encoding": encoding}, stream=_stream(httpx, iter([b"abc"])))

    client = client_of(answer)
    with client.stream("POST", "/v1/chat/completions", json=BODY) as reply:
        assert b"".join(reply.iter_raw()) == b"abc"
    assert booked(client) == (0, 0, 1)
