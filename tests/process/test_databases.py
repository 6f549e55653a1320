"""SQLite files that many open at once."""

import os
import sqlite3
import stat

import pytest

from rockbottom.process import MEMORY, roll_back, shared_database

SCHEMA = "CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"


class Clock:
    """Time that passes by sleeping only; ``then`` is what happens meanwhile."""

    def __init__(self, then=lambda: None) -> None:
        self.now, self.slept, self._then = 0.0, 0, then

    def sleep(self, seconds: float) -> None:
        self.now, self.slept = self.now + seconds, self.slept + 1
        if self.slept == 3:
            self._then()

    def monotonic(self) -> float:
        return self.now


def opened(path, clock: Clock | None = None, wait_s: float = 1.0) -> sqlite3.Connection:
    clock = clock or Clock()
    return shared_database(
        str(path), SCHEMA, wait_s=wait_s, synchronous="OFF", sleep=clock.sleep, monotonic=clock.monotonic
    )


def descriptors(path) -> int:
    """How often this process has the file open."""
    names = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return sum(os.path.realpath(name).startswith(str(path)) for name in names if os.path.lexists(name))


@pytest.fixture
def looked_at(tmp_path):
    """A file that is not WAL yet, and a connection that looks at it: SQLite refuses the change to WAL at once."""
    path = tmp_path / "a.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE other (x)")
    other.execute("BEGIN")
    other.execute("SELECT * FROM other").fetchall()
    yield path, other
    other.close()


def test_whoever_opens_waits_for_another_that_looks_at_the_file(looked_at):
    """The other lets go at the third pause; then the file is WAL, with the table."""
    path, other = looked_at
    clock = Clock(then=lambda: other.execute("COMMIT"))
    db = opened(path, clock)
    assert clock.slept == 3
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA busy_timeout").fetchone() == (1000,)
    assert db.execute("SELECT * FROM counts").fetchall() == []
    db.close()


def test_waiting_ends_and_nothing_is_left_open(looked_at):
    """The other never lets go: after .05 s by the clock it is an error. Once it does, the file is open once, by it.

    Before that SQLite itself keeps the descriptor: closing it would end the other's locks, as POSIX has it.
    """
    path, other = looked_at
    clock = Clock()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        opened(path, clock, wait_s=0.05)
    assert 0.05 <= clock.now < 0.08
    other.execute("COMMIT")
    assert descriptors(path) == 1


def test_what_is_no_database_is_told_at_once(tmp_path):
    path = tmp_path / "text.db"
    path.write_bytes(b"no database at all, " * 100)
    clock = Clock()
    with pytest.raises(sqlite3.DatabaseError):
        opened(path, clock)
    assert clock.slept == 0
    assert descriptors(path) == 0


def test_a_file_is_made_for_its_owner_and_memory_makes_none(tmp_path):
    opened(tmp_path / "a.db").close()
    assert stat.S_IMODE((tmp_path / "a.db").stat().st_mode) == 0o600
    assert opened(MEMORY).execute("SELECT * FROM counts").fetchall() == []


def test_a_transaction_that_is_over_needs_no_rolling_back():
    db = opened(MEMORY)
    db.execute("BEGIN")
    db.execute("INSERT INTO counts VALUES ('a', 1)")
    roll_back(db)
    roll_back(db)
    assert db.execute("SELECT * FROM counts").fetchall() == []
