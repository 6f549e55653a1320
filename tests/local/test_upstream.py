"""An OpenAI-compatible server writes the answers; here a small one of our own plays it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rockbottom.local import LocalError, running


class Upstream:
    """Answers with what it is told to, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.status, self.message, self.finish = [], 200, {"content": "from upstream"}, "stop"


@pytest.fixture
def upstream(kit):
    """An upstream, an endpoint before it and a client of that."""
    told = Upstream()

    class Handler(BaseHTTPRequestHandler):
        """One reply to everything."""

        def do_POST(self):
            told.asked.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            raw = json.dumps(
                {
                    "choices": [{"message": told.message, "finish_reason": told.finish}],
                    "usage": {"completion_tokens": 11},
                }
            ).encode()
            self.send_response(told.status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with running(upstream=f"http://127.0.0.1:{server.server_port}/v1") as one:
        yield told, one, kit.client_of("bedrock-runtime", one.url)
    server.shutdown()
    server.server_close()


def test_the_upstream_answers_and_the_cache_still_counts(upstream, kit):
    """Its text and output tokens, our reads and writes; system and messages reach it as chat messages."""
    told, _, client = upstream
    body = {"modelId": kit.SONNET, "system": [{"text": kit.RULES}, kit.POINT], "messages": [kit.user("hi")]}
    first, second = (client.converse(**body, inferenceConfig={"maxTokens": 50}) for _ in range(2))
    assert first["output"]["message"]["content"] == [{"text": "from upstream"}]
    assert (first["usage"]["outputTokens"], first["stopReason"]) == (11, "end_turn")
    assert second["usage"]["cacheReadInputTokens"] == first["usage"]["cacheWriteInputTokens"] > 1024
    path, asked = told.asked[0]
    assert path == "/v1/chat/completions"
    assert asked["messages"] == [{"role": "system", "content": kit.RULES}, {"role": "user", "content": "hi"}]
    assert (asked["model"], asked["max_tokens"]) == ("anthropic.claude-sonnet-4-6", 50)


def test_tool_calls_come_back_as_tool_use(upstream, kit):
    """The tools are handed on, a call becomes a toolUse block, also in a stream."""
    told, _, client = upstream
    told.message = {
        "content": None,
        "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": '{"a": 1}'}}],
    }
    told.finish = "tool_calls"
    tools = {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}]}
    call = {"modelId": kit.SONNET, "messages": [kit.user("hi")], "toolConfig": tools}
    reply = client.converse(**call)
    assert reply["stopReason"] == "tool_use"
    assert reply["output"]["message"]["content"] == [
        {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": 1}}}
    ]
    events = list(client.converse_stream(**call)["stream"])
    assert any("toolUse" in event.get("contentBlockStart", {}).get("start", {}) for event in events)
    assert told.asked[0][1]["tools"][0]["function"]["name"] == "look"


@pytest.mark.parametrize("status, code", [(429, "ThrottlingException"), (500, "ModelErrorException")])
def test_failures_of_the_upstream_are_bedrocks(upstream, kit, status, code):
    """429 is throttling, anything else a ModelErrorException with the original status."""
    told, _, client = upstream
    told.status = status
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.converse(modelId=kit.SONNET, messages=[kit.user("hi")])
    assert caught.value.response["Error"]["Code"] == code


def test_an_upstream_that_is_not_there_is_said(kit):
    """ServiceUnavailableException names the address; a URL that is none is refused at the start."""
    with running(upstream="http://127.0.0.1:9/v1") as one:
        client = kit.client_of("bedrock-runtime", one.url)
        with pytest.raises(client.exceptions.ServiceUnavailableException, match="cannot be reached"):
            client.converse(modelId=kit.SONNET, messages=[kit.user("hi")])
    with pytest.raises(LocalError, match="is no http"), running(upstream="localhost:8000"):
        pass
