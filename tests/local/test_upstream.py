"""An OpenAI-compatible server writes the answers; here a small one of our own plays it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import EventStreamError

from rockbottom.dialects import ANTHROPIC, NOVA
from rockbottom.local import LocalError, running


class Upstream:
    """Answers with what it is told to, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.status, self.message, self.finish = [], 200, {"content": "from upstream"}, "stop"
        self.stream = None  # steps of a stream: an object to send, or an event to wait for


@pytest.fixture
def upstream(kit):
    """An upstream, an endpoint before it and a client of that."""
    told = Upstream()

    class Handler(BaseHTTPRequestHandler):
        """One reply to everything."""

        def do_POST(self):
            told.asked.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            if told.stream is not None and told.asked[-1][1]["stream"]:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                for step in told.stream:
                    if isinstance(step, threading.Event):
                        assert step.wait(20)
                    else:
                        self.wfile.write(b"data: " + (step if isinstance(step, bytes) else json.dumps(step).encode()))
                        self.wfile.write(b"\n\n")
                return
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
    with pytest.raises(LocalError, match="is not the http"), running(upstream="localhost:8000"):
        pass


def piece(text=None, finish=None, **more):
    """One chunk of a stream."""
    return {"choices": [{"delta": {"content": text, **more}, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"completion_tokens": 17}}


def test_text_is_passed_on_before_the_upstream_has_finished(upstream, kit):
    """The upstream goes on only when the first text has arrived at the caller; tokens are the upstream's."""
    told, one, client = upstream
    arrived = threading.Event()
    rest = "and this is a longer piece than one event holds"
    told.stream = [piece("first "), arrived, piece(rest), piece(finish="stop"), USAGE, b"[DONE]"]
    texts, last = [], {}
    for event in client.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])["stream"]:
        last.update(event)
        if "contentBlockDelta" in event:
            texts.append(event["contentBlockDelta"]["delta"]["text"])
            arrived.set()
    assert (texts[0], "".join(texts)) == ("first ", "first " + rest)
    assert last["messageStop"]["stopReason"] == "end_turn"
    assert last["metadata"]["usage"]["outputTokens"] == 17
    assert told.asked[0][1]["stream_options"] == {"include_usage": True}
    assert kit.control(one, "GET", "requests")[-1]["usage"]["outputTokens"] == 17


@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-4-6", "us.amazon.nova-pro-v1:0"])
def test_native_streams_are_whole_as_well(upstream, kit, model):
    """Text as it came, then the tool call, then the metrics on the last chunk."""
    told, _, client = upstream
    call = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"a"'}}
    more = {"index": 0, "function": {"arguments": ": 1}"}}
    told.stream = [
        piece("wait "),
        piece("here"),
        piece(tool_calls=[call]),
        piece(tool_calls=[more]),
        piece(finish="tool_calls"),
        USAGE,
    ]
    anthropic = "anthropic" in model
    body = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"} if anthropic else {"text": "hi"}]}]
    }
    if anthropic:
        body |= {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100}
    events = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in events]
    reply = (ANTHROPIC.assembled if anthropic else NOVA.assembled)(("chunk", chunk) for chunk in chunks)
    content = reply["content"] if anthropic else reply["output"]["message"]["content"]
    assert content[0]["text"] == "wait here"
    assert (content[1] if anthropic else content[1]["toolUse"])["input"] == {"a": 1}
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 17


def test_what_an_upstream_leaves_out_is_no_failure(upstream, kit):
    """A call without an index and without arguments, an error that is null, no usage: tokens are ours then."""
    told, _, client = upstream
    call = {"id": "c1", "function": {"name": "look"}}
    told.stream = [{**piece("wait"), "error": None}, piece(tool_calls=[call]), piece(finish="eos"), b"[DONE]"]
    events = list(client.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])["stream"])
    inputs = "".join(
        event["contentBlockDelta"]["delta"].get("toolUse", {}).get("input", "")
        for event in events if "contentBlockDelta" in event
    )  # fmt: skip
    stop = next(event["messageStop"]["stopReason"] for event in events if "messageStop" in event)
    assert (json.loads(inputs), stop) == ({}, "end_turn")
    assert events[-1]["metadata"]["usage"]["outputTokens"] > 0


@pytest.mark.parametrize("end", [[], [{"error": {"message": "out of memory"}}], [b"nonsense"]])
def test_a_stream_that_breaks_is_an_exception_event(upstream, kit, end):
    """What came is delivered, then modelStreamErrorException; what was written to the cache counts as begun."""
    told, _, client = upstream
    told.stream = [piece("begun"), *end]
    found = []
    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        for event in client.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])["stream"]:
            found.append(event)
    assert found[-1]["contentBlockDelta"]["delta"]["text"] == "begun"


def test_failures_before_the_first_text_are_answers_not_events(upstream, kit):
    """A refused stream is an HTTP error, as it is without streaming."""
    told, _, client = upstream
    told.status = 429
    with pytest.raises(client.exceptions.ThrottlingException):
        client.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])
