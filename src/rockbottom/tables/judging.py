"""Which calls missed the cache, and why, as far as a ledger without texts can tell, in SQL.

Two sources, the better one first. Where a call carries keyed hashes of its prefixes, what it shares with an earlier
call is known to the block. Where it does not, a call is judged only when it read nothing at all, against the size of
the stable prefix of its family. What remains is said to be unexplained; nothing is guessed. Behind it stand the rules
that ``rockbottom explain`` applies to whole requests: an entry lives for its TTL after it was last touched, in one
Region, on one host, and can be read once its writer's reply has begun.

The calls to judge are the rows of ``fresh``, which are in ``recent`` with those before them. Each statement makes one
relation out of those above it; the last one fills ``misses``.
"""

from rockbottom.diagnose import Cause
from rockbottom.quantities import LONGEST_FIRST, WRITES, Ttl
from rockbottom.tables.database import Database
from rockbottom.tables.rows import WRITTEN

DAY_S = 86_400
TOLERANCE_TOKENS = 200
TOLERANCE_SHARE = 20  # one twentieth: token counts in front of a point are estimates
PREFIX_CHANGED = "the prefix changed"
_LATEST = 6  # calls of a family, and families under the same tags, that are looked back at
_PARALLEL_UNRECORDED_S = 1.0  # where no latency was recorded: a reply begins within about a second
_POINTED = f"(points > 0 OR cache_read + {WRITTEN} > 0)"  # some services add a point that nobody sent
_TOTAL = f"input + cache_read + {WRITTEN}"


def _about(depth: str) -> str:
    """A counted depth as far as an estimated one may lie behind it and still be the same place."""
    return f"{depth} + {depth} // {TOLERANCE_SHARE}"


# What a call leaves behind. ``ttl``: how long what it touched lives, NULL where it only read, for then it is as before.
# ``whole``: the service put its own point behind the latest message, so what it wrote is read by who sends all of it.
_HEARD = f"""
SELECT id, prefix, "at", region, host, {_POINTED} AS points, cache_read + {WRITTEN} AS depth,
    points = 0 AND {WRITES[Ttl.THIRTY_MINUTES].value} > 0 AS whole,
    "at" + coalesce(first_ms / 1000, elapsed_ms / 1000, {_PARALLEL_UNRECORDED_S}) AS begun_at,
    CASE WHEN cache_write_1h > 0 THEN {Ttl.ONE_HOUR.seconds} WHEN cache_read > 0 THEN NULL
         {" ".join(f"WHEN {WRITES[ttl].value} > 0 THEN {ttl.seconds}" for ttl in LONGEST_FIRST)} END AS ttl
FROM recent WHERE timed AND status = 'ok' AND {_TOTAL} > 0
"""

_CANDIDATES = f"""
SELECT id, prefix, "at", region, host, {_POINTED} AS points, minimum, cacheable, cause, local, model, cache_read,
    {WRITTEN} AS written, {_TOTAL} AS total, family_tokens, tags, len(hashes) > 0 AS hashed
FROM fresh WHERE timed AND status = 'ok' AND {_TOTAL} > 0 AND (
    cause <> '' OR cache_read = 0 OR (len(hashes) > 0 AND list_max(depths) - cache_read >= {TOLERANCE_TOKENS}))
"""

# Every call that was heard, with its place in its family and what is known of the family once it has left.
_RANKED = f"""
SELECT *, row_number() OVER family AS calls,
    last_value(CASE WHEN points THEN true END IGNORE NULLS) OVER family AS pointed,
    coalesce(last_value(ttl IGNORE NULLS) OVER family, {Ttl.FIVE_MINUTES.seconds}) AS ttl_s
FROM ({_HEARD})
WINDOW family AS (PARTITION BY prefix ORDER BY id ROWS UNBOUNDED PRECEDING)
"""

# The state of its family before each candidate left.
_BEFORE = """
SELECT c.*, mine.calls - 1 AS before, last."at" AS last_at, coalesce(last.pointed, false) AS pointed
FROM candidates c JOIN ranked mine USING (id)
LEFT JOIN ranked last ON last.prefix = mine.prefix AND last.calls = mine.calls - 1
"""

# Of calls with hashes: who sent each prefix last, and who last left an entry that is deep enough behind it. An entry
# that was only sent again is the older one; behind the hour's tokens stand those of the shorter lifetime.
_SENT = """
SELECT r.id, r."at", r.begun_at, r.region, r.host, r.depth AS kept, r.ttl_s, s.local, s.model, s.cache_read,
    s.cache_write_1h, r.whole, list_max(s.depths) AS deepest, unnest(s.hashes) AS hash, unnest(s.depths) AS depth
FROM ranked r JOIN recent s USING (id)
WHERE len(s.hashes) > 0 AND EXISTS (SELECT 1 FROM candidates WHERE hashed)
"""
_PROBES = """
SELECT * FROM (SELECT c.id, c."at", c.model, c.local, c.cache_read, unnest(f.hashes) AS hash, unnest(f.depths) AS depth
FROM candidates c JOIN fresh f USING (id) WHERE hashed) WHERE depth > cache_read AND hash IS NOT NULL
"""
_SEEN = f"""
SELECT p.id, p.depth AS reach, s.whole AND p.depth < s.deepest AS tail, if(tail, 0, s.kept) AS depth,
    s."at", s.begun_at, s.region, s.host, p.depth AS nth,
    CASE WHEN p.depth > s.cache_read + s.cache_write_1h AND s.cache_write_1h > 0
         THEN {Ttl.FIVE_MINUTES.seconds} ELSE s.ttl_s END AS ttl_s
FROM probes p
ASOF LEFT JOIN (SELECT * FROM sent WHERE {_about("kept")} >= depth AND (NOT whole OR depth = deepest)) deep
    ON deep.model = p.model AND deep.local = p.local AND deep.hash = p.hash AND deep.id < p.id
ASOF LEFT JOIN sent latest
    ON latest.model = p.model AND latest.local = p.local AND latest.hash = p.hash AND latest.id < p.id
JOIN sent s ON s.id = coalesce(deep.id, latest.id) AND s.hash = p.hash
WHERE p."at" - s."at" < {DAY_S}
"""

# How many tokens at its start an earlier call had sent. Without hashes only a full miss is certain: another
# conversation of the family may share less.
_SHARED = f"""
SELECT b.*, coalesce(seen.tail, false) AS tail, CASE WHEN hashed THEN coalesce(seen.reach, 0)
    WHEN cache_read > 0 OR before = 0 OR "at" - last_at >= {DAY_S} THEN 0 ELSE family_tokens END AS shared
FROM before b LEFT JOIN
    (SELECT id, max(reach) AS reach, arg_max(tail, reach) AS tail FROM seen GROUP BY id) seen USING (id)
"""
_TOUCHES = f"""
SELECT id, depth, "at", begun_at, region, host, ttl_s, nth FROM seen WHERE {_about("depth")} >= reach
UNION ALL
SELECT s.id, r.depth, r."at", r.begun_at, r.region, r.host, r.ttl_s, r.calls
FROM (SELECT id, prefix, before, unnest(range({_LATEST})) AS back FROM shared WHERE NOT hashed AND shared > 0) s
JOIN ranked r ON r.prefix = s.prefix AND r.calls = s.before - s.back
WHERE r.depth > 0
"""

# What stood between a call and the entries that were there.
_ENTRIES = """
SELECT id, true AS any_entry, arg_max(depth, nth) FILTER (here AND live AND begun) AS ready,
    arg_max(since, nth) FILTER (here AND live) AS gap_live,
    arg_max(host, nth) FILTER (NOT hosted AND live AND begun) AS hosted_by,
    arg_max(region, nth) FILTER (NOT near AND live AND begun) AS away,
    coalesce(min(since) FILTER (here), min(since)) AS gap,
    coalesce(arg_min(ttl_s, since) FILTER (here), arg_min(ttl_s, since)) AS ttl_s
FROM (SELECT t.*, s."at" - t."at" AS since, t.host = s.host AS hosted,
        t.region = '' OR s.region = '' OR t.region = s.region AS near, hosted AND near AS here,
        s."at" BETWEEN t."at" AND t."at" + t.ttl_s AS live, t.begun_at <= s."at" AS begun
    FROM touches t JOIN shared s USING (id))
GROUP BY id
"""

# A prefix never seen, nearly as large as one that the calls of these tags used until now: it took its place.
_FIRSTS = """
SELECT id, r.prefix, s.model, s.local, s.tags, s.family_tokens,
    row_number() OVER (PARTITION BY s.model, s.local, s.tags ORDER BY id) AS nth
FROM ranked r JOIN recent s USING (id) WHERE r.calls = 1
"""
_REPLACED = f"""
SELECT id, count(*) FILTER (calls = 1) AS once, arg_min(size, back) AS size_before, arg_min(calls, back) AS calls_before
FROM (
    SELECT n.id, n.back, f.family_tokens AS size, known.calls
    FROM (SELECT s.id, s."at", s.model, s.local, s.tags, s.family_tokens, me.nth,
            unnest(range(1, {_LATEST + 1})) AS back
        FROM shared s JOIN firsts me USING (id)
        WHERE s.shared = 0 AND s.cache_read = 0 AND s.points
            AND s.family_tokens >= greatest(s.minimum, {TOLERANCE_TOKENS})) n
    JOIN firsts f ON f.model = n.model AND f.local = n.local AND f.tags = n.tags AND f.nth = n.nth - n.back
    ASOF JOIN ranked known ON known.prefix = f.prefix AND known.id < n.id
    WHERE f.family_tokens > 0 AND n."at" - known."at" < {Ttl.ONE_HOUR.seconds}
        AND abs(f.family_tokens - n.family_tokens) * {TOLERANCE_SHARE} <= greatest(f.family_tokens, n.family_tokens))
GROUP BY id
"""

# ``told``: which sentence is the evidence; ``a``, ``b``, ``c`` and ``word`` are what it names.
_VERDICTS = f"""
SELECT *, CASE
    WHEN missed >= greatest({TOLERANCE_TOKENS}, shared // {TOLERANCE_SHARE}) AND shared > 0 AND shared >= minimum
        THEN CASE
        WHEN NOT points THEN 'no point'
        WHEN cacheable > 0 AND cacheable < minimum THEN 'too early'
        WHEN ready IS NOT NULL THEN 'live'
        WHEN gap_live IS NOT NULL THEN 'parallel'
        WHEN hosted_by IS NOT NULL THEN 'other host'
        WHEN away IS NOT NULL THEN 'away'
        WHEN any_entry AND gap < 0 THEN 'clocks'
        WHEN any_entry THEN 'expired'
        WHEN tail THEN 'other tail'
        WHEN NOT pointed THEN 'nothing marked'
        WHEN hashed THEN 'marked elsewhere'
        ELSE 'nothing kept' END
    WHEN shared = 0 AND before = 0 AND once >= 2 AND calls_before = 1 THEN 'sent once'
    WHEN shared = 0 AND before = 0 AND size_before IS NOT NULL THEN 'replaced'
    WHEN cause <> '' THEN 'noticed' END AS told
FROM (SELECT *, shared - cache_read AS missed
    FROM shared LEFT JOIN entries USING (id) LEFT JOIN replaced USING (id))
"""

_RULES = {
    "no point": Cause.NO_POINT, "too early": Cause.UNDER_MINIMUM, "live": Cause.UNEXPLAINED,
    "parallel": Cause.PARALLEL_WRITE, "other host": Cause.HOST_SWITCHED, "away": Cause.REGION_HOP,
    "clocks": Cause.UNEXPLAINED, "expired": Cause.TTL_EXPIRED, "other tail": Cause.TAIL_CHANGED,
    "nothing marked": Cause.NO_POINT, "marked elsewhere": Cause.POINT_NOT_ADVANCED, "nothing kept": Cause.UNEXPLAINED,
    "sent once": Cause.VOLATILE_TEXT,
}  # fmt: skip

# Depths are estimates. A miss that ends at the call's own last point is all that it wrote, by the service's count; one
# that ends before it is no more.
_MISSES = f"""
SELECT v.id, told, coalesce(named.rule, CASE WHEN cause <> '' THEN '' ELSE coalesce(rules.rule, '') END) AS rule,
    coalesce(named.title, nullif(cause, ''), rules.title, '{PREFIX_CHANGED}') AS cause,
    CASE WHEN written = 0 OR cache_read + estimated > cacheable THEN least(estimated, total - cache_read)
        WHEN cache_read + estimated = cacheable THEN written ELSE least(estimated, written) END AS tokens,
    CASE told WHEN 'too early' THEN cacheable WHEN 'live' THEN ready WHEN 'parallel' THEN gap_live
        WHEN 'expired' THEN gap WHEN 'sent once' THEN once + 1 WHEN 'replaced' THEN family_tokens END::DOUBLE AS a,
    CASE told WHEN 'too early' THEN minimum WHEN 'live' THEN cache_read WHEN 'expired' THEN ttl_s
        WHEN 'sent once' THEN family_tokens WHEN 'replaced' THEN size_before END::DOUBLE AS b,
    CASE told WHEN 'replaced' THEN calls_before END::DOUBLE AS c,
    CASE told WHEN 'other host' THEN hosted_by || chr(9) || host
        WHEN 'away' THEN away || chr(9) || region ELSE '' END AS word
FROM (SELECT *, CASE WHEN told IN ('sent once', 'replaced') THEN family_tokens
        WHEN told = 'noticed' THEN greatest(missed, family_tokens - cache_read, 0) ELSE missed END AS estimated
    FROM verdicts) v
LEFT JOIN causes named ON named.name = v.cause AND v.cause <> ''
LEFT JOIN causes rules ON rules.name = v.told
WHERE told IS NOT NULL
"""

_STEPS = {
    "ranked": _RANKED, "before": _BEFORE, "sent": _SENT, "probes": _PROBES, "seen": _SEEN, "shared": _SHARED,
    "touches": _TOUCHES, "entries": _ENTRIES, "firsts": _FIRSTS, "replaced": _REPLACED, "verdicts": _VERDICTS,
    "found": _MISSES,
}  # fmt: skip


def prepare(database: Database) -> None:
    """Make the table of the names of causes: by rule id, by name, and by what is told as evidence."""
    database.run("CREATE TABLE causes (name VARCHAR PRIMARY KEY, rule VARCHAR, title VARCHAR)")
    names = {name: cause for cause in Cause for name in (cause.value, cause.name, cause.name_in_words)} | _RULES
    columns = [list(names), [cause.value for cause in names.values()], [cause.title for cause in names.values()]]
    lists = ", ".join(f"unnest(${place}::VARCHAR[])" for place in (1, 2, 3))
    database.run(f"INSERT INTO causes SELECT {lists}", columns)


def judge(database: Database) -> bool:
    """Judge the rows of ``fresh`` against those before them; fills ``found``, one row a miss, without its price.

    Whether there may be any.
    """
    database.run(f"CREATE OR REPLACE TEMP TABLE candidates AS {_CANDIDATES}")
    if not database.value("SELECT count(*) FROM candidates"):
        return False
    for name, sql in _STEPS.items():
        database.run(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
    return True
