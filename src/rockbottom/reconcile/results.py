"""A comparison, typed: its encoding is the JSON that ``rockbottom reconcile --json`` prints."""

from datetime import date
from decimal import Decimal

import msgspec

from rockbottom.quantities import Usd
from rockbottom.reconcile.books import Entry
from rockbottom.reconcile.comparing import Comparison, Reason, Row


class Side(msgspec.Struct, frozen=True):
    """What one party counted for a day and model: tokens by kind, US dollars (None where it knows none), calls."""

    tokens: dict[str, int]
    usd: Usd | None
    calls: int | None
    regions: tuple[str, ...]


class DayOfModel(msgspec.Struct, frozen=True):
    """One day of one model in both books; ``more_tokens`` and ``more_usd`` are theirs less the ledger's."""

    day: date
    model: str
    agrees: bool
    ledger: Side | None
    theirs: Side | None
    more_tokens: int
    more_usd: Usd | None
    reasons: tuple[Reason, ...]


class Reconciliation(msgspec.Struct, frozen=True):
    """The ledger against one party. ``tolerance`` is a share; ``unmatched`` and ``not_compared`` are US dollars."""

    against: str
    tolerance: float
    agrees: bool
    simulated_calls_left_out: int
    rows: tuple[DayOfModel, ...]
    unmatched: dict[str, Decimal]
    not_compared: dict[str, Decimal]
    notes: tuple[str, ...]


def reconciliation_of(comparison: Comparison) -> Reconciliation:
    """The result of a comparison."""
    return Reconciliation(
        against=comparison.theirs.party,
        tolerance=float(comparison.tolerance),
        agrees=comparison.agrees,
        simulated_calls_left_out=comparison.ours.simulated_calls,
        rows=tuple(_day_of_model(row) for row in comparison.rows),
        unmatched=comparison.theirs.unmatched,
        not_compared=comparison.theirs.adjustments,
        notes=tuple(comparison.theirs.notes),
    )


def _day_of_model(row: Row) -> DayOfModel:
    return DayOfModel(
        row.day,
        row.model,
        row.agrees,
        _side(row.ours),
        _side(row.theirs),
        row.more_tokens,
        row.more_usd,
        tuple(row.reasons),
    )


def _side(entry: Entry | None) -> Side | None:
    return entry and Side(entry.tokens, entry.usd, entry.calls, tuple(sorted(entry.regions)))
