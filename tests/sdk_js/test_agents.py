"""The AI SDK and Claude Code, unmodified, through the gateway; `make sdk-js` fetches them first."""

import json
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def installed(name: str) -> Path:
    """A package of npm. Skips where it is not there."""
    path = HERE / "node_modules" / name
    if not path.exists():
        pytest.skip(f"needs {name}: make sdk-js")
    return path


def test_the_ai_sdk_says_through_the_gateway_what_it_says_to_the_service(node, endpoint, through):
    """Converse signed, bedrock-mantle signed, Messages, Responses and Chat by a key: plain, streamed, with a tool."""
    installed("ai")

    def session(*arguments):
        run = subprocess.run([node, "ai.mjs", *arguments], cwd=HERE, capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    planned = session(through.url, through.identity, through.secret)
    direct = session(endpoint, "any", "any")
    for name, seen in planned.items():
        assert {**seen, "read": 0} == {**direct[name], "read": 0}
        assert seen["plain"] == seen["streamed"] != ""
    assert {seen["city"] for seen in planned.values() if "city" in seen} == {"Paris"}
    assert min(planned[name]["read"] for name in ("converse", "messages", "responses")) > 1024
    (report,) = through.gateway.reports()
    # Three calls of each model, and one with a tool of three: the AI SDK stops behind the first use of a tool.
    assert (report.total.calls, report.without_usage) == (5 * 3 + 3, 0)


WAYS = {
    "InvokeModelWithResponseStream": {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "ANTHROPIC_BEDROCK_BASE_URL": "{url}",
        "AWS_ACCESS_KEY_ID": "{identity}",
        "AWS_SECRET_ACCESS_KEY": "{secret}",
        "ANTHROPIC_MODEL": "us.anthropic.claude-sonnet-4-6",
    },
    "MessagesStream, mantle": {
        "CLAUDE_CODE_USE_MANTLE": "1",
        "ANTHROPIC_BEDROCK_MANTLE_BASE_URL": "{url}/anthropic",
        "AWS_BEARER_TOKEN_BEDROCK": "{token}",
        "ANTHROPIC_MODEL": "anthropic.claude-sonnet-5",
    },
    "MessagesStream, base": {
        "ANTHROPIC_BASE_URL": "{url}/anthropic",
        "ANTHROPIC_API_KEY": "{token}",
        "ANTHROPIC_MODEL": "us.anthropic.claude-opus-5",
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_claude_code_in_its_three_ways(through, way, tmp_path):
    """SigV4 with a key of the gateway, a bearer key, x-api-key: the second start reads what the first wrote."""
    command = installed("@anthropic-ai/claude-code") and HERE / "node_modules" / ".bin" / "claude"
    given = {
        name: text.format(url=through.url, identity=through.identity, secret=through.secret, token=through.token)
        for name, text in WAYS[way].items()
    }
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_REGION": "us-east-1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ANTHROPIC_SMALL_FAST_MODEL": given["ANTHROPIC_MODEL"],
        **given,
    }
    before = len(records(through))
    for question in ("What is two plus two?", "What is three plus four?"):
        run = subprocess.run(
            [str(command), "--tools", "", "-p", question],
            cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stdout.strip()
    # A start asks some models for one token each, to see which there are.
    calls = [call for call in records(through)[before:] if call.get("points")]
    assert {call["operation"] for call in calls} == {way.partition(",")[0]}
    assert calls[-1]["cache_read"] > 1024


def records(through):
    """The lines of the gateway's ledger."""
    for attachment in through.gateway.attachments:
        attachment.recorder.sinks[0].close()
    files = sorted(through.ledger.glob("*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]
