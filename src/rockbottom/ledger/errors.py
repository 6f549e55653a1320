"""Errors of the ledger.

RockbottomError
+-- LedgerError      the ledger cannot be read or asked
    +-- NoLedger     there is none in that folder
"""

from rockbottom.quantities import RockbottomError


class LedgerError(RockbottomError):
    """The ledger cannot be read, or the question cannot be answered."""


class NoLedger(LedgerError):
    """The folder holds no ledger."""
