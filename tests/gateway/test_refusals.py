"""What the gateway answers itself: an id where each SDK looks for one, the same in its log and its ledger."""

import asyncio
import http.client
import json
import logging
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from rockbottom.gateway import Refused, running_gateway
from rockbottom.gateway import refusing as refusing_module
from rockbottom.gateway.refusing import RefusalSender
from rockbottom.ledger import LedgerReader
from tests.gateway.conftest import MODEL, client_of, configured

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def refused(url: str, path: str, body: bytes = b"{}", **headers: str) -> tuple[http.client.HTTPResponse, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("POST", path, body, headers)
    reply = connection.getresponse()
    return reply, json.loads(reply.read())


@pytest.mark.parametrize(
    ("path", "names", "in_body"),
    [
        (f"/model/{MODEL}/converse", {"x-amzn-requestid"}, False),
        ("/openai/v1/chat/completions", {"x-amzn-requestid", "x-request-id"}, False),
        ("/v1/responses", {"x-amzn-requestid", "x-request-id"}, False),
        ("/anthropic/v1/messages", {"x-amzn-requestid", "x-request-id", "request-id"}, True),
    ],
)
def test_each_surface_finds_the_id_where_its_sdk_looks(gateway, path, names, in_body, caplog):
    """Of AWS's SDKs, OpenAI's and Anthropic's; the operator finds it in the log, and what was asked."""
    with caplog.at_level(logging.WARNING, "rockbottom.gateway"):
        reply, body = refused(gateway.url, path)
    assert reply.status == 401
    ids = {name: value for name, value in reply.getheaders() if name.lower().endswith(("request-id", "requestid"))}
    assert set(ids) == names
    (identity,) = set(ids.values())
    assert UUID.fullmatch(identity)
    assert (body.get("request_id") == identity) is in_body
    (line,) = [record.getMessage() for record in caplog.records if identity in record.getMessage()]
    assert line == (
        f"request {identity} from 127.0.0.1 was answered 401 UnrecognizedClientException: 'POST' '{path}': "
        "The request carries no key of this gateway."
    )


def test_boto3_tells_the_id_of_a_refusal(gateway, table, key):
    client = client_of(gateway, key.id, "not its secret")
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hi"}]}])
    assert UUID.fullmatch(caught.value.response["ResponseMetadata"]["RequestId"])


def test_a_service_that_is_not_there_leaves_its_id_in_the_ledger(key, table, tmp_path):
    with running_gateway(configured("http://127.0.0.1:1", tmp_path)) as gateway:
        reply, _ = refused(
            gateway.url, f"/model/{MODEL}/converse", b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}',
            authorization=f"Bearer {key.id}.{table.secret(key)}",
        )  # fmt: skip
    assert reply.status == 502
    (call,) = LedgerReader(tmp_path / "ledger").calls()
    assert (call.status, call.request_id) == ("failed", reply.headers["x-amzn-requestid"])


def test_a_flood_of_refusals_is_logged_in_part_and_counted(caplog, monkeypatch):
    """Of five in a second two are logged; the first of the next second says that three were not."""
    now = [0.0]
    monkeypatch.setattr(refusing_module, "_LINES", 2)
    refusals = RefusalSender(lambda: now[0])

    async def sent(_: Any) -> None:
        """The caller takes it."""

    scope = {"method": "GET", "client": ("10.0.0.7", 1)}

    async def flood() -> None:
        for _ in range(5):
            await refusals.send(scope, sent, "/", Refused(404, "UnknownOperationException", "no\nsuch"))
        now[0] = 1.0
        await refusals.send(scope, sent, "/", Refused(404, "UnknownOperationException", "no"))

    with caplog.at_level(logging.WARNING, "rockbottom.gateway"):
        asyncio.run(flood())
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert "\n" not in lines[0]
    assert lines[-1].endswith(": no (3 before it were not logged)")
