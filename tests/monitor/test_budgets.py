"""Budgets: what is counted, what is held, when a call is stopped, and what survives."""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rockbottom.budgets import Budget, BudgetAccount, BudgetExceeded, Budgets, BudgetStore
from rockbottom.budgets.budgets import HOLD_S
from rockbottom.budgets.errors import BadBudget
from rockbottom.budgets.periods import Period
from rockbottom.budgets.spares import SparedStore
from rockbottom.cli import main
from rockbottom.process import MEMORY
from tests.monitor.calls import NOON, SONNET, call

SRC = Path(__file__).resolve().parents[2] / "src"
WITH_HELPERS = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SRC), str(SRC.parent)])}
MIDNIGHT = NOON + 43_200


@pytest.fixture
def file(tmp_path):
    """A file for budgets."""
    return tmp_path / "budgets.db"


def spend(budgets, amount, at=NOON, tags=None, **given):
    """One call: checked, then recorded with what it cost."""
    tags = tags or {}
    budgets.check(tags, at)
    budgets.record(call(at, cost_usd=amount, tags=tags, **given))


def test_a_stop_budget_stops_the_call_that_would_pass_it(file):
    """0.40 a call, 1.00 a day: two calls pass, the third would make 1.20; the error says everything."""
    budgets = Budgets(Budget("1.00", "day", action="stop"), file=file)
    spend(budgets, "0.40")
    spend(budgets, "0.40")
    with pytest.raises(BudgetExceeded) as caught:
        budgets.check({}, NOON)
    error = caught.value
    assert str(error) == (
        "Not sent: all calls per day: $0.800000 of $1.00 spent since 2026-11-21 00:00 UTC; this call is estimated at "
        "$0.400000. It starts again at 2026-11-22 00:00 UTC."
    )
    assert error.fix == "wait until then, or raise limit_usd of the budget for all calls per day"
    assert (error.spent_usd, error.limit_usd, error.held_usd) == (Decimal("0.8"), Decimal("1"), Decimal(0))
    assert error.resets_at == MIDNIGHT
    assert error.retry_after_s == 43_200
    assert error.retry_safe is False


def test_it_begins_anew_with_the_period(file):
    """Spent on Saturday, allowed on Sunday; an answer that comes on Sunday counts for the Saturday on which it left."""
    budgets = Budgets(Budget("1.00", "day", action="stop"), file=file)
    budgets.check({}, MIDNIGHT - 1)
    spend(budgets, "0.90", MIDNIGHT + 1)
    budgets.record(call(MIDNIGHT - 1, cost_usd="0.90"))
    (saturday,) = budgets.states({}, MIDNIGHT - 1).values()
    (sunday,) = budgets.states({}, MIDNIGHT + 1).values()
    assert (saturday.spent, sunday.spent) == (Decimal("0.9"), Decimal("0.9"))
    with pytest.raises(BudgetExceeded):
        budgets.check({}, MIDNIGHT + 2)


def test_a_warning_budget_warns_once_and_lets_pass(file, caplog):
    """Ten calls above the limit are one line of the log."""
    budgets = Budgets(Budget("1.00", "day"), file=file)
    for _ in range(10):
        spend(budgets, "0.40")
    lines = [line for line in caplog.messages if "budget" in line]
    assert lines == [
        "rockbottom: budget about to be passed: all calls per day: $0.800000 of $1.00 spent since 2026-11-21 00:00 UTC"
    ]


def test_warning_at_eight_and_stopping_at_ten_count_the_same_money_once(file, caplog):
    """Two budgets of one account: one warning, then a stop; nothing is counted twice."""
    budgets = Budgets(Budget("0.80", "day"), Budget("1.00", "day", action="stop"), file=file)
    spend(budgets, "0.45")
    spend(budgets, "0.45")
    assert [state.spent for state in budgets.states({}, NOON).values()] == [Decimal("0.9")]
    assert sum("about to be passed" in line for line in caplog.messages) == 1
    with pytest.raises(BudgetExceeded, match=r"of \$1.00"):
        budgets.check({}, NOON)


def test_every_tenant_has_a_budget_of_its_own(file):
    """`per` tenant: acme is stopped, zenith is not; `tags` leaves other features alone."""
    budgets = Budgets(Budget("1.00", "day", tags={"feature": "chat"}, per=["tenant"], action="stop"), file=file)
    acme = {"feature": "chat", "tenant": "acme"}
    spend(budgets, "0.90", tags=acme)
    with pytest.raises(BudgetExceeded, match="feature=chat, tenant=acme per day"):
        budgets.check(acme, NOON)
    budgets.check(acme | {"tenant": "zenith"}, NOON)
    budgets.check(acme | {"feature": "search"}, NOON)


def test_when_one_budget_stops_a_call_no_other_holds_anything_for_it(file):
    """A call that is not sent costs no budget anything."""
    budgets = Budgets(Budget("9.00", "month"), Budget("1.00", "day", tags={"tenant": "acme"}, action="stop"), file=file)
    spend(budgets, "0.90", tags={"tenant": "acme"})
    with pytest.raises(BudgetExceeded):
        budgets.check({"tenant": "acme"}, NOON)
    assert [state.held for state in budgets.states({"tenant": "acme"}, NOON).values()] == [0, 0]


def test_calls_under_way_are_counted_before_they_are_over(file):
    """1.00 with calls of 0.30: after the first, two more may be under way at once, not three."""
    budgets = Budgets(Budget("1.00", "day", action="stop"), file=file)
    spend(budgets, "0.30")
    budgets.check({}, NOON)
    budgets.check({}, NOON)
    with pytest.raises(BudgetExceeded, match=r"\$0.600000 held"):
        budgets.check({}, NOON)
    budgets.record(call(status="failed", cost_usd=None))  # one of them failed: its place is free
    budgets.check({}, NOON)


def test_a_first_call_holds_what_reserve_usd_says(file):
    """Before any cost is known: 0.50 each, so two at once and no third."""
    budgets = Budgets(Budget("1.00", "day", action="stop", reserve_usd="0.50"), file=file)
    budgets.check({}, NOON)
    budgets.check({}, NOON)
    with pytest.raises(BudgetExceeded):
        budgets.check({}, NOON)


def test_a_caller_who_knows_better_says_what_the_call_may_cost(file):
    """An estimate given is what is held."""
    budgets = Budgets(Budget("1.00", "day", action="stop"), file=file)
    budgets.check({}, NOON, Decimal("0.75"))
    with pytest.raises(BudgetExceeded, match=r"estimated at \$0.300000"):
        budgets.check({}, NOON, Decimal("0.30"))


def test_a_hold_ends_when_its_call_never_comes_back(file):
    """A process that died holds money for a quarter of an hour; a clock set far back does not make it longer."""
    budgets = Budgets(Budget("1.00", "day", action="stop", reserve_usd="0.90"), file=file)
    budgets.check({}, NOON)
    with pytest.raises(BudgetExceeded):
        budgets.check({}, NOON + HOLD_S - 1)
    budgets.check({}, NOON + HOLD_S)
    budgets.check({}, NOON - 10 * 3600)


def test_calls_that_never_come_back_do_not_keep_the_holds_of_later_ones(file):
    """Ten calls are cancelled; a quarter of an hour later a call's answer frees its own 0.05, not one of theirs."""
    budgets = Budgets(Budget("1.00", "day", action="stop", reserve_usd="0.05"), file=file)
    for _ in range(10):
        budgets.check({}, NOON)
    later = NOON + HOLD_S + 1
    for _ in range(3):
        spend(budgets, "0.05", later)
    (state,) = budgets.states({}, later).values()
    assert (state.spent, state.held) == (Decimal("0.15"), 0)


def test_a_clock_that_jumps_to_another_month_and_back_finds_each_sum_as_it_was(file):
    """Forty days ahead the budget is new; back again it is spent as before."""
    budgets = Budgets(Budget("1.00", "month", action="stop"), file=file)
    spend(budgets, "0.90")
    later = NOON + 40 * 86_400
    spend(budgets, "0.05", later)
    with pytest.raises(BudgetExceeded, match=r"\$0.900000 of \$1.00 spent since 2026-11-01"):
        budgets.check({}, NOON + 1)
    assert [state.spent for state in budgets.states({}, later).values()] == [Decimal("0.05")]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is meant")
def test_a_process_killed_with_a_call_under_way_leaves_its_hold_for_a_while(file):
    """The file is whole; what was held keeps others below the limit for a quarter of an hour, then it is free."""
    program = (
        "import os; from tests.monitor.calls import NOON; from rockbottom.budgets import Budget, Budgets;"
        f"one = Budgets(Budget('1', 'day', action='stop', reserve_usd='0.80'), file={str(file)!r});"
        "one.check({}, NOON); os.kill(os.getpid(), 9)"
    )
    run = subprocess.run([sys.executable, "-c", program], env=WITH_HELPERS, timeout=60)
    assert run.returncode == -9
    budgets = Budgets(Budget("1", "day", action="stop", reserve_usd="0.80"), file=file)
    with pytest.raises(BudgetExceeded, match=r"\$0.800000 held"):
        budgets.check({}, NOON + 1)
    budgets.check({}, NOON + HOLD_S)


def test_a_price_that_is_not_known_is_said_and_never_zero(file, caplog):
    """Without a price the held estimate counts, as an estimate; `unpriced="stop"` stops the next call."""
    budgets = Budgets(Budget("1.00", "day", action="stop", reserve_usd="0.20"), file=file)
    spend(budgets, None)
    (state,) = budgets.states({}, NOON).values()
    assert (state.spent, state.estimated, state.unpriced, state.calls) == (Decimal("0.2"), Decimal("0.2"), 1, 1)
    assert sum("is not known" in line for line in caplog.messages) == 1
    strict = Budgets(Budget("1.00", "day", action="stop", unpriced="stop"), file=file)
    with pytest.raises(BudgetExceeded, match="1 call without a known price"):
        strict.check({}, NOON)


def test_models_without_a_price_are_named(file, capsys):
    """By account and period, those with most calls first; the calls with a price are not among them."""
    now = time.time()
    budgets = Budgets(Budget("9", "month"), file=file)
    for model in ("acme.new-v1", "acme.new-v1", "mistral.old-v1:0"):
        spend(budgets, None, now, model=model)
    spend(budgets, "0.25", now)
    budgets.close()
    assert main(["monitor", "budgets", "--file", str(file), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["unpriced_calls"] == 3
    assert list(row["unpriced_models"].items()) == [("acme.new-v1", 2), ("mistral.old-v1:0", 1)]


def test_a_file_whose_disk_hangs_keeps_no_call_and_misses_none(file, monkeypatch):
    """A call waits two and a half seconds, once a minute; what is spent meanwhile is in the file when it goes on."""
    go_on, said = threading.Event(), []

    class HangingStore(BudgetStore):
        def hold(self, *of):
            return super().hold(*of) if go_on.wait(60) else []

    def store_of(path):
        return (BudgetStore if path == MEMORY else HangingStore)(path)

    monkeypatch.setattr("rockbottom.budgets.spares.BudgetStore", store_of)
    budgets = Budgets(Budget("0.50", "day", action="stop", reserve_usd="0.10"), file=file)
    budgets._once = lambda key, message: said.append(message)
    for _ in range(4):
        spend(budgets, "0.10")
    spend(budgets, "0.10")
    with pytest.raises(BudgetExceeded):
        budgets.check({}, NOON)
    says = "calls go on, and only what this process spends is counted"
    assert said == [f"budgets cannot use {file} (no answer in 2.5 seconds); {says}"]
    go_on.set()
    with pytest.raises(BudgetExceeded):
        budgets.check({}, NOON + 60)
    (row,) = BudgetStore(file).rows()
    assert (row[1].spent, row[1].calls) == (Decimal("0.5"), 5)


def test_what_the_spare_store_counted_is_taken_over_with_its_models(tmp_path):
    """Calls and models of a store in memory are added to those of the file."""
    account = BudgetAccount("all per day", int(NOON))
    store, spare = BudgetStore(tmp_path / "b.db"), BudgetStore(":memory:")
    store.book([account], [], None, "acme.new-v1")
    spare.book([account], [], None, "acme.new-v1")
    spare.book([account], [], Decimal("0.5"), "other")
    store.absorb(spare)
    assert store.unpriced() == [(account, "acme.new-v1", 2)]
    state = store.state(account)
    assert (state.calls, state.unpriced, state.spent) == (3, 2, Decimal("0.5"))


def test_a_stream_without_usage_counts_what_was_held(file):
    """A stream broken off may have been billed: its hold stays spent."""
    budgets = Budgets(Budget("1.00", "day", action="stop", reserve_usd="0.30"), file=file)
    spend(budgets, None, status="no usage")
    (state,) = budgets.states({}, NOON).values()
    assert (state.spent, state.held) == (Decimal("0.3"), 0)


def test_simulated_calls_and_keep_alives(file):
    """A local endpoint spends nothing; a keep-alive is counted and lets go of nobody's hold."""
    budgets = Budgets(Budget("1.00", "day", action="stop", reserve_usd="0.30"), file=file)
    spend(budgets, "0.40", endpoint="local")
    budgets.check({}, NOON)
    budgets.record(call(cost_usd="0.01", source="keep-alive"))
    (state,) = budgets.states({}, NOON).values()
    assert (state.spent, state.held) == (Decimal("0.01"), Decimal("0.3"))


def test_money_survives_the_end_of_a_process_and_is_shared(file):
    """Another process goes on where this one is, and both see what the other spends."""
    mine = Budgets(Budget("1.00", "day", action="stop"), file=file)
    spend(mine, "0.40")
    program = (
        "from tests.monitor.calls import NOON, call; from rockbottom.budgets import Budget, Budgets;"
        f"other = Budgets(Budget('1.00', 'day', action='stop'), file={str(file)!r});"
        "other.check({}, NOON); other.record(call(cost_usd='0.50')); other.close()"
    )
    subprocess.run([sys.executable, "-c", program], env=WITH_HELPERS, timeout=60, check=True)
    with pytest.raises(BudgetExceeded, match=r"\$0.900000 of \$1.00"):
        mine.check({}, NOON)


def test_processes_at_once_count_every_call(file):
    """4 processes with 100 calls of 0.001 each: 0.4, exactly."""
    program = (
        "from tests.monitor.calls import NOON, call; from rockbottom.budgets import Budget, Budgets;"
        f"one = Budgets(Budget('9', 'day', action='stop'), file={str(file)!r});"
        "[(one.check({}, NOON), one.record(call(cost_usd='0.001'))) for _ in range(100)]; one.close()"
    )
    runs = [subprocess.Popen([sys.executable, "-c", program], env=WITH_HELPERS) for _ in range(4)]
    assert [run.wait(60) for run in runs] == [0, 0, 0, 0]
    (state,) = Budgets(Budget("9", "day"), file=file).states({}, NOON).values()
    assert (state.spent, state.calls, state.held) == (Decimal("0.4"), 400, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_shares_the_file_and_not_the_connection(file):
    """Both go on after the fork, and nothing is lost."""
    budgets = Budgets(Budget("9", "day"), file=file)
    spend(budgets, "0.10")
    child = os.fork()
    if child == 0:
        spend(budgets, "0.20")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    spend(budgets, "0.30")
    assert [state.spent for state in budgets.states({}, NOON).values()] == [Decimal("0.6")]


def test_threads_and_processes_at_once_never_pass_the_limit(file):
    """8 threads on two memories of one file, each call at most what was held for it: 1.00 is reached and not passed."""
    two = [Budgets(Budget("1.00", "day", action="stop", reserve_usd="0.05"), file=file) for _ in range(2)]

    def work(budgets):
        for _ in range(20):
            try:
                budgets.check({}, NOON)
            except BudgetExceeded:
                return
            budgets.record(call(cost_usd="0.05"))

    threads = [threading.Thread(target=work, args=(two[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (state,) = two[0].states({}, NOON).values()
    assert (state.spent, state.held, state.calls) == (Decimal("1.00"), 0, 20)


def test_a_file_that_cannot_be_used_stops_no_call_and_what_was_spent_is_put_in_later(tmp_path, caplog):
    """The folder is a file at first: one warning, this process still counts; once it is mended all is there."""
    blocked = tmp_path / "state"
    blocked.write_text("in the way")
    budgets = Budgets(Budget("1.00", "day", action="stop"), file=blocked / "budgets.db")
    spend(budgets, "0.45")
    spend(budgets, "0.45")
    with pytest.raises(BudgetExceeded):
        budgets.check({}, NOON + 1)
    assert sum("cannot use" in line for line in caplog.messages) == 1
    blocked.unlink()
    with pytest.raises(BudgetExceeded):
        budgets.check({}, NOON + 61)
    again = Budgets(Budget("1.00", "day"), file=blocked / "budgets.db")
    assert [state.spent for state in again.states({}, NOON).values()] == [Decimal("0.9")]


@pytest.mark.parametrize(
    ("period", "starts", "ends"),
    [
        ("hour", "2026-11-21T12:00", "2026-11-21T13:00"),
        ("day", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("week", "2026-11-16T00:00", "2026-11-23T00:00"),  # Monday to Monday
        ("month", "2026-11-01T00:00", "2026-12-01T00:00"),
    ],
)
def test_periods_are_those_of_the_calendar_in_utc(period, starts, ends):
    """Of noon on Saturday, 21 November 2026."""
    start = Period(period).start(NOON + 1799)
    assert datetime.fromtimestamp(start, UTC).isoformat()[:16] == starts
    assert datetime.fromtimestamp(Period(period).end(start), UTC).isoformat()[:16] == ends


def test_a_year_has_twelve_months_and_february_its_days():
    """2028 is a leap year."""
    start = int(datetime(2028, 1, 1, tzinfo=UTC).timestamp())
    ends = []
    for _ in range(12):
        end = Period.MONTH.end(start)
        ends.append((end - start) // 86_400)
        start = end
    assert ends == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"limit_usd": 1.5}, "float"),
        ({"limit_usd": "-1"}, "-1"),
        ({"limit_usd": "much"}, "much"),
        ({"limit_usd": "0"}, "would stop every call"),
        ({"period": "year"}, "hour, day, week, month|no period 'year'"),
        ({"action": "shout"}, "shout"),
        ({"per": "tenant"}, "list of tags"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_with_what_would_work(given, says):
    """Money as text or integers, a known period, warn or stop."""
    with pytest.raises(BadBudget, match=says) as caught:
        Budget(**({"limit_usd": "1", "period": "day"} | given))
    assert caught.value.fix


@pytest.mark.parametrize("given", [[Budget("1", "day")], None, "10"])
def test_what_is_no_budget_is_refused_where_budgets_are_given_one_by_one(given, tmp_path):
    """A list among them was taken, failed at each call, and so limited nothing."""
    with pytest.raises(BadBudget, match=type(given).__name__) as caught:
        Budgets(given, file=tmp_path / "budgets.db")
    assert f"Fix: {caught.value.fix}" in caught.value.__notes__
    budgets = Budgets(Budget("1", "day"), file=tmp_path / "budgets.db")
    with pytest.raises(BadBudget):
        budgets.renew(given)


def test_a_file_of_budgets_that_is_no_path_is_refused_by_name():
    with pytest.raises(BadBudget, match="file is of type bool") as caught:
        Budgets(Budget("1", "day"), file=True)
    assert caught.value.fix == 'file="budgets.db"'


class Spending(RuleBasedStateMachine):
    """Random calls, started and finished in any order, beside a ledger kept on paper."""

    @initialize(limit=st.integers(1, 40), reserve=st.integers(1, 6))
    def begin(self, limit, reserve):
        self.limit, self.reserve = Decimal(limit), Decimal(reserve)
        self.budgets = Budgets(
            Budget(self.limit, "hour", action="stop", reserve_usd=self.reserve), file=f"{id(self)}.unused"
        )
        self.budgets._store = SparedStore(MEMORY, print)
        self.under_way, self.spent, self.recent = [], Decimal(0), []

    def expected(self):
        if self.recent:
            return max(self.recent[-32:])
        return self.reserve

    @rule()
    def start(self):
        amount = self.expected()
        fits = self.spent + sum(self.under_way) + amount <= self.limit
        try:
            self.budgets.check({}, NOON)
        except BudgetExceeded:
            assert not fits
        else:
            assert fits
            self.under_way.append(amount)

    @rule(share=st.integers(0, 100))
    def finish(self, share):
        """A call costs at most what was held for it."""
        if self.under_way:
            held = self.under_way.pop(0)
            cost = held * share / 100
            self.budgets.record(call(cost_usd=str(cost)))
            self.spent += cost
            self.recent.append(cost)

    @rule()
    def fail(self):
        if self.under_way:
            self.under_way.pop(0)
            self.budgets.record(call(status="failed", cost_usd=None))

    @rule()
    def lose_usage(self):
        if self.under_way:
            self.spent += self.under_way.pop(0)
            self.budgets.record(call(status="no usage", cost_usd=None))

    @rule()
    def another_limit_of_the_same_account(self):
        """A new limit is the same account: what was spent stays spent."""
        self.limit += 1
        self.budgets.budgets = (Budget(self.limit, "hour", action="stop", reserve_usd=self.reserve),)

    @invariant()
    def money_is_where_it_should_be(self):
        if not hasattr(self, "budgets"):
            return
        (state,) = self.budgets.states({}, NOON).values()
        assert state.spent == self.spent
        assert state.held == sum(self.under_way)
        assert state.spent + state.held <= self.limit

    def teardown(self):
        if hasattr(self, "budgets"):
            self.budgets._store.close()


Spending.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSpending = Spending.TestCase


def test_the_command_shows_what_was_counted(file, capsys):
    """An account whose period runs, one that is over (with --all), and money as text in JSON."""
    now = time.time()
    budgets = Budgets(Budget("9", "month", per=["tenant"]), file=file)
    spend(budgets, "0.25", now, {"tenant": "acme"})
    spend(budgets, None, now - 90 * 86_400, {"tenant": "gone"})
    budgets.close()
    assert main(["monitor", "budgets", "--file", str(file), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["account"], row["spent_usd"], row["calls"]) == ("tenant=acme per month", "0.25", 1)
    assert main(["monitor", "budgets", "--file", str(file), "--all"]) == 0
    shown = capsys.readouterr().out
    assert f"tenant=gone per month: of it 1 call without a price ({SONNET} 1)" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80


def test_the_command_without_a_file_says_what_makes_one(tmp_path, capsys):
    """Exit code 2, and no file is made by looking."""
    assert main(["monitor", "budgets", "--file", str(tmp_path / "none.db")]) == 2
    assert "rockbottom.attach creates it" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_when_a_file_is_none_of_budgets(tmp_path, capsys):
    """Exit code 2, no traceback."""
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at as one" * 20)
    assert main(["monitor", "budgets", "--file", str(tmp_path / "notes.txt")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_file_does_not_grow_for_ever(file):
    """Of 50 hours with three rows kept, the newest three are there."""
    budgets = Budgets(Budget("9", "hour"), file=file)
    for hour in range(50):
        spend(budgets, "0.01", NOON + 3600 * hour)
    store = BudgetStore(file)
    store.tidy(most=3)
    assert [account.start for account, _ in store.rows()] == [NOON + 3600 * hour for hour in (49, 48, 47)]
