"""A local endpoint as the service, a gateway before it, and clients with keys of that gateway."""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rockbottom.gateway import Configuration, KeyTable, RunningGateway, Upstream, key_secret, new_key, running_gateway
from rockbottom.local import ClockKind, Running, running

os.environ["ROCKBOTTOM_FACTS"] = ""
os.environ["ROCKBOTTOM_PRICES"] = ""
MODEL = "us.anthropic.claude-sonnet-4-6"
RULES = "You answer questions about our plans, from this text alone. " * 400


def asking(question: str = "What does Basic cost?", **more: Any) -> dict[str, Any]:
    """The arguments of converse() for a question under the rules."""
    messages = [{"role": "user", "content": [{"text": question}]}]
    return {"modelId": MODEL, "system": [{"text": RULES}], "messages": messages, **more}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(clock=ClockKind.MANUAL, start_at=1_790_000_000.0) as one:
        yield one


@pytest.fixture
def endpoint(server: Running) -> Running:
    """The service, forgetful and without faults."""
    server.state.reset()
    server.state.faults.clear()
    return server


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDGATEWAY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def table(tmp_path: Any) -> KeyTable:
    return KeyTable(tmp_path / "keys.json", key_secret(tmp_path / "keys.json", {}))


@pytest.fixture
def key(table: KeyTable) -> Any:
    """The key of a team."""
    made = new_key("search", 0.0, tags={"team": "search"})
    table.put(made)
    return made


@pytest.fixture
def gateway(endpoint: Running, key: Any, tmp_path: Any) -> Iterator[RunningGateway]:
    """A gateway with one key, before the endpoint."""
    with running_gateway(configured(endpoint.url, tmp_path)) as one:
        yield one


def configured(url: str, folder: Any, **more: Any) -> Configuration:
    """A configuration before an address."""
    upstream = Upstream("us-east-1", runtime=url, mantle=url)
    settings = {"keys": "keys.json", "ledger": "ledger", "folder": folder, "listen": "127.0.0.1:0"}
    return Configuration(upstream, **{**settings, **more})


def records(gateway: RunningGateway, folder: Any, calls: int = 1, within_s: float = 15.0) -> list[dict[str, Any]]:
    """The ledger's lines, once there are as many as ``calls``: the end of a stream may come before its line."""
    ends = time.monotonic() + within_s
    while len(written := _written(gateway, folder)) < calls and time.monotonic() < ends:
        time.sleep(0.02)
    return written


def _written(gateway: RunningGateway, folder: Any) -> list[dict[str, Any]]:
    for attachment in gateway.gateway.attachments:
        attachment.recorder.sinks[0].close()
    lines = [line for file in sorted((folder / "ledger").glob("*.ndjson")) for line in file.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def client_of(gateway: RunningGateway, identity: str, secret: str) -> Any:
    """boto3's client at a gateway, which does not retry."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=gateway.url,
        aws_access_key_id=identity,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
    )


@pytest.fixture
def client(gateway: RunningGateway, table: KeyTable, key: Any) -> Any:
    return client_of(gateway, key.id, table.secret(key))


_USAGE = {"inputTokens": 9, "outputTokens": 1, "totalTokens": 10, "cacheReadInputTokens": 0, "cacheWriteInputTokens": 0}
_TOLD = {"role": "assistant", "content": [{"text": "ok"}]}
OK = (200, json.dumps({"output": {"message": _TOLD}, "stopReason": "end_turn", "usage": _USAGE}).encode())
"""A good reply of Converse."""


@dataclass
class Seen:
    """A request as it reached the service."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """A service that keeps what reaches it and answers as it was told, the last answer for ever."""

    url: str
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def scripted(answers: Sequence[tuple[int, bytes]] = (OK,), **more: str) -> Iterator[Scripted]:
    """A service on a free port; ``more`` are headers of its replies."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_DELETE(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            service.seen.append(Seen(self.path, headers, body))
            status, told = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("content-type", "application/json")
            for name, value in more.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = Scripted(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def both(tmp_path_factory: Any) -> Iterator[tuple[Scripted, RunningGateway]]:
    """A service, and an open gateway before it."""
    with (
        scripted() as service,
        running_gateway(configured(service.url, tmp_path_factory.mktemp("g"), keys=None)) as open_,
    ):
        yield service, open_
