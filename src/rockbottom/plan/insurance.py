"""Tail insurance: a one-hour point on a small tail, where that keeps the whole prefix alive for an hour.

Only where ``rockbottom probe`` found on the user's account that an entry is a whole prefix with a lifetime of its own
(``entry_lifetime = whole_prefix``) and that a one-hour point reads five-minute entries (``ttl_in_key = no``). The
tail's tokens then cost an hour's price instead of five minutes', and after a gap of five to sixty minutes everything
below them is read instead of written again.

It checks itself: a read that should have come from such a tail after a long gap either comes or does not. Three that
do not come, with none between that does, and it is switched off for that model.
"""

from msgspec import Struct

from rockbottom.cache import Behaviour
from rockbottom.plan.choice import Extent, Hit
from rockbottom.plan.returns import Chance
from rockbottom.plan.worth import NEVER, RelativePrices

MISSES_UNTIL_OFF = 3


class Insurance(Struct):
    """How the insurance of one model and price fares: reads that did not come, with none between that did.

    ``missed`` counts those after a long gap, ``unseen`` those of a five-minute entry by a point for an hour.
    """

    missed: int = 0
    unseen: int = 0

    @property
    def off(self) -> bool:
        """Whether it was switched off; it stays so."""
        return max(self.missed, self.unseen) >= MISSES_UNTIL_OFF

    def count(self, came: bool, *, after_gap: bool) -> bool:
        """Count one read that rests on the insurance; True when this one switches it off."""
        if self.off:
            return False
        if after_gap:
            self.missed = 0 if came else self.missed + 1
        else:
            self.unseen = 0 if came else self.unseen + 1
        return self.off


class Insured(Struct, frozen=True):
    """An extent whose last point is for an hour, and what that should save per token of what it keeps alive."""

    extent: Extent
    tokens: int  # what is kept alive: from the deepest one-hour entry to the last point
    chance: float  # of a next use after five to sixty minutes
    saved: float  # by such a use
    extra: float  # what the longer lifetime costs

    @property
    def each(self) -> float:
        """Input tokens saved per token kept."""
        return self.chance * self.saved - self.extra


def keeps_prefix_alive(behaviour: Behaviour, rates: RelativePrices) -> bool:
    """Whether a one-hour tail keeps what lies below it, under these sides of the switches."""
    return behaviour.entry_lifetime == "whole_prefix" and behaviour.ttl_in_key == "no" and rates.hour < NEVER


def insured(
    extent: Extent, hit: Hit, depths: "tuple[int, ...]", end: int, chance: Chance, rates: RelativePrices
) -> Insured | None:
    """The extent up to ``end`` for an hour instead, if the chance of a use after five to sixty minutes pays for that.

    ``end`` is where the extent's five-minute part stops, or where one could be written although none pays.
    """
    read = max(hit.deepest, extent.hour)
    written = depths[end] - depths[read]
    tokens_kept = depths[end] - depths[max(extent.hour, hit.hour)]
    if written <= 0 or not tokens_kept:
        return None
    extra = (rates.hour - rates.five) * written
    if extent.last < end:  # not even five minutes were worth it: the whole price of the hour is extra
        extra = (rates.hour - 1) * written - chance.quick * (1 - rates.read) * written
    option = Insured(
        Extent(end, end, extent.saving), tokens_kept, chance.slow, rates.five - rates.read, extra / tokens_kept
    )
    return option if option.each > 0 else None
