"""Lines of a ledger taken in as rows: whole volumes at once, and what was appended since run by run."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

import msgspec

from rockbottom.catalog import Catalog
from rockbottom.extras import install_command
from rockbottom.ledger import CallRecord, Found, Volume, found_in, picousd_of, usd_of_picousd
from rockbottom.quantities import digits_of
from rockbottom.tables import judging
from rockbottom.tables.database import Database
from rockbottom.tables.errors import NeedsDuckDB
from rockbottom.tables.pricing import Prices
from rockbottom.tables.rows import id_of, lines_of_records, lines_of_volumes, rows_of

_encode, _encode_sorted = msgspec.json.Encoder().encode, msgspec.json.Encoder(order="sorted").encode
_decode_tags = msgspec.json.Decoder(dict[str, str]).decode
_NOT_ASKED = dict.fromkeys(("sections", "weights", "marks", "ttls"), ())
_MOST_TAGS = 100_000  # spellings that are remembered
_TABLES = """
CREATE TABLE misses (id BIGINT, "at" DOUBLE, local BOOLEAN, model VARCHAR, tags VARCHAR, family VARCHAR,
    family_tokens BIGINT, told VARCHAR, rule VARCHAR, cause VARCHAR, tokens BIGINT, a DOUBLE, b DOUBLE, c DOUBLE,
    word VARCHAR, lost_picousd BIGINT);
CREATE TABLE damaged_here (volume VARCHAR, "offset" BIGINT, size BIGINT, why VARCHAR, PRIMARY KEY (volume, "offset"));
CREATE TABLE sorted_tags (given VARCHAR PRIMARY KEY, sorted VARCHAR);
CREATE TEMP TABLE waste (id BIGINT, tokens BIGINT, picousd BIGINT);
"""


def check_installed() -> None:
    """Raises NeedsDuckDB where duckdb is not installed."""
    try:
        import_module("duckdb")
    except ModuleNotFoundError as error:
        raise NeedsDuckDB(
            "The tables of the ledger are made by the package duckdb, which is not installed.",
            fix=install_command("watch"),
        ) from error


def connected() -> Database:
    """A DuckDB in memory that fetches nothing. Raises NeedsDuckDB."""
    check_installed()
    import duckdb

    fetches_nothing = {"autoinstall_known_extensions": False, "allow_community_extensions": False}
    return Database(duckdb.connect(":memory:", config={**fetches_nothing, "temp_directory": ""}))


class Intake:
    """Fills ``recent`` with rows, ``misses`` with those that missed, ``damaged_here`` with lines that are none.

    Rows go straight into ``recent``, a batch at a time; ``fresh`` are those of the latest batch.
    """

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._run, self._value = database.run, database.value
        self._database = database
        self.prices = Prices(database, catalog)
        judging.prepare(database)
        database.run(_TABLES)
        self._batch = 0
        self._run(f"CREATE TABLE recent AS {self._rows(lines_of_records(), 0.0, counted=False)}", [[], []])
        self._show_fresh()

    def volumes(self, volumes: Sequence[Volume], latest: float, counted: bool = False) -> tuple[int, dict[Volume, int]]:
        """Take in whole volumes: how many calls there were, and how many bytes of each volume.

        ``counted`` rows are in the sums already, and are there for others to be judged against.
        """
        calls, sizes = 0, dict[Volume, int]()
        for part in self.parts(volumes, latest, counted=counted):
            calls, sizes = calls + self._judged(counted), sizes | part
        return calls, sizes

    def parts(self, volumes: Sequence[Volume], latest: float, *, counted: bool = True) -> Iterator[dict[Volume, int]]:
        """Whole volumes as ``fresh``, all at once where every line of them is a record; the bytes of each volume."""
        sizes = self._whole(volumes, latest, counted)
        if sizes is not None:
            yield sizes
        elif len(volumes) > 1:
            for volume in volumes:
                yield from self.parts([volume], latest, counted=counted)
        else:
            with contextlib.suppress(OSError):  # removed since it was listed
                data = volumes[0].path.read_bytes()
                self._make(volumes[0], found_in(data, 0), latest, counted)
                yield {volumes[0]: data.rfind(b"\n") + 1}

    def begun(self, volume: Volume, latest: float) -> tuple[int, int] | None:
        """Take in the volume that is written now, as far as it goes: how many calls, and how many bytes.

        None where not every line of it is a record and whole; then nothing was taken in.
        """
        sizes = self._whole([volume], latest, counted=False)
        return None if sizes is None else (self._judged(False), sizes[volume])

    def take(self, volume: Volume, entries: Iterable[Found], latest: float) -> int:
        """Take in the entries of a volume; returns how many calls there were."""
        return self._judged(False) if self._make(volume, entries, latest, False) else 0

    def forget(self) -> None:
        """Delete the rows of ``fresh``."""
        self._run("DELETE FROM recent WHERE batch = $1", [self._batch])

    def _whole(self, volumes: Sequence[Volume], latest: float, counted: bool) -> dict[Volume, int] | None:
        """The bytes of each volume where every line of all of them is a record; then they are ``fresh``."""
        sizes = _sizes(volumes)
        if len(sizes) < len(volumes) or not self._read(volumes, latest, counted):
            return None
        if sizes == _sizes(volumes):
            return sizes
        self.forget()
        return None

    def _make(self, volume: Volume, entries: Iterable[Found], latest: float, counted: bool) -> bool:
        """What was found as ``fresh``; whether there are calls."""
        ids, lines = list[int](), list[str]()
        for entry in entries:
            if entry.call is not None:
                ids.append(id_of(volume.number, entry.offset))
                lines.append(_encode(_plain(entry.call)).decode())
            else:
                row = [volume.path.name, entry.offset, entry.torn, entry.why]
                self._run("INSERT OR IGNORE INTO damaged_here VALUES ($1, $2, $3, $4)", row)
        self._load(lines_of_records(), latest, counted, [ids, lines])
        return self._sort_tags() and bool(ids)

    def _read(self, volumes: Sequence[Volume], latest: float, counted: bool) -> bool:
        """Whether DuckDB reads every line of the volumes as a record; then they are ``fresh``."""
        import duckdb

        paths = [str(volume.path) for volume in volumes]
        if any(mark in path for path in paths for mark in "*?["):
            return False
        digits_from = len(str(volumes[0].path.parent)) + len("/calls-")
        self._begin_batch()
        try:
            sources = [lines_of_volumes([path], digits_from) for path in paths]
            # A statement for each: numbering lines keeps DuckDB to one thread.
            self._database.run_at_once([self._inserted(lines, latest, counted) for lines in sources])
        except duckdb.Error:
            self.forget()
            return False
        sound = self._value("SELECT coalesce(bool_and(sound), true) FROM fresh") and self._sort_tags()
        if not sound:
            self.forget()
        return sound

    def _rows(self, lines: str, latest: float, *, counted: bool) -> str:
        return f"SELECT *, {counted} AS counted, {self._batch} AS batch FROM ({rows_of(lines, latest)})"

    def _load(self, lines: str, latest: float, counted: bool, parameters: Sequence[Any] = ()) -> None:
        """Put the rows of lines into ``recent``: all of them, or none where one is no record."""
        self._begin_batch()
        self._run(self._inserted(lines, latest, counted), parameters)

    def _inserted(self, lines: str, latest: float, counted: bool) -> str:
        return f"INSERT INTO recent {self._rows(lines, latest, counted=counted)}"

    def _begin_batch(self) -> None:
        self._batch += 1
        self._show_fresh()

    def _show_fresh(self) -> None:
        self._run(
            "CREATE OR REPLACE TEMP VIEW fresh AS "
            f"SELECT * EXCLUDE (counted, batch) FROM recent WHERE batch = {self._batch}"
        )

    def _sort_tags(self) -> bool:
        """Bring the tags of ``fresh`` to one spelling; False where some are none."""
        unknown = "SELECT DISTINCT tags FROM fresh ANTI JOIN sorted_tags ON tags = given"
        spellings = [row[0] for row in self._run(unknown)]
        try:
            rows = [[spelling, _encode_sorted(_decode_tags(spelling)).decode()] for spelling in spellings]
        except (msgspec.MsgspecError, UnicodeError):
            return False
        if rows:
            self._run(
                "INSERT INTO sorted_tags SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[])",
                [[row[0] for row in rows], [row[1] for row in rows]],
            )
        if self._value("SELECT count(*) FROM sorted_tags WHERE given <> sorted"):
            self._run(
                "UPDATE recent SET tags = s.sorted FROM sorted_tags s "
                "WHERE batch = $1 AND tags = s.given AND s.given <> s.sorted",
                [self._batch],
            )
        if self._value("SELECT count(*) FROM sorted_tags") > _MOST_TAGS:
            self._run("DELETE FROM sorted_tags")
        return True

    def _judged(self, counted: bool) -> int:
        """How many calls ``fresh`` are, judged against those before them."""
        if not counted and judging.judge(self._database):
            self.prices.price_misses()
        return self._value("SELECT count(*) FROM fresh")


def _plain(call: CallRecord) -> CallRecord:
    """The record with money that DuckDB reads as the ledger does, and without what no table holds."""
    money = {name: _plain_money(getattr(call, name)) for name in ("cost_usd", "uncached_usd")}
    return msgspec.structs.replace(call, **money, **_NOT_ASKED)


def _plain_money(amount: str | None) -> str | None:
    return None if amount is None else digits_of(usd_of_picousd(picousd_of(amount)))


def _sizes(volumes: Iterable[Volume]) -> dict[Volume, int]:
    return {volume: size for volume in volumes if (size := _whole_size(volume)) is not None}


def _whole_size(volume: Volume) -> int | None:
    """The bytes of a volume; None where its last line has no end, or where it was removed."""
    try:
        with volume.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if not size:
                return 0
            file.seek(size - 1)
            return size if file.read(1) == b"\n" else None
    except OSError:
        return None
