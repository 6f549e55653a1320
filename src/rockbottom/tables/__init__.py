"""A ledger as tables: rows of calls, sums by minute and hour, misses with their causes, asked in SQL.

They are made by DuckDB, which only those who look need (``pip install 'rockbottom[watch]'``); recording needs none of
it.
"""

from rockbottom.tables.cells import CHANGES
from rockbottom.tables.errors import NeedsDuckDB
from rockbottom.tables.intake import check_installed
from rockbottom.tables.ledger_tables import LedgerTables
from rockbottom.tables.rows import STEP

__all__ = ["CHANGES", "STEP", "LedgerTables", "NeedsDuckDB", "check_installed"]
