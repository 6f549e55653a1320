"""What was learned survives a restart, and processes add to each other's."""

import sqlite3
import stat
from decimal import Decimal

import pytest

from rockbottom.plan import Planner
from rockbottom.plan.state import UnreadableState
from rockbottom.quantities import Usage
from tests.plan.growth import bytes_kept

NOW = 1_795_000_000.0
MODEL = "global.anthropic.claude-sonnet-4-6"


def request_of(question: str, company: str = "") -> dict:
    """A long system prompt with a secret in it, and a question."""
    return {
        "modelId": MODEL,
        "system": [{"text": company + "hunter2 " * 3000}],
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


def test_processes_that_share_a_file_share_the_allowance(tmp_path):
    """One draws 30,000 tokens; once both have saved, the other affords 20,000 more and not 20,001."""
    path, account = tmp_path / "state.db", ("model",)
    one, other = Planner.load(path), Planner.load(path)
    one.guard.count(account, Decimal(30_000), Decimal(0))
    one.save(path)
    assert other.guard.affords(account, Decimal(20_001), Decimal(0))
    other.save(path)
    assert other.guard.affords(account, Decimal(20_000), Decimal(0))
    assert not other.guard.affords(account, Decimal(20_001), Decimal(0))
    for planner in (other, one, other, one):  # and however often they save, nothing is counted twice
        planner.save(path)
    assert one.guard.account(account).extra == other.guard.account(account).extra == 30_000


class Released:
    """A lock of which somebody else makes use whenever it is let go."""

    def __init__(self, *uses):
        self.uses = list(uses)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.uses:
            self.uses.pop(0)()


def test_what_is_learned_while_the_file_is_written_is_neither_lost_nor_counted_twice(tmp_path):
    """70 before, 5 while it is written, 25 of another process: 100 in the file after one more save."""
    path, account = tmp_path / "state.db", ("model",)
    one, other = Planner.load(path), Planner.load(path)
    other.guard.count(account, Decimal(25), Decimal(0))
    other.save(path)
    one.guard.count(account, Decimal(70), Decimal(0))
    one.save(path, lock=Released(lambda: one.guard.count(account, Decimal(5), Decimal(0))))
    assert one.guard.account(account).extra == 100
    assert Planner.load(path).guard.account(account).extra == 95
    one.save(path)
    one.save(path)
    assert Planner.load(path).guard.account(account).extra == 100


def test_what_could_not_be_saved_is_saved_the_next_time_and_once(tmp_path):
    path, account = tmp_path / "state.db", ("model",)
    planner = Planner.load(path)
    planner.guard.count(account, Decimal(70), Decimal(0))
    with pytest.raises(FileNotFoundError):
        planner.save(tmp_path / "nowhere" / "state.db")
    for _ in range(2):
        planner.save(path)
    assert Planner.load(path).guard.account(account).extra == 70


def test_processes_that_save_often_keep_the_bound_together(tmp_path):
    """Four planners on one file, an adversary that lets no write ever be read: 1% and one allowance for all."""
    path = tmp_path / "state.db"
    planners = [Planner.load(path) for _ in range(4)]
    bill = plain = Decimal(0)
    for number in range(120):
        planner = planners[number % 4]
        prompt = request_of(f"question {number}", f"company {number}")
        plan = planner.plan(prompt, now=NOW + 60 * number)
        written = plan.written_5m + plan.written_1h + plan.read
        usage = Usage(plan.tokens - written, 1, 0, written)
        planner.observe(plan, usage, now=NOW + 60 * number)
        planner.save(path)
        planners[(number + 1) % 4].save(path)  # the next one learns of it, as all do within a minute
        bill += usage.input + written * Decimal("1.25")
        plain += usage.total_input
        assert bill <= plain * Decimal("1.01") + 50_000
    assert bill > plain


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
    assert planner.history.prefixes <= planner.history.size <= 500
    assert planner.plan(request_of("another"), now=NOW + 3001).read > 1024


@pytest.mark.parametrize("traffic", ["one-off", "long", "branching"])
def test_a_full_planner_does_not_grow_any_more(traffic):
    """Traffic built to fill it, never observed: in bytes, what 3,000 prompts leave is no more than 1,500 left."""
    half, whole = bytes_kept(traffic)
    assert 0 < whole <= half * 1.05
    assert whole < 6_000_000


def test_what_is_known_of_volatile_texts_does_not_hold_the_texts():
    """Six hundred system prompts of 100 kB leave far less than one of them each."""
    (left,) = bytes_kept("volatile texts")
    assert left < 2_000_000


def test_each_model_is_counted_by_itself_and_starts_from_what_older_files_hold(tmp_path):
    """Of before, 8 of 8 ends of a kind were sent again within a minute; then one model saw none of 30 again."""
    path, kind = tmp_path / "state.db", ("first", "final", "plain", "user", "more")
    Planner.load(path).save(path)
    with sqlite3.connect(path) as file:
        file.execute("INSERT INTO kinds VALUES (?, ?)", ("/".join(kind), "[8,0,0,0,0,0,0,0,8]"))
    planner = Planner.load(path)
    started = list(planner.returns.of("one").cell(kind).hits)
    assert started[0] >= 8
    kinds = planner.returns.of("one")
    for _ in range(30):
        kinds.open((kind[:2], kind[:3], kind), None, NOW)
    planner.returns.settle(NOW + 7200)
    planner.save(path)
    again = Planner.load(path).returns
    one, other = again.of("one").cell(kind), again.of("other").cell(kind)
    assert (one.misses[0] - other.misses[0] > 25, list(other.hits)) == (True, started)
