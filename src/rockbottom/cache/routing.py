"""Which Region serves a request sent to a geo or global profile; each Region has entries of its own.

AWS says only that cross-Region inference "may lead to increased cache writes"; one 2025 series (hsr87-multi-turn)
fits two cache domains behind a profile, 2026 suites (cachecanary-live) saw no hop. So the rule is a parameter.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from msgspec import Struct


class RegionChoice(Protocol):
    """Chooses the serving Region of the ``number``-th request (from 0) of one profile."""

    def region_of(self, number: int, regions: Sequence[str]) -> str:
        """The Region, one of ``regions``; the same answer for the same arguments."""
        ...


class Pinned(Struct, frozen=True):
    """Every request is served by the first Region."""

    def region_of(self, number: int, regions: Sequence[str]) -> str:
        return regions[0]


class RoundRobin(Struct, frozen=True):
    """Requests go to the Regions in turn."""

    def region_of(self, number: int, regions: Sequence[str]) -> str:
        return regions[number % len(regions)]


class Moving(Struct, frozen=True):
    """Each request moves away from the first Region with a probability, drawn from a seed."""

    probability: float
    seed: int = 0

    def region_of(self, number: int, regions: Sequence[str]) -> str:
        """The first Region, or with the probability another one, drawn from the seed and the number."""
        drawn = blake2b(f"{self.seed}:{number}".encode(), digest_size=16).digest()
        share = int.from_bytes(drawn[:8], "big") / 2**64
        if share >= self.probability or len(regions) < 2:
            return regions[0]
        return regions[1 + int.from_bytes(drawn[8:], "big") % (len(regions) - 1)]
