"""Chargeback: what the calls of each team, tenant or model cost in a month, from the sums of one ledger or of many."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import msgspec

from rockbottom.catalog import SetApart, summed_apart
from rockbottom.cost import Arm, ArmSums, compared
from rockbottom.ledger import usd_of_picousd
from rockbottom.quantities import NO_USAGE, Usage, Usd
from rockbottom.tables.cells import KIND
from rockbottom.tables.ledger_tables import LedgerTables
from rockbottom.tables.measured import Observed, ObservedSums, arms_in, joined, observed_in, sentences_of
from rockbottom.tables.rows import SUMMED_USAGE

COLUMNS = tuple(name for name in KIND if name != "tags")
"""Keys that are columns of the sums; every other is one of the tags."""

_NO_PRICE = "no price was known when it was recorded"


class SummaryRow(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one label (None: not recorded).

    ``unpriced`` are calls with usage and no known price; they are in no sum of money. Nor are the ``unmetered``, which
    were answered and ended without usage: their prompts cost the least to the most, estimated.
    ``saved_usd`` is against no caching, negative where caching cost money; ``missed_usd`` is what was paid above a read
    for tokens that could have been read, ``never_read_usd`` for writes that nothing read.
    """

    label: str | None
    calls: int
    failed: int
    no_usage: int
    unpriced: int
    unmetered: int
    unmetered_least_usd: Usd
    unmetered_most_usd: Usd
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

    ``side`` is where the calls of the rows went: aws, or local, which nobody bills. ``simulated`` calls went to a local
    endpoint and are in no row; ``set_apart`` are models without a known price, ``tags`` the keys of all tags.
    ``observed`` are calls of a dry run, ``holdout`` what was held out beside the rest; ``measured`` says both in
    sentences. ``damaged`` lines and ``unfinished`` last ones (being recorded now, or cut off) are of whatever month.
    """

    schema: str
    by: str
    month: str | None
    ledgers: int
    rows: tuple[SummaryRow, ...]
    total: SummaryRow
    simulated: int
    set_apart: tuple[SetApart, ...]
    observed: Observed | None = None
    holdout: dict[str, Any] | None = None
    measured: tuple[str, ...] = ()
    damaged: int = 0
    unfinished: int = 0
    side: str = "aws"
    tags: tuple[str, ...] = ()


def month_of(text: str) -> tuple[float, float]:
    """The instants at which a month such as 2026-11 begins and ends, in UTC. Raises ValueError for no month."""
    first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first.timestamp(), following.timestamp()


def summary_of(
    ledgers: Iterable[LedgerTables], by: str, month: str | None = None, *, simulated: bool = False
) -> LedgerSummary:
    """The calls of these ledgers by a key: a column of the sums, or a tag. Raises ValueError for no month.

    ``simulated``: the calls to a local endpoint instead of those to AWS.
    """
    sums: dict[str | None, _Counts] = {}
    apart: list[SetApart] = []
    left_out = count = damaged = unfinished = 0
    tags, observed, arms, models = set[str](), ObservedSums(), dict[Arm, ArmSums](), set[str]()
    where = f"endpoint {'=' if simulated else '<>'} 'local' AND {_within(month)}"
    for tables in ledgers:
        count += 1
        observed, arms = observed + observed_in(tables, where), joined(arms, arms_in(tables, where))
        for row in _summed_by(tables, by, where):
            sums[row.label] = _added(sums.get(row.label, _Counts()), row)
        left_out += 0 if simulated else _simulated(tables, month)
        apart.extend(_unpriced(tables, where))
        tags.update(_tags_of(tables, where))
        models.update(_reading(tables, where))
        damaged += tables.damaged
        unfinished += tables.unfinished
    rows = sorted((_row(label, counts) for label, counts in sums.items()), key=_rank)
    total = _row(None, reduce(_added, sums.values(), _Counts()))
    seen, holdout = observed.figures(), compared(arms)
    return LedgerSummary(
        schema="rockbottom.ledger-summary/1", by=by, month=month, ledgers=count, rows=tuple(rows), total=total,
        simulated=left_out, set_apart=summed_apart(apart), damaged=damaged, unfinished=unfinished, observed=seen,
        holdout=holdout.to_dict() if holdout else None, measured=tuple(sentences_of(seen, holdout, models)),
        side="local" if simulated else "aws", tags=tuple(sorted(tags)),
    )  # fmt: skip


class _Counts(msgspec.Struct, frozen=True):
    """The sums of one label."""

    usage: Usage = NO_USAGE
    calls: int = 0
    failed: int = 0
    no_usage: int = 0
    unpriced: int = 0
    cost_picousd: int = 0
    uncached_picousd: int = 0
    lost_picousd: int = 0
    wasted_picousd: int = 0
    unmetered: int = 0
    least_picousd: int = 0
    most_picousd: int = 0
    label: str | None = None


_SUMMED = tuple(name for name in _Counts.__struct_fields__ if name not in ("usage", "label"))


class _Unpriced(msgspec.Struct, frozen=True):
    model: str
    calls: int
    tokens: int


class _Tag(msgspec.Struct, frozen=True):
    key: str


def _reading(tables: LedgerTables, where: str) -> Iterator[str]:
    """The models whose calls read from a cache."""
    for row in tables.rows(f"SELECT DISTINCT model FROM hours WHERE cache_read > 0 AND {where}"):
        yield from row.values()


def _tags_of(tables: LedgerTables, where: str) -> list[str]:
    """The keys of the tags that these calls carry."""
    keys = f"SELECT DISTINCT unnest(json_keys(tags)) AS key FROM hours WHERE tags LIKE '{{%' AND {where}"
    return [tag.key for tag in tables.records(_Tag, keys)]


def _summed_by(tables: LedgerTables, by: str, where: str) -> list[_Counts]:
    label = by if by in COLUMNS else "CASE WHEN tags LIKE '{%' THEN json_extract_string(tags, $path) END"
    parameters: dict[str, Any] = {} if by in COLUMNS else {"path": _path(by)}
    sums = ", ".join(f"coalesce(sum({name}), 0)::HUGEINT AS {name}" for name in _SUMMED)
    return tables.records(
        _Counts,
        f"SELECT nullif({label}, '') AS label, {SUMMED_USAGE}, {sums} FROM hours WHERE {where} GROUP BY 1",
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
    (row,) = tables.records(
        _Counts,
        f"SELECT coalesce(sum(calls), 0)::BIGINT AS calls FROM hours WHERE endpoint = 'local' AND {_within(month)}",
    )
    return row.calls


def _unpriced(tables: LedgerTables, where: str) -> list[SetApart]:
    rows = tables.records(
        _Unpriced,
        "SELECT model, sum(unpriced)::BIGINT AS calls, sum(unpriced_tokens)::BIGINT AS tokens "
        f"FROM hours WHERE unpriced > 0 AND {where} GROUP BY 1",
    )
    return [SetApart(row.model, row.calls, row.tokens, _NO_PRICE) for row in rows]


def _added(counts: _Counts, other: _Counts) -> _Counts:
    sums = {name: getattr(counts, name) + getattr(other, name) for name in _SUMMED}
    return _Counts(counts.usage + other.usage, **sums)


def _row(label: str | None, counts: _Counts) -> SummaryRow:
    usage = counts.usage
    return SummaryRow(
        label=label, calls=counts.calls, failed=counts.failed, no_usage=counts.no_usage, unpriced=counts.unpriced,
        unmetered=counts.unmetered, unmetered_least_usd=usd_of_picousd(counts.least_picousd),
        unmetered_most_usd=usd_of_picousd(counts.most_picousd),
        input_tokens=usage.input, read_tokens=usage.cache_read, written_tokens=usage.cache_write,
        output_tokens=usage.output, cost_usd=usd_of_picousd(counts.cost_picousd),
        saved_usd=usd_of_picousd(counts.uncached_picousd - counts.cost_picousd),
        missed_usd=usd_of_picousd(counts.lost_picousd), never_read_usd=usd_of_picousd(counts.wasted_picousd),
    )  # fmt: skip


def _rank(row: SummaryRow) -> tuple[Any, ...]:
    return -row.cost_usd, -row.calls, row.label or ""
