"""Chooses cachePoints and TTLs for the next request from what it has seen so far; returns a plan, mutates nothing."""

from rockbottom.plan.planner import Planner
from rockbottom.plan.plans import CachePlan, Move, PlannedPoint
from rockbottom.plan.state import UnreadableState

__all__ = ["CachePlan", "Move", "PlannedPoint", "Planner", "UnreadableState"]
