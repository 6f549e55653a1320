"""The JavaScript SDK, unmodified, at the local endpoint and at a gateway before it; `make sdk-js` fetches it first.

It speaks HTTP/2 in cleartext, and signs the host as ``:authority``, which the gateway verifies.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.sdk_js.conftest import Through

HERE = Path(__file__).resolve().parent
_MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture(scope="module", params=["direct", "gateway"])
def seen(request, node: str, endpoint: str) -> dict:
    """What one session of the SDK saw, at the endpoint and with a key of a gateway before it."""
    if not (HERE / "node_modules").is_dir():
        pytest.skip("needs the JavaScript SDK: make sdk-js")
    if request.param == "direct":
        return session(node, endpoint)
    through: Through = request.getfixturevalue("through")
    return session(node, through.url, through.identity, through.secret)


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
