"""Budgets: what callers may spend, held before a call and counted after it."""

from rockbottom.budgets.budgets import Budget, Budgets
from rockbottom.budgets.errors import BadBudget, BudgetError, BudgetExceeded
from rockbottom.budgets.periods import Period

__all__ = ["BadBudget", "Budget", "BudgetError", "BudgetExceeded", "Budgets", "Period"]
