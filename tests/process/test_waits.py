"""A server that does not answer is named while it is waited for; nobody is told who did not ask."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    IncompleteReadError,
    ResponseStreamingError,
)
from urllib3.exceptions import ProtocolError

from rockbottom.process import Wait, awaited, bounded, host_of, opened, tell_waits


class Told:
    """Waits as they were when they were told."""

    def __init__(self) -> None:
        self.waits: list[tuple[str, str, int, int]] = []
        self.heard = threading.Event()

    def __call__(self, wait: Wait) -> None:
        self.waits.append((wait.action, wait.whom, wait.number, wait.tries))
        self.heard.set()


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    tell_waits(told)
    yield told
    tell_waits(None)


@pytest.fixture
def begun() -> list[bytes]:
    """What the silent server answers before it falls silent."""
    return []


@pytest.fixture
def silent(told: Told, begun: list[bytes]) -> Iterator[str]:
    """A server that takes a request and answers no more than ``begun`` before somebody has been told of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(15)

        def hold() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(b"".join(begun))
                told.heard.wait(15)

        holder = threading.Thread(target=hold)
        holder.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        holder.join()


def client(host: str, service: str = "bedrock", **config: Any) -> Any:
    return bounded(
        boto3.client(
            service, "us-east-1", endpoint_url=f"http://{host}", aws_access_key_id="a", aws_secret_access_key="b",
            config=Config(**config),
        )
    )  # fmt: skip


def test_a_server_that_does_not_answer_is_named(told: Told, silent: str) -> None:
    """The operation, host and port, the try and how many there are."""
    bedrock = client(silent, retries={"total_max_attempts": 1})
    with pytest.raises(ConnectionClosedError):
        bedrock.list_foundation_models()
    assert told.waits[0] == ("ListFoundationModels", silent, 1, 1)


def test_a_server_that_falls_silent_in_the_middle_of_a_stream_is_named(
    told: Told, silent: str, begun: list[bytes]
) -> None:
    """The first bytes of an event came."""
    begun.append(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\0\0\0\x80\r\n")
    reply = client(silent, "bedrock-runtime").converse_stream(modelId="amazon.nova-lite-v1:0", messages=[])
    with pytest.raises(ProtocolError):
        list(reply["stream"])
    assert told.waits[0][:2] == ("ConverseStream", silent)


def test_a_server_that_falls_silent_in_the_middle_of_an_object_is_named(
    told: Told, silent: str, begun: list[bytes]
) -> None:
    """Three bytes of ten came."""
    begun.append(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    reply = client(silent, "s3").get_object(Bucket="logs", Key="a")
    assert reply["Body"].read(3) == b"abc"
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        reply["Body"].read(3)
    assert told.waits[0][:2] == ("GetObject", silent)


def test_the_tries_of_a_refused_connection_are_one_wait(told: Told) -> None:
    """Nothing listens: each try is over at once, and the pauses between them are what takes long."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
    bedrock = client(host, retries={"total_max_attempts": 4})
    with awaited(Wait("list", "", 9)) as wait, pytest.raises(EndpointConnectionError):
        bedrock.list_foundation_models()
    assert (wait.action, wait.whom, wait.number, wait.tries) == ("ListFoundationModels", host, 4, 9)


def test_pauses_between_tries_are_waited_for_too(told: Told) -> None:
    """Of a wait in which nothing goes out just now it is said where the last try went."""
    with awaited(Wait("list", "", 3)):
        with awaited(Wait("", "example.com:1")):
            pass
        assert told.heard.wait(15)
    assert told.waits[0] == ("list", "example.com:1", 0, 3)


def test_a_wait_for_an_address_is_told(told: Told, silent: str) -> None:
    """What is asked without botocore."""
    with pytest.raises(ConnectionError):
        opened(f"http://{silent}/", 60)
    assert told.waits[0][1] == silent


def test_a_user_in_an_address_is_not_told() -> None:
    """Nor his password."""
    assert host_of("http://user:secret@example.com:1/x") == "example.com:1"


def test_a_wait_is_over_when_its_block_is() -> None:
    """The next one of the thread is another."""
    with awaited(Wait("list", "a")) as first, awaited(Wait("get", "b")) as within:
        assert within is first
    with awaited(Wait("put", "c")) as second:
        assert second is not first
    assert (first.whom, second.whom) == ("b", "c")
