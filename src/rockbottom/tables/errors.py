"""Errors of the tables.

RockbottomError
+-- LedgerError          the ledger cannot be read or asked
    +-- NeedsDuckDB      the tables are asked without the package that makes them
"""

from rockbottom.ledger import LedgerError


class NeedsDuckDB(LedgerError):
    """The ledger's tables are made by duckdb, which is not installed."""
