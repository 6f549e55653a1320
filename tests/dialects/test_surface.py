"""A surface that nobody has is one class and one row of the registry: everything else takes it as it is."""

import json
from typing import ClassVar

import boto3
import pytest

import rockbottom
from rockbottom.catalog import load_catalog
from rockbottom.dialects import METRICS, RequestReader, StreamCounts, registry
from rockbottom.dialects.assembly import Assembly
from rockbottom.dialects.blocks import Weighed
from rockbottom.dialects.usage import Counters, no_split
from rockbottom.local import running
from rockbottom.prompt import Api, BlockKind, Parameters, Placement, Section, json_bytes
from rockbottom.wire import EVENT_STREAM, chunk_frame

SONNET = "us.anthropic.claude-sonnet-4-6"
KEYS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}


class Letters:
    """Bodies are ``{"letters": [{"text": ..., "mark": true}]}``, replies ``{"answer": ..., "usage": ...}``."""

    name, api, vendor, lead = "letters", Api.INVOKE, "anthropic", 0
    operations = ("InvokeModel", "InvokeModelWithResponseStream")
    paths: ClassVar = {"/letters": "InvokeModel"}
    required = ("letters",)
    counters = Counters("all", "out", ("read",), ("written",), no_split, inclusive=True)
    stream_type = EVENT_STREAM

    def read(self, body, meter):
        assembly = Assembly(meter)
        for number, letter in enumerate(body["letters"]):
            assembly.begin_list(Section.MESSAGES)
            weighed = Weighed(BlockKind.TEXT, *meter.text(letter["text"], "text", "user"))
            assembly.add(weighed, Section.MESSAGES, "user", number, 0)
            if letter.get("mark"):
                assembly.add_point({}, Section.MESSAGES, number, 0, decorates=True)
        return assembly.prompt(self.api, Parameters())

    def with_points(self, body, prompt, placements):
        marked = {placement.after - 1 for placement in placements}
        letters = [{**one, "mark": True} if n in marked else one for n, one in enumerate(body["letters"])]
        return {**body, "letters": letters}

    def without_points(self, body):
        return {**body, "letters": [{"text": letter["text"]} for letter in body["letters"]]}

    def explicit_only(self, body):
        return body

    def spelled(self, converse):
        texts = [block for message in converse["messages"] for block in message["content"]]
        return {"letters": [{"text": block["text"]} for block in texts if "text" in block]}

    def unspelled(self, body):
        return {"messages": [{"role": "user", "content": [{"text": one["text"]}]} for one in body["letters"]]}

    def told(self, reply):
        return ({"text": reply["answer"]},), "end_turn"

    def answered(self, reply, model, exchange):
        return {"answer": reply["output"]["message"]["content"][0]["text"], "usage": reply["usage"]}

    def counted(self, usage, model, *, points, stream):
        written = usage.cache_write
        return {"all": usage.total_input, "out": usage.output, "read": usage.cache_read, "written": written}

    def cut(self, reply, metrics, piece_chars=24):
        yield "chunk", {"answer": reply["answer"]}
        yield "chunk", {"usage": reply["usage"], METRICS: metrics}

    def framed(self, events, model, body):
        return (chunk_frame(json_bytes(chunk)) for _, chunk in events)

    def assembled(self, events):
        return {name: value for _, chunk in events for name, value in chunk.items() if name != METRICS}

    def counting(self):
        return StreamCounts(self.counters.counts)


@pytest.fixture(autouse=True)
def letters(monkeypatch):
    monkeypatch.setitem(registry._SPOKEN, (Api.INVOKE, "anthropic"), Letters())


def test_a_request_of_it_is_read_and_gets_points():
    body = {"letters": [{"text": "one"}, {"text": "two"}]}
    request = RequestReader(load_catalog()).read({"modelId": SONNET, "body": json.dumps(body)})
    placed = request.with_points([Placement(1)])
    assert json.loads(placed["body"]) == {"letters": [{"text": "one", "mark": True}, {"text": "two"}]}
    assert [point.after for point in placed.prompt.points] == [1]


def test_the_endpoint_answers_it_and_an_attached_client_counts_it():
    """Sent twice, the marked letter is written and then read; what counts as input is all of it."""
    rules = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(400))
    body = json.dumps({"letters": [{"text": rules, "mark": True}, {"text": "How long?"}]})
    with running() as endpoint:
        client = rockbottom.attach(boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **KEYS))
        first, again = (json.loads(client.invoke_model(modelId=SONNET, body=body)["body"].read()) for _ in range(2))
        stream = client.invoke_model_with_response_stream(modelId=SONNET, body=body)
        chunks = [json.loads(event["chunk"]["bytes"]) for event in stream["body"]]
        used = rockbottom.report(client).total.usage
    written = first["usage"]["written"]
    assert written > 1024
    assert (first["usage"]["read"], again["usage"]["read"], again["usage"]["written"]) == (0, written, 0)
    assert first["usage"]["all"] == again["usage"]["all"] > written
    assert chunks[0]["answer"] == first["answer"]
    assert (used.cache_write, used.cache_read) == (written, 2 * written)
    assert used.total_input == 3 * first["usage"]["all"]
