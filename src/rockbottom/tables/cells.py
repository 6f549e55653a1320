"""What is added up: one row for each hour, or minute, and for all that calls have in common, in SQL.

Everything that is shown or published of a ledger is a sum of these rows. Money is whole pico-dollars: exact, and it
adds. A call without a known price adds its tokens and to ``unpriced``, never a guess; what it would have cost without
caching may be known all the same (only the price of a write is missing), and is in no sum either.
"""

from rockbottom.diagnose import Cause
from rockbottom.tables.rows import STEP_OF, UNITS, WRITTEN, picousd_of

CHANGES = "changes every time"
"""The family under which prefixes that change with every call are added up: they are one prefix to mend."""

KIND = ("model", "operation", "scope", "region", "tier", "source", "endpoint", "tags")
"""What sums tell apart; tags are JSON with sorted keys."""

OTHER = "other prefixes"
MOST_FAMILIES = 256
"""Families of one model that an hour tells apart; a prefix that changes with every call would fill the tables."""

MOST_TAGS = 4096
"""Sets of tags that an hour tells apart; a tag that names each request would fill the tables."""

OTHER_TAGS = '{"":"other tags"}'

KEYS = ("start", *KIND, "local", "arm", "family", "family_tokens", "rule", "cause")
"""``arm``: where conversations are held out, the side and group of theirs.
``rule`` and ``cause``: of calls that missed, why; NULL of the others."""

COUNTS = (
    "calls", "failed", "no_usage", "unpriced", "unpriced_tokens", *UNITS, "cost_picousd", "uncached_picousd",
    "pointed", "silent", "first_calls", "first_us", "elapsed_calls", "elapsed_us",
    "misses", "missed", "lost_picousd", "lost_unpriced", "wasted", "wasted_picousd", "wasted_unpriced",
    "observed", "observed_picousd", "planned_picousd", "unmetered", "least_picousd", "most_picousd",
)  # fmt: skip
"""What is summed. ``unpriced``: calls with usage and no known price, and all their tokens. ``pointed``: calls with
tokens that sent cachePoints; ``silent``: those of them that neither read nor wrote. Microseconds over so many calls
that had them.
``observed``: calls of a dry run with a price, what they cost and what they would have cost with the planner.
``unmetered``: answered calls without usage, and what their prompts cost at least and at most."""

_USED = "status = 'ok'"
_TOKENS = " + ".join(UNITS)
_UNPRICED = f"{_USED} AND (cost_usd IS NULL OR uncached_usd IS NULL)"
_SEEN = f"{_USED} AND {_TOKENS} > 0"  # counted at no token: no model saw it
_OBSERVED = "planned_usd IS NOT NULL AND cost_usd IS NOT NULL"
_VALUES = {
    "calls": "count(*)",
    "failed": "count(*) FILTER (status = 'failed')",
    "no_usage": "count(*) FILTER (status NOT IN ('ok', 'failed'))",
    "unpriced": f"count(*) FILTER ({_UNPRICED})",
    "unpriced_tokens": f"coalesce(sum({_TOKENS}) FILTER ({_UNPRICED}), 0)",
    **{unit: f"sum({unit})" for unit in UNITS},
    "cost_picousd": picousd_of("coalesce(sum(cost_usd), 0)"),
    "uncached_picousd": picousd_of("coalesce(sum(uncached_usd) FILTER (cost_usd IS NOT NULL), 0)"),
    "pointed": f"count(*) FILTER ({_SEEN} AND points > 0)",
    "silent": f"count(*) FILTER ({_SEEN} AND points > 0 AND cache_read = 0 AND {WRITTEN} = 0)",
    "first_calls": "count(first_ms)",
    "first_us": "coalesce(sum(round(first_ms * 1000)), 0)",
    "elapsed_calls": "count(elapsed_ms)",
    "elapsed_us": "coalesce(sum(round(elapsed_ms * 1000)), 0)",
    "misses": "count(m.id)",
    "missed": "coalesce(sum(m.tokens), 0)",
    "lost_picousd": "coalesce(sum(m.lost_picousd), 0)",
    "lost_unpriced": "count(m.id) FILTER (m.lost_picousd IS NULL)",
    "wasted": "coalesce(sum(w.tokens), 0)",
    "wasted_picousd": "coalesce(sum(w.picousd), 0)",
    "wasted_unpriced": "coalesce(sum(w.unpriced), 0)",
    "observed": f"count(*) FILTER ({_OBSERVED})",
    "observed_picousd": picousd_of(f"coalesce(sum(cost_usd) FILTER ({_OBSERVED}), 0)"),
    "planned_picousd": picousd_of(f"coalesce(sum(planned_usd) FILTER ({_OBSERVED}), 0)"),
    "unmetered": "count(most_usd)",
    "least_picousd": picousd_of("coalesce(sum(least_usd), 0)"),
    "most_picousd": picousd_of("coalesce(sum(most_usd), 0)"),
}
PLAIN = COUNTS[: COUNTS.index("misses")]
"""What is summed of calls by themselves."""

_STEPS = f"list({STEP_OF.format('first_ms')}) FILTER (first_ms IS NOT NULL)"
_MINUTE, _HOUR = 'floor("at" / 60) * 60', 'floor("at" / 3600) * 3600'
# Two digits of the size: prefixes that change every time are one prefix to mend.
_ROUGH = "round(family_tokens, 2 - length(family_tokens::VARCHAR)::INTEGER)"


def cells_of(calls: str, fine_from: float) -> str:
    """SQL: the cells of calls, with their ``misses`` and their ``waste``; of hours, from ``fine_from`` on of minutes.

    ``steps``: the first-token times, in steps of 5 percent; ``earliest`` and ``latest`` are instants.
    """
    return f"""
SELECT id >> 40 AS volume, start, {", ".join(KIND)}, local, arm,
    CASE WHEN changes THEN '{CHANGES}' ELSE family END AS family,
    CASE WHEN changes THEN {_ROUGH} ELSE family_tokens END::BIGINT AS family_tokens, sums.* EXCLUDE (id, start, changes)
FROM (
    SELECT min(c.id) AS id, CASE WHEN "at" >= {fine_from!r} THEN {_MINUTE} ELSE {_HOUR} END::BIGINT AS start,
        coalesce(m.rule = '{Cause.VOLATILE_TEXT.value}' AND family_tokens > 0, false) AS changes, m.rule, m.cause,
        {", ".join(f"({value})::BIGINT AS {name}" for name, value in _VALUES.items())},
        {_STEPS} AS steps, min("at") AS earliest, max("at") AS latest
    FROM ({calls}) c
    LEFT JOIN (SELECT id, rule, cause, tokens, lost_picousd FROM misses) m USING (id)
    LEFT JOIN (SELECT id, sum(tokens) AS tokens, sum(picousd) AS picousd, count(*) FILTER (picousd IS NULL) AS unpriced
        FROM waste GROUP BY id) w USING (id)
    GROUP BY c.id >> 40, start, hash(prefix, operation, scope, region, tier, source, endpoint, tags, arm), changes,
        m.rule, m.cause
) sums JOIN recent USING (id)
"""


def bounded(cells: str) -> str:
    """SQL: the same with at most so many families an hour and model; the others are summed as one."""
    rest = [name for name in KEYS if name not in ("family", "family_tokens")]
    return f"""
SELECT volume, {", ".join(rest)}, CASE WHEN nth > {MOST_FAMILIES} THEN '{OTHER}' ELSE family END AS family,
    CASE WHEN nth > {MOST_FAMILIES} THEN 0 ELSE family_tokens END AS family_tokens,
    {", ".join(f"sum({name})::BIGINT AS {name}" for name in COUNTS)},
    flatten(list(steps) FILTER (steps IS NOT NULL)) AS steps, min(earliest) AS earliest, max(latest) AS latest
FROM (SELECT *, dense_rank() OVER (PARTITION BY volume, start // 3600, model ORDER BY family, family_tokens) AS nth
    FROM {cells})
GROUP BY ALL
"""


def with_fewer_tags(cells: str) -> str:
    """SQL: the same with at most so many sets of tags an hour; those of the fewest calls are summed as one."""
    rest = ", ".join(name for name in KEYS if name != "tags")
    return f"""
SELECT c.volume, {rest}, coalesce(kept.tags, '{OTHER_TAGS}') AS tags,
    {", ".join(f"sum({name})::BIGINT AS {name}" for name in COUNTS)},
    flatten(list(steps) FILTER (steps IS NOT NULL)) AS steps, min(earliest) AS earliest, max(latest) AS latest
FROM {cells} c LEFT JOIN (
    SELECT volume, start // 3600 AS hour, tags FROM {cells} GROUP BY volume, hour, tags
    QUALIFY row_number() OVER (PARTITION BY volume, hour ORDER BY sum(calls) DESC, tags) <= {MOST_TAGS}
) kept ON kept.volume = c.volume AND kept.hour = c.start // 3600 AND kept.tags = c.tags
GROUP BY ALL
"""


def minutes_of(calls: str) -> str:
    """SQL: calls added up by minute and by what they have in common."""
    sums = ", ".join(f"({_VALUES[name]})::BIGINT AS {name}" for name in PLAIN)
    return f"SELECT ({_MINUTE})::BIGINT AS minute, {', '.join(KIND)}, {sums} FROM {calls} GROUP BY ALL"
