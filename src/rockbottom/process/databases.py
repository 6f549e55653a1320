"""SQLite files that processes and threads share, opened so that many may open a new one at once.

SQLite guards what all its connections share with locks of its own, which the child of a fork would find held for good
if a thread of the parent was inside at that instant. So whoever uses SQLite takes a ``SqliteTurn``, and a fork waits
for all who have one.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rockbottom.files import make_private
from rockbottom.process.forks import hold_over_forks

if TYPE_CHECKING:
    import sqlite3

MEMORY = ":memory:"
"""The path of a database of this process only."""

_AT_ONCE_S, _PAUSE_S = 0.1, 0.01
_PATIENCE_S = 0.5  # how long a fork waits for those inside, whose disk may hang
_COPIED_S = 10.0  # how long they wait for a fork that has begun: longer than it waits and than the copy takes
_BUSY, _LOCKED, _PROTOCOL = 5, 6, 15  # https://sqlite.org/rescode.html, the lowest byte of an extended code


def shared_database(
    path: str,
    schema: str,
    *,
    wait_s: float,
    synchronous: str,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> "sqlite3.Connection":
    """A connection in autocommit, with the tables of ``schema``; a file that is made is its owner's alone.

    It writes ahead (WAL), and waits up to ``wait_s`` seconds for other writers. The change of a file to WAL is refused
    at once where another connection looks at it, because SQLite asks its busy handler only where waiting cannot end
    in a deadlock; so opening is tried again for as long. Raises sqlite3.Error and OSError, with nothing left open.
    """
    import sqlite3

    if path != MEMORY:
        make_private(path)
    ends = monotonic() + wait_s
    while True:
        db = sqlite3.connect(path, timeout=min(wait_s, _AT_ONCE_S), isolation_level=None, check_same_thread=False)
        try:
            _prepare(db, schema, synchronous)
            db.execute(f"PRAGMA busy_timeout={int(wait_s * 1000)}")
            return db
        except BaseException as error:
            db.close()
            if not _is_busy(error) or monotonic() >= ends:
                raise
        sleep(_PAUSE_S)


class SqliteTurn:
    """The lock of those who use one SQLite file; no fork of the process falls into the block under it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        hold_over_forks(_GATE, last=True)

    def __enter__(self) -> None:
        _GATE.enter()  # first: a fork waits for those who wait for the lock as well, so that its child finds it free
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        _GATE.leave()


class _Gate:
    """Counts who is inside SQLite, in this process; closed while it is copied."""

    def __init__(self) -> None:
        self.after_fork_in_child()

    def enter(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed, _COPIED_S)
            self._inside += 1

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def before_fork(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._inside, _PATIENCE_S)

    def after_fork_in_parent(self) -> None:
        with self._changed:
            self._is_closed = False
            self._changed.notify_all()

    def after_fork_in_child(self) -> None:
        self._changed, self._inside, self._is_closed = threading.Condition(), 0, False


_GATE = _Gate()


def roll_back(db: "sqlite3.Connection") -> None:
    """End a transaction that failed; a full disk has ended it already."""
    if db.in_transaction:
        db.execute("ROLLBACK")


def _is_busy(error: BaseException) -> bool:
    """Whether SQLite could not do something because another connection was at work."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (_BUSY, _LOCKED, _PROTOCOL)


def _prepare(db: "sqlite3.Connection", schema: str, synchronous: str) -> None:
    if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA synchronous={synchronous}")
    db.executescript(schema)
