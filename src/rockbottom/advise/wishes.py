"""What only the user knows of a workload."""

from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from rockbottom.advise.besides import Guarding
from rockbottom.advise.bills import Tariff, bill_of
from rockbottom.advise.evidence import WayEvidence
from rockbottom.catalog import NoPriceInForce
from rockbottom.quantities import Usd


class AnswerWait(Enum):
    """How long an answer may take."""

    NO = "no"
    MINUTES = "minutes"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Rival:
    """Another model with evidence of its own for the same workload."""

    evidence: WayEvidence
    tariff: Tariff

    def usd(self) -> Usd | None:
        """A month by its cheapest way at the default tier; None where it has no price."""
        bills: list[Usd] = []
        for sent in self.evidence.ways:
            if sent.measured is None:
                with suppress(NoPriceInForce):
                    bills.append(bill_of(sent.tokens, self.tariff).usd)
        return min(bills, default=None)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What only the user knows; None and the defaults mean that it was not said.

    ``model_unit_usd_hour`` and ``model_units``: the price in their contract and how many units carry the load.
    ``others``: models that would be good enough, in the user's judgement; ``rivals``: those of the same run.
    ``guarding``: the guardrail on every request.
    """

    wait: AnswerWait | None = None
    residency: str | None = None
    others: tuple[Tariff, ...] = ()
    model_unit_usd_hour: Usd | None = None
    model_units: int = 1
    rivals: tuple[Rival, ...] = ()
    guarding: Guarding | None = None
