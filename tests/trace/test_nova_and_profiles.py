"""Shapes of invocation logs that are met in the field: Nova's native bodies, application inference profiles."""

import gzip
import json

import pytest

boto3 = pytest.importorskip("boto3", reason="needs boto3: pip install 'rockbottom[aws]'")
pytest.importorskip("uvicorn", reason="needs the local endpoint: pip install 'rockbottom[local]'")

from rockbottom.cli import main  # noqa: E402
from rockbottom.local import ClockKind, running  # noqa: E402
from rockbottom.quantities import Ttl  # noqa: E402
from rockbottom.trace import KINDS, ApiCode, read_trace  # noqa: E402

NOVA, SONNET = "us.amazon.nova-pro-v1:0", "us.anthropic.claude-sonnet-4-6"
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))
PROFILE = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc123def456"


@pytest.fixture
def nova_log(tmp_path):
    """Three InvokeModel requests of Nova, the point beside the text; the clock in the rules where it is asked for."""

    def logged(clock=lambda turn: ""):
        folder = tmp_path / "logs"
        with running(clock=ClockKind.MANUAL, start_at=1_790_000_000, log_dir=folder) as one:
            client = boto3.client("bedrock-runtime", endpoint_url=one.url, region_name="us-east-1",
                                  aws_access_key_id="any", aws_secret_access_key="any")  # fmt: skip
            for turn in range(3):
                one.state.clock.advance(30)
                body = {
                    "schemaVersion": "messages-v1",
                    "system": [{"text": f"{clock(turn)}{RULES}", "cachePoint": {"type": "default"}}],
                    "messages": [{"role": "user", "content": [{"text": f"Question {turn}"}]}],
                    "inferenceConfig": {"maxTokens": 50},
                }  # fmt: skip
                client.invoke_model(modelId=NOVA, body=json.dumps(body))
        return str(folder)

    return logged


def test_nova_over_invoke_model(nova_log, capsys):
    """Two text blocks, a point after the first, counters of its own spelling; the bill is as predicted."""
    source = nova_log()
    trace = read_trace(source).trace
    assert trace.requests.api.tolist() == [ApiCode.INVOKE] * 3
    assert [KINDS[kind] for kind in trace.blocks.kind] == ["text"] * 6
    assert trace.points.after.tolist() == [1, 1, 1]
    written, *rest = trace.requests.observed_writes[Ttl.FIVE_MINUTES].tolist()
    assert (trace.requests.observed_read.tolist(), rest) == ([0, written, written], [0, 0])
    assert written > 1_000
    assert main(["replay", source, "--policy", "as_recorded", "--json"]) == 0
    (cause,) = json.loads(capsys.readouterr().out)["reconciliation"]["causes"]
    assert (cause["cause"], cause["requests"]) == ("as predicted", 3)


def test_explain_on_nova_over_invoke_model(nova_log, capsys):
    """A clock in its rules is named as in any other body."""
    assert main(["explain", nova_log(lambda turn: f"It is 14:00:0{turn}. "), "--json"]) == 0
    causes = json.loads(capsys.readouterr().out)["causes"]
    assert [(cause["rule"], cause["misses"]) for cause in causes] == [("RB003", 2)]


@pytest.fixture
def profile_log(tmp_path):
    """Two requests through an application inference profile: the log holds its ARN, and not the model behind it."""
    lines = []
    for number, clock in enumerate(("10:00:01", "10:00:31")):
        body = {"system": [{"text": f"It is {clock}. {RULES}"}, {"cachePoint": {"type": "default"}}],
                "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}  # fmt: skip
        lines.append(json.dumps({
            "schemaType": "ModelInvocationLog", "timestamp": f"2026-09-01T{clock}Z", "requestId": f"r{number}",
            "operation": "Converse", "modelId": PROFILE, "accountId": "111122223333", "region": "us-east-1",
            "input": {"inputBodyJson": body, "inputTokenCount": 10, "cacheReadInputTokenCount": 0,
                      "cacheWriteInputTokenCount": 4600},
            "output": {"outputTokenCount": 5, "outputBodyJson": {}},
        }))  # fmt: skip
    (tmp_path / "log.json.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return str(tmp_path / "log.json.gz")


@pytest.mark.parametrize("command", [["replay"], ["replay", "--engine", "processes", "--jobs", "1"], ["explain"]])
def test_a_profile_nobody_can_look_up_is_named(profile_log, capsys, command):
    """Exit code 2: which ARN, and the option that says what it stands for."""
    assert main([*command, profile_log]) == 2
    said = capsys.readouterr().err
    assert PROFILE in said
    assert "--profile" in said


def test_a_profile_that_is_given_is_priced(profile_log, capsys):
    """At the prices of the model behind it, with its Region; a mapping without a model is a usage error."""
    assert main(["replay", profile_log, "--profile", f"{PROFILE}={SONNET}", "--policy", "none", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert (model["given"], model["id"], model["scope"]) == (PROFILE, "anthropic.claude-sonnet-4-6", "us")
    assert main(["explain", profile_log, "--profile", f"{PROFILE}={SONNET}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["causes"][0]["rule"] == "RB003"
    assert main(["replay", profile_log, "--profile", PROFILE]) == 2
