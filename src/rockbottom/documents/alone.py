"""Requests whose prompts could not be read whole: what they cost is known, and nothing of what they repeat."""

import msgspec

from rockbottom.quantities import ZERO_USD, Usd


class AloneRequests(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that nothing can be compared with: without a body or hashes, or of which the service keeps a part.

    ``usd`` is what they cost by the service's counters, or the least where the counters of some are missing (not
    ``whole``).
    """

    requests: int = 0
    usd: Usd = ZERO_USD
    whole: bool = True

    def __add__(self, other: "AloneRequests") -> "AloneRequests":
        return AloneRequests(
            requests=self.requests + other.requests, usd=self.usd + other.usd, whole=self.whole and other.whole
        )


NONE_ALONE = AloneRequests()
