"""What is said of a budget that is spent, or about to be."""

from datetime import UTC, datetime
from decimal import Decimal

from rockbottom.budgets.budget import Budget
from rockbottom.budgets.errors import BudgetExceeded
from rockbottom.budgets.periods import Period
from rockbottom.budgets.store import BudgetAccount, BudgetState
from rockbottom.figures import counted, usd
from rockbottom.quantities import Usd


def exceeded(
    budget: Budget, account: BudgetAccount, state: BudgetState, amount: Usd, now: float, *, blind: bool = False
) -> BudgetExceeded:
    """The error of a call that is stopped. What is left of the limit then is lent to others who share the budget."""
    resets_at = Period(budget.period).end(account.start)
    resets = datetime.fromtimestamp(resets_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    why = (
        f"{counted(state.unpriced, 'call')} without a known price went out, and this budget allows no such call"
        if blind
        else f"this call is estimated at {_shown(amount)}"
    )
    left = Decimal(budget.limit_usd) - state.spent - state.held
    if not blind and amount <= left:
        why += f", and the {_shown(left)} left are lent to other processes, as the shared store last heard"
    return BudgetExceeded(
        f"Not sent: {spent_text(budget, account, state)}; {why}. It starts again at {resets}.",
        fix=f"wait until then, or raise limit_usd of the budget for {account.name}",
        account=account.name,
        limit_usd=Decimal(budget.limit_usd),
        spent_usd=state.spent,
        held_usd=state.held,
        resets_at=float(resets_at),
        retry_after_s=max(resets_at - now, 0.0),
    )


def not_leased(
    budget: Budget, account: BudgetAccount, state: BudgetState, leased_usd: Usd, now: float
) -> BudgetExceeded:
    """The error of a call that is stopped because nobody can say what others spent."""
    return BudgetExceeded(
        "Not sent: the shared store, which knows what other processes spent, does not answer or has only just started. "
        f"This process may spend {_shown(leased_usd)} of the budget for {account.name} without it, and "
        f"{_shown(state.spent + state.held)} of that is spent or held.",
        fix="start the store that share= names again; rockbottom keeps trying to reach it",
        account=account.name,
        limit_usd=Decimal(budget.limit_usd),
        spent_usd=state.spent,
        held_usd=state.held,
        resets_at=float(Period(budget.period).end(account.start)),
        retry_after_s=1.0,
        unknown=True,
    )


def spent_text(budget: Budget, account: BudgetAccount, state: BudgetState) -> str:
    since = datetime.fromtimestamp(account.start, UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"{account.name}: {_shown(state.spent)} of {_shown(Decimal(budget.limit_usd))} spent since {since}"
    if state.estimated:
        text += f" ({_shown(state.estimated)} of it estimated)"
    return text + (f", {_shown(state.held)} held for calls under way" if state.held else "")


def _shown(amount: Usd) -> str:
    return usd(amount, ((1, 2), (0, 6)), symbol=True)
