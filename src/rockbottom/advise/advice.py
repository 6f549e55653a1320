"""Which levers to pull, in what order: every combination that is possible is priced, the cheapest is the advice."""

from dataclasses import dataclass
from decimal import Decimal

from rockbottom.advise.bills import MonthlyBill, Tariff, bill_of
from rockbottom.advise.combining import (
    PricedLevers,
    allowed_by,
    batch_break_even,
    best_of,
    combinations,
    steps_to,
)
from rockbottom.advise.evidence import Lever, WayEvidence
from rockbottom.advise.rows import LeverRow, Rows
from rockbottom.advise.wishes import Wishes
from rockbottom.quantities import ZERO_USD, Usd


@dataclass(frozen=True, slots=True)
class Advice:
    """The rows in the order in which to act, and the bills: without any lever, as it is today, and with those to pull.

    ``today_usd`` is what was paid where that was counted, else the bill of what is done now by the rules.
    """

    evidence: WayEvidence
    tariff: Tariff
    before: MonthlyBill
    today_usd: Usd
    best: PricedLevers
    rows: tuple[LeverRow, ...]
    batch_break_even: Decimal | None

    @property
    def after_usd(self) -> Usd:
        """The bill of today less what each lever to pull takes off."""
        pulled = (row.together for row in self.rows if row.status == "pull" and row.together is not None)
        return self.today_usd - sum(pulled, ZERO_USD)


def advise(evidence: WayEvidence, tariff: Tariff, wishes: Wishes) -> Advice:
    """The advice. Raises NoPriceInForce when not even a plain request has a price."""
    before = bill_of(evidence.none.tokens, tariff)
    possible = list(combinations(evidence, tariff))
    allowed = [combination for combination in possible if allowed_by(wishes, combination)]
    today = evidence.today
    ruled = before.usd if today is None else bill_of(today.tokens, tariff).usd
    paid = ruled if evidence.paid_usd is None else evidence.paid_usd
    best = best_of(allowed, today)
    if today is None or best.sent is not today:
        steps = steps_to(best, allowed, frozenset(), paid)
        steps = steps if best.bill.usd < paid else dict[Lever, Usd]()
    else:
        steps = steps_to(best, allowed, today.levers, ruled)
    lever_rows = Rows(evidence, tariff, wishes, paid, possible, best, steps)
    order = [*steps, *(lever for lever in Lever if lever not in steps)]
    rows = [row for lever in order if (row := lever_rows.row(lever)) is not None]
    rows.sort(key=lambda row: _RANK[row.status])  # stable: levers to pull stay in their order
    return Advice(evidence, tariff, before, paid, best, tuple(rows), batch_break_even(tariff))


_RANK = {"pull": 0, "ask": 1, "in use": 2, "not now": 3, "excluded": 4, "not offered": 5}
