"""What a ledger holds; what its calls cost by team, tenant or model, as a table and as CSV."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from sys import maxsize

import msgspec

from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    counted,
    decimals_for,
    megabytes,
    moment,
    narrow_name,
    paragraph,
    share,
    short_tokens,
    table,
    thousands,
    tokens,
    usd,
    without_usage,
)
from rockbottom.rendering.apart import apart_text, unfinished_text
from rockbottom.tables import LedgerContents, LedgerSummary, SummaryRow

_NONE = "(not recorded)"


def ledger_contents_text(contents: LedgerContents, *, width: int = 80) -> Iterator[str]:
    """What is there, what was lost, how large it is, and which tables can be asked."""
    yield contents.folder
    yield ""
    if contents.first is None or contents.last is None:
        yield "no calls yet"
    else:
        first, last = (moment(at, seconds=True) for at in (contents.first, contents.last))
        yield f"{counted(contents.calls, 'call')} from {first} to {last}"
    for row in contents.models:
        yield f"  {thousands(row.calls):>12}  {row.model}"
    for count, noun, more in (
        (contents.failed, "call", "failed"),
        (contents.no_usage, "call", "ended without usage"),
        (contents.simulated, "call", "went to a local endpoint: what they cost is simulated"),
        (contents.removed_calls, "older call", "removed to keep the ledger within its bound"),
        (contents.dropped_calls, "call", "could not be written"),
        (contents.damaged.lines, "torn line", "(the rest of a call that was cut off)"),
        (contents.unfinished, "last line", "without an end (being written now, or cut off)"),
    ):
        if count:
            yield f"{counted(count, noun)} {more}"
    yield f"{counted(contents.files, 'file')}, {megabytes(contents.bytes)}"
    yield ""
    yield "tables for rockbottom ledger sql:"
    for name, columns in contents.tables.items():
        yield from paragraph(f"{name}: {', '.join(columns)}", width, "  ", "    ")


def ledger_summary_text(summary: LedgerSummary, *, width: int = 80) -> Iterator[str]:
    """A line for each label, the dearest first, and the sum; what is in no sum is said."""
    when = summary.month or "all that were recorded"
    ledgers = f", from {counted(summary.ledgers, 'ledger')}" if summary.ledgers > 1 else ""
    yield f"{counted(summary.total.calls, 'call')}, {when}{ledgers}"
    if summary.side == "local":
        yield "SIMULATED: calls to a local endpoint; nothing here was billed by AWS"
    if summary.simulated:
        simulated = f"{counted(summary.simulated, 'call')} to a local endpoint"
        yield from paragraph(f"not counted here: {simulated}, simulated (--side local sums them)", width)
    if not any(row.label for row in summary.rows) and summary.total.calls:
        yield from paragraph(_no_label(summary), width)
    yield ""
    columns = [
        Column(f"by {summary.by}", right=False, wide=True), Column("calls"), Column("input"), Column("read"),
        Column("output"), Column("cost $"), Column("saved $"), Column("missed $"),
    ]  # fmt: skip
    largest = max((row.cost_usd for row in summary.rows), default=summary.total.cost_usd)
    places = 2 if largest >= 1 else decimals_for([largest])
    room = width if summary.by == "model" else maxsize  # tags and others are never shortened
    rows = [_cells(row, _NONE if row.label is None else narrow_name(row.label, room), places) for row in summary.rows]
    rows.append(_cells(summary.total, "in all", places))
    yield from table(columns, rows, width, Paint(False), indent=0)
    yield ""
    meanings = "saved: less than without caching; missed: paid above the price of a read for what was sent before"
    yield from paragraph(meanings, width)
    for sentence in summary.measured:
        yield from paragraph(sentence, width, rest="  ")
    total = summary.total
    if total.no_usage:
        bounds = (total.unmetered_least_usd, total.unmetered_most_usd)
        yield from paragraph(without_usage(total.no_usage, total.unmetered, bounds), width, rest="  ")
    if summary.damaged:
        yield f"{counted(summary.damaged, 'damaged line')} left out (rockbottom ledger sql 'FROM damaged' shows where)"
    if summary.unfinished:
        yield unfinished_text(summary.unfinished)
    if summary.set_apart:
        yield ""
        yield from apart_text(summary.set_apart)


def _no_label(summary: LedgerSummary) -> str:
    """What to do where no call says what was asked for."""
    if summary.tags:
        return f"no call carries the tag {summary.by}; their tags are {', '.join(summary.tags)}"
    return f"no call carries a tag: with rockbottom.tagged({summary.by}=...): around them, or attach(client, tags=...)"


def _cells(row: SummaryRow, label: str, places: int) -> list[Cell]:
    whole = row.input_tokens + row.read_tokens + row.written_tokens
    money = [usd(amount, places) for amount in (row.cost_usd, row.saved_usd, row.missed_usd)]
    if row.unpriced and not row.cost_usd:
        money = ["no price", "", ""]
    return [
        Cell(label), Cell(tokens(row.calls)), Cell(short_tokens(whole)),
        Cell(share(row.read_tokens / whole) if whole else ""), Cell(short_tokens(row.output_tokens)),
        *(Cell(amount) for amount in money),
    ]  # fmt: skip


def ledger_summary_csv(summary: LedgerSummary) -> str:
    """A line for each label; money in exact US dollars, an empty label where none was recorded."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [summary.by if name == "label" else name for name in SummaryRow.__struct_fields__]
    writer.writerow(["month", *names])
    for row in summary.rows:
        values = msgspec.structs.asdict(row).values()
        writer.writerow([summary.month or "", *(_in_full(value) for value in values)])
    return out.getvalue()


def _in_full(value: object) -> object:
    """Money without an exponent, which a spreadsheet may round or take for text, and without idle zeros."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else value
