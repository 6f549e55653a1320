"""What a planner learned, in one SQLite file that several processes may share.

The file holds counts per model and kind, the accounts of the guard, and prefixes as keyed hashes with their gaps and
the entries believed alive; never text. Counts and accounts are added up: a process adds what it learned since it
last saved, and takes over the accounts as they then are. Of a prefix the latest row wins. The key of the hashes is
in the file, so the file is readable for its owner only.
"""

import json
import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path

from msgspec import Struct, field

from rockbottom.files import make_private
from rockbottom.plan.entries import BelievedEntry
from rockbottom.plan.guard import Guard
from rockbottom.plan.history import History
from rockbottom.plan.insurance import MISSES_UNTIL_OFF, Insurance
from rockbottom.plan.returns import ClassKey, Counted, ReturnCounts, Returns
from rockbottom.plan.runs import KEY_BYTES, GapRecord, Run
from rockbottom.quantities import RockbottomError

_VERSION = "1"
Insurances = dict[tuple[str, ...], Insurance]
Lock = AbstractContextManager[object]
_RUNS_KEPT = 5_000
_LOAD_WAIT_S = 3.0  # for another process that is at the file; a program waits for its start
_COUNTS_KEPT = 500.0  # what a stage's counts are scaled down to when several processes add theirs
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS kinds (name TEXT PRIMARY KEY, counts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS kinds_by_model (
    model TEXT NOT NULL, name TEXT NOT NULL, counts TEXT NOT NULL, PRIMARY KEY (model, name)
);
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, extra TEXT NOT NULL, plain TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS prefixes (
    key BLOB PRIMARY KEY, parent BLOB, start INTEGER NOT NULL, keys BLOB NOT NULL, tokens INTEGER NOT NULL,
    last_at REAL NOT NULL, pace TEXT NOT NULL, shared INTEGER NOT NULL, beyond INTEGER NOT NULL, marks TEXT NOT NULL
);
"""


class UnreadableState(RockbottomError):
    """The file is not a planner's state, or of another version, or cannot be used now."""


Accounts = dict[tuple[str, ...], tuple[Decimal, Decimal]]  # of each account, extra and plain
Counts = dict[tuple[str, ClassKey], list[float]]  # of each kind of each model, as ``counts_of``
_NOTHING = (Decimal(0), Decimal(0))


class Saved(Struct):
    """What the file is known to hold of this planner: counts and accounts as they were when last saved or loaded."""

    counts: Counts = field(default_factory=Counts)
    accounts: Accounts = field(default_factory=Accounts)

    @classmethod
    def of(cls, returns: Returns, guard: Guard) -> "Saved":
        counts = {
            (model, key): counts_of(cell)
            for model, kinds in returns.models.items()
            for key, cell in kinds.cells.items()
        }
        return cls(counts, _accounts_of(guard))


class _Added(Struct, frozen=True):
    """What goes into the file: how far counts and accounts have moved, what was found out, the latest prefixes."""

    counts: Counts
    accounts: Accounts
    off: set[tuple[str, ...]]
    longest: int
    rows: list[tuple[object, ...]]


def _accounts_of(guard: Guard) -> Accounts:
    return {key: (account.extra, account.plain) for key, account in guard.accounts.items()}


def new_secret() -> bytes:
    """A key for prefix hashes; no decision depends on it."""
    return os.urandom(KEY_BYTES)


def counts_of(cell: ReturnCounts) -> list[float]:
    """Hits, misses and observations of one's own, in a row."""
    return [*cell.hits, *cell.misses, cell.own]


@contextmanager
def _opened(path: str | Path, wait_s: float) -> Generator[sqlite3.Connection]:
    make_private(path)
    try:
        connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
    except sqlite3.Error as error:
        raise UnreadableState(f"{path} is not a planner's state: {error}", fix="give another path") from error
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO about VALUES ('version', ?)", (_VERSION,))
        version = connection.execute("SELECT value FROM about WHERE name = 'version'").fetchone()[0]
        if version != _VERSION:
            raise UnreadableState(f"{path} holds a planner's state of version {version}; this one reads {_VERSION}")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:  # the disk, the rights, or another process that holds it
        raise UnreadableState(f"{path} cannot be used: {error}", fix="another path, or try again later") from error
    except sqlite3.DatabaseError as error:
        raise UnreadableState(f"{path} is not a planner's state: {error}", fix="give another path") from error
    finally:
        connection.close()


def secret_in(path: str | Path) -> bytes:
    """The key of the file's hashes; a new file gets a new one."""
    with _opened(path, _LOAD_WAIT_S) as connection:
        connection.execute("INSERT OR IGNORE INTO about VALUES ('secret', ?)", (new_secret(),))
        return bytes(connection.execute("SELECT value FROM about WHERE name = 'secret'").fetchone()[0])


def save(
    path: str | Path,
    secret: bytes,
    returns: Returns,
    guard: Guard,
    history: History,
    saved: Saved,
    insurances: Insurances,
    lock: Lock,
    wait_s: float,
) -> None:
    """Add what was learned since ``saved`` to the file, and have ``saved`` say so. Raises UnreadableState.

    ``lock`` is held while what is learned is looked at or changed, never while the file is waited for, which is for
    ``wait_s`` seconds at most. Nobody else may save the same planner meanwhile. A process that is forked meanwhile
    takes it for saved.
    """
    with lock:
        counts_before, accounts_before, now = saved.counts, saved.accounts, Saved.of(returns, guard)
        added = _added(now, saved, returns, history, guard, insurances)
        saved.counts, saved.accounts = now.counts, now.accounts
    try:
        with _opened(path, wait_s) as connection:
            accounts, longest = _add(connection, added, secret)
    except BaseException:
        saved.counts, saved.accounts = counts_before, accounts_before
        raise
    with lock:
        _take_over(guard, accounts, longest, now.accounts)
        saved.accounts = accounts


def _added(
    now: Saved, saved: Saved, returns: Returns, history: History, guard: Guard, insurances: Insurances
) -> _Added:
    start = {key: [*hits, *misses, own] for key, (hits, misses, own) in returns.start.items()}
    moved = {name: _less(counts, saved.counts.get(name) or start.get(name[1])) for name, counts in now.counts.items()}
    accounts: Accounts = {}
    for key, (extra, plain) in now.accounts.items():
        before = saved.accounts.get(key, _NOTHING)
        accounts[key] = (extra - before[0], plain - before[1])
    off = {key for key, insurance in insurances.items() if insurance.off}
    return _Added(moved, accounts, off, guard.longest, [_row(run) for run in history.recent(_RUNS_KEPT)])


def _less(counts: list[float], before: list[float] | None) -> list[float]:
    return counts if before is None else [a - b for a, b in zip(counts, before, strict=True)]


def _add(connection: sqlite3.Connection, added: _Added, secret: bytes) -> tuple[Accounts, int]:
    """Add it; answers with the accounts that the file then holds, and with the longest prompt."""
    connection.execute("INSERT OR IGNORE INTO about VALUES ('secret', ?)", (secret,))
    same_key = bytes(connection.execute("SELECT value FROM about WHERE name = 'secret'").fetchone()[0]) == secret
    for (model, key), moved in added.counts.items():
        _add_counts(connection, model, key, moved)
    for name, (extra, plain) in added.accounts.items():
        _add_account(connection, name, extra, plain)
    _add_insurances(connection, added.off)
    if same_key:
        connection.executemany(
            "INSERT INTO prefixes VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET"
            " parent=excluded.parent, start=excluded.start, keys=excluded.keys, tokens=excluded.tokens,"
            " last_at=excluded.last_at, pace=excluded.pace, shared=excluded.shared,"
            " beyond=excluded.beyond, marks=excluded.marks"
            " WHERE excluded.last_at >= prefixes.last_at",
            added.rows,
        )
        connection.execute(
            "DELETE FROM prefixes WHERE key NOT IN (SELECT key FROM prefixes ORDER BY last_at DESC LIMIT ?)",
            (_RUNS_KEPT,),
        )
    return _accounts_in(connection), _longest_in(connection, added.longest)


def load(path: str | Path, returns: Returns, guard: Guard, history: History, insurances: Insurances) -> Saved:
    """Put what the file holds on top of the priors; returns the snapshot. Raises UnreadableState."""
    with _opened(path, _LOAD_WAIT_S) as connection:
        for name, text in connection.execute("SELECT name, counts FROM kinds"):  # of before: all models together
            key = tuple(name.split("/"))
            returns.start[key] = _sum(returns.start.get(key, ((0.0,) * 4, (0.0,) * 4, 0.0)), text)
        for model, name, text in connection.execute("SELECT model, name, counts FROM kinds_by_model"):
            cell = returns.of(model).cell(tuple(name.split("/")))
            cell.put(*_sum((cell.hits, cell.misses, cell.own), text))
        _take_over(guard, _accounts_in(connection), _longest_in(connection, guard.longest), _accounts_of(guard))
        insurances.update({key: Insurance(MISSES_UNTIL_OFF) for key in _switched_off(connection)})
        rows = connection.execute("SELECT * FROM prefixes ORDER BY start").fetchall()
    history.restore(_runs(rows))
    return Saved.of(returns, guard)


def _switched_off(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    row = connection.execute("SELECT value FROM about WHERE name = 'insurance_off'").fetchone()
    return {tuple(key) for key in json.loads(row[0])} if row else set()


def _add_insurances(connection: sqlite3.Connection, off: set[tuple[str, ...]]) -> None:
    """What one process found not to work stays off in all of them."""
    everywhere = _switched_off(connection) | off
    if everywhere:
        value = json.dumps(sorted(everywhere))
        connection.execute("INSERT OR REPLACE INTO about VALUES ('insurance_off', ?)", (value,))


def _sum(counted: Counted, text: str) -> Counted:
    hits, misses, own = counted
    added = [max(0.0, a + b) for a, b in zip((*hits, *misses, own), json.loads(text), strict=True)]
    return added[:4], added[4:8], added[8]


def _add_counts(connection: sqlite3.Connection, model: str, key: ClassKey, moved: list[float]) -> None:
    if not any(moved):
        return
    name = "/".join(key)
    query = "SELECT counts FROM kinds_by_model WHERE model = ? AND name = ?"
    row = connection.execute(query, (model, name)).fetchone()
    total = [a + b for a, b in zip(json.loads(row[0]) if row else [0.0] * 9, moved, strict=True)]
    scale = min(1.0, _COUNTS_KEPT / max(1.0, total[0] + total[4]))
    values = model, name, json.dumps([v * scale for v in total])
    connection.execute("INSERT OR REPLACE INTO kinds_by_model VALUES (?, ?, ?)", values)


def _add_account(connection: sqlite3.Connection, key: tuple[str, ...], extra: Decimal, plain: Decimal) -> None:
    name = json.dumps(list(key))
    row = connection.execute("SELECT extra, plain FROM accounts WHERE name = ?", (name,)).fetchone()
    before = (Decimal(row[0]), Decimal(row[1])) if row else (Decimal(0), Decimal(0))
    values = (name, str(before[0] + extra), str(before[1] + plain))
    connection.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)", values)


def _accounts_in(connection: sqlite3.Connection) -> Accounts:
    rows = connection.execute("SELECT name, extra, plain FROM accounts")
    return {tuple(json.loads(name)): (Decimal(extra), Decimal(plain)) for name, extra, plain in rows}


def _longest_in(connection: sqlite3.Connection, longest: int) -> int:
    """The longest prompt of all processes, ``longest`` being that of this one."""
    row = connection.execute("SELECT value FROM about WHERE name = 'longest_prompt'").fetchone()
    longest = max(longest, int(row[0]) if row else 0)
    connection.execute("INSERT OR REPLACE INTO about VALUES ('longest_prompt', ?)", (str(longest),))
    return longest


def _take_over(guard: Guard, accounts: Accounts, longest: int, before: Accounts) -> None:
    """Make the guard's accounts those of the file: what all processes together have spent and saved.

    ``before`` is what they were when they were added to it; what came since stays on top. The allowance of each
    process follows from the longest prompt of all.
    """
    for key, (extra, plain) in accounts.items():
        account, (then_extra, then_plain) = guard.account(key), before.get(key, _NOTHING)
        account.extra += extra - then_extra
        account.plain += plain - then_plain
    guard.see(longest)


def _row(run: Run) -> tuple[object, ...]:
    pace = run.pace
    return (
        run.last,
        run.parent.last if run.parent is not None else None,
        run.start,
        run.keys,
        run.tokens,
        run.last_at,
        json.dumps([pace.gaps, pace.quick, pace.slow_gaps, pace.back]),
        int(run.shared),
        run.beyond,
        json.dumps({entry.position: entry.row() for entry in run.entries}),
    )


def _runs(rows: Iterable[tuple[bytes, bytes | None, int, bytes, int, float, str, int, int, str]]) -> Iterator[Run]:
    """Runs whose parent is there too, parents first."""
    runs: dict[bytes, Run] = {}
    for key, parent_key, start, keys, tokens, last_at, pace, shared, beyond, marks in rows:
        parent = runs.get(bytes(parent_key)) if parent_key is not None else None
        if start and parent is None:
            continue
        run = Run(parent, start, bytes(keys), tokens, last_at)
        run.pace, run.shared, run.beyond = GapRecord(*json.loads(pace)), bool(shared), beyond
        run.entries = tuple([BelievedEntry.of_row(int(position), row) for position, row in json.loads(marks).items()])
        runs[bytes(key)] = run
        yield run
