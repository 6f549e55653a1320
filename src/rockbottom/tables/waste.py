"""Tokens that were written and never read before their lifetime had passed, in SQL.

A call that reads ``r`` tokens and writes ``w`` has written the stretch of the prompt from depth ``r`` to ``r + w``. A
later call of the same model, scope, Region and prefix family that reads deeper than ``r`` within the lifetime has read
that stretch up to the depth that it read. Two conversations of one family are not told apart, so this is never more
than the real waste. ``rockbottom.sinks.waste`` says the same of calls as they pass.
"""

from itertools import accumulate

from rockbottom.quantities import LONGEST_FIRST, WRITES, Ttl

GRACE_S = 60.0
"""A call is known when it is over; one that left before a lifetime ended may come after."""

LONGEST_S = max(ttl.seconds for ttl in Ttl) + GRACE_S
"""When the last word on a write has been spoken, after it left."""

# The longer lifetime stands in front, as Bedrock asks.
_UNITS = [WRITES[ttl].value for ttl in LONGEST_FIRST]
_STARTS = accumulate(_UNITS, "{} + {}".format, initial="cache_read")
# Every call reads and most of them write: one window over the calls says how deep each stretch was read in its life.
_WASTED = "\nUNION ALL ".join(
    f"""SELECT id, '{unit}' AS unit, least(start + {unit} - reached, {unit}) AS tokens
FROM (
    SELECT id, "at", {unit}, {start} AS start, {{mine}} AS mine,
        max(cache_read) OVER (PARTITION BY hash(prefix, scope, region) ORDER BY "at"
            RANGE BETWEEN CURRENT ROW AND {ttl.seconds + GRACE_S - 0.001} FOLLOWING) AS reached
    FROM recent WHERE timed AND (cache_read > 0 OR {unit} > 0) AND EXISTS (SELECT 1 FROM recent WHERE {unit} > 0))
WHERE mine AND {unit} > 0 AND reached < start + {unit} AND "at" + {ttl.seconds + GRACE_S} <= {{horizon}}"""
    for ttl, unit, start in zip(LONGEST_FIRST, _UNITS, _STARTS, strict=False)
)


def wasted_by(horizon: float, mine: str = "NOT counted") -> str:
    """SQL: what was never read of the writes of rows in ``recent`` that are ``mine`` and were over at ``horizon``."""
    return _WASTED.format(mine=mine, horizon=repr(float(horizon)))
