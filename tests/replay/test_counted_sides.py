"""A log that shows that GPT's own point did not look back is replayed, and its fixes are tried, by that side.

The shape of openai/codex 37674: a talk that only grows, implicit, written whole with every request and never read.
Prices of GPT-5.6 Sol through us.: 4.40 a million in, 5.50 written, 0.44 read (surfaces of Amazon Bedrock, 4).
"""

import json

import pytest

from rockbottom.cli import main

SOL = "us.openai.gpt-5.6-sol"
FIRST, TURN, TURNS = 8_000, 500, 12  # tokens of the first message, of each further one, and how many requests


def bodies():
    items = [{"role": "user", "content": [{"type": "input_text", "text": "x" * (FIRST * 4)}]}]
    for number in range(TURNS):
        yield {"model": SOL, "input": items}
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "o"}]}
        asked = {"role": "user", "content": [{"type": "input_text", "text": f"{number} ".ljust(TURN * 4, "y")}]}
        items = [*items, said, asked]


def logged(folder, looks_back):
    """The log, with the counters of a service that reads the message before, or of one that does not."""
    records = []
    for number, body in enumerate(bodies()):
        whole = FIRST + number * TURN
        read = whole - TURN if looks_back and number else 0
        records.append({
            "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T10:{number:02}:00Z",
            "requestId": f"r{number}",
            "operation": "Responses", "modelId": SOL, "region": "us-west-2", "accountId": "1",
            "input": {"inputBodyJson": body, "inputTokenCount": 2, "cacheReadInputTokenCount": read,
                      "cacheWriteInputTokenCount": whole - read},
            "output": {"outputTokenCount": 5},
        })  # fmt: skip
    (folder / "log.json").write_text("\n".join(map(json.dumps, records)) + "\n", encoding="utf-8")
    return str(folder / "log.json")


def told(capsys, *arguments):
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def shown(tmp_path, capsys):
    def showing(looks_back):
        log = logged(tmp_path, looks_back)
        return told(capsys, "replay", log, "--on", "2026-11-20"), told(capsys, "explain", log)

    return showing


def test_what_was_written_whole_every_turn_is_predicted_so_and_attaching_saves_what_marks_by_hand_read(shown):
    """129,000 tokens written: $0.7095; marked by hand at least the first message is read ten times out of eleven."""
    replayed, explained = shown(looks_back=False)
    written = sum(FIRST + number * TURN for number in range(TURNS))
    answer = replayed["answer"]
    assert float(answer["paid_usd"]) == pytest.approx(written * 5.5e-6, rel=0.01)
    assert float(replayed["reconciliation"]["predicted_usd"]) == pytest.approx(float(answer["paid_usd"]), rel=0.01)
    assert any("does not look back" in assumption for assumption in replayed["assumptions"])
    assert explained["causes"][0]["rule"] == "RB023"
    tried = explained["attached"]
    by_replay = float(answer["attached_usd"]) / float(answer["paid_usd"])
    assert 0.1 < by_replay < 0.7
    assert float(tried["usd_after"]) / float(tried["usd_before"]) == pytest.approx(by_replay, rel=0.03)


def test_a_log_that_was_read_is_replayed_as_it_always_was(shown):
    replayed, explained = shown(looks_back=True)
    assert not any("does not look back" in assumption for assumption in replayed["assumptions"])
    assert "RB023" not in [cause["rule"] for cause in explained["causes"]]
    answer = replayed["answer"]
    assert float(replayed["reconciliation"]["predicted_usd"]) == pytest.approx(float(answer["paid_usd"]), rel=0.05)
