"""Budgets: what callers may spend, held before a call and counted after it."""

from rockbottom.budgets.budget import Budget
from rockbottom.budgets.budgets import Budgets, default_file
from rockbottom.budgets.errors import BadBudget, BudgetError, BudgetExceeded
from rockbottom.budgets.periods import Period
from rockbottom.budgets.store import BudgetAccount, BudgetState, BudgetStore

__all__ = [
    "BadBudget",
    "Budget",
    "BudgetAccount",
    "BudgetError",
    "BudgetExceeded",
    "BudgetState",
    "BudgetStore",
    "Budgets",
    "Period",
    "default_file",
]
