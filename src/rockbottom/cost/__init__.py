"""Usage times the prices in force gives an itemised cost. Pure and exact."""

from rockbottom.cost.bill import Cost, CostLine, bill, total_of

__all__ = ["Cost", "CostLine", "bill", "total_of"]
