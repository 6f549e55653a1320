"""A comparison, typed: its encoding is the JSON that ``rockbottom reconcile --json`` prints."""

from datetime import date
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from rockbottom.quantities import Usd
from rockbottom.reconcile.books import BookEntry
from rockbottom.reconcile.rows import BookComparison, ReconcileRow, RowReason


class Side(msgspec.Struct, frozen=True):
    """What one party counted for a day and model: tokens by kind, US dollars (None where it knows none), calls.

    ``list_usd`` is there where a bill says what it is at list price.
    """

    tokens: dict[str, int]
    usd: Usd | None
    calls: int | None
    regions: tuple[str, ...]
    list_usd: Usd | UnsetType = UNSET


class DayOfModel(msgspec.Struct, frozen=True):
    """One day of one model in both books; ``more_tokens`` and ``more_usd`` are theirs less the ledger's.

    ``until`` is the last day, where the bill has no days but months.
    """

    day: date
    model: str
    agrees: bool
    ledger: Side | None
    theirs: Side | None
    more_tokens: int
    more_usd: Usd | None
    reasons: tuple[RowReason, ...]
    until: date | UnsetType = UNSET


class Reconciliation(msgspec.Struct, frozen=True):
    """The ledger against one party. ``tolerance`` is a share; ``unmatched`` and ``not_compared`` are US dollars.

    ``charges`` are US dollars for other things than tokens of calls, where there are any; ``in_all_usd`` is every
    dollar read, where some are told to no day and model.
    """

    against: str
    tolerance: float
    agrees: bool
    simulated_calls_left_out: int
    rows: tuple[DayOfModel, ...]
    unmatched: dict[str, Decimal]
    not_compared: dict[str, Decimal]
    notes: tuple[str, ...]
    charges: dict[str, Decimal] | UnsetType = UNSET
    in_all_usd: Usd | UnsetType = UNSET


def reconciliation_of(comparison: BookComparison) -> Reconciliation:
    return Reconciliation(
        against=comparison.theirs.party,
        tolerance=float(comparison.tolerance),
        agrees=comparison.agrees,
        simulated_calls_left_out=comparison.ours.simulated_calls,
        rows=tuple(_day_of_model(row) for row in comparison.rows),
        unmatched=comparison.theirs.unmatched,
        not_compared=comparison.theirs.adjustments,
        notes=tuple(comparison.theirs.notes),
        charges=comparison.theirs.charges or UNSET,
        in_all_usd=comparison.theirs.in_all if comparison.theirs.has_more else UNSET,
    )


def _day_of_model(row: ReconcileRow) -> DayOfModel:
    return DayOfModel(
        row.day,
        row.model,
        row.agrees,
        _side(row.ours),
        _side(row.theirs),
        row.more_tokens,
        row.more_usd,
        tuple(row.reasons),
        row.until or UNSET,
    )


def _side(entry: BookEntry | None) -> Side | None:
    if entry is None:
        return None
    listed = UNSET if entry.list_usd is None else entry.list_usd
    return Side(entry.tokens, entry.usd, entry.calls, tuple(sorted(entry.regions)), listed)
