"""What travels between an attached client and bedrock-mantle: the signature, the bytes of a stream, the caller's marks.

The service is a transport that answers with recorded shapes (pydantic-ai and vercel/ai cassettes: data before event,
frames without a type), in pieces that end anywhere.
"""

import json

import pytest

import rockbottom

httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")
botocore_auth = pytest.importorskip("botocore.auth")

MANTLE = "https://bedrock-mantle.us-east-1.api.aws"
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))
LUNA, SONNET = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"
USAGE = {"input_tokens": 4000, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 3998},
         "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 4005}  # fmt: skip
COMPLETED = {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "usage": USAGE}}
STREAM = b"".join(
    (
        b'data: {"type":"response.created","response":{"usage":null}}\nevent: response.created\n\n',
        b": a comment\r\n\r\n",
        b'data: {"type":"response.output_text.delta","delta":"\xc3\xa9"}\nevent: response.output_text.delta\n\n',
        b"data: " + json.dumps(COMPLETED).encode() + b"\nevent: response.completed\n\n",
    )
)
KEY = ("AKIDEXAMPLE000000000", "secret")


class Service(httpx.BaseTransport):
    """Keeps what arrives, and streams what it is given in pieces of ``size`` bytes."""

    def __init__(self, answer=STREAM, size=7):
        self.requests, self.answer, self.size = [], answer, size

    def handle_request(self, request):
        request.read()
        self.requests.append(request)
        pieces = [self.answer[at : at + self.size] for at in range(0, len(self.answer), self.size)]
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=iter(pieces))


def attached(service, **options):
    return rockbottom.attach(httpx.Client(transport=service, base_url=MANTLE), **options)


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_a_stream_reaches_the_caller_piece_by_piece_as_it_came(size):
    service = Service(size=size)
    with attached(service) as client:
        body = {"model": LUNA, "input": "Hello", "stream": True}
        with client.stream("POST", "/openai/v1/responses", json=body) as reply:
            pieces = list(reply.iter_raw())
        assert pieces == [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
        usage = rockbottom.report(client).total.usage
    assert (usage.input, usage.cache_write_30m, usage.output) == (2, 3998, 5)


@pytest.mark.parametrize(
    "end",
    [
        b'data: {"message":"The model is not available."}\n\n',
        b'data: {"Message":"Slow down","Code":"ThrottlingException"}\n\n',
        b'data: {"type":"response.failed","response":{"status":"failed","error":{"code":"server_error"}}}\n\n',
    ],
)
def test_a_stream_that_ends_in_an_error_inside_a_good_status_counts_nothing(end):
    """Terminal frames without a type, and response.failed, are passed on and are the end."""
    service = Service(STREAM.partition(b"data: " + json.dumps(COMPLETED).encode())[0] + end)
    with attached(service) as client:
        body = {"model": LUNA, "input": "Hello", "stream": True}
        with client.stream("POST", "/openai/v1/responses", json=body) as reply:
            assert b"".join(reply.iter_raw()) == service.answer
        report = rockbottom.report(client)
    assert (report.total.usage.output, report.without_usage) == (0, 1)


@pytest.mark.parametrize("service_name", ["bedrock-mantle", "bedrock"])
def test_a_changed_request_is_signed_again_for_the_service_that_it_was_signed_for(service_name):
    """bedrock-mantle takes both names; what it gets is over the body that travels."""
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    service = Service(json.dumps({"id": "msg_1", "usage": {"input_tokens": 3, "output_tokens": 1}}).encode())
    signer = botocore_auth.SigV4Auth(Credentials(*KEY), service_name, "us-east-1")
    messages = [{"role": "user", "content": "Hello"}]
    body = json.dumps({"model": SONNET, "max_tokens": 9, "system": RULES, "messages": messages}).encode()
    given = AWSRequest("POST", f"{MANTLE}/anthropic/v1/messages", {"content-type": "application/json"}, body)
    signer.add_auth(given)
    with attached(service, credentials=Credentials(*KEY)) as client:
        client.post("/anthropic/v1/messages", content=body, headers=dict(given.headers.items()))
    (sent,) = service.requests
    assert b"cache_control" in sent.content
    assert f"/us-east-1/{service_name}/aws4_request" in sent.headers["authorization"]
    assert int(sent.headers["content-length"]) == len(sent.content)
    again = AWSRequest("POST", str(sent.url), data=sent.content)
    signed = sent.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    for name in signed:
        if name != "host":
            again.headers[name] = sent.headers[name]
    again.context["timestamp"] = sent.headers["x-amz-date"]
    string = signer.string_to_sign(again, signer.canonical_request(again))
    assert sent.headers["authorization"].endswith(signer.signature(string, again))


MARK = {"type": "input_text", "text": RULES, "prompt_cache_breakpoint": {"mode": "explicit"}}
CLAUDE_MARK = {"type": "text", "text": RULES, "cache_control": {"type": "ephemeral", "ttl": "1h"}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openai/v1/responses", {"model": LUNA, "input": RULES, "prompt_cache_options": {"mode": "explicit"}}),
        ("/openai/v1/responses", {"model": LUNA, "input": [{"role": "user", "content": [MARK]}]}),
        ("/openai/v1/chat/completions",
         {"model": LUNA, "messages": [{"role": "user", "content": [{**MARK, "type": "text"}]}]}),
        ("/anthropic/v1/messages",
         {"model": SONNET, "max_tokens": 9, "system": [CLAUDE_MARK], "messages": [{"role": "user", "content": "Hi"}]}),
    ],
)  # fmt: skip
def test_marks_of_the_callers_own_travel_to_the_byte(path, body):
    """Spaces and the order of members too: nothing is written anew that is not changed."""
    service = Service(b"{}")
    content = json.dumps(body, indent=1).encode()
    with attached(service) as client:
        client.post(path, content=content, headers={"content-type": "application/json"})
    assert service.requests[0].content == content


SYSTEM, LATER = {"type": "input_text", "text": RULES}, {**MARK, "text": "Small. " * 300}
OWN = {
    "responses": ("/openai/v1/responses", {
        "model": LUNA, "input": [{"role": "system", "content": [SYSTEM]}, {"role": "user", "content": [LATER]}],
    }),
    "chat": ("/openai/v1/chat/completions", {
        "model": LUNA, "messages": [{"role": "system", "content": [{**SYSTEM, "type": "text"}]},
                                    {"role": "user", "content": [{**LATER, "type": "text"}]}],
    }),
    "messages": ("/anthropic/v1/messages", {
        "model": SONNET, "max_tokens": 9, "system": [{"type": "text", "text": RULES}],
        "messages": [{"role": "user", "content": [{**CLAUDE_MARK, "text": LATER["text"]}]}],
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("own", ["keep", "complete", "replace"])
def test_the_callers_marks_are_kept_completed_or_replaced_as_it_was_chosen(own, name):
    """One mark of the caller's behind the question; the same request four times. What is sent is another object."""
    from rockbottom.plan import Planner

    path, body = OWN[name]
    before = json.dumps(body)
    service = Service(json.dumps({"id": "x", "usage": USAGE}).encode())
    with attached(service, planner=Planner(own_points=own)) as client:
        for _ in range(4):
            client.post(path, json=body)
    marks = [_marks(json.loads(request.content)) for request in service.requests]
    assert json.dumps(body) == before
    if own == "keep":
        assert marks == [_marks(body)] * 4
    elif own == "complete":
        assert all(set(_marks(body)) <= set(sent) for sent in marks)
        assert name == "messages" or len(marks[-1]) == 2  # a shorter lifetime may not stand before the caller's hour
    else:
        assert RULES[:6] in {text for text, _ in marks[-1]}
        assert all("1h" not in mark for _, mark in marks[-1])


def _marks(body):
    """The beginnings of the texts that carry a mark, and the mark."""
    turns = [
        *({"content": body["system"]} for _ in body.get("system", [])[:1]),
        *(body.get("messages") or body["input"]),
    ]
    parts = [part for turn in turns for part in turn["content"]]
    return [
        (part["text"][:6], json.dumps(part[member]))
        for part in parts
        for member in ("prompt_cache_breakpoint", "cache_control")
        if member in part
    ]
