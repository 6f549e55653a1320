"""The semantics of ``cache`` over millions of rows, proved equal to it; policies and the least possible bill."""

from rockbottom.replay.bound import Bound, TooManyLifetimes, relaxed
from rockbottom.replay.compaction import Turns, compactions
from rockbottom.replay.composition import AtTurn, best_turn
from rockbottom.replay.document import document_of, documents_of
from rockbottom.replay.exact import exact_usage
from rockbottom.replay.keep_alive import keep_alive_bill
from rockbottom.replay.kernel import Outcomes, outcomes
from rockbottom.replay.nodes import Nodes, nodes_of
from rockbottom.replay.online import OnlinePolicy, placed_online
from rockbottom.replay.points import FIXED, PlacedPoints
from rockbottom.replay.policies import Bill, Stage, bill_of, captured, relative_cost
from rockbottom.replay.pricing import Rates
from rockbottom.replay.routing import Clause, InvalidRule, RoutedBill, Routing, RoutingRule, routing_of, routing_rule
from rockbottom.replay.study import (
    DEFAULT_POLICIES,
    PARTITIONABLE,
    PLANNER,
    Online,
    ReplayQuestion,
    UnknownPolicy,
    cached_as_sent,
    may_cache,
)
from rockbottom.replay.tally import Tally, tally

__all__ = [
    "DEFAULT_POLICIES",
    "FIXED",
    "PARTITIONABLE",
    "PLANNER",
    "AtTurn",
    "Bill",
    "Bound",
    "Clause",
    "InvalidRule",
    "Nodes",
    "Online",
    "OnlinePolicy",
    "Outcomes",
    "PlacedPoints",
    "Rates",
    "ReplayQuestion",
    "RoutedBill",
    "Routing",
    "RoutingRule",
    "Stage",
    "Tally",
    "TooManyLifetimes",
    "Turns",
    "UnknownPolicy",
    "best_turn",
    "bill_of",
    "cached_as_sent",
    "captured",
    "compactions",
    "document_of",
    "documents_of",
    "exact_usage",
    "keep_alive_bill",
    "may_cache",
    "nodes_of",
    "outcomes",
    "placed_online",
    "relative_cost",
    "relaxed",
    "routing_of",
    "routing_rule",
    "tally",
]
