"""What a guardrail would have charged for recorded traffic: text units of every request, rounded up one by one."""

from decimal import Decimal
from typing import TYPE_CHECKING

from rockbottom.advise.besides import (
    CHARACTERS_PER_TOKEN,
    POLICIES,
    BesideLine,
    Guarding,
    Lines,
)
from rockbottom.catalog import limit, prices_of
from rockbottom.figures import counted

if TYPE_CHECKING:  # columns take a while to load, and most who ask this room have none
    from rockbottom.trace import Array, Trace


def guarded_traffic(trace: "Trace", guard: Guarding) -> Lines:
    """The fee of a guardrail on every request of a trace, for as long as it was recorded.

    Characters are worked out from tokens, which are what a trace has; the user's turn is taken to be the last block. An
    output that was not recorded counts as none.
    """
    import numpy as np  # as above

    units = int((_units(_evaluated(trace, guard)) + _units(np.maximum(trace.requests.tokens_out, 0))).sum())
    extent = "the last block and the answer" if guard.tagged else "all of the input and the answer"
    derived = f"{extent} of {counted(len(trace), 'request')}, at {CHARACTERS_PER_TOKEN} characters a token"
    prices = prices_of("guardrail")
    return tuple(BesideLine(prices[POLICIES[name]], Decimal(units), derived) for name in guard.policies)


def _evaluated(trace: "Trace", guard: Guarding) -> "Array":
    """Tokens of each request that are evaluated."""
    import numpy as np  # as above

    whole = trace.requests.tokens_in.astype(np.int64)
    if not guard.tagged:
        return whole
    ends = trace.block_offsets[1:]
    count = ends - trace.block_offsets[:-1]
    before = np.zeros(len(trace), np.int64)
    several = np.flatnonzero(count > 1)
    before[several] = trace.blocks.depth[ends[several] - 2]
    return np.where(count > 0, np.maximum(whole - before, 0), whole)


def _units(tokens: "Array") -> "Array":
    tenths = int(CHARACTERS_PER_TOKEN * 10)  # integers: a unit is begun or it is not
    return -(-(tokens.astype("int64") * tenths) // (limit("text_unit_characters") * 10))
