"""The JavaScript SDK, unmodified, against the local endpoint; `make sdk-js` fetches it from npm first."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def seen(node: str, endpoint: str) -> dict:
    """What one session of the SDK saw."""
    if not (HERE / "node_modules").is_dir():
        pytest.skip("needs the JavaScript SDK: make sdk-js")
    run = subprocess.run([node, "session.mjs", endpoint, _MODEL], cwd=HERE, capture_output=True, text=True, timeout=120)
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
