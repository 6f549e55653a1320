"""What usage costs at the prices in force, item by item. Pure, and exact: money is Decimal."""

from rockbottom.cost.bill import Cost, CostLine, Tally, bill, total_of
from rockbottom.cost.by_itself import caching_by_themselves, saved_by_itself
from rockbottom.cost.comparing import GROUPS, HELD_OUT, Arm, ArmComparison, ArmFigures, ArmSums, Ratio, compared

__all__ = [
    "GROUPS",
    "HELD_OUT",
    "Arm",
    "ArmComparison",
    "ArmFigures",
    "ArmSums",
    "Cost",
    "CostLine",
    "Ratio",
    "Tally",
    "bill",
    "caching_by_themselves",
    "compared",
    "saved_by_itself",
    "total_of",
]
