"""A local endpoint as a process of its own, and a gateway before it with a key."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from rockbottom.gateway import Configuration, KeyTable, Upstream, key_secret, new_key, running_gateway


@dataclass(frozen=True)
class Through:
    """A gateway that listens, the key that a test calls with, and the folder of the gateway's ledger."""

    url: str
    identity: str
    secret: str
    ledger: Path
    gateway: Any

    @property
    def token(self) -> str:
        return f"{self.identity}.{self.secret}"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of a local endpoint that runs as a process of its own."""
    argv = [sys.executable, "-m", "rockbottom", "serve", "--port", "0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        try:
            said = ""
            for line in server.stdout:
                said += line
                if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield address[0]
                    return
            pytest.fail(f"rockbottom serve named no address: {said}")
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def through(endpoint: str, tmp_path_factory) -> Iterator[Through]:
    """A gateway before the endpoint, which has forgotten what it was asked before."""
    folder = tmp_path_factory.mktemp("gateway")
    table = KeyTable(folder / "keys.json", key_secret(folder / "keys.json", {}))
    key = new_key("javascript", 0.0, strip=("x-anthropic-billing-header",))
    table.put(key)
    upstream = Upstream("us-east-1", runtime=endpoint, mantle=endpoint)
    configuration = Configuration(upstream, listen="127.0.0.1:0", keys="keys.json", ledger="ledger", folder=folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "AKIDGATEWAY")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        urlopen(f"{endpoint}/_rockbottom/reset", data=b"{}").read()
        with running_gateway(configuration) as gateway:
            yield Through(gateway.url, key.id, table.secret(key), folder / "ledger", gateway.gateway)
