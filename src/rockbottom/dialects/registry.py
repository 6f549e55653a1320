"""Every dialect, and what is read where it is not known which one it is."""

from rockbottom.dialects import anthropic, converse
from rockbottom.dialects.usage import INVOKED, Counts
from rockbottom.quantities import Ttl, Usage

_COUNTERS = (converse.COUNTERS, anthropic.COUNTERS, INVOKED)


def usage_of(said: object, ttl: Ttl = Ttl.FIVE_MINUTES, share: float = 1.0) -> Usage | None:
    """The usage that a ``usage`` object of any dialect tells; None where it tells none (see ``Counts.usage``)."""
    if isinstance(said, Usage):
        return said
    counts = counts_of(said)
    return None if counts is None else counts.usage(ttl, share)


def counts_of(said: object) -> Counts | None:
    """The counts in a ``usage`` object of any dialect; None where it is none."""
    return next((counts for counters in _COUNTERS if (counts := counters.counts(said)) is not None), None)
