"""The semantics of ``cache`` over millions of rows, proved equal to it; policies and the least possible bill."""

from typing import TYPE_CHECKING

from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.replay.bound import Bound, TooManyLifetimes, relaxed
    from rockbottom.replay.compaction import AtTurn, Turns, best_turn, compactions
    from rockbottom.replay.document import document_of, documents_of
    from rockbottom.replay.exact import exact_usage
    from rockbottom.replay.keep_alive import keep_alive_bill
    from rockbottom.replay.kernel import Outcomes, outcomes
    from rockbottom.replay.nodes import Nodes, nodes_of
    from rockbottom.replay.online import OnlinePolicy, placed_online
    from rockbottom.replay.points import FIXED, PlacedPoints
    from rockbottom.replay.policies import PolicyBill, Stage, bill_of, captured, relative_cost
    from rockbottom.replay.pricing import Rates
    from rockbottom.replay.routing import (
        Clause,
        InvalidRule,
        RoutedBill,
        RoutingBills,
        RoutingRule,
        routing_of,
        routing_rule,
    )
    from rockbottom.replay.study import (
        BY_TOKENS,
        DEFAULT_POLICIES,
        PARTITIONABLE,
        PLANNER,
        Online,
        ReplayQuestion,
        UnknownPolicy,
        cached_as_sent,
        may_cache,
    )
    from rockbottom.replay.tallies import ReplayTally, tally

__all__ = [
    "BY_TOKENS",
    "DEFAULT_POLICIES",
    "FIXED",
    "PARTITIONABLE",
    "PLANNER",
    "AtTurn",
    "Bound",
    "Clause",
    "InvalidRule",
    "Nodes",
    "Online",
    "OnlinePolicy",
    "Outcomes",
    "PlacedPoints",
    "PolicyBill",
    "Rates",
    "ReplayQuestion",
    "ReplayTally",
    "RoutedBill",
    "RoutingBills",
    "RoutingRule",
    "Stage",
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

# The module of each name, imported when it is first asked for: explain prices compaction and compiles nothing.
_HOMES = {
    "Bound": "bound",
    "TooManyLifetimes": "bound",
    "relaxed": "bound",
    "AtTurn": "compaction",
    "Turns": "compaction",
    "best_turn": "compaction",
    "compactions": "compaction",
    "document_of": "document",
    "documents_of": "document",
    "exact_usage": "exact",
    "keep_alive_bill": "keep_alive",
    "Outcomes": "kernel",
    "outcomes": "kernel",
    "Nodes": "nodes",
    "nodes_of": "nodes",
    "OnlinePolicy": "online",
    "placed_online": "online",
    "FIXED": "points",
    "PlacedPoints": "points",
    "PolicyBill": "policies",
    "Stage": "policies",
    "bill_of": "policies",
    "captured": "policies",
    "relative_cost": "policies",
    "Rates": "pricing",
    "Clause": "routing",
    "InvalidRule": "routing",
    "RoutedBill": "routing",
    "RoutingBills": "routing",
    "RoutingRule": "routing",
    "routing_of": "routing",
    "routing_rule": "routing",
    "BY_TOKENS": "study",
    "DEFAULT_POLICIES": "study",
    "Online": "study",
    "PARTITIONABLE": "study",
    "PLANNER": "study",
    "ReplayQuestion": "study",
    "UnknownPolicy": "study",
    "cached_as_sent": "study",
    "may_cache": "study",
    "ReplayTally": "tallies",
    "tally": "tallies",
}

__getattr__ = late(__name__, _HOMES)
