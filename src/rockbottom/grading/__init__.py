"""Whether an answer is good enough: checks with one right result, a judge's votes, and how sure their counts make one.

Pure: no call is made here. ``checks_of_text`` decides an answer, ``rubric_body`` and ``pair_body`` are what a judge is
asked, ``vote_of`` reads its reply strictly, and ``verdict_on`` says which model is the cheapest over a bar.
"""

from rockbottom.grading.agreement import agreement_of, position_of
from rockbottom.grading.checks import KINDS, RISKY, Check, CheckOutcome, checked, fault_of, normalised
from rockbottom.grading.judging import (
    JUDGE_OUTPUT_TOKENS,
    AnswerToGrade,
    Pair,
    Rubric,
    Vote,
    order_of,
    pair_body,
    pair_passes,
    rubric_body,
    rubric_passes,
    vote_of,
)
from rockbottom.grading.verdicts import BarStanding, Graded, frontier, interval_of, needed, verdict_on

__all__ = [
    "JUDGE_OUTPUT_TOKENS",
    "KINDS",
    "RISKY",
    "AnswerToGrade",
    "BarStanding",
    "Check",
    "CheckOutcome",
    "Graded",
    "Pair",
    "Rubric",
    "Vote",
    "agreement_of",
    "checked",
    "fault_of",
    "frontier",
    "interval_of",
    "needed",
    "normalised",
    "order_of",
    "pair_body",
    "pair_passes",
    "position_of",
    "rubric_body",
    "rubric_passes",
    "verdict_on",
    "vote_of",
]
