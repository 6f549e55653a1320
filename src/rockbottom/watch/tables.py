"""The tables of the digest, and how rows go in. Bump VERSION with any change: the digest is then made anew."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rockbottom.watch.sums import COLUMNS

VERSION = 4
NAME = "watch.sqlite"
MEMORY = ":memory:"
_PATIENCE_S = 20.0

_columns = ", ".join(f"{name} INTEGER NOT NULL" for name in COLUMNS)
_SCHEMA = f"""
CREATE TABLE progress (volume TEXT PRIMARY KEY, identity INTEGER NOT NULL, read_to INTEGER NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value REAL NOT NULL);
CREATE TABLE sums (grain INTEGER NOT NULL, start INTEGER NOT NULL, local INTEGER NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, {_columns}, PRIMARY KEY (grain, local, kind, start, name)) WITHOUT ROWID;
CREATE TABLE latencies (grain INTEGER NOT NULL, start INTEGER NOT NULL, local INTEGER NOT NULL, model TEXT NOT NULL,
    step INTEGER NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (grain, local, start, model, step)) WITHOUT ROWID;
CREATE TABLE misses (local INTEGER NOT NULL, at REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX misses_at ON misses (local, at);
PRAGMA user_version = {VERSION};
"""
_TABLES = ("progress", "facts", "sums", "latencies", "misses")

ADD_SUMS = (
    f"INSERT INTO sums VALUES ({', '.join('?' * (5 + len(COLUMNS)))}) "
    "ON CONFLICT (grain, local, kind, start, name) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in COLUMNS)
)
ADD_LATENCIES = (
    "INSERT INTO latencies VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (grain, local, start, model, step) DO UPDATE SET calls = calls + excluded.calls"
)


def opened(path: str) -> sqlite3.Connection:
    """A connection to a digest, made where there is none. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection) != VERSION:  # asked first: a reader need not wait for a writer
            with writing(connection):
                if _version(connection) != VERSION:
                    _make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction, alone among all processes; undone when the block raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def put_aside(path: Path) -> None:
    """Make room for a new digest where a file of that name is none."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _make(connection: sqlite3.Connection) -> None:
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _SCHEMA.split(";"):
        if statement.strip():
            connection.execute(statement)
