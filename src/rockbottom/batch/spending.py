"""A limit of dollars, held while records are sent: by what their replies were billed."""

from dataclasses import dataclass

from rockbottom.batch.errors import NotAgreed
from rockbottom.batch.pricing import Pricing
from rockbottom.catalog import Tier
from rockbottom.figures import usd
from rockbottom.quantities import ZERO_USD, Usage, Usd


@dataclass(slots=True)
class Limit:
    """What may be spent on demand, and what was: each record under way may cost as much as the dearest so far."""

    max_usd: Usd
    pricing: Pricing
    spent_usd: Usd = ZERO_USD
    dearest_usd: Usd = ZERO_USD

    def add(self, usage: Usage) -> None:
        """Count a reply. Raises NoPriceInForce."""
        cost = self.pricing.of([usage], Tier.DEFAULT).usd
        self.spent_usd += cost
        self.dearest_usd = max(self.dearest_usd, cost)

    def reached(self, under_way: int) -> NotAgreed | None:
        """Why no further record may be sent beside those under way; None: one may."""
        if self.spent_usd + self.dearest_usd * (under_way + 1) <= self.max_usd:
            return None
        return NotAgreed(
            f"${usd(self.spent_usd, 4)} is spent, and another record may pass the limit of ${self.max_usd}.",
            fix="answers so far are kept; the same command with --max-usd MORE continues with the rest",
        )
