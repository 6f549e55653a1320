"""An address of something else than AWS: what answers there is said plainly, and is no error of rockbottom's own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from rockbottom.cli import main
from rockbottom.ledger import CallRecord, LedgerWriter

ANSWERS = [
    pytest.param(b"{}", id="an empty object"),
    pytest.param(b"null", id="nothing"),
    pytest.param(b'[1, {"x": 1e999}]', id="a list"),
    pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="nested without end"),
    pytest.param(b"\x89PNG <html>", id="a picture"),
]


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where everything is answered with the same bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(request.param)))
            self.end_headers()
            self.wfile.write(request.param)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def with_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.mark.parametrize("address", ANSWERS, indirect=True)
@pytest.mark.parametrize("command", ["profiles list nova-pro", "distill status job"])
def test_what_is_not_aws_is_said_to_be_the_service(
    command: str, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A proxy, a typo in a port: exit 3, as of every service that cannot be used."""
    with_keys(monkeypatch)
    assert main([*command.split(), "--endpoint-url", address]) == 3
    said = " ".join(capsys.readouterr().err.split())
    assert "answer" in said
    assert "internal error" not in said


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """One call to AWS, of just now: CloudWatch takes none that is older than two weeks."""
    writer = LedgerWriter(tmp_path / "ledger")
    writer.record(
        CallRecord(
            at=time.time() - 600, model="amazon.nova-pro-v1:0", operation="Converse", region="us-east-1",
            endpoint="aws", input=500, output=200,
        )
    )  # fmt: skip
    writer.close()
    return str(tmp_path / "ledger")


@pytest.mark.parametrize("address", [pytest.param(b'{"Other": [7]}', id="another object"), ANSWERS[2]], indirect=True)
@pytest.mark.parametrize("command", ["monitor publish --yes", "reconcile --cloudwatch --yes"])
def test_nothing_is_counted_as_sent_or_compared_where_no_cloudwatch_answers(
    command: str, address: str, ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """PutMetricData has no answer but the id of the request: the page of a proxy, with 200, was taken for one."""
    with_keys(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main([*command.split(), "--ledger", ledger, "--endpoint-url", address]) == 3
    assert "internal error" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 99999 What\r\nContent-Length: 0\r\n\r\n", id="a status that is none"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X-Name: value\r\n" * 5000, id="headers without end"),
    ],
)
@pytest.mark.parametrize("command", ["logging plan --bucket my-logs", "monitor plan --model nova-pro"])
def test_what_botocore_cannot_even_take_for_http_is_the_service_too(
    head: bytes, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Botocore's error of it has a member response that is None, where those of refusals hold what AWS said."""
    with_keys(monkeypatch)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(head)

    threading.Thread(target=serve, daemon=True).start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert main([*command.split(), "--endpoint-url", address]) == 3
    assert "internal error" not in capsys.readouterr().err
    listener.close()


@pytest.mark.parametrize("address", [b'{"offers": []}', b'{"offers": {"AmazonBedrock": 5}}'], indirect=True)
def test_an_offer_file_of_another_shape_is_no_price_list(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "pull", "--base-url", address]) == 3
    assert "internal error" not in capsys.readouterr().err
