"""A comparison of the ledger with what AWS counted or billed, as text."""

from collections.abc import Iterator

from rockbottom.figures import counted, paragraph, usd
from rockbottom.quantities import ZERO_USD, Usd
from rockbottom.reconcile import KINDS, Book, BookComparison, ReconcileRow

_UNMATCHED_SHOWN = 5


def reconciliation_text(comparison: BookComparison, *, everything: bool = False, width: int = 80) -> Iterator[str]:
    """What agrees and what differs, with the likely reasons; ``everything`` shows the rows that agree, too."""
    yield title_of(comparison)
    yield from sums_in_words(comparison)
    for row in comparison.rows:
        if everything or not row.agrees:
            yield ""
            yield from _row(row, comparison.theirs.party, width)
    yield from _unmatched(comparison)
    yield from _charges(comparison.theirs)
    yield from _rest(comparison)
    for note in comparison.theirs.notes:
        yield from paragraph(note, width)


def apart_in_words(comparison: BookComparison) -> Iterator[str]:
    """What is in no row: lines of no known model, other charges, what was not compared, and notes on the bill."""
    lines = (*_unmatched(comparison), *_charges(comparison.theirs), *_rest(comparison), *comparison.theirs.notes)
    yield from (" ".join(line.split()) for line in lines if line)


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


def _unmatched(comparison: BookComparison) -> Iterator[str]:
    unmatched = comparison.theirs.unmatched
    if unmatched:
        yield ""
        types, total = counted(len(unmatched), "usage type"), _dollars(sum(unmatched.values(), ZERO_USD))
        yield f"no model is known for {types}, ${total}"
        for label, dollars in sorted(unmatched.items(), key=lambda pair: -pair[1])[:_UNMATCHED_SHOWN]:
            yield f"  {label}  ${_dollars(dollars)}"


def _charges(bill: Book) -> Iterator[str]:
    """What Bedrock billed for other things, by name, and every dollar that was read."""
    if not bill.charges:
        return
    yield ""
    yield f"not tokens of calls, and not compared: ${_dollars(sum(bill.charges.values(), ZERO_USD))}"
    for name, dollars in sorted(bill.charges.items(), key=lambda pair: -pair[1]):
        yield f"  {name}  ${_dollars(dollars)}"


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
