"""How lines of a ledger become rows: the members that are read, what makes them sound, and what is derived from them.

Whole volumes are read by DuckDB, which refuses one with any line that is no record; such a volume, and the end of the
newest one, is read line by line by ``rockbottom.ledger``, which locates the damage and saves what follows it.
"""

from collections.abc import Iterable, Sequence

from rockbottom.ledger import LARGEST_COUNT, OLD_FAMILY
from rockbottom.quantities import WRITES, Unit

UNITS = tuple(unit.value for unit in Unit)
WRITTEN = " + ".join(unit.value for unit in WRITES.values())
SUMMED_USAGE = f"struct_pack({', '.join(f'{unit} := coalesce(sum({unit}), 0)::BIGINT' for unit in UNITS)}) AS usage"
"""SQL: the tokens of many rows as one ``quantities.Usage``."""

STEP = 1.05
"""First-token times are counted in steps of 5 percent, so a percentile is right to about 2.5 percent."""

STEP_OF = f"floor(ln(greatest({{}}, 1)) / ln({STEP}))::SMALLINT"
"""SQL: the step of a time in milliseconds."""

_COUNTS = (*UNITS, "points", "minimum", "cacheable", "family_tokens")
_TEXTS = (
    "model", "operation", "scope", "region", "tier", "family", "tags", "status", "request_id", "source", "endpoint",
    "cause", "arm", "host",
)  # fmt: skip
_MONEY = ("cost_usd", "uncached_usd", "planned_usd", "least_usd", "most_usd")
# Counts are read as floating point, which is exact as far as they go: read as integers, 1.5 would be rounded.
_MEMBERS = {
    "at": "DOUBLE", **dict.fromkeys(_TEXTS, "VARCHAR"), **dict.fromkeys(_MONEY, "DECIMAL(18, 12)"),
    **dict.fromkeys(_COUNTS, "DOUBLE"),
    "first_ms": "DOUBLE", "elapsed_ms": "DOUBLE", "hashes": "VARCHAR[]", "depths": "BIGINT[]",
}  # fmt: skip
_PLACES = 40  # bits of an id that say where in its volume a row stands


def id_of(volume: int, place: int) -> int:
    """The number of a row; it grows with the order of writing."""
    return volume << _PLACES | place


def text(value: str) -> str:
    """A literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """A list of literals."""
    return f"[{', '.join(map(text, values))}]"


def lines_of_volumes(paths: Sequence[str], digits_from: int) -> str:
    """SQL: the members of every line of whole volumes; the number begins at character ``digits_from`` of each path."""
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _quoted("'"))
    number = f"substring(filename, {digits_from + 1}, length(filename) - {digits_from + len('.ndjson')})::BIGINT"
    return (
        f"SELECT ({number} << {_PLACES}) | row_number() OVER () AS id, * FROM read_json({texts(paths)}, "
        f"format = 'newline_delimited', columns = {{{columns}}}, filename = true)"
    )


def lines_of_records() -> str:
    """SQL: the same of records given as parameters: $1 their ids, $2 their JSON."""
    kinds = (f'["{kind[:-2]}"]' if kind.endswith("[]") else f'"{kind}"' for kind in _MEMBERS.values())
    shape = ", ".join(f'"{name}": {kind}' for name, kind in zip(_MEMBERS, kinds, strict=True))
    members = ", ".join(f"line.{name}" for name, _ in _quoted('"'))
    return (
        f"SELECT id, {members} FROM (SELECT unnest($1::BIGINT[]) AS id, "
        f"from_json(unnest($2::VARCHAR[]), '{{{shape}}}') AS line)"
    )


def rows_of(lines: str, latest: float) -> str:
    """SQL: the rows of lines; ``sound`` says whether all their members can be a call's.

    ``latest``: the instant beyond which a stamp is that of a clock which ran ahead. ``prefix`` is the prefix family on
    its model and side as a number.
    """
    return f"""
SELECT *, hash(model, local, family, family_tokens) AS prefix FROM ({_rows(lines, latest)})
"""


def _rows(lines: str, latest: float) -> str:
    return f"""
SELECT id, "at", model, operation, {_texts("scope", "region", "tier", "source", "endpoint", "host")},
    coalesce(tags, '{{}}') AS tags, {", ".join(map(_count, UNITS))}, {", ".join(_MONEY)},
    CASE WHEN {_IS_OLD} THEN regexp_extract(family, {_OLD}, 1) ELSE coalesce(family, '') END AS family,
    CASE WHEN {_IS_OLD} THEN replace(regexp_extract(family, {_OLD}, 2), ',', '')::BIGINT
         ELSE coalesce(family_tokens, 0)::BIGINT END AS family_tokens,
    {", ".join(map(_count, ("points", "minimum", "cacheable")))}, first_ms, elapsed_ms,
    coalesce(status, 'ok') AS status, {_texts("request_id", "cause", "arm")},
    coalesce(hashes, []) AS hashes, coalesce(depths, []) AS depths,
    coalesce(endpoint = 'local', false) AS local, "at" BETWEEN 0 AND {float(latest)!r} AS timed,
    coalesce({_IS_SOUND}, false) AS sound
FROM ({lines})
"""


def picousd_of(dollars: str) -> str:
    """SQL: whole pico-dollars of an amount with twelve decimals."""
    return f"replace(({dollars})::DECIMAL(38, 12)::VARCHAR, '.', '')::BIGINT"


def _quoted(mark: str) -> list[tuple[str, str]]:
    return [(f"{mark}{name}{mark}", kind) for name, kind in _MEMBERS.items()]


def _texts(*names: str) -> str:
    return ", ".join(f"coalesce({name}, '') AS {name}" for name in names)


def _count(name: str) -> str:
    return f"coalesce(try_cast({name} AS BIGINT), 0) AS {name}"


def _is_count(name: str) -> str:
    return f"({name} IS NULL OR ({name} BETWEEN 0 AND {LARGEST_COUNT} AND {name} = floor({name})))"


def _is_time(name: str) -> str:
    return f"({name} IS NULL OR abs({name}) <= 1e12)"


# A record of before names its family for people, with its size in it; now both are members.
_OLD = text(OLD_FAMILY)
_IS_OLD = f"family_tokens IS NULL AND contains(family, ' tokens') AND regexp_matches(family, {_OLD})"
_IS_SOUND = " AND ".join(
    (
        'abs("at") <= 1e11 AND model IS NOT NULL AND operation IS NOT NULL',
        *map(_is_count, _COUNTS),
        *(f"({name} IS NULL OR {name} BETWEEN 0 AND 100000)" for name in _MONEY),
        *map(_is_time, ("first_ms", "elapsed_ms")),
    )
)
