"""Transports of a caller's own under an attached httpx client: replies of bytes and pieces, classes of both kinds."""

import asyncio
import json
from collections.abc import Iterator

import pytest

httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")

import rockbottom  # noqa: E402
from tests.client.client_doubles import SONNET, MarkingPlanner, words  # noqa: E402

URL = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{SONNET}/converse"
ASKED = {"system": [{"text": words(3000)}], "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
REPLY = json.dumps({
    "output": {"message": {"role": "assistant", "content": [{"text": "Yes."}]}}, "stopReason": "end_turn",
    "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9, "cacheReadInputTokens": 0,
              "cacheWriteInputTokens": 0},
    "metrics": {"latencyMs": 1},
}).encode()  # fmt: skip


def replied(request):
    return httpx.Response(200, headers={"content-type": "application/json"}, content=REPLY)


def in_pieces(request):
    class Pieces(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield REPLY[:30]
            yield REPLY[30:]

    return httpx.Response(200, headers={"content-type": "application/json"}, stream=Pieces())


class Own(httpx.BaseTransport):
    def __init__(self, answer) -> None:
        self.answer, self.sent = answer, []

    def handle_request(self, request):
        self.sent.append(request.read())
        return self.answer(request)


@pytest.mark.parametrize("answer", [replied, in_pieces])
def test_a_synchronous_transport_of_ones_own_answers_as_ever_and_is_counted(answer) -> None:
    """Bytes are a stream of both kinds; taken for an asynchronous one, they failed in httpx's own assertion."""
    client = httpx.Client(transport=(own := Own(answer)))
    rockbottom.attach(client, planner=MarkingPlanner())
    assert client.post(URL, json=ASKED).content == REPLY
    assert b"cachePoint" in own.sent[0]
    assert rockbottom.report(client).total.usage.output == 2


def test_a_transport_of_both_kinds_is_watched_in_a_synchronous_client() -> None:
    sent = []

    def answer(request):
        sent.append(request.content)
        return replied(request)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    rockbottom.attach(client, planner=MarkingPlanner())
    assert client.post(URL, json=ASKED).content == REPLY
    assert b"cachePoint" in sent[0]
    assert rockbottom.report(client).total.usage.output == 2
    rockbottom.detach(client)
    assert type(client._transport) is httpx.MockTransport
    assert client.post(URL, json=ASKED).content == REPLY
    assert b"cachePoint" not in sent[1]


def test_a_transport_of_both_kinds_is_watched_in_an_asynchronous_client() -> None:
    async def run() -> tuple[bytes, int]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(replied)) as client:
            rockbottom.attach(client, planner=MarkingPlanner())
            reply = await client.post(URL, json=ASKED)
            return reply.content, rockbottom.report(client).total.usage.output

    assert asyncio.run(run()) == (REPLY, 2)
