"""The semantics of ``cache`` over millions of rows, proved equal to it; policies and the least possible bill."""

from rockbottom.replay.bound import Bound, Reuse, every_block, relaxed, reuse_of, usage_of
from rockbottom.replay.kernel import Outcomes, outcomes
from rockbottom.replay.nodes import Nodes, nodes_of
from rockbottom.replay.points import FIXED, PlacedPoints
from rockbottom.replay.policies import Bill, Stage, bill_of, captured, relative_cost
from rockbottom.replay.pricing import Rates
from rockbottom.replay.study import Question, Row, Study, UnknownPolicy, study

__all__ = [
    "FIXED",
    "Bill",
    "Bound",
    "Nodes",
    "Outcomes",
    "PlacedPoints",
    "Question",
    "Rates",
    "Reuse",
    "Row",
    "Stage",
    "Study",
    "UnknownPolicy",
    "bill_of",
    "captured",
    "every_block",
    "nodes_of",
    "outcomes",
    "relative_cost",
    "relaxed",
    "reuse_of",
    "study",
    "usage_of",
]
