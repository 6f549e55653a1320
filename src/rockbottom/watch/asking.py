"""A snapshot read from the tables of a ledger: what is summed in SQL, and which side is shown when nobody chose."""

from collections.abc import Callable, Sequence
from typing import Any

from rockbottom.cost import Arm, ArmSums
from rockbottom.quantities import WRITES
from rockbottom.tables import ARM_SUMS, CHANGES, LedgerTables, group_of
from rockbottom.watch.composing import snapshot_of
from rockbottom.watch.misses import Miss, family_shown, miss_of
from rockbottom.watch.periods import WatchPeriod
from rockbottom.watch.snapshot import MOST_MISSES, LedgerState, Snapshot, SnapshotParts, SnapshotSums

AUTO = "auto"
SIDES = ("aws", "local")
OTHER = "(others)"
_MOST_NAMES = 200  # of one kind over a whole period, those that lost or cost most
_MOST_TAGS = 256  # that are told apart; the rest are added together

_COLUMNS = {
    "read": "cache_read", "write": " + ".join(unit.value for unit in WRITES.values()), "cost": "cost_picousd",
    "uncached": "uncached_picousd", "lost": "lost_picousd", "wasted_usd": "wasted_picousd",
    "observed_cost": "observed_picousd", "planned": "planned_picousd",
    "least": "least_picousd", "most": "most_picousd",
}  # fmt: skip
_SUMS = ", ".join(f"sum({_COLUMNS.get(name, name)}) AS {name}_" for name in SnapshotSums.__struct_fields__)
_AGAIN = ", ".join(f"sum({name}_) AS {name}_" for name in SnapshotSums.__struct_fields__)
_WORST = "ORDER BY lost_ DESC, missed_ DESC, cost_ DESC"
_DEAREST = "ORDER BY cost_ DESC, calls_ DESC"
_HERE = "FROM shown_sums WHERE start >= $1 AND start < $2 AND local = $3"
_TAGS = f"""
SELECT CASE WHEN nth > {_MOST_TAGS} THEN '{OTHER}' ELSE name END, {_AGAIN}
FROM (SELECT *, row_number() OVER ({_DEAREST}, name) AS nth FROM (
    SELECT concat(tag.key, '=', tag.value) AS name, {_AGAIN}
    FROM (SELECT unnest(map_entries(tags::JSON::MAP(VARCHAR, VARCHAR))) AS tag, * EXCLUDE (tags)
        FROM (SELECT tags, {_SUMS} {_HERE} AND tags <> '{{}}' GROUP BY tags))
    GROUP BY ALL))
GROUP BY ALL {_DEAREST} LIMIT {_MOST_TAGS + 1}
"""


def snapshot_from(
    tables: LedgerTables, named: Callable[[str], str], state: LedgerState, period: WatchPeriod, side: str, now: float
) -> Snapshot:
    """What the tables say of a period; ``side`` ``auto`` is AWS where it has calls, else the local endpoint.

    ``named`` gives the name of a model by its id.
    """
    since = period.since(now)
    place = (since, since + period.seconds)
    totals = {local: total for local in (False, True) if (total := _total(tables, (*place, local))).calls}
    if side == AUTO:
        side = SIDES[0] if False in totals else SIDES[1] if totals else _latest_side(tables)
    local = side == "local"
    here = (*place, local)
    bars, first = _bars(tables, here, period.bar_s)
    parts = SnapshotParts(
        total=totals.get(local) or SnapshotSums(),
        models=_by_name(tables, f"SELECT model, {_SUMS} {_HERE} GROUP BY 1 {_DEAREST} LIMIT {_MOST_NAMES}", here),
        tags=_by_name(tables, _TAGS, here),
        families=_families(tables, here, named),
        causes=_by_name(
            tables, f"SELECT rule || chr(9) || cause, {_SUMS} {_HERE} AND cause IS NOT NULL GROUP BY 1 {_WORST}", here
        ),
        bars=bars,
        latencies=_latencies(tables, here),
        misses=latest_misses(tables, *here, named),
        other=totals.get(not local) or SnapshotSums(),
        first_at=first,
        arms=_arms(tables, here),
    )
    return snapshot_of(parts, period, side, state, now)


def calls_ahead(tables: LedgerTables, now: float) -> int:
    """Calls dated after the minute or hour in which ``now`` lies."""
    return _rows(tables, "SELECT coalesce(sum(calls), 0) FROM shown_sums WHERE start > $1", (now,))[0][0]


def latest_misses(
    tables: LedgerTables, since: float, until: float, local: bool, named: Callable[[str], str]
) -> list[Miss]:
    """The latest misses of a stretch of time on one side, the newest first; ``named`` names a model by its id."""
    sql = (
        'SELECT "at", model, family, family_tokens, tags, local, rule, cause, tokens, lost_picousd, '
        'told, a, b, c, word FROM shown_misses WHERE "at" >= $1 AND "at" < $2 AND local = $3 '
        f'ORDER BY "at" DESC LIMIT {MOST_MISSES}'
    )
    return [miss_of(*row, name=named(row[1])) for row in _rows(tables, sql, (since, until, local))]


def _rows(tables: LedgerTables, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return tables.database.run(sql, parameters)


def _latest_side(tables: LedgerTables) -> str:
    latest = _rows(tables, "SELECT local FROM shown_sums ORDER BY start DESC, local LIMIT 1")
    local: int = latest[0][0] if latest else 0
    return SIDES[local]


def _total(tables: LedgerTables, here: Sequence[Any]) -> SnapshotSums:
    return _sums_of(_rows(tables, f"SELECT {_SUMS} {_HERE}", here)[0])


def _by_name(tables: LedgerTables, sql: str, here: Sequence[Any]) -> dict[str, SnapshotSums]:
    return {row[0]: _sums_of(row[1:]) for row in _rows(tables, sql, here)}


def _families(tables: LedgerTables, here: Sequence[Any], named: Callable[[str], str]) -> dict[str, SnapshotSums]:
    sql = f"SELECT model, family, family_tokens, {_SUMS} {_HERE} GROUP BY 1, 2, 3 {_WORST} LIMIT {_MOST_NAMES}"
    rows = _rows(tables, sql, here)
    return {
        family_shown(family, size, named(model), changes=family == CHANGES): _sums_of(sums)
        for model, family, size, *sums in rows
    }


def _bars(tables: LedgerTables, here: Sequence[Any], bar_s: int) -> tuple[dict[int, SnapshotSums], int | None]:
    sql = f"SELECT min(start), $1 + (start - $1) // {bar_s} * {bar_s} AS bar, {_SUMS} {_HERE} GROUP BY bar ORDER BY bar"
    rows = _rows(tables, sql, here)
    return {row[1]: _sums_of(row[2:]) for row in rows}, min((row[0] for row in rows), default=None)


def _latencies(tables: LedgerTables, here: Sequence[Any]) -> dict[str, dict[int, int]]:
    sql = (
        "SELECT model, step, sum(calls)::BIGINT FROM shown_times "
        "WHERE start >= $1 AND start < $2 AND local = $3 GROUP BY 1, 2"
    )
    latencies: dict[str, dict[int, int]] = {"": {}}
    for model, step, calls in _rows(tables, sql, here):
        latencies.setdefault(model, {})[step] = calls
        latencies[""][step] = latencies[""].get(step, 0) + calls
    return latencies


def _arms(tables: LedgerTables, here: Sequence[Any]) -> dict[Arm, ArmSums]:
    rows = _rows(tables, f"SELECT {ARM_SUMS} {_HERE} AND arm <> '' GROUP BY 1", here)
    return {arm: group_of(sums) for text, *sums in rows if (arm := Arm.of(text)) is not None}


def _sums_of(values: Sequence[Any]) -> SnapshotSums:
    return SnapshotSums(*(value or 0 for value in values))
