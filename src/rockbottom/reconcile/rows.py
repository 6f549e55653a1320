"""Rows of two books side by side, and whether the books agree in them. Pure."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from rockbottom.quantities import ZERO_USD, Usd
from rockbottom.reconcile.books import KINDS, Book, BookEntry

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class RowReason:
    """Why a row probably differs. ``code`` is for programs, ``says`` for people, with the figures that speak for it."""

    code: str
    says: str


@dataclass(slots=True)
class ReconcileRow:
    """One day of one model in both books; None where a book has nothing."""

    day: date
    model: str
    ours: BookEntry | None
    theirs: BookEntry | None
    reasons: list[RowReason] = field(default_factory=list[RowReason])
    agrees: bool = True
    until: date | None = None  # the last day, where the row stands for more than one

    def tokens(self, kind: str) -> int:
        return (self.theirs.tokens[kind] if self.theirs else 0) - (self.ours.tokens[kind] if self.ours else 0)

    @property
    def more_tokens(self) -> int:
        """Theirs less ours, of every kind."""
        return sum(self.tokens(kind) for kind in KINDS)

    @property
    def more_usd(self) -> Usd | None:
        """Theirs less ours; None where a book that has this row knows no dollars."""
        sides = [side for side in (self.theirs, self.ours) if side is not None]
        if any(side.usd is None for side in sides):
            return None
        return (self.theirs.usd or ZERO_USD if self.theirs else ZERO_USD) - (
            self.ours.usd or ZERO_USD if self.ours else ZERO_USD
        )


@dataclass(frozen=True, slots=True)
class BookComparison:
    """The rows of two books. ``rows`` has every day and model that either knows, in order."""

    ours: Book
    theirs: Book
    rows: tuple[ReconcileRow, ...]
    tolerance: Decimal

    @property
    def agrees(self) -> bool:
        """Whether every row is within the tolerance, the bill is whole, and its token lines were told to models."""
        is_assigned = self.theirs.is_whole and not any(self.theirs.unmatched.values())
        return is_assigned and all(row.agrees for row in self.rows)


def agrees(row: ReconcileRow, tolerance: Decimal) -> bool:
    """Whether tokens and dollars differ by no more than the tolerance, a share."""
    return tokens_agree(row, tolerance) and _usd_agrees(row, tolerance)


def tokens_agree(row: ReconcileRow, tolerance: Decimal) -> bool:
    """Whether every kind of tokens does, as far as the books count it."""
    if row.theirs is not None and row.theirs.uncounted_usd:
        return True  # the bill has no quantities: only dollars can be compared
    if row.theirs is not None and row.theirs.projects:
        return _mantle_agrees(row.ours or BookEntry(), row.theirs, tolerance)
    for kind in KINDS:
        larger = max(side.tokens[kind] if side else 0 for side in (row.ours, row.theirs))
        if abs(row.tokens(kind)) > tolerance * larger:
            return False
    return True


def _mantle_agrees(ours: BookEntry, theirs: BookEntry, tolerance: Decimal) -> bool:
    """Whether AWS can have counted the same on bedrock-mantle: cached tokens not at all, or as input."""
    mine, their = ours.tokens, theirs.tokens
    if abs(their["output"] - mine["output"]) > tolerance * max(their["output"], mine["output"]):
        return False
    # What AWS/Bedrock counts of the same model beside it, it counts as cached.
    cached = mine["read"] + mine["write"] - their["read"] - their["write"]
    least, most = mine["input"] * (1 - tolerance), (mine["input"] + cached) * (1 + tolerance)
    return cached >= -tolerance * (mine["read"] + mine["write"]) and least <= their["input"] <= max(least, most)


def _usd_agrees(row: ReconcileRow, tolerance: Decimal) -> bool:
    more = row.more_usd
    if more is None:
        return True
    larger = max((side.usd or ZERO_USD if side else ZERO_USD) for side in (row.ours, row.theirs))
    return abs(more) <= max(tolerance * larger, CENT / 100)
