"""What SQL is asked over besides the sums: the calls that are there still, and the same by minute.

Rows of closed volumes are written down the first time that somebody asks for them, and read from there afterwards.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rockbottom.ledger import LedgerError, Volume
from rockbottom.tables.cells import KIND, minutes_of
from rockbottom.tables.database import Database
from rockbottom.tables.intake import Intake
from rockbottom.tables.keeping import Files, VolumeKey
from rockbottom.tables.rows import UNITS, picousd_of, text, texts

VIEWS = ("calls", "minutes", "hours", "families", "damaged")
_NOT_ASKED = "hashes, depths, prefix, local, timed"
_CALLS = f"""
CREATE OR REPLACE TEMP VIEW calls AS SELECT id, "at", make_timestamp(("at" * 1000000)::BIGINT) AS time,
    {", ".join(KIND)},
    {", ".join(UNITS)}, {picousd_of("cost_usd")} AS cost_picousd, {picousd_of("uncached_usd")} AS uncached_picousd,
    {picousd_of("uncached_usd - cost_usd")} AS saved_picousd, cost_usd, uncached_usd,
    family, family_tokens, points, minimum, cacheable, first_ms, elapsed_ms, status, request_id, cause, arm,
    planned_usd, least_usd, most_usd
FROM (SELECT * EXCLUDE ({_NOT_ASKED}, counted, batch) FROM recent WHERE NOT counted{{closed}})
"""


class SqlQueries:
    """Answers questions in SQL, and nothing but questions."""

    def __init__(self, database: Database, files: Files, intake: Intake) -> None:
        self._database, self._files, self._intake = database, files, intake
        self._shown: list[str] | None = None  # the files that the views are made of
        self._run = database.run

    def make_calls(self, volumes: Mapping[VolumeKey, Volume], latest: float) -> None:
        """Make ``calls`` and ``minutes`` of what is in ``recent`` and of these volumes, which are summed."""
        paths = {key: self._files.path(key, "rows") for key in volumes}
        there = set(paths.values())
        for path in self._files.all("rows").values():
            if path not in there:  # its volume was removed
                self._files.forget(path)
        keys = {volumes[key]: key for key, path in paths.items() if not self._files.is_sound(path)}
        for part in self._intake.parts(list(keys), latest) if keys else ():
            for volume in part:
                self._keep(keys[volume])
            self._intake.forget()
        self.show_calls([str(path) for path in paths.values() if path.exists()])

    def show_calls(self, files: Sequence[str]) -> None:
        """Make the views of what is in ``recent`` and in these files, where they are not made of them already."""
        if self._shown == list(files):
            return
        closed = f" UNION ALL BY NAME SELECT * FROM read_parquet({texts(files)})" if files else ""
        self._run(_CALLS.format(closed=closed))
        self._run(f"CREATE OR REPLACE TEMP VIEW minutes AS {minutes_of('calls')}")
        self._shown = list(files)

    def _keep(self, key: VolumeKey) -> None:
        rows = f"SELECT * EXCLUDE ({_NOT_ASKED}) FROM fresh WHERE id >> 40 = {key.number}"
        with self._files.put(key, "rows") as draft:
            self._run(f"COPY ({rows}) TO {text(str(draft))} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)")

    def names_calls(self, sql: str) -> bool:
        """Whether a question names ``calls`` or ``minutes`` as a table. Raises LedgerError where it is no text."""
        try:
            sql.encode()
        except UnicodeError as error:  # a word of a command line in another encoding
            raise LedgerError("That is not text in UTF-8.", fix="ask in UTF-8, or set LANG=C.UTF-8") from error
        tree = self._database.value("SELECT json_serialize_sql($1)", [sql])
        return any(f'"table_name":"{name}"' in tree.lower() for name in ("calls", "minutes"))

    def lock(self) -> None:
        """From now on nothing is read but the tables' own files, and no setting is changed."""
        self._run(f"SET allowed_directories = {texts([str(self._files.folder)])}")
        self._run("SET enable_external_access = false")
        self._run("SET lock_configuration = true")

    def answer(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """The rows of a question, as mappings. Raises LedgerError where it is none, or is not understood."""
        import duckdb

        try:
            if self._database.kinds(sql) != [duckdb.StatementType.SELECT]:
                raise LedgerError(
                    "That is not one SELECT statement.", fix="ask one SELECT; the ledger is never changed by SQL"
                )
            names, rows = self._database.table(sql, parameters)
            return [dict(zip(names, row, strict=True)) for row in rows]
        except duckdb.Error as error:
            if unknown := _unknown_name(str(error)):
                raise self._without(*unknown) from error
            raise LedgerError(
                f"The ledger cannot answer that: {str(error).splitlines()[0].rstrip('.')}.",
                fix='rockbottom ledger info shows tables and columns; "at" is written in quotes',
            ) from error

    def _without(self, kind: str, name: str) -> LedgerError:
        """What is said of a column or a table that is not there, with the nearest that are."""
        from difflib import get_close_matches

        self.show_calls([])
        columns = {row[0]: None for view in VIEWS for row in self._run(f"DESCRIBE {view}")}
        known = [*columns] if kind == "column" else list(VIEWS)
        parts = [candidate for candidate in known if len(name) > 2 and (name in candidate or candidate in name)]
        near = list(dict.fromkeys([*get_close_matches(name, known, n=3), *parts]))[:4]
        where = "rockbottom ledger info lists tables and columns"
        fix = f"did you mean {' or '.join(near)}? {where}" if near else where
        return LedgerError(f"The ledger has no {kind} {name}.", fix=fix)


_UNKNOWN = (
    ("column", re.compile(r'[Cc]olumn (?:named )?"([^"]+)"')), ("table", re.compile(r"Table with name (\S+) does not")),
)  # fmt: skip


def _unknown_name(message: str) -> tuple[str, str] | None:
    """Whether DuckDB misses a column or a table, and which."""
    for kind, pattern in _UNKNOWN:
        if match := pattern.search(message.splitlines()[0]):
            return kind, match[1]
    return None
