"""What usage costs at the prices in force, item by item. Pure, and exact: money is Decimal."""

from rockbottom.cost.bill import Cost, CostLine, Tally, bill, total_of
from rockbottom.cost.by_itself import caching_by_themselves, saved_by_itself
from rockbottom.cost.comparing import GROUPS, Arm, ArmComparison, ArmSums, compared

__all__ = [
    "GROUPS",
    "Arm",
    "ArmComparison",
    "ArmSums",
    "Cost",
    "CostLine",
    "Tally",
    "bill",
    "caching_by_themselves",
    "compared",
    "saved_by_itself",
    "total_of",
]
