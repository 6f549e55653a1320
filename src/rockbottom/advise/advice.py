"""Which levers to pull, in what order: every combination that is possible is priced, the cheapest is the advice."""

from dataclasses import dataclass
from decimal import Decimal

from rockbottom.advise.bills import Bill, Tariff, bill_of
from rockbottom.advise.combining import (
    Combination,
    allowed_by,
    batch_break_even,
    cheapest,
    combinations,
    steps_to,
)
from rockbottom.advise.evidence import Evidence, Lever
from rockbottom.advise.rows import Row, Rows
from rockbottom.advise.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Advice:
    """The rows in the order in which to act, and the bills before and after the ones marked pull."""

    evidence: Evidence
    tariff: Tariff
    before: Bill
    best: Combination
    rows: tuple[Row, ...]
    batch_break_even: Decimal | None


def advise(evidence: Evidence, tariff: Tariff, wishes: Wishes) -> Advice:
    """The advice. Raises NoPriceInForce when not even a plain request has a price."""
    before = bill_of(evidence.none.tokens, tariff)
    possible = list(combinations(evidence, tariff))
    allowed = [combination for combination in possible if allowed_by(wishes, combination)]
    best = cheapest(allowed)
    steps = steps_to(best, allowed, before.usd)
    made = Rows(evidence, tariff, wishes, before, possible, best, steps)
    order = [*steps, *(lever for lever in Lever if lever not in steps)]
    rows = [row for lever in order if (row := made.row(lever)) is not None]
    rows.sort(key=lambda row: _RANK[row.status])  # stable: levers to pull stay in their order
    return Advice(evidence, tariff, before, best, tuple(rows), batch_break_even(tariff))


_RANK = {"pull": 0, "ask": 1, "in use": 2, "not now": 3, "excluded": 4, "not offered": 5}
