"""A ledger as tables: rows of calls, sums by minute and hour, misses with their causes, asked in SQL.

They are made by DuckDB, which only those who look need (the extra ``watch``); recording needs none of
it.
"""

from rockbottom.tables.cells import CHANGES
from rockbottom.tables.errors import NeedsDuckDB
from rockbottom.tables.intake import check_installed
from rockbottom.tables.ledger_tables import LedgerTables
from rockbottom.tables.rows import STEP
from rockbottom.tables.summary import LedgerSummary, SummaryRow, month_of, summary_of

__all__ = [
    "CHANGES",
    "STEP",
    "LedgerSummary",
    "LedgerTables",
    "NeedsDuckDB",
    "SummaryRow",
    "check_installed",
    "month_of",
    "summary_of",
]
