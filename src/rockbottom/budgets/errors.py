"""Errors of budgets.

RockbottomError
+-- BudgetError
    +-- BudgetExceeded    a call was stopped: its budget is spent
    +-- BadBudget         a budget that says nothing, or two things at once
"""

from rockbottom.quantities import RockbottomError, Usd


class BudgetError(RockbottomError):
    """The base of the errors of budgets."""


class BadBudget(BudgetError):
    """The arguments of a budget are not possible, or contradict each other. ``field``: the one that is wrong alone."""

    def __init__(self, message: str, *, fix: str | None = None, field: str = "") -> None:
        super().__init__(message, fix=fix)
        self.field = field


class BudgetExceeded(BudgetError):
    """A call was not sent because its budget is spent.

    Attributes: ``account``; ``limit_usd``, ``spent_usd`` and ``held_usd`` (for calls under way) in US dollars;
    ``resets_at``, seconds since the epoch; ``retry_after_s``, seconds until then. ``unknown``: what this process had
    leased of it is spent, and what others spent cannot be asked.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str | None = None,
        account: str,
        limit_usd: Usd,
        spent_usd: Usd,
        held_usd: Usd,
        resets_at: float,
        retry_after_s: float,
        unknown: bool = False,
    ) -> None:
        super().__init__(message, fix=fix)
        self.account = account
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self.held_usd = held_usd
        self.resets_at = resets_at
        self.retry_after_s = retry_after_s
        self.unknown = unknown
