"""Chooses cachePoints and TTLs for the next request from what it has seen so far; returns a plan, mutates nothing."""

from rockbottom.plan.guard import ANY_ACCOUNT, Guard
from rockbottom.plan.planner import Planner
from rockbottom.plan.plans import CachePlan
from rockbottom.plan.sightings import Planned, Sighting, moved, no_later, sighting_bytes, sighting_of
from rockbottom.plan.state import UnreadableState

__all__ = [
    "ANY_ACCOUNT",
    "CachePlan",
    "Guard",
    "Planned",
    "Planner",
    "Sighting",
    "UnreadableState",
    "moved",
    "no_later",
    "sighting_bytes",
    "sighting_of",
]
