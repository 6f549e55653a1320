"""A comparison of the ledger with what AWS counted or billed, as text."""

from collections.abc import Iterator, Mapping

from rockbottom.figures import counted, paragraph, usd
from rockbottom.quantities import ZERO_USD, Usd
from rockbottom.reconcile import KINDS, BookComparison, ReconcileRow

_UNMATCHED_SHOWN = 5


def reconciliation_text(comparison: BookComparison, *, everything: bool = False, width: int = 80) -> Iterator[str]:
    """What agrees and what differs, with the likely reasons; ``everything`` shows the rows that agree, too."""
    yield title_of(comparison)
    yield from sums_in_words(comparison)
    for row in comparison.rows:
        if everything or not row.agrees:
            yield ""
            yield from _row(row, comparison.theirs.party, width)
    for heading, lines in lists_apart(comparison):
        yield ""
        yield heading
        yield from (f"  {name}  ${dollars}" for name, dollars in lines)
    yield from _rest(comparison)
    for note in comparison.theirs.notes:
        yield from paragraph(note, width)


def apart_in_words(comparison: BookComparison) -> Iterator[str]:
    """What was not compared, every dollar of the bill, and notes on it."""
    yield from (*_rest(comparison), *comparison.theirs.notes)


def lists_apart(comparison: BookComparison) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What is in no row, by name with its dollars: a heading and its lines."""
    bill = comparison.theirs
    if bill.unmatched:
        types, total = counted(len(bill.unmatched), "usage type"), _dollars(sum(bill.unmatched.values(), ZERO_USD))
        yield f"no model is known for {types}, ${total}", _dearest(bill.unmatched)[:_UNMATCHED_SHOWN]
    if bill.charges:
        total = _dollars(sum(bill.charges.values(), ZERO_USD))
        yield f"not tokens of calls, and not compared: ${total}", _dearest(bill.charges)


def _dearest(lines: Mapping[str, Usd]) -> list[tuple[str, str]]:
    return [(name, _dollars(dollars)) for name, dollars in sorted(lines.items(), key=lambda pair: -pair[1])]


def _rest(comparison: BookComparison) -> Iterator[str]:
    for kind, dollars in comparison.theirs.adjustments.items():
        yield f"not compared: {kind} {usd(dollars, 2, symbol=True, bare_zero=False)}"
    if comparison.theirs.has_more:
        yield f"{comparison.theirs.party} in all: ${_dollars(comparison.theirs.in_all)}"


def title_of(comparison: BookComparison) -> str:
    """What is compared with what, and of which days."""
    days = [row.day for row in comparison.rows]
    span = f"{min(days)} to {max(row.until or row.day for row in comparison.rows)} (UTC)" if days else "no day"
    return f"ledger against {comparison.theirs.party}, {span}"


def sums_in_words(comparison: BookComparison) -> Iterator[str]:
    """How many days and models agree, the dollars of both sides, and what was left out."""
    if comparison.rows:
        yield from _sums(comparison)
    else:
        yield "nothing to compare: neither side has a call or a line in these days"
    if comparison.ours.simulated_calls:
        yield f"left out: {counted(comparison.ours.simulated_calls, 'call')} to a local endpoint, simulated"


def _sums(comparison: BookComparison) -> Iterator[str]:
    rows = comparison.rows
    agreeing = sum(row.agrees for row in rows)
    yield f"{agreeing} of {len(rows)} days and models agree within {float(100 * comparison.tolerance):g}%"
    mine = sum((row.ours.usd or ZERO_USD for row in rows if row.ours), ZERO_USD)
    if any(row.theirs and row.theirs.usd is not None for row in rows):
        bill = sum((row.theirs.usd or ZERO_USD for row in rows if row.theirs), ZERO_USD)
        more = _dollars(bill - mine, signed=True)
        yield f"dollars: ledger {_dollars(mine)}, {comparison.theirs.party} {_dollars(bill)}, {more}"
    listed = [row.theirs.list_usd for row in rows if row.theirs and row.theirs.list_usd is not None]
    if listed:
        yield f"at list price the bill is {_dollars(sum(listed, ZERO_USD))}"


def row_name(row: ReconcileRow) -> str:
    """The day, or the days, and the model of a row."""
    return f"{row.day}{f' to {row.until}' if row.until else ''}  {row.model}"


def row_cells(row: ReconcileRow) -> Iterator[tuple[str, str, str, str]]:
    """Name, ledger, other party and what that has more: tokens by kind, dollars, and the bill at list price."""
    is_counted = row.theirs is None or not row.theirs.uncounted_usd
    for kind in KINDS if is_counted else ():
        mine, their = (entry.tokens[kind] if entry else 0 for entry in (row.ours, row.theirs))
        if mine or their:
            yield kind, f"{mine:,}", f"{their:,}", f"{their - mine:+,}"
    if row.more_usd is not None:
        mine_usd, their_usd = (_dollars((entry and entry.usd) or ZERO_USD) for entry in (row.ours, row.theirs))
        yield "dollars", mine_usd, their_usd, _dollars(row.more_usd, signed=True)
    if row.theirs is not None and row.theirs.list_usd is not None:
        yield "list", "", _dollars(row.theirs.list_usd), ""


def _row(row: ReconcileRow, party: str, width: int) -> Iterator[str]:
    yield f"{'=' if row.agrees else '!'} {row_name(row)}"
    for name, mine, their, more in (("", "ledger", party, "more"), *row_cells(row)):
        yield f"    {name:<8} {mine:>16} {their:>16} {more:>16}".rstrip()
    for reason in row.reasons:
        yield from paragraph(f"{reason.code}: {reason.says}", width, "    ", "      ")


def _dollars(amount: Usd, *, signed: bool = False) -> str:
    return usd(amount, 4, signed=signed, bare_zero=False)
