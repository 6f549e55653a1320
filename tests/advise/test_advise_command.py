"""The command: from numbers, from files, from answers to questions, and what it says to wrong input."""

import io
import json

import pytest

from rockbottom.cli import main

PRESET = ["us.sonnet-4-5", "--preset", "support-chatbot", "--on", "2026-11-21"]


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_levers_are_ranked_with_evidence_and_risk(capsys):
    """Caching first, batch as a question with its break-even, each with a risk."""
    assert main(["advise", *PRESET]) == 0
    text = capsys.readouterr().out
    assert "1  ✓ caching" in text
    assert "55.6% read" in text
    assert "risk:" in text


def test_json_has_every_row(capsys):
    """Money as text, levers by name."""
    assert main(["advise", *PRESET, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "rockbottom.advice/1"
    assert {row["lever"] for row in document["levers"]} >= {"caching", "batch", "flex", "provisioned throughput"}
    assert document["batch_break_even_read_share"] == "0.555556"


def test_it_asks_on_a_terminal(monkeypatch, capsys):
    """Model, requests, prefix, question, output, wait, residency."""
    monkeypatch.setattr("sys.stdin", _Terminal("nova-pro\n100000\n4000\n500\n400\nno\nn\n"))
    assert main(["advise"]) == 0
    said = capsys.readouterr()
    assert "Nova Pro" in said.out
    assert "Requests a month" in said.err


def test_a_bench_run_is_read_from_its_folder(tmp_path, capsys):
    """A folder without results is named; so is a file that is not JSON."""
    assert main(["advise", "--bench", str(tmp_path)]) == 2
    assert "results.json" in capsys.readouterr().err
    (tmp_path / "results.json").write_text("{", encoding="utf-8")
    assert main(["advise", "--bench", str(tmp_path)]) == 2
    assert "not JSON" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "rockbottom advise nova-pro --preset"),
        (["nova-pro"], "--question is missing"),
        (["--bench", "a", "--replay", "b"], "not both"),
        (["--bench", "a", "--requests", "5"], "leave them out"),
        (["nova-pro", "--preset", "x"], "no preset"),
        (["no-such-model", "--preset", "one-off"], "Unknown model"),
        (["nova-pro", "--preset", "one-off", "--other", "no-such"], "Unknown model"),
    ],
)
def test_wrong_input_is_one_message(args, said, capsys):
    """Exit code 2."""
    assert main(["advise", *args]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
