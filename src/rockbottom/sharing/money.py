"""Leases of budgets: a process spends of a budget what it leased, and what nobody leased is leased when it is needed.

Amounts are billionths of a US dollar, rounded against the member.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from itertools import count
from typing import NamedTuple

from rockbottom.process import Arrival
from rockbottom.quantities import Usd
from rockbottom.sharing.lessee import Lessee, PotStanding
from rockbottom.sharing.settling import Quiet, settled_with
from rockbottom.sharing.store import Store

_NANO = 10**9
_WAIT_S = 0.25  # the longest that a call waits for a lease before it is refused
_NEEDED_S = 2.0  # so long after a call what it needed stays leased for the next one
_START_S = 1.0  # from its start, in which a process that has heard nothing yet of the store waits for it
_QUIET_START_S = 4.0  # and in which it waits until a store that has just begun grants something
_BEAT_S, _IDLE_S = 1.0, 1800.0  # a process gives back what it leased of an account that is idle for so long
_LATE_S = 7200.0  # so long after the end of a period calls that left in it may come back
_FEW, _IN_A_SECOND = 16, 160  # so many members settle at each call; more of them so often in a second, together
_POT = "all"
Name = tuple[str, int]
"""An account, and when its period began."""

Spending = Callable[[], tuple[Usd, Usd]]
"""What this process spent of an account, and what it holds for calls under way."""


class BudgetLease(NamedTuple):
    """What this process may spend of an account, what all have spent of it as far as it is settled, and whether the
    store says so: it answers, and was told by all."""

    limit_usd: Usd
    spent_usd: Usd
    connected: bool


@dataclass(frozen=True, slots=True)
class AskedLease:
    """A lease that was asked for, and how long at most a call waits for the answer."""

    leased: Callable[[], BudgetLease]
    _answer: Arrival
    _patience: Callable[[], float]
    """Seconds for which it is still worth waiting; more once the store is heard."""

    def wait(self) -> None:
        """Block the thread until the answer is there, or it is not worth waiting any more."""
        while not self._answer.landed and (seconds := self._patience()) > 0:
            self._answer.wait(seconds)

    async def wait_async(self) -> None:
        """As ``wait``, without blocking the event loop."""
        while not self._answer.landed and (seconds := self._patience()) > 0:
            await self._answer.wait_async(seconds)


@dataclass(slots=True)
class _Account:
    lessee: Lessee
    spending: Spending
    limit: int
    lasts_s: float  # at most, from now on
    need: int = 0
    used_at: float = 0.0
    settled_at: float = float("-inf")
    pause_s: float = 0.0  # between settlements that no call waits for
    quiet_until: float = 0.0  # nothing is granted before
    answered: list[Arrival] = field(default_factory=list[Arrival])


class BudgetLeases:
    """The leases of one member. Thread-safe."""

    def __init__(self, member: str, wake: Callable[[], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._member, self._wake, self._monotonic = member, wake, monotonic
        self._accounts: dict[tuple[Name, Spending], _Account] = {}
        self._number = count()
        self._lock = threading.Lock()
        self._telling_all = False
        self._began_at = monotonic()
        self.connected = False

    def tell_all(self) -> None:
        """Settle every account the next time, idle ones as well: the store has lost something."""
        self._telling_all = True
        self._wake()

    @property
    def begins(self) -> bool:
        """Whether an account waits for its first answer."""
        return any(account.lessee.grant(_POT) is None for account in list(self._accounts.values()))

    @property
    def is_waited_for(self) -> bool:
        """Whether calls wait for an answer."""
        return any(account.answered for account in list(self._accounts.values()))

    def let_go(self) -> None:
        """The store gives no answer: nobody waits for it."""
        self.connected = False
        with self._lock:
            waiting = [arrival for account in self._accounts.values() for arrival in account.answered]
            for account in self._accounts.values():
                account.answered = []
        for arrival in waiting:
            arrival.land()

    def ask(self, name: str, period: tuple[int, int], limit_usd: Usd, need_usd: Usd, spending: Spending) -> AskedLease:
        """Ask for a lease for a call that may cost so much, where there may be more than this process has."""
        need, (start, end) = _nano(need_usd), period
        with self._lock:
            account = self._accounts.get(((name, start), spending))
            if account is None:
                lessee = Lessee(f"{self._member}.{next(self._number)}")
                account = self._accounts[(name, start), spending] = _Account(lessee, spending, 0, end - start + _LATE_S)
            account.limit, account.used_at = _nano(limit_usd), self._monotonic()
            account.need = max(need, account.need)
            spent, at_risk = spending()
            short = account.lessee.limit(_POT) < _nano(spent) + _nano(at_risk) + max(need, 1)
            grant, leased = account.lessee.grant(_POT), account.lessee.lease(_POT)
            answer, now = Arrival(), self._monotonic()
            may_get = grant is None or grant.left + leased >= need or self._beats(account, now)
            if waits := short and may_get and self._waits_until(account, now) > now:
                account.answered.append(answer)
        if waits:
            self._wake()
        else:
            answer.land()
        return AskedLease(
            lambda: self._leased(account, answered=answer.landed),
            answer,
            lambda: self._waits_until(account, now) - self._monotonic(),
        )

    def _waits_until(self, account: _Account, asked_at: float) -> float:
        """Until when a call waits for an answer of the store, at most; in the first seconds of a process until it is
        heard, and grants something."""
        if not self.connected:
            return self._began_at + _START_S
        if account.lessee.limit(_POT) == 0:
            return max(asked_at + _WAIT_S, self._began_at + _QUIET_START_S)
        return asked_at + _WAIT_S

    def _leased(self, account: _Account, *, answered: bool) -> BudgetLease:
        with self._lock:
            grant = account.lessee.grant(_POT)
            spent_by_all = Decimal(grant.spent if grant is not None else 0) / _NANO
            is_known = self.connected and answered and self._monotonic() >= account.quiet_until
            return BudgetLease(Decimal(account.lessee.limit(_POT)) / _NANO, spent_by_all, is_known)

    def settle(self, store: Store, leaving: bool = False, quiet: Quiet | None = None) -> None:
        """Settle every account that it is time for; ``quiet`` is of the store. Raises StoreAway."""
        telling_all = self._telling_all
        for key, account in list(self._accounts.items()):
            name, start = key[0]
            now = self._monotonic()
            idle_s = now - account.used_at
            with self._lock:
                if leaving or idle_s > account.lasts_s:
                    self._accounts.pop(key)
                if now >= account.quiet_until or leaving or telling_all:
                    waiting, account.answered = account.answered, []
                else:
                    waiting = []
                standing = self._standing(account)
                is_used = idle_s <= _IDLE_S and not leaving
                rested = now - account.settled_at >= account.pause_s
                due = waiting or telling_all or (rested and account.lessee.changed([standing]))
                due = due or ((is_used or standing.risk or account.lessee.lease(_POT)) and self._beats(account, now))
                if not (due or leaving):
                    continue
                want = max(4 * account.need, account.limit // 100) if is_used else 0
                asks = account.lessee.offer([standing], account.limit, want, leaves=leaving)
            try:
                answer = settled_with(store, f"budget:{name}:{start}", asks, account.lasts_s, quiet)
                with self._lock:
                    account.lessee.take(answer)
                    account.settled_at, account.quiet_until = now, now + answer.quiet_s
                    account.pause_s = answer.living / _IN_A_SECOND if answer.living > _FEW else 0.0
                    if answer.quiet_s and not leaving:  # they wait on, and what they need stays to be asked for
                        account.answered, waiting = waiting + account.answered, []
                    elif now - account.used_at > _NEEDED_S:
                        account.need = 0
            finally:
                for arrival in waiting:
                    arrival.land()
        if telling_all:  # not where it went away meanwhile
            self._telling_all = False

    @staticmethod
    def _beats(account: _Account, now: float) -> bool:
        return now - account.settled_at >= _BEAT_S

    @staticmethod
    def _standing(account: _Account) -> PotStanding:
        spent, reserved = account.spending()
        return PotStanding(_POT, _nano(spent), _nano(reserved), account.need)


def _nano(amount: Usd) -> int:
    return int((amount * _NANO).to_integral_value(ROUND_CEILING))
