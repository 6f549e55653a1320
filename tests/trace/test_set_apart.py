"""Requests to models that are not known: counted, named and set apart, and everything else is answered for."""

import json

import pytest

from rockbottom.cli import main

SONNET = "us.anthropic.claude-sonnet-4-6"
ARN = "arn:aws:bedrock:us-east-1:111122223333:provisioned-model/abcdef123456"
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))


def record(number: int, model: str, body: dict | None = None, **counts) -> dict:
    """A call of a model: 100 tokens in and 10 out, if not told otherwise."""
    asked = body or {"system": [{"text": RULES}],
                     "messages": [{"role": "user", "content": [{"text": f"question {number}"}]}]}  # fmt: skip
    return {
        "schemaType": "ModelInvocationLog", "timestamp": f"2026-09-01T10:00:{number:02d}Z", "requestId": f"r{number}",
        "operation": "InvokeModel" if body else "Converse", "modelId": model, "region": "us-east-1",
        "input": {"inputBodyJson": asked, "inputTokenCount": 100, **counts}, "output": {"outputTokenCount": 10},
    }  # fmt: skip


KNOWN = [record(number, SONNET, inputTokenCount=4_700) for number in range(3)]
UNKNOWN = [
    record(3, "amazon.titan-embed-text-v9:0", {"inputText": "hello"}, inputTokenCount=3),
    record(4, "amazon.titan-embed-text-v9:0", {"inputText": "hello again"}, inputTokenCount=5),
    record(5, ARN),
]


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log.json").write_text("\n".join(map(json.dumps, KNOWN + UNKNOWN)))
    return str(tmp_path)


@pytest.mark.parametrize("engine", [[], ["--engine", "processes", "--jobs", "1"]])
def test_replay_answers_for_the_rest(log, tmp_path, capsys, engine):
    """The bill is that of the three known requests alone; the others stand beside it with their tokens and the reason.

    Two embeddings: 3 + 5 tokens in, 10 out each. One provisioned model: 100 in, 10 out.
    """
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "log.json").write_text("\n".join(map(json.dumps, KNOWN)))
    options = ["--on", "2026-09-01", "--json", *engine]
    assert main(["replay", str(alone), *options]) == 0
    meant = json.loads(capsys.readouterr().out)
    assert main(["replay", f"{log}/log.json", *options]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    apart = {part["model"]: (part["requests"], part["tokens"]) for part in answer.pop("set_apart")}
    assert apart == {"amazon.titan-embed-text-v9:0": (2, 28), ARN: (1, 110)}
    assert (answer["requests"], answer["policies"]) == (3, meant["policies"])
    assert "3 requests to 2 models set apart" in said.err
    assert ARN in said.err


def test_explain_answers_for_the_rest(log, capsys):
    """The same words, and the finding of the known requests: no cachePoint where 4,600 tokens repeat."""
    assert main(["explain", log, "--json"]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert answer["requests"] == 3
    assert {part["model"]: part["requests"] for part in answer["set_apart"]} == {
        "amazon.titan-embed-text-v9:0": 2, ARN: 1,
    }  # fmt: skip
    assert "3 requests to 2 models set apart" in said.err


def test_trace_info_names_them(log, capsys):
    """All requests are in the columns; which have no model here is said."""
    assert main(["trace", "info", log, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["requests"] == 6
    assert {part["model"]: part["requests"] for part in facts["set_apart"]} == {
        "amazon.titan-embed-text-v9:0": 2, ARN: 1,
    }  # fmt: skip


@pytest.mark.parametrize("command", [["replay", "--on", "2026-09-01"], ["explain"], ["trace", "info"]])
def test_strict_makes_it_an_error(log, capsys, command):
    """Exit code 2, and nothing on stdout."""
    assert main([*command, "--strict", log]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "3 requests to models that are not known or have no price" in said.err


def test_strict_counts_damaged_lines_too(tmp_path, capsys):
    """A line that is no record is enough."""
    (tmp_path / "log.json").write_text(f"{json.dumps(KNOWN[0])}\n{{\n")
    for command in (["replay", "--policy", "none"], ["explain"], ["trace", "info"]):
        assert main([*command, str(tmp_path)]) == 0
        capsys.readouterr()
        assert main([*command, "--strict", str(tmp_path)]) == 2
        assert "1 damaged line," in capsys.readouterr().err


def test_where_nothing_is_known_the_reason_is_the_error(tmp_path, capsys):
    """Exit code 2, with the model's name."""
    (tmp_path / "log.json").write_text("\n".join(map(json.dumps, UNKNOWN[:2])))
    assert main(["replay", str(tmp_path), "--policy", "none"]) == 2
    assert "titan-embed-text-v9" in capsys.readouterr().err
    assert main(["explain", str(tmp_path)]) == 2
    assert "titan-embed-text-v9" in capsys.readouterr().err
