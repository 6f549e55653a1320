"""The ledger held against what AWS counted (CloudWatch) and what AWS billed (CUR, Cost Explorer), day by day."""

from rockbottom.reconcile.billed import billed_book
from rockbottom.reconcile.books import KINDS, Book, BookEntry
from rockbottom.reconcile.comparing import compared
from rockbottom.reconcile.exports import bill_lines, lines_of_bills
from rockbottom.reconcile.native import MetricsQuestion, native_book, question
from rockbottom.reconcile.own import ledger_book
from rockbottom.reconcile.results import Reconciliation, reconciliation_of
from rockbottom.reconcile.rows import BookComparison, ReconcileRow

__all__ = [
    "KINDS",
    "Book",
    "BookComparison",
    "BookEntry",
    "MetricsQuestion",
    "ReconcileRow",
    "Reconciliation",
    "bill_lines",
    "billed_book",
    "compared",
    "ledger_book",
    "lines_of_bills",
    "native_book",
    "question",
    "reconciliation_of",
]
