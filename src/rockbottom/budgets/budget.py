"""One budget: a limit in US dollars for a period, for calls with certain tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from rockbottom.budgets.errors import BadBudget
from rockbottom.budgets.periods import Period
from rockbottom.budgets.store import BudgetAccount
from rockbottom.quantities import Usd


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit in US dollars for a period of time. Raises BadBudget where its arguments contradict each other.

    ``limit_usd``: US dollars, as text, integer or Decimal. ``period``: hour, day, week or month, in UTC. ``tags``: only
    calls with these tags count (none: all calls). ``per``: every value of these tags has a budget of its own.
    ``action``: ``warn`` or ``stop``. ``reserve_usd``: held for a call of an account whose costs are not known yet.
    ``unpriced``: whether calls without a known price are let pass (``allow``) or, once one was seen in the period,
    stopped too (``stop``).
    """

    limit_usd: Usd | int | str
    period: Period | str
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    per: Sequence[str] = ()
    action: Literal["warn", "stop"] = "warn"
    reserve_usd: Usd | int | str = 0
    unpriced: Literal["allow", "stop"] = "allow"

    def __post_init__(self) -> None:
        for name in ("limit_usd", "reserve_usd"):
            object.__setattr__(self, name, _money(getattr(self, name), name))
        if self.limit_usd == 0:
            problem, fix = "limit_usd is 0, and such a budget would stop every call.", 'Budget("10", period="day")'
            raise BadBudget(problem, fix=fix, field="limit_usd")
        try:
            object.__setattr__(self, "period", Period(self.period))
        except ValueError:
            known = ", ".join(period.value for period in Period)
            raise BadBudget(f"there is no period {self.period!r}.", fix=f"period is one of {known}") from None
        if self.action not in ("warn", "stop") or self.unpriced not in ("allow", "stop"):
            raise BadBudget(
                f"action={self.action!r} and unpriced={self.unpriced!r} are not possible.",
                fix="action is warn or stop; unpriced is allow or stop",
            )
        if isinstance(self.per, str):
            raise BadBudget(f"per is a list of tags, not the text {self.per!r}.", fix=f"per=[{self.per!r}]")

    def account(self, tags: Mapping[str, str], at: float) -> BudgetAccount | None:
        """The account that a call with these tags spends from at an instant; None where the budget is not for it."""
        if any(tags.get(name) != value for name, value in self.tags.items()):
            return None
        return BudgetAccount(self.name_for(tags), Period(self.period).start(at))

    def name_for(self, tags: Mapping[str, str]) -> str:
        """The name of that account: its tags and its period. The limit is no part of it."""
        pairs = {**self.tags, **{name: tags.get(name, "") for name in self.per}}
        words = ", ".join(f"{name}={value}" for name, value in sorted(pairs.items()))
        return f"{words or 'all calls'} per {Period(self.period).value}"


def _money(value: Usd | int | str, name: str) -> Usd:
    if isinstance(value, float):
        raise BadBudget(
            f"{name} is the float {value!r}, and a float is not exact money.", fix=f'{name}="{value}"', field=name
        )
    try:
        amount = Decimal(value)
    except ArithmeticError:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise BadBudget(f"{name} is {value!r}.", fix=f'{name}="12.50"', field=name)
    return amount
