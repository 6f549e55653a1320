"""The JSON of estimate, advise, models, prices and profiles: members, their order and the spelling of every number.

The files in ``recorded`` are what the commands printed at commit 2a36881, when they still put their JSON together
member by member. What was added since follows: members (beside, capacity, today_usd, counted, span_s, next), presets,
and levers among the others (distillation, prices of reserved capacity).
"""

import json
import re
from pathlib import Path

import pytest

from rockbottom.cli import main
from rockbottom.documents import read_replays
from rockbottom.rendering import json_text

RECORDED = Path(__file__).parent / "recorded"
_ROW = re.compile(r"\.csv:\d+")  # a price row named in an answer; its number changes with every row above it
_SHAPE = ["--requests=200,000", "--prefix=4000", "--question=500", "--output=400"]
COMMANDS = {
    "estimate-credit": ["estimate", "global.sonnet-4-6", *_SHAPE, "--credits=25000", "--sweep"],
    "estimate-gaps": [
        "estimate", "nova-pro", "--prefix=4000", "--question=50", "--output=20", "--gaps=10,20,4000,30",
    ],
    "estimate-layers": [
        "estimate", "us.sonnet-4-5", "--layer=3000@1h", "--layer=7800/40@5m", "--question=10", "--output=10",
        "--per-hour=2", "--turns=3", "--added=200", "--turn-gap=40", "--hours=8", "--writes=100",
    ],
    "estimate-nocache": [
        "estimate", "llama3-3-70b", "--prefix=4000", "--question=10", "--output=10", "--requests=1000",
    ],
    "estimate-presets": ["estimate", "--list"],
    "estimate-presets-priced": ["estimate", "--list", "nova-pro"],
    "advise-preset": ["advise", "us.sonnet-4-5", "--preset=support-chatbot"],
    "advise-unit": [
        "advise", "us.sonnet-4-6", "--preset=agent-loop", "--wait=day", "--residency=none", "--other=nova-pro",
        "--model-unit-usd-hour=30", "--fan-out=5",
    ],
    "advise-bench": ["advise", "--bench=results.json"],
    "prices-show": ["prices", "show", "us.sonnet-4-5"],
    "profiles-list": ["profiles", "list", "sonnet-4-5", "--residency=us", "--region=us-east-1"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_as_recorded(name, tmp_path, monkeypatch, capsys):
    """Letter by letter, but for the numbers of price rows."""
    monkeypatch.chdir(tmp_path)
    results = json.loads((RECORDED / "bench-results.json").read_bytes())
    grading = json.loads((RECORDED / "bench-grading-judge.json").read_bytes())
    Path("results.json").write_text(json.dumps(results | {"grading": grading}), encoding="utf-8")
    assert main([*COMMANDS[name], "--json", "--on=2026-11-21"]) == 0
    recorded = (RECORDED / f"{name}.json").read_text(encoding="utf-8")
    assert _ROW.sub(".csv:N", capsys.readouterr().out) == _ROW.sub(".csv:N", recorded)


def test_the_members_of_models_are_as_recorded(capsys):
    """Their order and kinds; what a rule says is a fact of the catalogue, which has tests of its own."""
    assert main(["models", "claude-sonnet-4", "--json", "--on=2026-11-21"]) == 0
    recorded = json.loads((RECORDED / "models.json").read_text(encoding="utf-8"), object_pairs_hook=list)
    assert _members(json.loads(capsys.readouterr().out, object_pairs_hook=list)) == _members(recorded)


def _members(value):
    """A value's kind; of an object its members in order, of a list the kinds of what is in it."""
    if not isinstance(value, list):
        return type(value).__name__
    if value and isinstance(value[0], tuple):
        return [(name, _members(member)) for name, member in value]
    return sorted({repr(_members(member)) for member in value})


@pytest.mark.parametrize(("name", "priced"), [("replay", 1), ("replay-ledger", 1), ("replay-crossed", 1)])
def test_a_recorded_replay_is_read_as_it_was_written(name, priced):
    """Of several combinations those that lack a price are left out."""
    text = (RECORDED / f"{name}.json").read_text(encoding="utf-8")
    replays = read_replays(text.encode())
    assert len(replays) == priced
    runs = json.loads(text).get("runs", [json.loads(text)])
    assert json.loads(json_text(replays)) == [run for run in runs if "lacks" not in run]
