"""Sixteen replicas, in processes of their own or one by one, through a real server that fails in the middle."""

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from rockbottom.budgets import Budget, BudgetExceeded, Budgets
from rockbottom.ledger import CallRecord
from rockbottom.plan import ANY_ACCOUNT, Planner
from rockbottom.process import lock_of
from rockbottom.quantities import Usage
from rockbottom.sharing import address_of, member_of
from tests.sharing.conftest import Server, serving, until

MODEL = "us.anthropic.claude-sonnet-4-6"
REPLICAS = 16
LIMIT, COST = Decimal(10), Decimal("0.01")


def _spend(url: str, number: int, calls: Any, ends: Any) -> None:
    """Spend of a stop budget, a call each 20 ms, until told to end; ``calls`` counts those of each process."""
    address = address_of(url, {})
    budgets = Budgets(Budget(LIMIT, "month", action="stop", reserve_usd=COST), file=":memory:")
    member = member_of(address, "us-east-1", Planner(secret=address.secret), lambda _: None)
    budgets.lend(member.money)
    while not ends.is_set():
        now = time.time()
        try:
            budgets.check({}, now)
        except BudgetExceeded:
            pass
        else:
            calls[number] += 1
            budgets.record(CallRecord(now, MODEL, "Converse", cost_usd=str(COST)))
        time.sleep(0.02)
    member.close()


@contextmanager
def spending(url: str) -> Iterator[Callable[[], Decimal]]:
    """Sixteen processes that spend; what they have spent together so far."""
    forking = multiprocessing.get_context("fork")
    calls, ends = forking.Array("l", REPLICAS), forking.Event()
    processes = [forking.Process(target=_spend, args=(url, number, calls, ends)) for number in range(REPLICAS)]
    for process in processes:
        process.start()
    try:
        yield lambda: COST * sum(calls)
    finally:
        ends.set()
        for process in processes:
            process.join(20)
            process.kill()
            process.join()


def _steady(spent: Callable[[], Decimal]) -> Decimal:
    """What is spent once nothing was for two seconds."""
    last, since = spent(), time.monotonic()
    while time.monotonic() - since < 2.0:
        time.sleep(0.05)
        if spent() != last:
            last, since = spent(), time.monotonic()
    return last


def _break(server: Server, fault: str) -> None:
    if fault in ("killed", "older"):
        server.stop()
    elif fault == "frozen":
        server.freeze()
    else:
        server.ask("CONFIG", "SET", "maxmemory", "1")


def _mend(server: Server, fault: str) -> None:
    if fault in ("killed", "older"):
        server.start()
    elif fault == "frozen":
        server.thaw()
    else:
        server.ask("CONFIG", "SET", "maxmemory", "0")


@pytest.mark.parametrize("fault", ["killed", "older", "frozen", "full"])
def test_a_stop_budget_of_sixteen_processes_holds_whatever_happens_to_the_store(server, fault):
    """$10 for sixteen processes, calls of $0.01. The store fails half-way: what was leased is spent, then no call
    leaves. It comes back (empty, from what it had kept at $1, or as it was): the rest is spent, to $10 at most."""
    with spending(server.url) as spent:
        until(lambda: spent() > 1, 60)
        if fault == "older":
            server.ask("SAVE")
        until(lambda: spent() > 4, 60)
        _break(server, fault)
        without = _steady(spent)
        assert 4 < without < LIMIT
        _mend(server, fault)
        until(lambda: spent() >= LIMIT - 1, 90)
        assert _steady(spent) <= LIMIT


class Spender:
    """A member with a stop budget of $10 a month that makes calls of 10 cents; it knows only what it was told."""

    def __init__(self, url: str) -> None:
        address = address_of(url, {})
        self.budgets = Budgets(Budget(LIMIT, "month", action="stop", reserve_usd="0.1"), file=":memory:")
        self.member = member_of(address, "us-east-1", Planner(secret=address.secret), lambda _: None)
        self.budgets.lend(self.member.money)

    def spend(self) -> bool:
        """Whether a call may leave, which costs its ten cents."""
        now = time.time()
        try:
            self.budgets.check({}, now)
        except BudgetExceeded:
            return False
        self.budgets.record(CallRecord(now, MODEL, "Converse", cost_usd="0.1"))
        return True


@pytest.mark.parametrize("emptied", ["restarted", "flushed"])
def test_who_comes_first_to_an_emptied_store_spends_nothing_of_what_sixteen_spent(server, emptied):
    """$7 of $10 are spent by sixteen, eight of which are gone, when the server is emptied. Newcomers that are there at
    that instant, before any other, spend as fast as they can: all together $10 at most, and nearly that."""
    spenders = [Spender(server.url) for _ in range(REPLICAS)]
    try:
        calls = 0
        while calls < 70:
            calls += spenders[calls % REPLICAS].spend()
            time.sleep(0.01)
        for gone in spenders[::2]:
            gone.member.close()
        time.sleep(1.5)  # one beat, in which the others hear of it
        if emptied == "restarted":
            server.stop()
            server.start()
        else:
            server.ask("FLUSHALL")
        newcomers = [Spender(server.url) for _ in range(3)]
        spenders += newcomers
        begun = time.monotonic()
        while time.monotonic() - begun < (9 if calls >= 85 else 60):
            calls += sum(spender.spend() for spender in newcomers)
            assert calls <= 100
            time.sleep(0.01)
        assert calls >= 85
    finally:
        for spender in spenders:
            spender.member.close()


class Returning:
    """Who comes back after a minute exactly when nothing was written, at one of sixteen replicas by chance."""

    def __init__(self, url: str) -> None:
        address = address_of(url, {})
        self.planners = [Planner(secret=address.secret) for _ in range(REPLICAS)]
        self.members = [member_of(address, "us-east-1", planner, lambda _: None) for planner in self.planners]
        self._rng, self._now, self._number = random.Random(1), 1_795_000_000.0, 0
        self.paid = self.plain = Decimal(0)
        self.longest = 0

    @property
    def excess(self) -> Decimal:
        """Input tokens paid beyond the bill without caching: a write costs 1.25 of what it writes."""
        return self.paid - self.plain

    def round(self) -> bool:
        """A prompt that is new; sent again where it was not written. Whether it was."""
        self._number += 1
        request = {
            "modelId": MODEL,
            "system": [{"text": f"document {self._number} " + "hunter2 " * self._rng.randrange(2_000, 9_000)}],
            "messages": [{"role": "user", "content": [{"text": "a question"}]}],
        }
        wrote = self._send(request)
        if not wrote:
            self._send(request)
        return wrote

    def _send(self, request: dict[str, Any]) -> bool:
        planner = self._rng.choice(self.planners)
        self._now += 60
        with lock_of(planner):
            plan = planner.plan(request, now=self._now)
            written = plan.written_5m + plan.written_1h
            usage = Usage(plan.tokens - written - plan.read, 1, plan.read, written, 0, plan.written_1h)
            planner.observe(plan, usage, now=self._now)
        self.plain += plan.tokens
        self.paid += plan.tokens + Decimal(plan.written_5m) / 4 + plan.written_1h - plan.read * Decimal("0.9")
        self.longest = max(self.longest, plan.tokens)
        return bool(written)


@pytest.mark.parametrize("fault", ["", "killed", "frozen"])
def test_the_guard_of_sixteen_replicas_keeps_its_promise_to_an_adversary(tmp_path, fault):
    """The bill of all together is at no request more than 1% and three of the longest prompts (50,000 tokens at least)
    above one without caching, with the store there all the time, killed, or frozen for a while."""
    with serving(tmp_path) as server:
        against = Returning(server.url)
        try:
            until(lambda: all(planner.guard.limits.get(ANY_ACCOUNT, 0) > 0 for planner in against.planners), 30)
            wrote = 0
            for number in range(150):
                if fault and number == 50:
                    _break(server, fault)
                if fault and number == 100:
                    _mend(server, fault)
                    until(lambda: all(member.connected for member in against.members), 30)
                wrote += against.round()
                assert against.excess <= against.plain / 100 + max(50_000, 3 * against.longest)
                time.sleep(0.02)
            assert wrote
        finally:
            for member in against.members:
                member.close()
