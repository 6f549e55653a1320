"""The ledger held against what AWS counted (CloudWatch) and what AWS billed (CUR, Cost Explorer), day by day."""

from rockbottom.reconcile.billed import billed_book
from rockbottom.reconcile.books import KINDS, Book
from rockbottom.reconcile.comparing import compared
from rockbottom.reconcile.exports import lines_of_bills
from rockbottom.reconcile.native import MetricsQuestion, native_book, question
from rockbottom.reconcile.own import ledger_book
from rockbottom.reconcile.results import reconciliation_of
from rockbottom.reconcile.rows import BookComparison, ReconcileRow

__all__ = [
    "KINDS",
    "Book",
    "BookComparison",
    "MetricsQuestion",
    "ReconcileRow",
    "billed_book",
    "compared",
    "ledger_book",
    "lines_of_bills",
    "native_book",
    "question",
    "reconciliation_of",
]
