"""A service that answers as a test says, over HTTP on this machine, and a sink that keeps the records of its calls."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from rockbottom.ledger import CallRecord


class Answer(NamedTuple):
    """One reply: its JSON, its headers beside type and length, and the seconds after which it comes."""

    body: Mapping[str, Any]
    headers: Mapping[str, str] = {}
    delay_s: float = 0.0
    status: int = 200


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    def record(self, call: CallRecord) -> None:
        self.calls.append(call)

    def close(self) -> None:
        pass


@contextlib.contextmanager
def service(answer: Callable[[int], Answer]) -> Generator[str]:
    """The address of a server that answers request number n (from 1) so."""
    numbers = iter(range(1, 100))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            reply = answer(next(numbers))
            time.sleep(reply.delay_s)
            data = json.dumps(reply.body).encode()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(reply.status)
                for name, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
