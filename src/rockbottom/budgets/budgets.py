"""Budgets: so much for a period and for calls with certain tags; beyond it calls are warned about, or stopped.

Before a call ``Budgets.check`` looks at what was spent in the period and at what calls under way will cost, and holds
an estimate for this one: the dearest of the account's last calls here, else the mean of its period. A stopping budget
refuses a call when all of that together is above the limit. After the call ``Budgets.record`` puts its cost in place
of the estimate. So the limit is passed at most by what calls that were under way cost more than was held for them;
calls whose account has no history yet (and no ``reserve_usd``) hold nothing.
"""

import itertools
import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from rockbottom.budgets.budget import Budget
from rockbottom.budgets.errors import BadBudget
from rockbottom.budgets.leasing import LeaseLike, Leases, PendingLease
from rockbottom.budgets.periods import Period
from rockbottom.budgets.spares import SparedStore
from rockbottom.budgets.store import BudgetAccount, BudgetState
from rockbottom.budgets.telling import exceeded, not_leased, spent_text
from rockbottom.files import from_here, is_path
from rockbottom.ledger import CallRecord, default_folder
from rockbottom.process import MEMORY, renew_in_child
from rockbottom.quantities import ZERO_USD, Usd

log = logging.getLogger("rockbottom.monitor")

HOLD_S = 900.0  # a hold is let go after this long: its process died, or its answer never came
LENT_HOLD_S = 7200.0  # the same where what is held is this process's alone: no stream lasts so long
_REMEMBERED = 32  # calls whose cost is remembered for the estimate
_MOST_ACCOUNTS = 10_000
_TIDY_EVERY = 10_000


def default_file(env: Mapping[str, str]) -> Path:
    """Where budgets are kept unless they are told otherwise: beside the ledger."""
    return default_folder(env).parent / "budgets.db"


class Budgets:
    """Several budgets and one memory of what was spent: give it to ``rockbottom.attach(client, budget=...)``.

    ``file`` keeps it between runs and among processes; by default ``budgets.db`` beside the ledger. ``simulated``
    counts calls of a local endpoint too. Where the file cannot be used calls go on and one warning is logged; what
    this process spends is counted meanwhile, and put into the file when it works again.

    ```python
    import boto3, rockbottom

    budgets = rockbottom.Budgets(
        rockbottom.Budget("50", "day", action="stop"),
        rockbottom.Budget("5", "month", per=["tenant"], action="stop"),
        file="budgets.db",
    )
    bedrock = rockbottom.attach(boto3.client("bedrock-runtime", region_name="us-east-1"), budget=budgets)
    ```
    """

    def __init__(self, *budgets: Budget, file: str | Path | None = None, simulated: bool = False) -> None:
        _check(budgets)
        if file is not None and not is_path(file):
            raise BadBudget(f"file is of type {type(file).__name__}, not the path of a file.", fix='file="budgets.db"')
        self.budgets = budgets
        self._file = from_here(default_file(os.environ) if file is None else file)
        self._simulated = simulated
        self._store = SparedStore(self._file, self._file_failed)
        self._leases: Leases | None = None
        self._spendings: dict[BudgetAccount, Callable[[], tuple[Usd, Usd]]] = {}
        self._lock = threading.Lock()
        self._holds: dict[tuple[str, ...], deque[tuple[float, tuple[int, ...]]]] = {}  # until when, which
        self._recent: OrderedDict[str, deque[Usd]] = OrderedDict()
        self._warned: set[object] = set()
        self._booked = itertools.count()
        renew_in_child(self)

    def lend(self, leases: Leases) -> None:
        """Spend from leases of a store that processes on several machines share, instead of from the file.

        A second call changes nothing.
        """
        if self._leases is None:
            self._leases, self._store = leases, SparedStore(MEMORY, self._file_failed)

    def renew(self, *budgets: Budget) -> None:
        """Put other budgets in the place of these. What was spent, held and leased stays: an account is known by its
        tags and its period. Raises BadBudget for none, or for what is none."""
        _check(budgets)
        self.budgets = budgets

    # Before a call ------------------------------------------------------------------------------------------

    def check(self, tags: Mapping[str, str], now: float, estimate_usd: Usd | None = None) -> None:
        """Hold an estimate for a call that leaves at ``now``. Raises BudgetExceeded, and then nothing is held.

        ``estimate_usd`` is what the call may cost, where the caller knows better than the account's last calls.
        """
        by_account = self._accounts(tags, now)
        leases = self._asked(by_account, estimate_usd)
        for lease in leases.values():
            lease.wait()
        self._hold(by_account, now, estimate_usd, leases)

    async def check_async(self, tags: Mapping[str, str], now: float, estimate_usd: Usd | None = None) -> None:
        """As ``check``, without blocking the event loop while a store that is shared is asked."""
        by_account = self._accounts(tags, now)
        leases = self._asked(by_account, estimate_usd)
        for lease in leases.values():
            await lease.wait_async()
        self._hold(by_account, now, estimate_usd, leases)

    def _hold(
        self,
        by_account: Mapping[BudgetAccount, Sequence[Budget]],
        now: float,
        estimate_usd: Usd | None,
        leases: Mapping[tuple[BudgetAccount, Usd], PendingLease],
    ) -> None:
        """Hold an estimate in each account. Raises BudgetExceeded."""
        accounts = list(by_account)
        if not accounts:
            return
        leased = {key: lease.leased() for key, lease in leases.items()}

        def verdict(account: BudgetAccount, state: BudgetState) -> Usd:
            amount = self._estimate(by_account[account], account, state) if estimate_usd is None else estimate_usd
            for budget in by_account[account]:
                self._judge(budget, account, state, amount, now, leased.get((account, Decimal(budget.limit_usd))))
            return amount

        until = now + self._hold_s
        holds = self._store.use(now, lambda store: store.hold(accounts, verdict, now, until))
        with self._lock:
            waiting = self._holds.setdefault(_key(accounts), deque())
            _forget_ended(waiting, now, self._hold_s)  # of calls that never came back: the next answer is not theirs
            waiting.append((until, tuple(holds)))

    @property
    def _hold_s(self) -> float:
        return HOLD_S if self._leases is None else LENT_HOLD_S

    def _asked(
        self, by_account: Mapping[BudgetAccount, Sequence[Budget]], estimate_usd: Usd | None
    ) -> dict[tuple[BudgetAccount, Usd], PendingLease]:
        """Leases of each account, by the limit of its budget; none where nothing is shared."""
        leases: dict[tuple[BudgetAccount, Usd], PendingLease] = {}
        if self._leases is None:
            return leases
        for account, budgets in by_account.items():
            state = self._state(account)
            amount = self._estimate(budgets, account, state) if estimate_usd is None else estimate_usd
            for limit in {Decimal(budget.limit_usd) for budget in budgets}:
                name = f"{account.name} of {limit}"
                period = account.start, Period(budgets[0].period).end(account.start)
                leases[account, limit] = self._leases.ask(name, period, limit, amount, self._spending(account))
        return leases

    def _spending(self, account: BudgetAccount) -> Callable[[], tuple[Usd, Usd]]:
        """What gives the spending of an account: one function for each account, by which leases know these budgets."""

        def spending() -> tuple[Usd, Usd]:
            state = self._state(account)
            return state.spent, state.held

        return self._spendings.setdefault(account, spending)

    def _state(self, account: BudgetAccount) -> BudgetState:
        return self._store.use(0.0, lambda store: store.state(account))

    def _judge(
        self,
        budget: Budget,
        account: BudgetAccount,
        state: BudgetState,
        amount: Usd,
        now: float,
        leased: LeaseLike | None = None,
    ) -> None:
        limit = Decimal(budget.limit_usd) if leased is None else leased.limit_usd
        over = state.spent + state.held + amount > limit or (leased is not None and state.spent + state.held >= limit)
        blind = budget.unpriced == "stop" and state.unpriced > 0
        if leased is not None and over and not leased.connected:
            if budget.action == "stop":
                raise not_leased(budget, account, state, leased.limit_usd, now)
            return
        if leased is not None:
            state = state._replace(spent=max(state.spent, leased.spent_usd))
        if budget.action == "stop" and (over or blind):
            raise exceeded(budget, account, state, amount, now, blind=blind and not over)
        if over or blind:
            passed = "passed" if state.spent > Decimal(budget.limit_usd) else "about to be passed"
            self._once(
                ("over", account, budget.limit_usd),
                f"budget {passed}: {spent_text(budget, account, state)}",
            )

    def _estimate(self, budgets: Sequence[Budget], account: BudgetAccount, state: BudgetState) -> Usd:
        with self._lock:
            recent = self._recent.get(account.name)
            if recent:
                return max(recent)
        if state.calls:
            return state.spent / state.calls
        return max((Decimal(budget.reserve_usd) for budget in budgets), default=ZERO_USD)

    # After a call -------------------------------------------------------------------------------------------

    def record(self, call: CallRecord) -> None:
        """Count a finished call, in the period in which it left; never raises."""
        try:
            self._record(call)
        except Exception as error:
            self._once("record", f"a budget could not count a call ({type(error).__name__}: {error})")

    def _record(self, call: CallRecord) -> None:
        accounts = list(self._accounts(call.tags, call.at))
        if not accounts:
            return
        holds = self._take_hold(accounts) if call.source in ("", "client") else ()  # others were never checked
        broken = call.first_ms is not None  # a stream that broke after its first token may be billed
        if (call.status == "failed" and not broken) or (call.simulated and not self._simulated):
            if holds:
                self._store.use(call.at, lambda store: store.release(holds))
            return
        cost = None if call.cost_usd is None else Decimal(call.cost_usd)
        if cost is None:
            self._once(
                ("unpriced", call.model),
                f"budget: what a call of {call.model} costs is not known; what was held for it is counted instead",
            )
        else:
            self._remember(accounts, cost)
        for name in call.uncounted:
            self._once(("uncounted", name), f"budget: calls have a charge that is not in what is spent: {name}")
        if call.cut:
            self._once("cut", "budget: a stream was not read to its end; what is spent counts the least it can cost")
        self._store.use(call.at, lambda store: store.book(accounts, holds, cost, call.model))
        if next(self._booked) % _TIDY_EVERY == 0:
            self._store.use(call.at, lambda store: store.tidy())
            self._tidy(call.at)

    def _take_hold(self, accounts: Sequence[BudgetAccount]) -> tuple[int, ...]:
        """The oldest hold of a call with these tags; one that left in the period before is looked for too."""
        with self._lock:
            waiting = self._holds.get(_key(accounts))
            holds = waiting.popleft()[1] if waiting else ()
            if waiting is not None and not waiting:
                del self._holds[_key(accounts)]
            return holds

    def _tidy(self, now: float) -> None:
        """Forget the holds of accounts that nobody asks for any more."""
        with self._lock:
            for key, waiting in list(self._holds.items()):
                _forget_ended(waiting, now, self._hold_s)
                if not waiting:
                    del self._holds[key]

    def _remember(self, accounts: Sequence[BudgetAccount], cost: Usd) -> None:
        with self._lock:
            for account in accounts:
                self._recent.setdefault(account.name, deque(maxlen=_REMEMBERED)).append(cost)
                self._recent.move_to_end(account.name)
            while len(self._recent) > _MOST_ACCOUNTS:
                self._recent.popitem(last=False)

    # Anytime ------------------------------------------------------------------------------------------------

    def states(self, tags: Mapping[str, str], now: float) -> dict[str, BudgetState]:
        """What is spent and held, by the names of the accounts that a call with these tags would spend from."""
        return self._store.use(
            now, lambda store: {account.name: store.state(account) for account in self._accounts(tags, now)}
        )

    def close(self) -> None:
        """Let go of what is held by this process and close the file."""
        with self._lock:
            left = [hold for waiting in self._holds.values() for _, holds in waiting for hold in holds]
            self._holds.clear()
        if left:
            self._store.use(float("inf"), lambda store: store.release(left))
        self._store.close()

    def _accounts(self, tags: Mapping[str, str], at: float) -> dict[BudgetAccount, list[Budget]]:
        by_account: dict[BudgetAccount, list[Budget]] = {}
        for budget in self.budgets:
            account = budget.account(tags, at)
            if account is not None:
                by_account.setdefault(account, []).append(budget)
        return by_account

    def _file_failed(self, error: Exception) -> None:
        self._once(
            "store",
            f"budgets cannot use {self._file} ({error}); calls go on, and only what this process spends is counted",
        )

    def _once(self, key: object, message: str) -> None:
        with self._lock:
            if key in self._warned or len(self._warned) > _MOST_ACCOUNTS:
                return
            self._warned.add(key)
        log.warning("rockbottom: %s", message)

    def after_fork_in_child(self) -> None:
        """New locks and a connection of its own; what the parent holds is the parent's."""
        self._lock = threading.Lock()
        self._holds = {}
        self._store.after_fork_in_child()


def _check(budgets: Sequence[object]) -> None:
    """Raise BadBudget where there is none, or something else: a list of budgets, say, would limit nothing."""
    fix = 'Budgets(Budget(limit_usd="10", period="day", action="stop"))'
    if not budgets:
        raise BadBudget("no budget was given.", fix=fix)
    for budget in budgets:
        if not isinstance(budget, Budget):
            raise BadBudget(f"a {type(budget).__name__} is not a Budget; pass budgets one by one.", fix=fix)


def _key(accounts: Sequence[BudgetAccount]) -> tuple[str, ...]:
    return tuple(account.name for account in accounts)


def _forget_ended(waiting: deque[tuple[float, tuple[int, ...]]], now: float, hold_s: float) -> None:
    """Drop the oldest holds while they are over, or of a clock that was set back far, as the file does."""
    while waiting and (waiting[0][0] <= now or waiting[0][0] > now + 2 * hold_s):
        waiting.popleft()
