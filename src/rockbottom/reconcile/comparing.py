"""Two books held against each other, by day and model. Pure."""

from datetime import date
from decimal import Decimal

from rockbottom.catalog import Catalog
from rockbottom.reconcile.books import Book, BookEntry, Key
from rockbottom.reconcile.explaining import Explainer
from rockbottom.reconcile.rows import BookComparison, ReconcileRow, agrees


def compared(
    ours: Book,
    theirs: Book,
    catalog: Catalog,
    tolerance: Decimal,
    today: date,
    first: date | None = None,
    last: date | None = None,
) -> BookComparison:
    """Hold two books against each other, day by day (both ends included); ``tolerance`` is a share, 0.01 for 1%."""
    mine, others = _by_period(ours, theirs, first, last), dict(theirs.between(first, last))
    keys = sorted({*mine, *others})
    rows = [
        ReconcileRow(day, model, mine.get((day, model)), others.get((day, model)), until=_until(theirs, day))
        for day, model in keys
    ]
    for row in rows:
        row.agrees = agrees(row, tolerance)
    comparison = BookComparison(ours, theirs, tuple(rows), tolerance)
    explained = Explainer(comparison, catalog, today)
    for row in rows:
        if not row.agrees:
            row.reasons = explained.reasons(row)
    return comparison


def _by_period(ours: Book, theirs: Book, first: date | None, last: date | None) -> dict[Key, BookEntry]:
    """Our entries of these days, those of one of their periods put together."""
    if not theirs.periods:
        return dict(ours.between(first, last))
    entries: dict[Key, BookEntry] = {}
    for (day, model), entry in ours.between(first, last):
        entries.setdefault((theirs.start_of(day), model), BookEntry()).add(entry)
    return entries


def _until(theirs: Book, day: date) -> date | None:
    return theirs.last_of(day) if day in theirs.periods else None
