"""The tables of the index, as SQL. Bump VERSION with any change: the index is then made anew from the volumes.

What calls have in common (model, Region, tags...) is a row of ``kinds``; calls and roll-ups hold its number. People
and programs ask the views ``calls``, ``minutes``, ``hours`` and ``families``, in which everything is spelled out.
Money is integers of pico-dollars. ``minute`` and ``hour`` are seconds since the epoch at which it begins.
"""

VERSION = 2

KIND = ("model", "operation", "scope", "region", "tier", "source", "endpoint", "tags")
"""What a roll-up tells apart; tags are JSON with sorted keys."""

UNITS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_30m", "cache_write_1h")

SUMS = (
    "calls", "failed", "no_usage", "unpriced",
    *UNITS,
    "cost_picousd", "uncached_picousd",
    "pointed", "silent",
    "first_calls", "first_us", "elapsed_calls", "elapsed_us",
)  # fmt: skip
"""What a roll-up sums. ``unpriced``: calls with usage and no known price. ``pointed``: calls with usage that sent
cachePoints; ``silent``: those of them that neither read nor wrote. Microseconds over so many calls that had them."""

_kind_columns = ", ".join(f"kinds.{name}" for name in KIND)
_sum_columns = ", ".join(f"{name} INTEGER NOT NULL DEFAULT 0" for name in SUMS)


def _rollup(name: str, period: str) -> str:
    return f"""
CREATE TABLE {name}_sums ({period} INTEGER NOT NULL, kind INTEGER NOT NULL, {_sum_columns},
    PRIMARY KEY ({period}, kind)) WITHOUT ROWID;
CREATE VIEW {name} AS SELECT {period}, {_kind_columns}, {", ".join(SUMS)}
    FROM {name}_sums JOIN kinds ON kinds.id = kind;
"""


SCHEMA = f"""
CREATE TABLE volumes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, identity INTEGER NOT NULL,
    read_to INTEGER NOT NULL DEFAULT 0);
CREATE TABLE damaged (volume INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (volume, offset)) WITHOUT ROWID;
CREATE TABLE kinds (id INTEGER PRIMARY KEY, {", ".join(f"{name} TEXT NOT NULL" for name in KIND)},
    UNIQUE ({", ".join(KIND)}));

CREATE TABLE call_rows (id INTEGER PRIMARY KEY, at REAL NOT NULL, kind INTEGER NOT NULL,
    {", ".join(f"{name} INTEGER NOT NULL" for name in UNITS)},
    cost_picousd INTEGER, uncached_picousd INTEGER,
    family TEXT NOT NULL, points INTEGER NOT NULL, minimum INTEGER NOT NULL, cacheable INTEGER NOT NULL,
    first_ms REAL, elapsed_ms REAL, status TEXT NOT NULL, request_id TEXT NOT NULL, cause TEXT NOT NULL);
CREATE INDEX call_rows_at ON call_rows (at);
CREATE VIEW calls AS SELECT call_rows.id, at, {_kind_columns}, {", ".join(UNITS)},
    cost_picousd, uncached_picousd, uncached_picousd - cost_picousd AS saved_picousd,
    printf('%d.%012d', cost_picousd / 1000000000000, cost_picousd % 1000000000000) AS cost_usd,
    family, points, minimum, cacheable, first_ms, elapsed_ms, status, request_id, cause
    FROM call_rows JOIN kinds ON kinds.id = kind;
{_rollup("minutes", "minute")}
{_rollup("hours", "hour")}
CREATE TABLE families (hour INTEGER NOT NULL, model TEXT NOT NULL, family TEXT NOT NULL, {_sum_columns},
    PRIMARY KEY (hour, model, family)) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


def upsert(table: str, keys: tuple[str, ...], sums: tuple[str, ...]) -> str:
    """The statement that adds sums to a row, or makes it."""
    names = (*keys, *sums)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
        + ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
    )


def insert(table: str, names: tuple[str, ...]) -> str:
    """The statement that adds a row."""
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


CALL_COLUMNS = (
    "id", "at", "kind", *UNITS, "cost_picousd", "uncached_picousd",
    "family", "points", "minimum", "cacheable", "first_ms", "elapsed_ms", "status", "request_id", "cause",
)  # fmt: skip
