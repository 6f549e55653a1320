"""A ledger as tables: rows of calls, sums by minute and hour, misses with their causes, asked in SQL.

They are made by DuckDB, which only those who look need (the extra ``watch``); recording needs none of
it.
"""

from rockbottom.tables.cells import CHANGES
from rockbottom.tables.contents import LedgerContents, contents_of
from rockbottom.tables.database import taken_over
from rockbottom.tables.errors import NeedsDuckDB
from rockbottom.tables.intake import check_installed
from rockbottom.tables.ledger_tables import LedgerTables
from rockbottom.tables.measured import ARM_SUMS, Observed, ObservedSums, group_of, sentences_of
from rockbottom.tables.rows import STEP, SUMMED_USAGE
from rockbottom.tables.summary import LedgerSummary, SummaryRow, month_of, summary_of

__all__ = [
    "ARM_SUMS",
    "CHANGES",
    "STEP",
    "SUMMED_USAGE",
    "LedgerContents",
    "LedgerSummary",
    "LedgerTables",
    "NeedsDuckDB",
    "Observed",
    "ObservedSums",
    "SummaryRow",
    "check_installed",
    "contents_of",
    "group_of",
    "month_of",
    "sentences_of",
    "summary_of",
    "taken_over",
]
