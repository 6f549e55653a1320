"""Ctrl-C and the end of a server while DuckDB computes."""

import os
import signal
import threading

import pytest

from rockbottom.tables.database import Database, taken_over

CENTURIES = "SELECT sum(a.range * b.range % 7) FROM range(100000000) a, range(100000000) b"


class Telling:
    """A connection that tells when a question is put to it."""

    def __init__(self, connection):
        self._connection = connection
        self.asked = threading.Event()

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, sql, *parameters):
        if sql == CENTURIES:
            self.asked.set()
        return self._connection.execute(sql, *parameters)

    def cursor(self):
        self.asked.set()
        return self._connection.cursor()


@pytest.mark.parametrize("ask", [lambda db: db.table(CENTURIES), lambda db: db.run_at_once([CENTURIES, CENTURIES])])
def test_it_ends_what_would_take_centuries(ask):
    """DuckDB overheard it in half of the runs of such a question; the connection answers again afterwards."""
    duckdb = pytest.importorskip("duckdb")
    connection = Telling(duckdb.connect(":memory:"))
    database = Database(connection)

    def press():
        if connection.asked.wait(15):
            os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        ask(database)
    pressing.join()
    assert database.value("SELECT 7") == 7
    database.close()


@pytest.mark.parametrize("ask", [lambda db: db.table(CENTURIES), lambda db: db.run_at_once([CENTURIES, CENTURIES])])
def test_a_lock_is_taken_over_from_a_thread_that_computes(ask):
    """As at the end of a server; what the thread asks afterwards is refused at once."""
    duckdb = pytest.importorskip("duckdb")
    connection = Telling(duckdb.connect(":memory:"))
    database, lock, ends = Database(connection), threading.Lock(), []

    def work():
        with lock:
            for question in (ask, lambda db: db.value("SELECT 7")):
                try:
                    question(database)
                except duckdb.InterruptException as error:
                    ends.append(error)

    working = threading.Thread(target=work, daemon=True)
    working.start()
    assert connection.asked.wait(15)
    with taken_over(lock, lambda: database):
        assert len(ends) == 2
    database.close()
