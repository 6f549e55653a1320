"""Advice on a log of GPT-5.6 whose requests carry no mark: the service caches by itself what was sent."""

import json

from rockbottom.cli import main

SOL = "us.openai.gpt-5.6-sol"


def test_nothing_is_said_to_be_replaced_where_no_request_has_a_mark(tmp_path, capsys):
    """Questions on one document, written whole every time: attaching is enough."""
    document = "river stone cloud " * 1500
    records = [
        {
            "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T10:{number:02}:00Z",
            "requestId": f"r{number}",
            "operation": "Responses", "modelId": SOL, "region": "us-west-2", "accountId": "1",
            "input": {"inputBodyJson": {"model": SOL, "input": [{"role": "user", "content": [
                {"type": "input_text", "text": document},
                {"type": "input_text", "text": f"Question {number}?"}]}]}},
            "output": {"outputTokenCount": 5},
        }
        for number in range(20)
    ]  # fmt: skip
    log = tmp_path / "log.json"
    log.write_text("\n".join(map(json.dumps, records)) + "\n", encoding="utf-8")
    assert main(["advise", str(log), "--on", "2026-11-20"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Next: rockbottom.attach(client) in the program that sends it" in text
    assert "own_points" not in text
