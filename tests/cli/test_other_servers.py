"""An address of something else than AWS: what answers there is said plainly, and is no error of rockbottom's own."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rockbottom.cli import main

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

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("address", ANSWERS, indirect=True)
@pytest.mark.parametrize("command", ["profiles list nova-pro", "distill status job"])
def test_what_is_not_aws_is_said_to_be_the_service(
    command: str, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A proxy, a typo in a port: exit 3, as of every service that cannot be used."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert main([*command.split(), "--endpoint-url", address]) == 3
    said = " ".join(capsys.readouterr().err.split())
    assert "answer" in said
    assert "internal error" not in said
