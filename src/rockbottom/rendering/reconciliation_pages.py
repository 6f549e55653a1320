"""A comparison of the ledger with what AWS counted or billed as one HTML page."""

from collections.abc import Iterator, Sequence
from html import escape

from rockbottom.reconcile import BookComparison, ReconcileRow
from rockbottom.rendering.reconciliations import (
    apart_in_words,
    lists_apart,
    row_cells,
    row_name,
    sums_in_words,
    title_of,
)
from rockbottom.rendering.told_pages import page_start, paragraphs, told_table


def reconciliation_page(comparisons: Sequence[BookComparison]) -> str:
    """The page: the first comparison's sums as its heading; rows that differ open, rows that agree folded."""
    return "".join(_parts(comparisons))


def _parts(comparisons: Sequence[BookComparison]) -> Iterator[str]:
    first, *_ = comparisons
    yield page_start("The ledger against AWS", f"{next(iter(sums_in_words(first)))}: {title_of(first)}")
    for comparison in comparisons:
        yield from _comparison(comparison, is_first=comparison is first)
    yield "</html>\n"


def _comparison(comparison: BookComparison, *, is_first: bool) -> Iterator[str]:
    if not is_first:
        yield f"<h2>{escape(title_of(comparison))}</h2>"
    yield from paragraphs(list(sums_in_words(comparison))[is_first:])
    differing = [row for row in comparison.rows if not row.agrees]
    agreeing = [row for row in comparison.rows if row.agrees]
    party = comparison.theirs.party
    if differing:
        yield "<h2>What differs</h2>"
        for row in differing:
            yield from _row(row, party, opened=True)
    if agreeing:
        yield f"<h2>What agrees ({len(agreeing):,})</h2>"
        for row in agreeing:
            yield from _row(row, party, opened=False)
    for heading, lines in lists_apart(comparison):
        yield f"<h2>{escape(heading[0].upper() + heading[1:])}</h2>"
        yield from told_table(("", "$"), lines)
    yield from paragraphs(apart_in_words(comparison), "soft")


def _row(row: ReconcileRow, party: str, *, opened: bool) -> Iterator[str]:
    yield f"<details{' open' * opened}><summary>{escape(row_name(row))}</summary>"
    yield from told_table(("", "ledger", party, "more"), row_cells(row))
    yield from paragraphs(f"{reason.code}: {reason.says}" for reason in row.reasons)
    yield "</details>"
