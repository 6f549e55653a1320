"""Leases of budgets in long streams, on idle days, from one period to the next; with clocks that are set by hand."""

import asyncio
import threading
import time
from decimal import Decimal

import pytest

from rockbottom.budgets import Budget, BudgetExceeded, Budgets
from rockbottom.budgets.store import BudgetAccount, BudgetState
from rockbottom.budgets.telling import exceeded
from rockbottom.ledger import CallRecord
from rockbottom.sharing import BudgetLeases, SqliteStore, group_of

MODEL = "us.anthropic.claude-sonnet-4-6"
NOON = 1_795_003_200.0
"""18 November 2026, 12:00 UTC."""


class Process:
    """A process that spends of a budget shared with others; it settles when asked to, and when a call needs more."""

    def __init__(self, world: "World", number: int, budget: Budget) -> None:
        self.world, self.budgets = world, Budgets(budget, file=":memory:")
        self.leases = BudgetLeases(f"member {number}", self.settle, lambda: world.now)
        self.leases.connected = True
        self.budgets.lend(self.leases)

    def settle(self) -> None:
        self.leases.settle(self.world.store)

    def begin(self) -> bool:
        """Whether a call may leave."""
        try:
            self.budgets.check({}, self.world.now)
        except BudgetExceeded:
            return False
        return True

    def end(self, cost: str, began: float | None = None) -> None:
        at = self.world.now if began is None else began
        self.budgets.record(CallRecord(at, MODEL, "Converse", cost_usd=cost))


class World:
    """A store and its clock, which is the processes' too."""

    def __init__(self) -> None:
        self.now = NOON
        self.store = SqliteStore(":memory:", clock=lambda: self.now)

    def later(self, seconds: float, *living: Process, step: float = 1.0) -> None:
        """Time passes, in which these processes settle as often as they would."""
        ends = self.now + seconds
        while self.now < ends:
            self.now = min(ends, self.now + step)
            for process in living:
                process.settle()

    def spent(self, budget: str, start: int) -> Decimal:
        """What all have spent, as the store has it."""
        values: list[bytes | None] = []

        def look(value: bytes | None, *_: object) -> bytes:
            values.append(value)
            return value or b""

        self.store.change(f"group:budget:{budget}:{start}", b"", look, 1e6)
        return Decimal(sum(group_of(values[0]).pots.values())) / 10**9


def test_what_a_long_stream_may_cost_stays_leased_until_it_ends():
    """A stream that may cost $6 of $10 lasts an hour and a half: all the while nobody else may begin one of $6."""
    world = World()
    budget = Budget("10", "day", action="stop", reserve_usd="6")
    one, other = (Process(world, number, budget) for number in range(2))
    assert one.begin()
    began = world.now
    for _ in range(18):
        world.later(300, one, other)
        assert not other.begin()
    one.end("6", began)
    world.later(2, one, other)
    assert world.spent("all calls per day of 10", 1_794_960_000) == 6


def test_what_a_process_spent_counts_once_after_a_day_of_silence():
    """$3 of a month's $10, then nothing for a day, then $1: with the $5 of another $9, for which its lease was free."""
    world = World()
    budget = Budget("10", "month", action="stop", reserve_usd="1")
    one, other = (Process(world, number, budget) for number in range(2))
    for _ in range(3):
        assert one.begin()
        one.end("1")
    world.later(3600, one, step=10)
    for _ in range(5):
        assert other.begin()
        other.end("1")
    world.later(86_400, one, other, step=30)
    assert world.spent("all calls per month of 10", 1_793_491_200) == 8
    assert one.begin()
    one.end("1")
    world.later(2, one, other)
    assert world.spent("all calls per month of 10", 1_793_491_200) == 9


def test_a_new_limit_counts_what_living_processes_spent():
    """$3 and $2 of $10 were spent; the limit becomes $6 in both: $1 is left for both together."""
    world = World()
    processes = [Process(world, number, Budget("10", "day", action="stop", reserve_usd="1")) for number in range(2)]
    for process, calls in zip(processes, (3, 2), strict=True):
        for _ in range(calls):
            assert process.begin()
            process.end("1")
    world.later(2, *processes)
    for process in processes:
        process.budgets.budgets = (Budget("6", "day", action="stop", reserve_usd="1"),)
    more = 0
    for _ in range(5):
        for process in processes:
            world.later(2, *processes)
            if process.begin():
                process.end("1")
                more += 1
    assert more == 1
    assert world.spent("all calls per day of 6", 1_794_960_000) == 6


def test_an_hour_that_is_over_is_forgotten_by_the_process():
    """Accounts of one hour are let go of two hours after its end, not before: late answers are still counted."""
    world = World()
    one = Process(world, 0, Budget("10", "hour", action="stop", reserve_usd="1"))
    assert one.begin()
    began = world.now
    world.later(5400, one, step=10)
    one.end("1", began)
    world.later(10, one)
    assert world.spent("all calls per hour of 10", int(NOON)) == 1
    world.later(7200, one, step=10)
    assert not one.leases._accounts


def test_what_an_idle_process_spent_is_told_to_a_store_that_lost_all():
    """$6 of a day's $10, then nothing for an hour, so its lease is given back; the store is emptied. Another process,
    which knows of nothing, may spend the $4 that are left, and no more."""
    world = World()
    budget = Budget("10", "day", action="stop", reserve_usd="1")
    idle = Process(world, 0, budget)
    for _ in range(6):
        assert idle.begin()
        idle.end("1")
    world.later(3600, idle, step=10)
    world.store = SqliteStore(":memory:", clock=lambda: world.now)
    idle.leases.tell_all()
    other = Process(world, 1, budget)
    world.later(10, idle, other)
    spent = 0
    while other.begin():
        other.end("1")
        world.later(1, idle, other)
        spent += 1
    assert spent == 4


def test_the_first_call_of_a_process_waits_for_the_stores_first_answer():
    """Half a second after the start the store is heard for the first time: the call leaves. A process whose store stays
    away has its first call refused after a second, and the next at once."""
    budgets = Budgets(Budget("10", "day", action="stop"), file=":memory:")
    leases = BudgetLeases("member", lambda: None, time.monotonic)
    budgets.lend(leases)
    store = SqliteStore(":memory:", clock=lambda: NOON)
    heard = threading.Timer(0.5, leases.settle, [store])
    heard.start()
    budgets.check({}, NOON)
    heard.join()

    waited: list[float] = []
    away = Budgets(Budget("10", "day", action="stop"), file=":memory:")
    away.lend(BudgetLeases("other", lambda: None, time.monotonic))
    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(BudgetExceeded):
            away.check({}, NOON)
        waited.append(time.monotonic() - begun)
    assert waited[1] < waited[0]


def test_no_event_loop_waits_for_a_store_that_has_not_answered():
    """Ten calls in the first second of a process whose store is heard after .4 s: all leave, and the loop runs on
    meanwhile, its longest step a tenth of a second."""
    budgets = Budgets(Budget("10", "day", action="stop", reserve_usd="0.01"), file=":memory:")
    leases = BudgetLeases("member", lambda: None, time.monotonic)
    budgets.lend(leases)
    store, longest = SqliteStore(":memory:", clock=lambda: NOON), [0.0]

    async def ticks() -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            longest[0] = max(longest[0], time.monotonic() - begun)

    async def calls() -> None:
        ticking = asyncio.ensure_future(ticks())
        heard = threading.Timer(0.4, leases.settle, [store])
        heard.start()
        await asyncio.gather(*(budgets.check_async({}, NOON) for _ in range(10)))
        ticking.cancel()

    begun = time.monotonic()
    asyncio.run(calls())
    assert time.monotonic() - begun > 0.35
    assert longest[0] < 0.2


def test_who_is_refused_while_the_rest_is_lent_to_others_is_told_so():
    """$1.13 of $2 spent and $0.05 needed: without that word the sum would seem to be wrong."""
    budget = Budget("2", "day", action="stop")
    state = BudgetState(spent=Decimal("1.10"), estimated=Decimal(0), held=Decimal("0.03"), calls=25, unpriced=0)
    account = BudgetAccount("all calls per day", 1_795_003_200)
    lent = str(exceeded(budget, account, state, Decimal("0.05"), NOON))
    assert "estimated at $0.050000, and the $0.870000 left are lent to other processes" in lent
    spent = str(exceeded(budget, account, state._replace(spent=Decimal("1.95")), Decimal("0.05"), NOON))
    assert "lent" not in spent
