"""The reference semantics of prompt caching: ``step(state, prompt, now) -> (state, outcome)``. Pure."""

from rockbottom.cache.behaviour import Behaviour, behaviour_of, side_is_shown
from rockbottom.cache.effect import effective, ineffective
from rockbottom.cache.entries import Entry, EntryKey, Namespace, PrefixCache
from rockbottom.cache.outcome import CacheOutcome, PointFate, as_sent, outcome, step
from rockbottom.cache.refusals import Reason, Refusal, refusal
from rockbottom.cache.routing import Moving, Pinned, RegionChoice, RoundRobin

__all__ = [
    "Behaviour",
    "CacheOutcome",
    "Entry",
    "EntryKey",
    "Moving",
    "Namespace",
    "Pinned",
    "PointFate",
    "PrefixCache",
    "Reason",
    "Refusal",
    "RegionChoice",
    "RoundRobin",
    "as_sent",
    "behaviour_of",
    "effective",
    "ineffective",
    "outcome",
    "refusal",
    "side_is_shown",
    "step",
]
