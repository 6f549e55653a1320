"""Usage times the prices in force gives an itemised cost. Pure and exact."""

from rockbottom.cost.bill import Cost, CostLine, Tally, bill, total_of
from rockbottom.cost.comparing import GROUPS, HELD_OUT, Arm, ArmFigures, Comparison, Group, Ratio, compared

__all__ = [
    "GROUPS",
    "HELD_OUT",
    "Arm",
    "ArmFigures",
    "Comparison",
    "Cost",
    "CostLine",
    "Group",
    "Ratio",
    "Tally",
    "bill",
    "compared",
    "total_of",
]
