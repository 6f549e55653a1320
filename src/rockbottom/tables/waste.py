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

_KEY = "hash(prefix, scope, region)"
# The longer lifetime stands in front, as Bedrock asks.
_UNITS = [WRITES[ttl].value for ttl in LONGEST_FIRST]
_STARTS = accumulate(_UNITS, "{} + {}".format, initial="cache_read")
_STRETCHES = "\nUNION ALL ".join(
    f"""SELECT id, "at", {_KEY} AS key, {ttl.seconds + GRACE_S} AS watched_s, '{unit}' AS unit, {unit} AS tokens,
    {start} AS start, NULL AS depth FROM recent WHERE timed AND {unit} > 0"""
    for ttl, unit, start in zip(LONGEST_FIRST, _UNITS, _STARTS, strict=False)
)


def wasted_by(horizon: float) -> str:
    """SQL: what was never read of the writes in ``recent`` that are not counted and were over at ``horizon``."""
    return f"""
SELECT id, unit, tokens - least(greatest(coalesce(reached, 0) - start, 0), tokens) AS tokens
FROM (
    SELECT *, max(depth) OVER (PARTITION BY key ORDER BY "at"
        RANGE BETWEEN CURRENT ROW AND greatest(watched_s - 0.001, 0) FOLLOWING) AS reached
    FROM (
        {_STRETCHES}
        UNION ALL SELECT id, "at", {_KEY}, 0, '', 0, 0, cache_read FROM recent WHERE timed AND cache_read > 0))
WHERE unit <> '' AND "at" + watched_s <= {float(horizon)!r} AND reached IS DISTINCT FROM start + tokens
"""
