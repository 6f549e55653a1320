"""An index of the ledger in SQLite, beside the volumes: made from them, caught up when asked, safe to delete.

How far each volume was read is kept in the same transaction as what was read, so several processes may catch up at
once and every record is counted once. Rows of calls go when their volume is removed; the roll-ups stay.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rockbottom.ledger import schema
from rockbottom.ledger.errors import LedgerError, NoLedger
from rockbottom.ledger.lines import found_in
from rockbottom.ledger.places import Volume, identity_of, volumes_of
from rockbottom.ledger.reading import chunks_of
from rockbottom.ledger.records import usd_of_picousd
from rockbottom.ledger.sums import MOST_FAMILIES, OTHER, Gathered, Key

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger("rockbottom.ledger")

INDEX = "index.sqlite"
_OFFSET_BITS = 40
_PATIENCE_S = 30.0


class LedgerIndex:
    """The index of the ledger in a folder; call ``catch_up`` to take in what was recorded since.

    ``connection`` answers SQL over the views ``calls``, ``minutes``, ``hours``, ``families`` and ``damaged``
    (see ``schema``), with two functions more than SQLite's: ``usd(picousd)`` and the aggregate
    ``usd_sum(picousd)``, both exact decimal text. Where the folder cannot be written the index is kept in
    memory (``in_memory``). For one thread at a time; each process has its own. Raises NoLedger.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise NoLedger(
                f"{self.folder} holds no ledger.", fix="record one with rockbottom.attach(client, ledger=True)"
            )
        self.in_memory = False
        self.connection = self._opened()
        self._kinds: dict[tuple[str, ...], int] = {}

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> LedgerIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query, as mappings. Raises LedgerError where SQLite does not understand it."""
        import sqlite3

        try:
            cursor = self.connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.Error as error:
            raise LedgerError(
                f"The ledger cannot answer that: {error}.", fix="rockbottom ledger info shows tables and columns"
            ) from error

    # Catching up --------------------------------------------------------------------------------------------

    def catch_up(self, most: int | None = None) -> int:
        """Take in what was recorded since the last time, at most about ``most`` calls; how many there were.

        Each run of lines is one transaction, so it can be interrupted at any point, and a second process that
        catches up at the same time goes on where this one is.
        """
        added = 0
        volumes = volumes_of(self.folder)
        known = self._known()
        if not known.keys() <= {volume.path.name for volume in volumes}:
            with self._writing():
                self._forget_removed()
        for volume in volumes:
            if self._is_read(volume, known):
                continue
            for calls in self._caught_up(volume):
                added += calls
                if most is not None and added >= most:
                    return added
        return added

    def _known(self) -> dict[str, tuple[int, int]]:
        """How far each volume was read, with its identity."""
        rows = self.connection.execute("SELECT name, identity, read_to FROM volumes")
        return {name: (identity, read_to) for name, identity, read_to in rows}

    def _is_read(self, volume: Volume, known: Mapping[str, tuple[int, int]]) -> bool:
        """Whether a volume was read to its end, so that no lock need be taken for it."""
        try:
            place = identity_of(volume.path), volume.path.stat().st_size
        except OSError:
            return True
        return known.get(volume.path.name) == place

    def _caught_up(self, volume: Volume) -> Iterator[int]:
        while True:
            with self._writing():
                calls = self._next_run(volume)
            if calls is None:
                return
            yield calls

    def _next_run(self, volume: Volume) -> int | None:
        """Take in one run of whole lines; None: there is no more."""
        try:
            file = volume.path.open("rb")
        except OSError:
            return None
        with file:
            number, offset = self._place_in(volume)
            for begin, data, whole in chunks_of(file, offset):
                if not whole:
                    return None
                calls = self._take(number, begin, data)
                self.connection.execute("UPDATE volumes SET read_to = ? WHERE id = ?", (begin + len(data) + 1, number))
                return calls
        return None

    def _place_in(self, volume: Volume) -> tuple[int, int]:
        """The number of a volume in the index, and how far it was read."""
        identity = identity_of(volume.path)
        known = self.connection.execute(
            "SELECT id, read_to, identity FROM volumes WHERE name = ?", (volume.path.name,)
        ).fetchone()
        if known is not None:
            if known[2] == identity and known[1] <= volume.path.stat().st_size:
                return known[0], known[1]
            self._forget(known[0])  # the volume of this name was removed, and another was begun
        made = self.connection.execute(
            "INSERT INTO volumes (name, identity) VALUES (?, ?)", (volume.path.name, identity)
        )
        return int(made.lastrowid or 0), 0

    def _take(self, number: int, begin: int, data: bytes) -> int:
        gathered = Gathered(self._kind_number)
        for found in found_in(data, begin):
            size, why = found.torn, found.why
            if found.call is not None:
                try:
                    gathered.add(number << _OFFSET_BITS | found.offset, found.call)
                    continue
                except (ArithmeticError, ValueError) as error:
                    why = str(error)
            row = (number, found.offset, size, why)
            self.connection.execute("INSERT OR IGNORE INTO damaged VALUES (?, ?, ?, ?)", row)
        self._put(gathered)
        return len(gathered.rows)

    def _put(self, gathered: Gathered) -> None:
        run = self.connection.executemany
        run(schema.insert("call_rows", schema.CALL_COLUMNS), gathered.rows)
        run(schema.upsert("minutes_sums", ("minute", "kind"), schema.SUMS), _flat(gathered.minutes))
        run(schema.upsert("hours_sums", ("hour", "kind"), schema.SUMS), _flat(gathered.hours))
        families = schema.upsert("families", ("hour", "model", "family"), schema.SUMS)
        run(families, _flat(self._bounded(gathered.families)))

    def _bounded(self, families: dict[Key, list[int]]) -> dict[Key, list[int]]:
        """The same sums with at most so many families an hour and model; the others are summed as one."""
        bounded: dict[Key, list[int]] = {}
        known: dict[Key, set[str]] = {}
        for (hour, model, family), sums in families.items():
            names = known.get((hour, model))
            if names is None:
                rows = self.connection.execute(
                    "SELECT family FROM families WHERE hour = ? AND model = ?", (hour, model)
                )
                names = known[hour, model] = {row[0] for row in rows}
            if family not in names and len(names) >= MOST_FAMILIES:
                family = OTHER
            names.add(family)
            kept = bounded.setdefault((hour, model, family), [0] * len(sums))
            for place, amount in enumerate(sums):
                kept[place] += amount
        return bounded

    def _kind_number(self, kind: tuple[str, ...]) -> int:
        number = self._kinds.get(kind)
        if number is None:
            where = " AND ".join(f"{name} = ?" for name in schema.KIND)
            found = self.connection.execute(f"SELECT id FROM kinds WHERE {where}", kind).fetchone()
            if found is None:
                made = self.connection.execute(schema.insert("kinds", schema.KIND), kind)
                number = int(made.lastrowid or 0)
            else:
                number = int(found[0])
            self._kinds[kind] = number
        return number

    def _forget_removed(self) -> None:
        """Rows of volumes that were removed; their sums stay in the roll-ups."""
        there = {volume.path.name for volume in volumes_of(self.folder)}
        for number, name in self.connection.execute("SELECT id, name FROM volumes").fetchall():
            if name not in there:
                self._forget(number)

    def _forget(self, number: int) -> None:
        rows = (number << _OFFSET_BITS, (number + 1) << _OFFSET_BITS)
        self.connection.execute("DELETE FROM call_rows WHERE id >= ? AND id < ?", rows)
        self.connection.execute("DELETE FROM damaged WHERE volume = ?", (number,))
        self.connection.execute("DELETE FROM volumes WHERE id = ?", (number,))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        import sqlite3

        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise LedgerError(
                f"The index of {self.folder} is taken by another process: {error}.", fix="try again"
            ) from error
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:  # on a full disk SQLite has rolled back by itself
                self.connection.execute("ROLLBACK")
            self._kinds.clear()  # numbers given in this transaction are not given
            if isinstance(error, sqlite3.Error):
                raise LedgerError(
                    f"The index of {self.folder} cannot be caught up: {error}.",
                    fix="make room on the disk; the ledger itself is not touched by this",
                ) from error
            raise

    # Opening ------------------------------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        import sqlite3

        path = self.folder / INDEX
        try:
            return _prepared(path)
        except sqlite3.OperationalError as error:
            log.warning("rockbottom: the index of %s cannot be kept on disk (%s); it is in memory", self.folder, error)
            self.in_memory = True
            return _prepared(":memory:")
        except sqlite3.DatabaseError as error:  # no database, or a damaged one: it is made from the volumes anew
            log.warning("rockbottom: %s is damaged (%s); it is made anew", path, error)
            _put_aside(path)
            return _prepared(path)


def _prepared(path: Path | str) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        _add_functions(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != schema.VERSION:
            _make(connection, version)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection, version: int) -> None:
    if version:
        for kind, name in connection.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            connection.execute(f"DROP {kind} IF EXISTS {name}")
    for statement in schema.SCHEMA.split(";"):
        if statement.strip():
            connection.execute(statement)


def _put_aside(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_name(path.name + ".damaged"))


class _UsdSum:
    """Sums pico-dollars of any size and gives decimal text."""

    def __init__(self) -> None:
        self._sum: int | None = None

    def step(self, amount: int | None) -> None:
        if amount is not None:
            self._sum = (self._sum or 0) + amount

    def finalize(self) -> str | None:
        return None if self._sum is None else _plain(usd_of_picousd(self._sum))


def _add_functions(connection: sqlite3.Connection) -> None:
    connection.create_aggregate("usd_sum", 1, _UsdSum)  # type: ignore[arg-type]
    connection.create_function(
        "usd", 1, lambda amount: None if amount is None else _plain(usd_of_picousd(amount)), deterministic=True
    )


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _flat(table: dict[Key, list[int]]) -> Iterator[tuple[Any, ...]]:
    return ((*key, *sums) for key, sums in table.items())
