"""What was learned survives a restart, and processes add to each other's."""

import sqlite3
import stat

import pytest

from rockbottom.plan import Planner
from rockbottom.plan.state import UnreadableState
from rockbottom.quantities import Usage

NOW = 1_795_000_000.0
MODEL = "global.anthropic.claude-sonnet-4-6"


def request_of(question: str) -> dict:
    """A long system prompt with a secret in it, and a question."""
    return {
        "modelId": MODEL,
        "system": [{"text": "hunter2 " * 3000}],
        "messages": [{"role": "user", "content": [{"text": question}]}],
    }


def test_a_restart_does_not_start_over(tmp_path):
    """The entry written before the restart is read after it, and the accounts of the guard go on."""
    path, planner = tmp_path / "state.db", None
    planner = Planner.load(path)
    first = planner.plan(request_of("one"), now=NOW)
    planner.observe(first, Usage(10, 1, 0, first.written_5m), now=NOW)
    planner.save(path)
    again = Planner.load(path)
    assert again.plan(request_of("two"), now=NOW + 30).read > 1024
    assert again.guard.accounts.keys() == planner.guard.accounts.keys()


def test_the_file_holds_no_text_and_is_for_its_owner_only(tmp_path):
    """Nothing of the prompt is in the file, whose mode is 0600."""
    path = tmp_path / "state.db"
    planner = Planner.load(path)
    planner.plan(request_of("what is my salary"), now=NOW)
    planner.save(path)
    assert b"hunter2" not in path.read_bytes()
    assert b"salary" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_processes_add_up(tmp_path):
    """Each adds the bill that it saw: 2 requests and 3 requests make 5."""
    path = tmp_path / "state.db"
    planners = [Planner.load(path), Planner.load(path)]
    for planner, count in zip(planners, (2, 3), strict=True):
        for number in range(count):
            plan = planner.plan(request_of(f"{count} {number}"), now=NOW + number)
            planner.observe(plan, Usage(1000, 1), now=NOW + number)
    for planner in (*planners, *planners):  # saving twice adds nothing twice
        planner.save(path)
    (account,) = Planner.load(path).guard.accounts.values()
    assert account.plain == 5000


def test_a_file_of_something_else_is_refused_with_one_sentence(tmp_path):
    """Neither another database's version nor plain text is read as state."""
    text = tmp_path / "text.db"
    text.write_text("not a database, and long enough to be read as one " * 40)
    with pytest.raises(UnreadableState, match="is not a planner's state"):
        Planner.load(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL)")
        connection.execute("INSERT INTO about VALUES ('version', '99')")
    with pytest.raises(UnreadableState, match="version 99"):
        Planner.load(other)


def test_memory_is_bounded_whatever_the_traffic():
    """Ten thousand different prompts leave at most the capacity of prefixes."""
    planner = Planner(capacity=500)
    for number in range(3000):
        planner.plan(request_of(f"question {number}"), now=NOW + number)
    assert len(planner.history.runs) <= 500
    assert planner.plan(request_of("another"), now=NOW + 3001).read > 1024
