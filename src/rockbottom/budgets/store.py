"""Where budgets keep what was spent and what is held for calls under way: a small SQLite file that processes share.

Money is an integer of 10^-12 US dollars, rounded up: sums are exact, and a sum of a hundred thousand dollars fits.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import NamedTuple

from rockbottom.files import make_folder
from rockbottom.process import MEMORY, SqliteTurn, roll_back, shared_database
from rockbottom.quantities import Usd

_PICO = Decimal(10) ** 12
WAIT_S = 2.0  # for others that write to the file
_MOST_ROWS = 200_000  # accounts times periods

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (
  account TEXT NOT NULL, start INTEGER NOT NULL, pico INTEGER NOT NULL DEFAULT 0, estimated INTEGER NOT NULL DEFAULT 0,
  calls INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (account, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, start INTEGER NOT NULL, pico INTEGER NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS unpriced (
  account TEXT NOT NULL, start INTEGER NOT NULL, model TEXT NOT NULL, calls INTEGER NOT NULL,
  PRIMARY KEY (account, start, model)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_until ON held (until);
CREATE INDEX IF NOT EXISTS held_by_account ON held (account, start);
"""


class BudgetState(NamedTuple):
    """One account in one period; money in US dollars. ``estimated`` is the part of ``spent`` whose bill is unknown."""

    spent: Usd
    estimated: Usd
    held: Usd
    calls: int
    unpriced: int


class BudgetAccount(NamedTuple):
    """The name of an account, and the start of its period in seconds since the epoch."""

    name: str
    start: int


_ENDS = "SELECT (SELECT MIN(until) FROM held), (SELECT MAX(until) FROM held)"  # each from the index

Verdict = Callable[[BudgetAccount, BudgetState], Usd]
"""What to hold for a call of this account in this state; raises to refuse the call."""


def pico(amount: Usd) -> int:
    """US dollars as the pico-dollars that the file keeps, rounded up."""
    return int((amount * _PICO).to_integral_value(ROUND_CEILING))


def usd_of(amount: int) -> Usd:
    """The US dollars of so many pico-dollars."""
    return Decimal(amount) / _PICO


class BudgetStore:
    """The file; ``:memory:`` for one process only. Thread-safe. Raises sqlite3.Error where it cannot be used."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._lock = SqliteTurn()
        self._db: sqlite3.Connection | None = None

    def hold(self, accounts: Sequence[BudgetAccount], verdict: Verdict, now: float, until: float) -> list[int]:
        """Ask ``verdict`` of every account and hold what it says, for all or for none; the numbers of the holds."""
        with self._lock, self._transaction() as db:
            self._let_go(db, now, until)
            amounts = [verdict(account, _state(db, account)) for account in accounts]
            return [
                int(
                    db.execute(
                        "INSERT INTO held (account, start, pico, until) VALUES (?, ?, ?, ?)",
                        (account.name, account.start, pico(amount), until),
                    ).lastrowid
                    or 0
                )
                for account, amount in zip(accounts, amounts, strict=True)
            ]

    def release(self, holds: Iterable[int]) -> None:
        """Release holds; those that are released already are passed over."""
        with self._lock, self._transaction() as db:
            _released(db, holds)

    def book(self, accounts: Sequence[BudgetAccount], holds: Iterable[int], cost: Usd | None, model: str = "") -> None:
        """A call of a model is over: let go of what was held for it, and count its cost.

        ``cost`` None: it is not known what the call costs; what was held for it counts as spent, as an estimate.
        """
        with self._lock, self._transaction() as db:
            released = _released(db, holds)
            for account in accounts:
                guess = sum(amount for name, amount in released.values() if name == account.name)
                amount = guess if cost is None else pico(cost)
                _add(db, account, amount, guess if cost is None else 0, 1, int(cost is None))
                if cost is None and model:
                    _add_unpriced(db, account, model, 1)

    def state(self, account: BudgetAccount) -> BudgetState:
        """What was spent on an account, and what is held for calls under way."""
        with self._lock:
            return _state(self._connected(), account)

    def rows(self) -> list[tuple[BudgetAccount, BudgetState]]:
        """Every account of every period, the newest first."""
        with self._lock:
            db = self._connected()
            keys = db.execute("SELECT account, start FROM spent ORDER BY start DESC, account").fetchall()
            return [(BudgetAccount(*row), _state(db, BudgetAccount(*row))) for row in keys]

    def unpriced(self) -> list[tuple[BudgetAccount, str, int]]:
        """The models of calls without a known price, and how many calls, the most called first."""
        with self._lock:
            rows = self._connected().execute(
                "SELECT account, start, model, calls FROM unpriced ORDER BY account, start, calls DESC, model"
            )
            return [(BudgetAccount(account, start), model, calls) for account, start, model, calls in rows]

    def absorb(self, other: "BudgetStore") -> None:
        """Add what was counted in another store; what was held there is not taken over."""
        rows, unpriced = other.rows(), other.unpriced()
        with self._lock, self._transaction() as db:
            for account, state in rows:
                _add(db, account, pico(state.spent), pico(state.estimated), state.calls, state.unpriced)
            for account, model, calls in unpriced:
                _add_unpriced(db, account, model, calls)

    def tidy(self, most: int = _MOST_ROWS) -> None:
        """Drop the oldest periods where there are more than so many rows; by count, for a clock may be wrong."""
        with self._lock, self._transaction() as db:
            oldest = "SELECT start FROM spent ORDER BY start DESC LIMIT 1 OFFSET ?"
            db.execute(f"DELETE FROM spent WHERE start < ({oldest})", (most - 1,))
            db.execute("DELETE FROM unpriced WHERE start < (SELECT MIN(start) FROM spent)")

    def close(self) -> None:
        """Close the file; it opens again when it is needed."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def after_fork_in_child(self) -> None:
        """A connection must not be shared with the parent: forget it, unclosed, and open another."""
        self._lock = SqliteTurn()
        _INHERITED.append(self._db)
        self._db = None

    def _let_go(self, db: sqlite3.Connection, now: float, until: float) -> None:
        """Holds that have ended, and those of a clock that was set back far; looked for when that may be so."""
        oldest, latest = db.execute(_ENDS).fetchone()
        furthest = now + 2 * (until - now)
        if oldest is not None and (oldest <= now or latest > furthest):
            db.execute("DELETE FROM held WHERE until <= ? OR until > ?", (now, furthest))

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            if self._path != MEMORY:
                make_folder(Path(self._path).parent)
            self._db = shared_database(self._path, _SCHEMA, wait_s=WAIT_S, synchronous="NORMAL")
        return self._db

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._connected())


_INHERITED: list[sqlite3.Connection | None] = []  # kept, because collecting one would close the parent's file


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            roll_back(self._db)


def _state(db: sqlite3.Connection, account: BudgetAccount) -> BudgetState:
    row = db.execute(
        "SELECT pico, estimated, calls, unpriced FROM spent WHERE account = ? AND start = ?", account
    ).fetchone()
    held_pico = db.execute(
        "SELECT COALESCE(SUM(pico), 0) FROM held WHERE account = ? AND start = ?", account
    ).fetchone()[0]
    spent, estimated, calls, unpriced = row or (0, 0, 0, 0)
    return BudgetState(usd_of(spent), usd_of(estimated), usd_of(held_pico), calls, unpriced)


def _released(db: sqlite3.Connection, holds: Iterable[int]) -> dict[int, tuple[str, int]]:
    released: dict[int, tuple[str, int]] = {}
    for hold in holds:
        row = db.execute("DELETE FROM held WHERE id = ? RETURNING account, pico", (hold,)).fetchone()
        if row is not None:
            released[hold] = (row[0], row[1])
    return released


def _add(
    db: sqlite3.Connection, account: BudgetAccount, amount: int, estimated: int, calls: int, unpriced: int
) -> None:
    db.execute(
        "INSERT INTO spent (account, start, pico, estimated, calls, unpriced) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (account, start) DO UPDATE SET pico = pico + excluded.pico, "
        "estimated = estimated + excluded.estimated, calls = calls + excluded.calls, "
        "unpriced = unpriced + excluded.unpriced",
        (account.name, account.start, amount, estimated, calls, unpriced),
    )


def _add_unpriced(db: sqlite3.Connection, account: BudgetAccount, model: str, calls: int) -> None:
    db.execute(
        "INSERT INTO unpriced (account, start, model, calls) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, start, model) DO UPDATE SET calls = calls + excluded.calls",
        (account.name, account.start, model, calls),
    )
