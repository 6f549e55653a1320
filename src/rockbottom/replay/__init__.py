"""The semantics of ``cache`` over millions of rows, proved equal to it; policies and the least possible bill."""

from typing import TYPE_CHECKING

from rockbottom.faces import late

if TYPE_CHECKING:
    from rockbottom.replay.bound import TooManyLifetimes, relaxed
    from rockbottom.replay.compaction import AtTurn, Turns, best_turn, compactions
    from rockbottom.replay.document import document_of, documents_of
    from rockbottom.replay.exact import exact_usage
    from rockbottom.replay.keep_alive import keep_alive_bill
    from rockbottom.replay.kernel import outcomes
    from rockbottom.replay.nodes import nodes_of
    from rockbottom.replay.online import placed_online
    from rockbottom.replay.points import FIXED, PlacedPoints
    from rockbottom.replay.policies import Stage, bill_of
    from rockbottom.replay.rates import Rates, assumed_prices
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
        ReplayQuestion,
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
    "Clause",
    "InvalidRule",
    "PlacedPoints",
    "Rates",
    "ReplayQuestion",
    "ReplayTally",
    "RoutedBill",
    "RoutingBills",
    "RoutingRule",
    "Stage",
    "TooManyLifetimes",
    "Turns",
    "assumed_prices",
    "best_turn",
    "bill_of",
    "cached_as_sent",
    "compactions",
    "document_of",
    "documents_of",
    "exact_usage",
    "keep_alive_bill",
    "may_cache",
    "nodes_of",
    "outcomes",
    "placed_online",
    "relaxed",
    "routing_of",
    "routing_rule",
    "tally",
]

# The module of each name, imported when it is first asked for: explain prices compaction and compiles nothing.
_HOMES = {
    "bound": "TooManyLifetimes relaxed",
    "compaction": "AtTurn Turns best_turn compactions",
    "document": "document_of documents_of",
    "exact": "exact_usage",
    "keep_alive": "keep_alive_bill",
    "kernel": "outcomes",
    "nodes": "nodes_of",
    "online": "placed_online",
    "points": "FIXED PlacedPoints",
    "policies": "Stage bill_of",
    "rates": "Rates assumed_prices",
    "routing": "Clause InvalidRule RoutedBill RoutingBills RoutingRule routing_of routing_rule",
    "study": "BY_TOKENS DEFAULT_POLICIES PARTITIONABLE PLANNER ReplayQuestion cached_as_sent may_cache",
    "tallies": "ReplayTally tally",
}

__getattr__ = late(__name__, _HOMES)
