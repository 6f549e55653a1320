"""check on bodies of Messages, Chat Completions and Responses: pinned, found again, and told apart where they moved."""

import json
from datetime import date

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.pins import read_prefix
from rockbottom.plan import Planner
from rockbottom.prompt import Section

DOCUMENT = " ".join(f"Section {number}: rule {number} applies to books and maps." for number in range(300))
TOOL = {"name": "find", "description": "Find a book.", "parameters": {"type": "object", "properties": {}}}
BODIES = {
    "messages": {
        "model": "anthropic.claude-sonnet-5", "max_tokens": 100,
        "system": [{"type": "text", "text": DOCUMENT, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "How long?"}],
    },
    "chat": {
        "model": "openai.gpt-5.6-sol", "tools": [{"type": "function", "function": TOOL}],
        "messages": [{"role": "system", "content": DOCUMENT}, {"role": "user", "content": "How long?"}],
    },
    "responses": {
        "model": "us.openai.gpt-5.6-sol", "instructions": "Be brief.", "tools": [{"type": "function", **TOOL}],
        "prompt_cache_options": {"mode": "explicit"},
        "input": [{"role": "user", "content": [
            {"type": "input_text", "text": DOCUMENT, "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_text", "text": "How long?"},
        ]}],
    },
}  # fmt: skip


def moved(name):
    """The same body with another first word in its longest text."""
    return json.loads(json.dumps(BODIES[name]).replace("Section 0:", "Chapter 0:"))


@pytest.mark.parametrize(("name", "api", "cached"), [
    ("messages", "messages", "cached"), ("chat", "chat", "no cachePoint"), ("responses", "responses", "cached"),
])  # fmt: skip
def test_a_body_is_read_as_its_own_surface(name, api, cached):
    """The prefix ends at the mark, where there is one: the document and not the question behind it."""
    prefix = read_prefix(BODIES[name], on=date(2026, 11, 30))
    assert (prefix.api, prefix.caching.value) == (api, cached)
    assert prefix.tokens > 1024
    last = prefix.sent.prompt.segments[prefix.end - 1]
    assert last.section is (Section.MESSAGES if name == "responses" else Section.SYSTEM)


@pytest.mark.parametrize("name", BODIES)
def test_a_pinned_body_is_found_again_and_its_move_is_named(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asked.json").write_text(json.dumps(BODIES[name]))
    assert main(["check", "asked.json", "--accept", "--with-text", "--name", name]) == 0
    assert main(["check"]) == 0
    capsys.readouterr()
    (tmp_path / "asked.json").write_text(json.dumps(moved(name)))
    assert main(["check"]) != 0
    said = capsys.readouterr().out
    assert "the text changed" in said
    assert "- Section 0" in said
    assert "+ Chapter 0" in said


def test_a_conversation_on_responses_has_a_bill(tmp_path, monkeypatch, capsys):
    """Two turns, the document written once at 1.25 and read once at .1 of $4.40 a million: a cent."""
    monkeypatch.chdir(tmp_path)
    first = BODIES["responses"]
    second = {**first, "input": [*first["input"], {"role": "user", "content": "And maps?"}]}
    (tmp_path / "talk.json").write_text(json.dumps([first, second]))
    assert main(["check", "talk.json", "--accept", "--max-usd", "0.05", "--json"]) == 0
    (tmp_path / "talk.json").write_text(json.dumps([first, second]))
    assert main(["check", "talk.json", "--max-usd", "0.001"]) != 0


def test_a_plan_for_gpt_names_the_thirty_minutes_it_writes_for():
    plan = Planner(catalog=load_catalog()).plan(BODIES["chat"], now=1_796_000_000.0)
    text = plan.explain()
    assert "written for 30m" in text
    assert "written for 5m" not in text


def test_instructions_that_are_gone_are_named_where_they_stood(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rules, ask = {"role": "developer", "content": DOCUMENT}, {"role": "user", "content": "How long?"}
    body = {"model": "openai.gpt-5.6-sol", "instructions": DOCUMENT[::-1], "input": [rules, ask]}
    (tmp_path / "asked.json").write_text(json.dumps(body))
    assert main(["check", "asked.json", "--accept", "--name", "asked"]) == 0
    assert "tools and instructions are pinned" in " ".join(capsys.readouterr().out.split())
    (tmp_path / "asked.json").write_text(json.dumps({**body, "instructions": ""}))
    assert main(["check"]) == 1
    assert "moved instructions: blocks removed: 1 block removed" in " ".join(capsys.readouterr().out.split())
