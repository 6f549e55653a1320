"""A store for the processes of one machine: an SQLite file; ``:memory:`` for one process."""

import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rockbottom.process import SqliteTurn, roll_back, shared_database
from rockbottom.sharing.errors import StoreAway
from rockbottom.sharing.store import STREAM_KEPT, Change, Read

_WAIT_S, _LOOK_S = 1.0, 0.05
_AT_ONCE = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS stream (place INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS cells (name TEXT PRIMARY KEY, value BLOB NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
"""


class SqliteStore:
    """The file, made where it is missing, for its owner only. Threads of one process may share it.

    ``wait_s``: for so many seconds others that are at work in the file are waited for.
    """

    era = ""  # a file loses nothing while the machine stands

    def __init__(
        self,
        path: str,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        wait_s: float = _WAIT_S,
    ) -> None:
        self._path, self._clock, self._sleep, self._wait_s = path, clock, sleep, wait_s
        self._lock = SqliteTurn()
        self._db: sqlite3.Connection | None = None

    def quiet_until(self, now: float) -> float:
        return float("-inf")

    def publish(self, entry: bytes) -> None:
        with self._opened() as db:
            place = db.execute("INSERT INTO stream (entry) VALUES (?)", (entry,)).lastrowid or 0
            if place % 100 == 0:
                db.execute("DELETE FROM stream WHERE place <= ?", (place - STREAM_KEPT,))

    def read(self, place: str, wait_s: float) -> Read:
        behind, left = int(place or 0), wait_s
        while True:
            with self._opened() as db:
                rows = db.execute(
                    "SELECT place, entry FROM stream WHERE place > ? ORDER BY place LIMIT ?", (behind, _AT_ONCE)
                ).fetchall()
                if not rows and db.execute("SELECT COALESCE(MAX(place), 0) FROM stream").fetchone()[0] < behind:
                    behind = 0  # another file in its place
            if rows or left <= 0:
                return Read(str(rows[-1][0] if rows else behind), [entry for _, entry in rows])
            self._sleep(min(_LOOK_S, left))
            left -= _LOOK_S

    def change(self, name: str, entry: bytes, change: Change, for_s: float) -> None:
        with self._opened() as db:  # one at a time, so nobody else's entry waits
            now = self._clock()
            value = change(self._value(db, name, now), [entry], now)
            if value is not None:
                self._put(db, name, value, now, for_s)

    def put_if_absent(self, name: str, value: bytes, for_s: float) -> bytes | None:
        with self._opened() as db:
            now = self._clock()
            there = self._value(db, name, now)
            if there is None:
                self._put(db, name, value, now, for_s)
            return there

    def put(self, name: str, value: bytes, for_s: float) -> None:
        with self._opened() as db:
            self._put(db, name, value, self._clock(), for_s)

    def drop(self, name: str) -> None:
        with self._opened() as db:
            db.execute("DELETE FROM cells WHERE name = ?", (name,))

    def close(self) -> None:
        with self._lock:
            self._let_go()

    @staticmethod
    def _value(db: sqlite3.Connection, name: str, now: float) -> bytes | None:
        row = db.execute("SELECT value FROM cells WHERE name = ? AND until > ?", (name, now)).fetchone()
        return None if row is None else bytes(row[0])

    @staticmethod
    def _put(db: sqlite3.Connection, name: str, value: bytes, now: float, for_s: float) -> None:
        db.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?)", (name, value, now + for_s))
        if hash((name, value)) % 256 == 0:  # now and then, though many values are alike
            db.execute("DELETE FROM cells WHERE until < ?", (now,))

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        """One transaction. Raises StoreAway."""
        with self._lock:
            try:
                db = self._db = self._db or self._connected()
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    roll_back(db)
                    raise
            except (sqlite3.Error, OSError) as error:
                self._let_go()
                raise StoreAway(f"{self._path}: {error}") from error

    def _connected(self) -> sqlite3.Connection:
        # OFF: what is lost with the machine is learned again
        return shared_database(self._path, _SCHEMA, wait_s=self._wait_s, synchronous="OFF", sleep=self._sleep)

    def _let_go(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()
