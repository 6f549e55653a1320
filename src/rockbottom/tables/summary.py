"""Chargeback: what the calls of each team, tenant or model cost in a month, from the sums of one ledger or of many."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import msgspec

from rockbottom.catalog import SetApart, summed_apart
from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import Usd
from rockbottom.tables.cells import KIND
from rockbottom.tables.ledger_tables import LedgerTables
from rockbottom.tables.rows import UNITS

COLUMNS = tuple(name for name in KIND if name != "tags")
"""Keys that are columns of the sums; every other is one of the tags."""

_COUNTS = ("calls", "failed", "no_usage", "unpriced", *UNITS, "cost_picousd", "uncached_picousd", "lost_picousd",
           "wasted_picousd")  # fmt: skip
_NO_PRICE = "no price was known when it was recorded"


class SummaryRow(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one label (None: not recorded).

    ``unpriced`` are calls with usage and no known price; they are in no sum of money.
    ``saved_usd`` is against no caching, negative where caching cost money; ``missed_usd`` is what was paid above a read
    for tokens that could have been read, ``never_read_usd`` for writes that nothing read.
    """

    label: str | None
    calls: int
    failed: int
    no_usage: int
    unpriced: int
    input_tokens: int
    read_tokens: int
    written_tokens: int
    output_tokens: int
    cost_usd: Usd
    saved_usd: Usd
    missed_usd: Usd
    never_read_usd: Usd


class LedgerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The rows, the dearest first, and their sum. ``month`` None: all that is there.

    ``simulated`` calls went to a local endpoint and are in no row; ``set_apart`` are models without a known price.
    ``damaged`` lines and ``unfinished`` last ones (being recorded now, or cut off) are of whatever month.
    """

    schema: str
    by: str
    month: str | None
    ledgers: int
    rows: tuple[SummaryRow, ...]
    total: SummaryRow
    simulated: int
    set_apart: tuple[SetApart, ...]
    damaged: int = 0
    unfinished: int = 0


def month_of(text: str) -> tuple[float, float]:
    """The instants at which a month such as 2026-11 begins and ends, in UTC. Raises ValueError for no month."""
    first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first.timestamp(), following.timestamp()


def summary_of(ledgers: Iterable[LedgerTables], by: str, month: str | None = None) -> LedgerSummary:
    """The calls of these ledgers by a key: a column of the sums, or a tag. Raises ValueError for no month."""
    sums: dict[str | None, Mapping[str, int]] = {}
    apart: list[SetApart] = []
    simulated = count = damaged = unfinished = 0
    for tables in ledgers:
        count += 1
        for row in _summed_by(tables, by, month):
            label = row["label"]
            sums[label] = _added(sums.get(label, {}), row)
        simulated += _simulated(tables, month)
        apart.extend(_unpriced(tables, month))
        damaged += tables.damaged
        unfinished += tables.unfinished
    rows = sorted((_row(label, counts) for label, counts in sums.items()), key=_rank)
    total = _row(None, reduce(_added, sums.values(), dict[str, int]()))
    return LedgerSummary(
        schema="rockbottom.ledger-summary/1", by=by, month=month, ledgers=count, rows=tuple(rows), total=total,
        simulated=simulated, set_apart=summed_apart(apart), damaged=damaged, unfinished=unfinished,
    )  # fmt: skip


def _summed_by(tables: LedgerTables, by: str, month: str | None) -> list[dict[str, Any]]:
    label = by if by in COLUMNS else "CASE WHEN tags LIKE '{%' THEN json_extract_string(tags, $path) END"
    parameters: dict[str, Any] = {} if by in COLUMNS else {"path": _path(by)}
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in _COUNTS)
    return tables.rows(
        f"SELECT nullif({label}, '') AS label, {sums} FROM hours "
        f"WHERE endpoint <> 'local' AND {_within(month)} GROUP BY 1",
        parameters,
    )


def _path(key: str) -> str:
    """The path of a member of a JSON object, whatever signs its name has."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _within(month: str | None) -> str:
    if month is None:
        return "true"
    start, end = month_of(month)
    return f"hour >= {start:.0f} AND hour < {end:.0f}"


def _simulated(tables: LedgerTables, month: str | None) -> int:
    (row,) = tables.rows(
        f"SELECT coalesce(sum(calls), 0)::BIGINT AS calls FROM hours WHERE endpoint = 'local' AND {_within(month)}"
    )
    return row["calls"]


def _unpriced(tables: LedgerTables, month: str | None) -> list[SetApart]:
    tokens = " + ".join(UNITS)
    rows = tables.rows(
        f"SELECT model, sum(unpriced)::BIGINT AS calls, sum({tokens})::BIGINT AS tokens FROM hours "
        f"WHERE endpoint <> 'local' AND unpriced > 0 AND {_within(month)} GROUP BY 1"
    )
    return [SetApart(row["model"], row["calls"], row["tokens"], _NO_PRICE) for row in rows]


def _added(counts: Mapping[str, int], other: Mapping[str, Any]) -> Mapping[str, int]:
    return {name: counts.get(name, 0) + (other[name] or 0) for name in _COUNTS}


def _row(label: str | None, counts: Mapping[str, int]) -> SummaryRow:
    def amount(name: str) -> Usd:
        return usd_of_picousd(counts.get(name, 0))

    written = sum(counts.get(unit, 0) for unit in UNITS if "write" in unit)
    return SummaryRow(
        label=label, calls=counts.get("calls", 0), failed=counts.get("failed", 0), no_usage=counts.get("no_usage", 0),
        unpriced=counts.get("unpriced", 0), input_tokens=counts.get("input", 0),
        read_tokens=counts.get("cache_read", 0), written_tokens=written, output_tokens=counts.get("output", 0),
        cost_usd=amount("cost_picousd"), saved_usd=amount("uncached_picousd") - amount("cost_picousd"),
        missed_usd=amount("lost_picousd"), never_read_usd=amount("wasted_picousd"),
    )  # fmt: skip


def _rank(row: SummaryRow) -> tuple[Any, ...]:
    return -row.cost_usd, -row.calls, row.label or ""
