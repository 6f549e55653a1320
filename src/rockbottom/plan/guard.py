"""The guard: at every moment the bill is at most 1 % above no caching, plus a fixed allowance.

Accounts are kept per model and price, in input tokens of that model (a write of 100 tokens at 1.25 counts
125). An account above its 1 % draws on one allowance that all accounts share; a saving on one model never
pays for a loss on another, so the promise holds for each model, for the sum of tokens and for the sum in
dollars (where the allowance is at most what 50,000 tokens of the dearest model in use cost).

Before a request is planned with points, its worst case is counted: nothing is read, everything up to the last
point is written. Afterwards the prediction stands in, until the usage that came back replaces it.
"""

from dataclasses import dataclass, field
from decimal import Decimal

ALLOWANCE_TOKENS = Decimal(50_000)
"""Input tokens by which all bills together may exceed 1 % above no caching."""

SHARE = Decimal("0.01")
"""The part of the bill without caching that may be spent on writes that are never read."""

_ZERO = Decimal(0)


@dataclass(slots=True)
class Account:
    """One model at one price: the bill so far above (or, negative, below) that without caching, and the latter.

    ``risk`` is what plans in flight may still cost beyond their prediction.
    """

    extra: Decimal = _ZERO
    plain: Decimal = _ZERO
    risk: Decimal = _ZERO

    @property
    def drawn(self) -> Decimal:
        """What it takes from the allowance."""
        return max(_ZERO, self.extra + self.risk - SHARE * self.plain)


@dataclass(slots=True)
class Guard:
    """All accounts of one planner."""

    accounts: dict[tuple[str, ...], Account] = field(default_factory=dict[tuple[str, ...], Account])

    def account(self, key: tuple[str, ...]) -> Account:
        """The account of a model at a price."""
        return self.accounts.setdefault(key, Account())

    def affords(self, key: tuple[str, ...], worst_extra: Decimal, plain: Decimal) -> bool:
        """Whether the promise holds even if this request costs ``worst_extra`` more than ``plain`` tokens."""
        mine = self.account(key)
        drawn = sum((account.drawn for other, account in self.accounts.items() if other != key), _ZERO)
        after = max(_ZERO, mine.extra + mine.risk + worst_extra - SHARE * (mine.plain + plain))
        return worst_extra <= 0 or drawn + after <= ALLOWANCE_TOKENS

    def count(self, key: tuple[str, ...], extra: Decimal, plain: Decimal, risk: Decimal = _ZERO) -> None:
        """Add a request, or correct one by a difference."""
        account = self.account(key)
        account.extra += extra
        account.plain += plain
        account.risk += risk
