"""What the calls of a ledger cost by team, tenant or model, as a table and as CSV."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import msgspec

from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    counted,
    decimals_for,
    paragraph,
    share,
    short_tokens,
    table,
    tokens,
    usd,
)
from rockbottom.rendering.apart import apart_text, unfinished_text
from rockbottom.tables import LedgerSummary, SummaryRow

_NONE = "(not recorded)"


def ledger_summary_text(found: LedgerSummary, *, width: int = 80) -> Iterator[str]:
    """A line for each label, the dearest first, and the sum; what is in no sum is said."""
    when = found.month or "all that is there"
    ledgers = f", from {counted(found.ledgers, 'ledger')}" if found.ledgers > 1 else ""
    yield f"{counted(found.total.calls, 'call')}, {when}{ledgers}"
    if found.simulated:
        yield f"not counted here: {counted(found.simulated, 'call')} to a local endpoint"
    yield ""
    columns = [
        Column(f"by {found.by}", right=False, wide=True), Column("calls"), Column("input"), Column("read"),
        Column("output"), Column("cost $"), Column("saved $"), Column("missed $"),
    ]  # fmt: skip
    largest = max((row.cost_usd for row in found.rows), default=found.total.cost_usd)
    places = 2 if largest >= 1 else decimals_for([largest])
    rows = [_cells(row, _NONE if row.label is None else row.label, places) for row in found.rows]
    rows.append(_cells(found.total, "in all", places))
    yield from table(columns, rows, width, Paint(False), indent=0)
    yield ""
    meanings = "saved: less than without caching; missed: paid above the price of a read for what could have been read"
    yield from paragraph(meanings, width)
    if found.total.no_usage:
        yield f"{counted(found.total.no_usage, 'call')} ended without usage: their cost is not known"
    if found.damaged:
        yield f"{counted(found.damaged, 'damaged line')} left out (rockbottom ledger sql 'FROM damaged' shows where)"
    if found.unfinished:
        yield unfinished_text(found.unfinished)
    if found.set_apart:
        yield ""
        yield from apart_text(found.set_apart)


def _cells(row: SummaryRow, label: str, places: int) -> list[Cell]:
    whole = row.input_tokens + row.read_tokens + row.written_tokens
    return [
        Cell(label), Cell(tokens(row.calls)), Cell(short_tokens(whole)),
        Cell(share(row.read_tokens / whole) if whole else ""), Cell(short_tokens(row.output_tokens)),
        *(Cell(usd(amount, places)) for amount in (row.cost_usd, row.saved_usd, row.missed_usd)),
    ]  # fmt: skip


def ledger_summary_csv(found: LedgerSummary) -> str:
    """A line for each label; money in exact US dollars, an empty label where none was recorded."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [found.by if name == "label" else name for name in SummaryRow.__struct_fields__]
    writer.writerow(["month", *names])
    for row in found.rows:
        values: dict[str, Any] = msgspec.to_builtins(row)
        writer.writerow([found.month or "", *("" if value is None else value for value in values.values())])
    return out.getvalue()
