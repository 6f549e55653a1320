"""Why tokens that could have been read were not: findings, each with its cause, evidence, price and fix. Pure."""

from typing import TYPE_CHECKING

from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.differences import Difference, difference_of, first_difference
from rockbottom.diagnose.explaining import Stream, Tolerance, explain, parted, read_all, unread
from rockbottom.diagnose.findings import CauseTotal, Finding, Findings, Saving
from rockbottom.diagnose.fixes import with_savings
from rockbottom.diagnose.hashed import Hashed, explain_hashed
from rockbottom.diagnose.parts import Parts
from rockbottom.diagnose.prices import PriceDays, priced_of
from rockbottom.diagnose.results import explained_groups, explanation_of, prompts_of
from rockbottom.diagnose.sent import Archive, LoggedRequest, Sent
from rockbottom.diagnose.volatile import VolatileKind, spans_of
from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.diagnose.columns import hashed_of
    from rockbottom.diagnose.compacting import with_compaction

__all__ = [
    "Archive",
    "Cause",
    "CauseTotal",
    "Difference",
    "Finding",
    "Findings",
    "Hashed",
    "LoggedRequest",
    "Parts",
    "PriceDays",
    "Saving",
    "Sent",
    "Stream",
    "Tolerance",
    "VolatileKind",
    "difference_of",
    "explain",
    "explain_hashed",
    "explained_groups",
    "explanation_of",
    "first_difference",
    "hashed_of",
    "parted",
    "priced_of",
    "prompts_of",
    "read_all",
    "spans_of",
    "unread",
    "with_compaction",
    "with_savings",
]

# What stands on traces needs numpy and numba, which whoever checks a prompt or watches a ledger need not have.
__getattr__ = late(__name__, {"columns": "hashed_of", "compacting": "with_compaction"})
