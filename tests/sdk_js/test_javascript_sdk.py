"""The JavaScript SDK, unmodified, at the local endpoint and at a gateway before it; `make sdk-js` fetches it first.

It speaks HTTP/2 in cleartext, and signs the host as ``:authority``, which the gateway verifies.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from rockbottom.gateway import Configuration, KeyTable, Upstream, key_secret, new_key, running_gateway

HERE = Path(__file__).resolve().parent
_MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


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


@pytest.fixture(scope="module", params=["direct", "gateway"])
def seen(request, node: str, endpoint: str, tmp_path_factory) -> Iterator[dict]:
    """What one session of the SDK saw, at the endpoint and with a key of a gateway before it."""
    if not (HERE / "node_modules").is_dir():
        pytest.skip("needs the JavaScript SDK: make sdk-js")
    if request.param == "direct":
        yield session(node, endpoint)
        return
    folder = tmp_path_factory.mktemp("gateway")
    table = KeyTable(folder / "keys.json", key_secret(folder / "keys.json", {}))
    key = new_key("javascript", 0.0)
    table.put(key)
    upstream = Upstream("us-east-1", runtime=endpoint)
    configuration = Configuration(upstream, listen="127.0.0.1:0", keys="keys.json", folder=folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "AKIDGATEWAY")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        urlopen(f"{endpoint}/_rockbottom/reset", data=b"{}").read()
        with running_gateway(configuration) as gateway:
            yield session(node, gateway.url, key.id, table.secret(key))


def session(node: str, *arguments: str) -> dict:
    """One run of the session at an address, with a key where one is given."""
    address, *key = arguments
    command = [node, "session.mjs", address, _MODEL, *key]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_second_request_reads_what_the_first_wrote(seen):
    """One write, then reads, whole or streamed, and the counters add up to the same input."""
    first, second, streamed = seen["first"]["usage"], seen["second"]["usage"], seen["streamed"]["usage"]
    assert first["cacheWriteInputTokens"] > 1024
    assert second["cacheReadInputTokens"] == streamed["cacheReadInputTokens"] == first["cacheWriteInputTokens"]
    assert first["cacheReadInputTokens"] == second["cacheWriteInputTokens"] == 0
    assert first["inputTokens"] == second["inputTokens"]


def test_streamed_and_whole_replies_say_the_same(seen):
    """The deltas of a stream join to the text of the reply that is sent whole."""
    assert seen["streamed"]["text"] == seen["first"]["text"] != ""


def test_invoke_model_has_the_counters_of_anthropic(seen):
    """The body has Anthropic's usage, and a stream ends with Bedrock's invocation metrics."""
    usage = seen["invoked"]["usage"]
    assert usage["cache_creation_input_tokens"] > 1024
    last = seen["invokedStream"][-1]
    assert last["type"] == "message_stop"
    metrics = last["amazon-bedrock-invocationMetrics"]
    assert metrics["cacheReadInputTokenCount"] == usage["cache_creation_input_tokens"]


def test_a_refused_request_is_the_exception_of_the_sdk(seen):
    """A conversation without messages is a ValidationException with status 400."""
    assert seen["refused"] == {"name": "ValidationException", "status": 400}
