"""The ledger as a book: from its hourly sums, so that a large one is quick, and what was rotated away still counts."""

from datetime import UTC, datetime
from pathlib import Path

from rockbottom.ledger import notes_of, usd_of_picousd
from rockbottom.quantities import WRITES
from rockbottom.reconcile.books import Book
from rockbottom.tables import LedgerTables

_SUMS = f"""
SELECT (DATE '1970-01-01' + (hour // 86400)::INTEGER) AS day, model, scope, region, tier, endpoint, SUM(calls) AS calls,
    SUM(unpriced) AS unpriced, SUM(no_usage) AS no_usage, SUM(input) AS input, SUM(cache_read) AS read,
    SUM({" + ".join(unit.value for unit in WRITES.values())}) AS written, SUM(output) AS output,
    SUM(cost_picousd) AS cost
FROM hours GROUP BY day, model, scope, region, tier, endpoint
"""


def ledger_book(folder: Path) -> Book:
    """What the ledger in a folder counted; calls to a local endpoint are left out. Raises NoLedger."""
    book = Book("ledger")
    with LedgerTables(folder) as tables:
        tables.catch_up()
        rows = tables.rows(_SUMS)
    for row in rows:
        if row["endpoint"] == "local":
            book.simulated_calls += row["calls"]
            continue
        entry = book.of((row["day"], row["model"]))
        entry.calls = (entry.calls or 0) + row["calls"]
        entry.unpriced += row["unpriced"]
        entry.without_usage += row["no_usage"]
        for kind, column in (("input", "input"), ("read", "read"), ("write", "written"), ("output", "output")):
            entry.tokens[kind] += row[column]
        entry.usd = (entry.usd or usd_of_picousd(0)) + usd_of_picousd(row["cost"])
        entry.regions.add(row["region"])
        entry.scopes.add(row["scope"] or "in_region")
        entry.tiers.add(row["tier"] or "default")
    for note in notes_of(folder):
        # What was removed after it was summed is in the sums; whether it had cannot be told from here.
        lost = note.get("dropped", 0) or note.get("calls", 0)
        if isinstance(lost, int) and lost:
            book.lost_calls += lost
            book.lost_until = datetime.fromtimestamp(float(note.get("at", 0)), UTC).date()
    return book
