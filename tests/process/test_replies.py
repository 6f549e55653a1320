"""A server that never stops answering, as one that is none of AWS's may, is given up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError
from botocore.parsers import ResponseParserError

from rockbottom.process import bounded, content_of_reply, opened
from rockbottom.quantities import error_code

_MOST = 1 << 20
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


@contextmanager
def a_server(head: bytes, piece: bytes, times: int | None = None) -> Iterator[tuple[str, list[int]]]:
    """One that answers every request with a head and, for as long as somebody reads, the same piece; counts bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent = [0]

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(head)
                    number = 0
                    while times is None or number < times:
                        connection.sendall(piece)
                        sent[0] += len(piece)
                        number += 1

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", sent
    finally:
        listener.close()


ENDLESS = [
    pytest.param(_HEAD + b"\r\n", b"x" * 65_536, id="without a length"),
    pytest.param(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n", id="in chunks"),
    pytest.param(_HEAD + b"Content-Length: 99999999999\r\n\r\n", b"x" * 65_536, id="of 100 GB"),
    pytest.param(b"HTTP/1.1 403 No\r\nConnection: close\r\n\r\n", b"x" * 65_536, id="a refusal"),
]


def a_client(url: str):
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    config = Config(retries={"total_max_attempts": 1})
    return bounded(
        boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=config, **keys), _MOST
    )


@pytest.mark.parametrize(("head", "piece"), ENDLESS)
def test_a_reply_without_an_end_is_given_up(head: bytes, piece: bytes):
    with a_server(head, piece) as (url, sent):
        with pytest.raises(ResponseParserError, match="larger than 1 MB"):
            a_client(url).converse(modelId="amazon.nova-lite-v1:0", messages=[])
        assert sent[0] < 64 << 20  # what lies in the buffers of two sockets is far less


@pytest.mark.parametrize(("head", "piece"), ENDLESS[:3])
def test_a_body_that_botocore_hands_on_is_given_up_too(head: bytes, piece: bytes):
    with a_server(head, piece) as (url, _):
        reply = a_client(url).invoke_model(modelId="amazon.nova-lite-v1:0", body=b"{}")
        with pytest.raises(ConnectionError, match="larger than 1 MB"):
            content_of_reply(reply["body"], _MOST)


@pytest.mark.parametrize(("head", "piece"), ENDLESS[:3])
def test_what_urllib_reads_is_given_up_too(head: bytes, piece: bytes):
    with (
        a_server(head, piece) as (url, _),
        opened(url, 10) as reply,
        pytest.raises(ConnectionError, match="larger than 1 MB"),
    ):
        content_of_reply(reply, _MOST)


def test_a_reply_that_breaks_off_is_told_as_botocore_tells_it():
    head = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    with a_server(head, b"5\r\n{", times=1) as (url, _), pytest.raises((ConnectionClosedError, HTTPClientError)):
        a_client(url).converse(modelId="amazon.nova-lite-v1:0", messages=[])


def test_a_refusal_is_read_as_before():
    body = b'{"message":"no"}'
    head = b"HTTP/1.1 400 No\r\nx-amzn-ErrorType: ValidationException\r\nContent-Length: %d\r\n\r\n" % len(body)
    with a_server(head, body, times=1) as (url, _):
        with pytest.raises(ClientError, match="ValidationException"):
            a_client(url).converse(modelId="amazon.nova-lite-v1:0", messages=[])
        with pytest.raises(ClientError, match="ValidationException"):
            a_client(url).invoke_model(modelId="amazon.nova-lite-v1:0", body=b"{}")


def test_the_code_of_an_answer_and_of_none():
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "HeadObject")
    assert error_code(refusal) == "AccessDenied"
    assert error_code(HTTPClientError(error="cut")) == ""  # its response is there, and None
    assert error_code(ValueError("none of AWS's")) == ""
