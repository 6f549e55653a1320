"""Errors of the ledger.

RockbottomError
+-- LedgerError      the ledger cannot be read or asked
    +-- NoLedger     there is none in that folder
    +-- NotShipped   a folder or S3 does not take or show its files
"""

from rockbottom.quantities import Fault, RockbottomError


class LedgerError(RockbottomError):
    """The ledger cannot be read, or the question cannot be answered."""


class NoLedger(LedgerError):
    """The folder holds no ledger."""


class NotShipped(LedgerError):
    """A folder or S3 does not take or show files of a ledger. ``code`` is what it said; it may be tried again."""

    retry_safe = True
    fault = Fault.SERVICE

    def __init__(self, message: str, *, fix: str | None = None, code: str = "", fault: Fault = Fault.SERVICE) -> None:
        super().__init__(message, fix=fix)
        self.fault = fault
        self.code = code
