"""The AI SDK and coding agents as they come from npm, against the local endpoint; `make sdk-js` fetches them first.

Each answers, streams, runs a loop of tools to its end, and reads from the cache what its request before has written.
"""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "node_modules" / ".bin"
QUESTION = "When is an invoice due? Say hello."
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def installed(node: str) -> str:
    """Node.js, where what is asked for is installed."""
    if not (PROGRAMS / "opencode").exists():
        pytest.skip("needs the AI SDK and agents from npm: make sdk-js")
    return node


def run(command: list[str], folder: Path, **variables: str) -> str:
    """What a program prints, with a home of its own and nothing of this machine's settings."""
    path = os.environ["PATH"]
    ended = subprocess.run(
        command, cwd=folder, env={"PATH": path, "HOME": str(folder), **variables}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-1500:] + ended.stderr[-1500:]
    return ended.stdout


def answered(endpoint: str, operation: str) -> list[tuple[int, int]]:
    """Tokens written and read of the requests to an operation that cached any, in their order."""
    with urllib.request.urlopen(f"{endpoint}/_rockbottom/requests", timeout=20) as reply:
        lines = json.load(reply)
    usages = [line["usage"] for line in lines if line["operation"] == operation and line["status"] == 200]
    return [cached for usage in usages if any(cached := _cached(usage))]


def _cached(usage: dict) -> tuple[int, int]:
    details = usage.get("input_tokens_details")
    if details is not None:
        return details["cache_write_tokens"], details["cached_tokens"]
    if "cache_read_input_tokens" in usage:
        return usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]
    return usage["cacheWriteInputTokens"], usage["cacheReadInputTokens"]


def judge(told: list[tuple[int, int]]) -> None:
    """A loop of two requests or more: its second reads what its first had written, and writes what is new.

    Agents that the first asks for may stand between the two, with prompts of their own.
    """
    assert len(told) >= 2
    (written, _), *later = told
    assert written > 1024
    assert [new for new, read in later if read == written and 0 < new < written]


@pytest.fixture(scope="module")
def lanes(installed: str, endpoint: str) -> dict:
    """What the AI SDK saw on each surface."""
    return json.loads(run([installed, "surfaces.mjs", endpoint], HERE))


@pytest.mark.parametrize("name", ["responses", "chat", "chat of gpt-oss", "converse"])
def test_the_ai_sdk_answers_streams_and_loops(lanes, name):
    lane = lanes[name]
    assert lane["streamed"]["text"] == lane["first"]["text"] != ""
    assert lane["loop"] == {"steps": 2, "text": "It is 21 degrees in Paris."}
    counted = [lane[ask]["usage"]["inputTokens"] for ask in ("first", "second", "streamed")]
    assert len(set(counted)) == 1


@pytest.mark.parametrize("name", ["responses", "converse"])
def test_the_ai_sdk_counts_what_was_cached(lanes, name):
    """One write, then reads of the same tokens; gpt-oss caches nothing, and Chat finds the entries of a lane before."""
    usages = [lanes[name][ask]["usage"]["inputTokenDetails"] for ask in ("first", "second", "streamed")]
    written = usages[0]["cacheWriteTokens"]
    assert written > 1024
    assert [usage["cacheReadTokens"] for usage in usages] == [0, written, written]
    assert [usage["cacheWriteTokens"] for usage in usages] == [written, 0, 0]


def test_claude_code_on_mantle(installed, endpoint, tmp_path):
    """Messages on bedrock-mantle with Claude Code's own cache marks."""
    told = run(
        [str(PROGRAMS / "claude"), "-p", "What is the weather in Paris?", "--output-format", "json"], tmp_path,
        CLAUDE_CODE_USE_MANTLE="1", CLAUDE_CODE_SKIP_MANTLE_AUTH="1", ANTHROPIC_MODEL="anthropic.claude-sonnet-5",
        ANTHROPIC_BEDROCK_MANTLE_BASE_URL=f"{endpoint}/anthropic", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        AWS_REGION="us-east-1",
    )  # fmt: skip
    result = json.loads(told)
    assert (result["is_error"], result["terminal_reason"]) == (False, "completed")
    assert result["usage"]["cache_read_input_tokens"] > 1024
    judge(answered(endpoint, "MessagesStream"))


def test_codex(installed, endpoint, tmp_path):
    """Responses on bedrock-mantle; implicit caching reads what the turn before wrote."""
    config = tmp_path / ".codex"
    config.mkdir()
    (config / "config.toml").write_text(
        'model = "openai.gpt-5.6-sol"\nmodel_provider = "local"\napproval_policy = "never"\n'
        f'[model_providers.local]\nname = "local"\nbase_url = "{endpoint}/openai/v1"\nwire_api = "responses"\n'
        'env_key = "AWS_BEARER_TOKEN_BEDROCK"\n',
        encoding="utf-8",
    )
    before = len(answered(endpoint, "ResponsesStream"))
    command = [str(PROGRAMS / "codex"), "exec", "--skip-git-repo-check", "--sandbox", "read-only", QUESTION]
    run(command, tmp_path, AWS_BEARER_TOKEN_BEDROCK="any")
    judge(answered(endpoint, "ResponsesStream")[before:])


@pytest.mark.parametrize(("model", "operation", "address"), [
    ("anthropic.claude-sonnet-4-5-20250929-v1:0", "ConverseStream", {"endpoint": "{}"}),
    ("openai.gpt-5.6-luna", "ResponsesStream", {"endpoint": "{}", "baseURL": "{}/openai/v1"}),
])  # fmt: skip
def test_opencode(installed, endpoint, tmp_path, model, operation, address):
    """Converse with opencode's own points, and Responses on bedrock-mantle, where opencode asks for GPT."""
    options = {name: text.format(endpoint) for name, text in address.items()}
    settings = {
        "autoupdate": False,
        "share": "disabled",
        "provider": {"amazon-bedrock": {"options": {"region": "us-east-1", **options}}},
    }
    (tmp_path / "opencode.json").write_text(json.dumps(settings), encoding="utf-8")
    before = len(answered(endpoint, operation))
    command = [str(PROGRAMS / "opencode"), "run", "--model", f"amazon-bedrock/{model}", "Say hello to Paris"]
    run(command, tmp_path, **KEYS)
    judge(answered(endpoint, operation)[before:])
