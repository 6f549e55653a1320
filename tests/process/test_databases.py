"""SQLite files that many open at once."""

import os
import signal
import sqlite3
import stat
import threading
import time

import pytest

from rockbottom.process import MEMORY, SqliteTurn, hold_over_forks, roll_back, shared_database

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


def _used(turn: SqliteTurn, path: str) -> None:
    """Open a file and write to it, as a store does."""
    with turn:
        db = shared_database(path, "CREATE TABLE IF NOT EXISTS t (n);", wait_s=20, synchronous="OFF")
        db.execute("INSERT INTO t VALUES (1)")
        db.close()


def _taken(turn: SqliteTurn) -> None:
    with turn:
        pass


def _ended(work) -> int:
    """How a child of a fork ended that does some work; one that stands still is ended by a signal."""
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            work()
            os._exit(0)
        finally:  # an error ends the child here, not in what runs the tests
            os._exit(1)
    return os.waitpid(child, 0)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_beside_threads_in_sqlite_leaves_a_child_that_can_use_it(tmp_path):
    """Four threads open and write all the time; of sixty children each opens a file of its own and ends by itself."""
    over, ends = threading.Event(), []

    def work(number: int) -> None:
        turn = SqliteTurn()
        while not over.is_set():
            _used(turn, str(tmp_path / f"parent-{number}.db"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        ends.append(_ended(lambda path=str(tmp_path / f"child-{number}.db"): _used(SqliteTurn(), path)))
    over.set()
    for thread in threads:
        thread.join()
    assert ends == [0] * 60


class _Slow:
    """What a fork waits for, as for a ledger whose disk hangs; counts the turns that others took meanwhile."""

    def __init__(self, taken: list[int]) -> None:
        self._taken, self.meanwhile = taken, 0

    def before_fork(self) -> None:
        before = len(self._taken)
        time.sleep(0.05)
        self.meanwhile = len(self._taken) - before

    def after_fork_in_parent(self) -> None:
        pass

    after_fork_in_child = after_fork_in_parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_that_others_hold_up_lets_nobody_in_when_it_copies():
    """Twenty members take .05 s each, longer than a fork waits for those inside, so they are waited for first."""
    over, taken, turn = threading.Event(), [], SqliteTurn()
    inside = [False]
    slow = [_Slow(taken) for _ in range(20)]
    for member in slow:
        hold_over_forks(member, inner=True)

    def work() -> None:
        while not over.is_set():
            with turn:
                inside[0] = True
                time.sleep(0.001)
                inside[0] = False
                taken.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        child = os.fork()
        if not child:
            os._exit(inside[0])
        assert os.waitpid(child, 0)[1] == 0
    finally:
        over.set()
        thread.join()
    assert all(member.meanwhile for member in slow)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_waits_only_so_long_for_one_who_stays_inside(tmp_path):
    """A disk that hangs keeps a thread inside; the child begins anew."""
    go_on, inside = threading.Event(), threading.Event()

    def stay() -> None:
        with SqliteTurn():
            inside.set()
            go_on.wait(60)

    thread = threading.Thread(target=stay)
    thread.start()
    assert inside.wait(60)
    assert _ended(lambda: _used(SqliteTurn(), str(tmp_path / "child.db"))) == 0
    assert thread.is_alive()
    go_on.set()
    thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_lock_that_threads_take_in_turns_is_free_in_the_child(tmp_path):
    """Four threads share one turn, so at each fork some wait for it; each of sixty children takes the same one."""
    over, ends, turn = threading.Event(), [], SqliteTurn()

    def work() -> None:
        while not over.is_set():
            _taken(turn)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        ends.append(_ended(lambda: _taken(turn)))
    over.set()
    for thread in threads:
        thread.join()
    assert ends == [0] * 60
