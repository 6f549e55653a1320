"""The one way of summing: rows to cells, cells to files, and what is shown or asked of both."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rockbottom.tables.cells import COUNTS, KIND, MOST_FAMILIES, MOST_TAGS, bounded, cells_of, with_fewer_tags
from rockbottom.tables.database import Database
from rockbottom.tables.keeping import Files, VolumeKey
from rockbottom.tables.pricing import Prices
from rockbottom.tables.rows import id_of, text, texts
from rockbottom.tables.waste import wasted_by

HOUR_S = 3600
FINE_S = 3 * HOUR_S
SHOWN_S = 33 * 24 * HOUR_S
"""What is shown: minutes of the last three hours, hours of the last month."""

MOST_MISSES = 50
"""The latest misses of each side that are kept of a volume."""

_TENDED_EVERY_S = 10.0
_MANY = 20_000  # rows: of more, what nobody read is looked up every ten seconds rather than with every call
_NOT_SUMMED = (-1, -1)
"""In place of the last row that is in ``live`` and of how many are: all are summed anew."""
_SUMS = ", ".join(f"sum({name})::BIGINT AS {name}" for name in COUNTS)
_SHOWN = ("model", "tags", "local", "arm", "family", "family_tokens", "rule", "cause")
_KINDS = ", ".join(KIND)
_SHAPES = f"""
CREATE TEMP TABLE live AS SELECT * EXCLUDE (volume) FROM ({cells_of("SELECT * FROM recent", 0.0)}) WHERE false;
CREATE TABLE kept_misses AS FROM misses;
CREATE TABLE kept_damaged AS FROM damaged_here;
CREATE TABLE shown AS SELECT start, {", ".join(_SHOWN)}, {", ".join(COUNTS)} FROM live;
CREATE TABLE shown_steps (start BIGINT, local BOOLEAN, model VARCHAR, step SMALLINT, calls BIGINT);
CREATE MACRO json_extract(document, path) AS json_extract_string(document, path);
CREATE MACRO usd(amount) AS regexp_replace(
    (amount::DECIMAL(26, 0) * '0.000000000001'::DECIMAL(12, 12))::VARCHAR, '\\.?0+$', '');
CREATE MACRO usd_sum(amount) AS usd(sum(amount));
"""
_VIEWS = f"""
CREATE TEMP VIEW shown_sums AS FROM shown UNION ALL SELECT start, {", ".join(_SHOWN)}, {", ".join(COUNTS)} FROM live;
CREATE TEMP VIEW shown_times AS FROM shown_steps
    UNION ALL SELECT start, local, model, unnest(steps), 1 FROM live;
CREATE TEMP VIEW shown_misses AS FROM kept_misses UNION ALL FROM misses;
CREATE TEMP VIEW damaged AS FROM kept_damaged UNION FROM damaged_here;
"""


class ModelSums(NamedTuple):
    """The calls of one model at one endpoint, the instants of the first and the last of them."""

    model: str
    endpoint: str
    calls: int
    first: float
    last: float
    failed: int
    no_usage: int
    priced: int


class Summing:
    """Sums of the rows in ``recent``, which has their misses in ``misses``. ``kept``: the files that are counted."""

    def __init__(self, database: Database, files: Files, prices: Prices) -> None:
        self._run, self._value = database.run, database.value
        self._files, self._prices = files, prices
        self.kept: dict[VolumeKey, Path] = {}
        self.calls, self.last_at = 0, 0.0
        self._changed, self._stale, self._refreshed_at = True, True, float("-inf")
        self._summed = _NOT_SUMMED
        self._run(_SHAPES)
        self._run(_VIEWS)

    def taken(self, calls: int) -> int:
        """Note that so many calls were taken in."""
        self.calls += calls
        self._changed = self._changed or calls > 0
        return calls

    def is_empty(self) -> bool:
        """Whether there are no rows."""
        return not self._value("SELECT count(*) FROM recent")

    def ends(self) -> dict[int, float]:
        """When the last call of each volume left."""
        sql = 'SELECT id >> 40, max("at") FROM recent WHERE timed AND NOT counted GROUP BY 1'
        return {row[0]: row[1] for row in self._run(sql)}

    # Asked --------------------------------------------------------------------------------------------------

    def refresh(self, now: float) -> None:
        """Bring the sums of what is in no file up to date."""
        due = abs(now - self._refreshed_at) >= _TENDED_EVERY_S
        anew = due or (self._changed and self._value("SELECT count(*) FROM recent") < _MANY)
        if anew:
            self._prices.price_waste(wasted_by(now))
            self._refreshed_at = now
        if self._changed or due:
            self._sum_live(now, anew)
            self._changed = False

    def _sum_live(self, now: float, anew: bool) -> None:
        """Sum the rows in no file; of many that are summed already, only those that came behind them."""
        latest, summed = self._summed
        counts = "SELECT max(id), count(*), count(*) FILTER (id <= $1) FROM recent WHERE NOT counted"
        newest, rows, before = self._run(counts, [latest])[0]
        if anew or before != summed:
            within_bounds = self._make_cells("SELECT * FROM recent WHERE NOT counted", now)
            self._run("CREATE OR REPLACE TEMP TABLE live AS SELECT * EXCLUDE (volume) FROM made")
        else:
            within_bounds = self._make_cells(f"SELECT * FROM recent WHERE NOT counted AND id > {latest}", now)
            self._run("INSERT INTO live BY NAME SELECT * EXCLUDE (volume) FROM made")
        self._summed = (newest or 0, rows) if within_bounds else _NOT_SUMMED

    def contents(self, there: Iterable[VolumeKey]) -> list[ModelSums]:
        """By model and endpoint, of what is in no file and of these volumes: counts, the first and the last instant."""
        paths = [str(self.kept[key]) for key in there]
        closed = f"UNION ALL BY NAME FROM read_parquet({texts(paths)})" if paths else ""
        rows = self._run(
            "SELECT model, endpoint, sum(calls)::BIGINT AS calls, min(earliest) AS first, max(latest) AS last, "
            "sum(failed)::BIGINT AS failed, sum(no_usage)::BIGINT AS no_usage, "
            "sum(calls - failed - no_usage - unpriced)::BIGINT AS priced "
            f"FROM (FROM live {closed}) GROUP BY model, endpoint"
        )
        return [ModelSums(*row) for row in rows]

    def make_views(self) -> None:
        """Make what SQL is asked over, where there are other files than the last time."""
        if not self._stale:
            return
        self._stale = False
        closed = f"UNION ALL BY NAME FROM read_parquet({texts(map(str, self.kept.values()))})" if self.kept else ""
        self._run(f"CREATE OR REPLACE TEMP VIEW cells AS FROM live {closed}")
        hour = f"start // {HOUR_S} * {HOUR_S}"
        for name, keys in (("hours", _KINDS), ("families", "model, family, family_tokens")):
            self._run(
                f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {hour} AS hour, {keys}, {_SUMS} "
                f"FROM cells GROUP BY {hour}, {keys}"
            )

    # Files --------------------------------------------------------------------------------------------------

    def take_kept(self, files: Mapping[VolumeKey, Path], now: float) -> list[VolumeKey]:
        """Add the sums of files, all at once where all of them decode; those that do."""
        import duckdb

        if not files:
            return []
        try:
            self._run("BEGIN")
            for kind in ("misses", "damaged"):
                beside = [str(path) for key in files if self._files.is_sound(path := self._files.path(key, kind))]
                if beside:
                    self._run(f"INSERT INTO kept_{kind} BY NAME FROM read_parquet({texts(beside)})")
            self._show(f"read_parquet({texts(map(str, files.values()))})", now)
            self._run("COMMIT")
        except duckdb.Error:
            self._run("ROLLBACK")
            if len(files) == 1:
                return []
            return [key for item in files.items() for key in self.take_kept(dict([item]), now)]
        self.kept.update(files)
        self._changed = self._stale = True
        return list(files)

    def sum(self, keys: Sequence[VolumeKey], horizon: float, now: float) -> None:
        """Write the sums of volumes down, and let go of their rows."""
        numbers = ", ".join(str(key.number) for key in keys)
        mine = f"NOT counted AND id >> 40 IN ({numbers})"
        self._prices.price_waste(wasted_by(horizon, mine))
        self._make_cells(f"SELECT * FROM recent WHERE {mine}", now)
        before = self.calls
        for key in keys:
            earlier = next((other for other in self.kept if other[:2] == key[:2]), None)
            if earlier is None or self._files.path(earlier, "sums").exists():  # else another process summed it whole
                self._write(key, earlier)
            self._pass_on(key)
            if earlier is not None:
                del self.kept[earlier]
            self.kept[key] = self._files.path(key, "sums")
        self._show("made", now)
        self.calls = before
        self._run(f"UPDATE recent SET counted = true WHERE id >> 40 IN ({numbers})")
        self._let_go()
        self._changed, self._stale, self._summed = True, True, _NOT_SUMMED

    def _write(self, key: VolumeKey, earlier: VolumeKey | None) -> None:
        """Write the files of a volume; ``earlier``: those that were written before others came into it late."""
        for kind, sql in _found_in(key).items():
            rows = self._with_earlier(sql, earlier, kind)
            if self._value(f"SELECT count(*) FROM ({rows})"):
                self._copy(key, kind, rows)
        cells = f"SELECT * EXCLUDE (volume) FROM made WHERE volume = {key.number}"
        self._copy(key, "sums", f"FROM ({self._with_earlier(cells, earlier, 'sums')}) ORDER BY start")

    def _pass_on(self, key: VolumeKey) -> None:
        """What was found in a volume is in its files now."""
        for kind, sql in _found_in(key).items():
            self._run(f"INSERT INTO kept_{kind} {sql}")
        self._run(f"DELETE FROM misses WHERE id >> 40 = {key.number}")
        self._run(f"DELETE FROM damaged_here WHERE volume = {_name_of(key)}")

    def _with_earlier(self, sql: str, earlier: VolumeKey | None, kind: str) -> str:
        """SQL: rows, with those of a file that was written before."""
        if earlier is None or not (path := self._files.path(earlier, kind)).exists():
            return sql
        return f"FROM ({sql}) UNION ALL BY NAME FROM read_parquet({texts([str(path)])})"

    def _copy(self, key: VolumeKey, kind: str, sql: str) -> None:
        with self._files.put(key, kind) as draft:
            self._run(f"COPY ({sql}) TO {text(str(draft))} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)")

    def _let_go(self) -> None:
        """Of the rows that are counted only those of the last volume are needed still, to judge others against."""
        last = self._value("SELECT max(id >> 40) FROM recent WHERE counted")
        self._run("DELETE FROM recent WHERE counted AND id < $1", [id_of(last or 0, 0)])

    def _make_cells(self, rows: str, now: float) -> bool:
        """Make ``made`` of rows; whether all that they have in common could be told apart."""
        self._run(f"CREATE OR REPLACE TEMP TABLE made AS {cells_of(rows, now - FINE_S)}")
        names = "SELECT count(DISTINCT (family, family_tokens)) AS n FROM made GROUP BY volume, start // 3600, model"
        many_families = (self._value(f"SELECT max(n) FROM ({names})") or 0) > MOST_FAMILIES
        if many_families:
            self._run(f"CREATE OR REPLACE TEMP TABLE made AS {bounded('made')}")
        sets = "SELECT count(DISTINCT tags) AS n FROM made GROUP BY volume, start // 3600"
        many_tags = (self._value(f"SELECT max(n) FROM ({sets})") or 0) > MOST_TAGS
        if many_tags:
            self._run(f"CREATE OR REPLACE TEMP TABLE made AS {with_fewer_tags('made')}")
        return not many_families and not many_tags

    def _show(self, cells: str, now: float) -> int:
        """Add cells to what is shown, as coarse as they will be shown; how many calls they are."""
        recent = f"FROM {cells} WHERE start >= {now - SHOWN_S!r}"
        self._run(f"INSERT INTO shown SELECT start, {', '.join(_SHOWN)}, {_SUMS} {recent} GROUP BY ALL")
        self._run(
            "INSERT INTO shown_steps SELECT start, local, model, step, count(*) "
            f"FROM (SELECT start, local, model, unnest(steps) AS step {recent}) GROUP BY ALL"
        )
        calls, latest = self._run(
            f"SELECT coalesce(sum(calls), 0)::BIGINT, max(latest) FILTER (latest <= {now!r} + 120) FROM {cells}"
        )[0]
        self.calls += calls
        self.last_at = max(self.last_at, latest or 0.0)
        return calls


def _name_of(key: VolumeKey) -> str:
    return text(f"calls-{key.number:06}.ndjson")


def _found_in(key: VolumeKey) -> dict[str, str]:
    """SQL: the latest misses and the damaged lines of a volume, by the kind of their file."""
    latest = (
        f"SELECT * FROM misses WHERE id >> 40 = {key.number} "
        f'QUALIFY row_number() OVER (PARTITION BY local ORDER BY "at" DESC) <= {MOST_MISSES}'
    )
    return {"misses": latest, "damaged": f"SELECT * FROM damaged_here WHERE volume = {_name_of(key)}"}
