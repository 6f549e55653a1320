"""What a guardrail would have charged for recorded traffic, request by request."""

import json
from decimal import Decimal

import pytest

from rockbottom.cli import main


@pytest.fixture
def log(tmp_path):
    """Four requests of 1,000 tokens in and 100 out."""
    path = tmp_path / "log.json"
    body = {"system": [{"text": "Rules. " * 900}], "messages": [{"role": "user", "content": [{"text": "Hello?"}]}]}
    with path.open("w") as file:
        for number in range(4):
            record = {
                "schemaType": "ModelInvocationLog", "schemaVersion": "1.0",
                "timestamp": f"2026-11-20T12:00:{number:02}Z", "accountId": "123456789012", "region": "us-east-1",
                "requestId": f"r{number}", "operation": "Converse", "modelId": "us.anthropic.claude-sonnet-4-6",
                "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 1000},
                "output": {"outputContentType": "application/json", "outputTokenCount": 100,
                           "outputBodyJson": {"usage": {"inputTokens": 1000, "outputTokens": 100}}},
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")
    return str(path)


def beside(log, capsys, *words):
    assert main(["replay", log, "--policy", "none", "--on", "2026-11-20", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out).get("beside")


def test_every_request_is_rounded_up_by_itself(log, capsys):
    """1,000 tokens are 3,600 characters, 4 units, and 100 are 1: 4 requests x 5 x 0.15 a thousand = 0.003 a policy.

    The user's turn alone is a word: 1 unit and 1 for the answer, 0.0012.
    """
    whole = beside(log, capsys, "--guardrail", "content,words")
    assert [(Decimal(line["units"]), Decimal(line["usd"])) for line in whole] == [(20, Decimal("0.003")), (20, 0)]
    [turn] = beside(log, capsys, "--guardrail", "content", "--guard-turn")
    assert (Decimal(turn["units"]), Decimal(turn["usd"])) == (8, Decimal("0.0012"))
    assert beside(log, capsys) is None


def test_the_text_has_the_fee_below_the_policies(log, capsys):
    """And says how the units were counted."""
    assert main(["replay", log, "--policy", "none", "--on", "2026-11-20", "--guardrail", "content"]) == 0
    text = capsys.readouterr().out
    assert "content filters, text" in text
    assert "4 requests" in text
    assert main(["replay", log, "--guard-turn"]) == 2
