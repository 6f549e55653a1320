"""A snapshot read from a digest: what is summed in SQL, and which side is shown when nobody chose."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from rockbottom.watch.digest import Digest
from rockbottom.watch.periods import HOUR_S, KEPT_S, Period
from rockbottom.watch.snapshot import MOST_MISSES, Parts, Snapshot, State, snapshot_of
from rockbottom.watch.sums import ALL, CAUSE, COLUMNS, FAMILY, MODEL, TAG, Sums

AUTO = "auto"
SIDES = ("aws", "local")
_MOST_NAMES = 200  # of one kind over a whole period, those that lost or cost most

_ORDER = {
    MODEL: "TOTAL(cost) DESC",
    TAG: "TOTAL(cost) DESC",
    FAMILY: "TOTAL(lost) DESC, SUM(missed) DESC, TOTAL(cost) DESC",
    CAUSE: "TOTAL(lost) DESC, SUM(missed) DESC",
}

# Sums of pico-dollars may outgrow SQLite's integers over a month: they are added in two halves.
_HALF = 1_000_000
_MONEY = frozenset({"cost", "uncached", "lost", "wasted_usd"})
_SUMS = ", ".join(
    f"SUM({name} / {_HALF}), SUM({name} % {_HALF})" if name in _MONEY else f"SUM({name})" for name in COLUMNS
)


def snapshot_from(digest: Digest, state: State, period: Period, side: str, now: float) -> Snapshot:
    """What the digest says of a period; ``side`` ``auto`` is AWS where it has calls, else the local endpoint."""
    db = digest.connection
    if side == AUTO:
        side = _side_with_calls(db, period, now)
    local = side == "local"
    since, until = period.since(now), period.since(now) + period.seconds
    place = (period.grain_s, since, until)
    bars, first = _bars(db, period, now, local)
    parts = Parts(
        total=_total(db, place, local),
        models=_by_name(db, place, local, MODEL),
        tags=_by_name(db, place, local, TAG),
        families=_by_name(db, place, local, FAMILY),
        causes=_by_name(db, place, local, CAUSE),
        bars=bars,
        latencies=_latencies(db, place, local),
        misses=digest.latest_misses(since, until, local, MOST_MISSES),
        other=_total(db, place, not local),
        first_at=first,
    )
    return snapshot_of(parts, period, side, state, now)


def calls_ahead(db: sqlite3.Connection, now: float) -> int:
    """Calls dated after the hour in which ``now`` lies."""
    sql = "SELECT SUM(calls) FROM sums WHERE grain = ? AND kind = ? AND start > ?"
    return db.execute(sql, (HOUR_S, ALL, now)).fetchone()[0] or 0


def _side_with_calls(db: sqlite3.Connection, period: Period, now: float) -> str:
    since = period.since(now)
    place = (period.grain_s, since, since + period.seconds)
    for local, side in enumerate(SIDES):
        if _total(db, place, bool(local)).calls:
            return side
    sql = "SELECT local FROM sums WHERE kind = ? ORDER BY start DESC, local LIMIT 1"
    latest = db.execute(sql, (ALL,)).fetchone()
    return SIDES[latest[0]] if latest else SIDES[0]


def _total(db: sqlite3.Connection, place: tuple[int, int, int], local: bool) -> Sums:
    sql = f"SELECT {_SUMS} FROM sums WHERE grain = ? AND start >= ? AND start < ? AND local = ? AND kind = ?"
    return _sums_of(db.execute(sql, (*place, local, ALL)).fetchone())


def _by_name(db: sqlite3.Connection, place: tuple[int, int, int], local: bool, kind: str) -> dict[str, Sums]:
    sql = (
        f"SELECT name, {_SUMS} FROM sums WHERE grain = ? AND start >= ? AND start < ? AND local = ? AND kind = ? "
        f"GROUP BY name ORDER BY {_ORDER[kind]} LIMIT ?"
    )
    return {row[0]: _sums_of(row[1:]) for row in db.execute(sql, (*place, local, kind, _MOST_NAMES))}


def _bars(db: sqlite3.Connection, period: Period, now: float, local: bool) -> tuple[dict[int, Sums], int | None]:
    since = period.since(now)
    sql = (
        f"SELECT MIN(CASE WHEN calls > 0 THEN start END), (start - ?) / ?, {_SUMS} FROM sums "
        "WHERE grain = ? AND start >= ? AND start < ? AND local = ? AND kind = ? GROUP BY 2 ORDER BY 2"
    )
    place = (since, period.bar_s, period.grain_s, since, since + period.seconds, local, ALL)
    rows = db.execute(sql, place).fetchall()
    first = min((row[0] for row in rows if row[0] is not None), default=None)
    first = None if first is None else _finer(db, first, period.grain_s, now, local)
    return {since + row[1] * period.bar_s: _sums_of(row[2:]) for row in rows}, first


def _finer(db: sqlite3.Connection, first: int, grain: int, now: float, local: bool) -> int:
    """The first stretch with a call, looked up in finer grains where those are still kept."""
    sql = "SELECT MIN(start) FROM sums WHERE grain = ? AND local = ? AND kind = ? AND start >= ? AND start < ?"
    for finer in sorted((one for one in KEPT_S if one < grain), reverse=True):
        if first >= now - KEPT_S[finer]:
            found = db.execute(sql, (finer, local, ALL, first, first + grain)).fetchone()[0]
            first, grain = (first if found is None else found), finer
    return first


def _latencies(db: sqlite3.Connection, place: tuple[int, int, int], local: bool) -> dict[str, dict[int, int]]:
    sql = (
        "SELECT model, step, SUM(calls) FROM latencies WHERE grain = ? AND start >= ? AND start < ? AND local = ? "
        "GROUP BY model, step"
    )
    found: dict[str, dict[int, int]] = {"": {}}
    for model, step, calls in db.execute(sql, (*place, local)):
        found.setdefault(model, {})[step] = calls
        found[""][step] = found[""].get(step, 0) + calls
    return found


def _sums_of(row: tuple[Any, ...]) -> Sums:
    return Sums(*_joined(iter(row)))


def _joined(values: Iterator[int | None]) -> Iterator[int]:
    for name in COLUMNS:
        amount = next(values) or 0
        yield amount * _HALF + (next(values) or 0) if name in _MONEY else amount
