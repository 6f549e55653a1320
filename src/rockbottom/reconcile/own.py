"""The ledger as a book: from its hourly sums, so that a large one is quick, and what was rotated away still counts."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec

from rockbottom.ledger import notes_of, usd_of_picousd, volumes_of
from rockbottom.quantities import Usage
from rockbottom.reconcile.books import KINDS, Book
from rockbottom.tables import SUMMED_USAGE, LedgerTables

_SUMS = f"""
SELECT (DATE '1970-01-01' + (hour // 86400)::INTEGER) AS day, model, scope, region, tier, endpoint, {SUMMED_USAGE},
    SUM(calls)::BIGINT AS calls, SUM(unpriced)::BIGINT AS unpriced, SUM(no_usage)::BIGINT AS no_usage,
    SUM(cost_picousd)::HUGEINT AS cost_picousd
FROM hours GROUP BY day, model, scope, region, tier, endpoint
"""


class _DaySums(msgspec.Struct, frozen=True):
    """The calls of one day that have all of this in common."""

    day: date
    model: str
    scope: str
    region: str
    tier: str
    endpoint: str
    usage: Usage
    calls: int
    unpriced: int
    no_usage: int
    cost_picousd: int


def ledger_book(folder: Path, first: date | None = None) -> Book:
    """What the ledger in a folder counted, of days before ``first`` perhaps not all; raises NoLedger.

    Calls to a local endpoint are left out.
    """
    since = datetime.combine(first, time.min, UTC).timestamp() if first else 0.0
    book = Book("ledger", is_whole=not any(volume.ended_before(since) for volume in volumes_of(folder)[:-1]))
    with LedgerTables(folder) as tables:
        tables.catch_up(since)
        rows = tables.records(_DaySums, _SUMS)
    for row in rows:
        if row.endpoint == "local":
            book.simulated_calls += row.calls
            continue
        entry = book.of((row.day, row.model))
        entry.calls = (entry.calls or 0) + row.calls
        entry.unpriced += row.unpriced
        entry.without_usage += row.no_usage
        usage = row.usage
        for kind, tokens in zip(KINDS, (usage.input, usage.cache_read, usage.cache_write, usage.output), strict=True):
            entry.tokens[kind] += tokens
        entry.usd = (entry.usd or usd_of_picousd(0)) + usd_of_picousd(row.cost_picousd)
        entry.regions.add(row.region)
        entry.scopes.add(row.scope or "in_region")
        entry.tiers.add(row.tier or "default")
    for note in notes_of(folder):
        # What was removed after it was summed is in the sums; whether it had cannot be told from here.
        lost = note.get("dropped", 0) or note.get("calls", 0)
        if isinstance(lost, int) and lost:
            book.lost_calls += lost
            book.lost_until = datetime.fromtimestamp(float(note.get("at", 0)), UTC).date()
    return book
