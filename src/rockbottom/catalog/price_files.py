"""Price rows from CSV: the packaged files and the ones a user brings.

The columns are those of ``COLUMNS``; only ``REQUIRED`` must be there. Every fault names its line and column.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

from rockbottom.catalog.errors import InvalidPrice, InvalidPriceFile
from rockbottom.catalog.models import Scope, Tier
from rockbottom.catalog.prices import Price
from rockbottom.figures import usd_exact
from rockbottom.files import content_of
from rockbottom.quantities import Source, Unit, Usd, reason_of

COLUMNS = (
    "model", "scope", "region", "tier", "unit", "usd_per_mtok", "above_context_tokens",
    "valid_from", "valid_to", "contested", "source", "note",
)  # fmt: skip
REQUIRED = ("model", "scope", "tier", "unit", "usd_per_mtok", "valid_from")

_SCOPES: Mapping[str, Scope] = {scope.value: scope for scope in Scope}
_TIERS: Mapping[str, Tier] = {tier.value: tier for tier in Tier}
_UNITS: Mapping[str, Unit] = {unit.value: unit for unit in Unit}
_FLAGS: Mapping[str, bool] = {"": False, "no": False, "yes": True}


def rows_of_file(path: Path) -> list[Price]:
    """The rows of a user's price file; a source the file names but nobody knows is the file itself."""
    try:
        text = content_of(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPriceFile(f"The price file {path} cannot be read: {reason_of(error)}.") from error
    return list(rows_of_lines(text.splitlines(), str(path), {}))


def rows_of_lines(
    lines: Sequence[str], place: str, sources: Mapping[str, Source], numbers: Sequence[int] = ()
) -> Iterator[Price]:
    """Price rows of CSV lines; ``place`` is the name of the file in messages and in ``Price.place``.

    ``numbers`` are those of the lines after the header in their file, where ``lines`` are not all of it.
    """
    rows = _cells_of(lines, place)
    _, header = next(rows, (1, None))
    if header is None:
        raise InvalidPriceFile(f"{place} is empty; the first line must name the columns {', '.join(REQUIRED)}.", line=1)
    _check_header(header, place)
    at = {name: index for index, name in enumerate(header)}
    columns = [(name, at.get(name, -1), read, rule) for name, (read, rule) in _CELLS.items()]
    for line_num, cells in rows:
        if not cells:
            continue
        line = numbers[line_num - 2] if numbers else line_num
        if len(cells) != len(header):
            raise InvalidPriceFile(
                f"{place}:{line} has {len(cells)} cells where the header has {len(header)}.", line=line
            )
        yield _price(cells, columns, place, line, sources)


def _cells_of(lines: Sequence[str], place: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of every row, and the number of its last line."""
    reader = csv.reader(lines)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise InvalidPriceFile(
            f"{place}:{reader.line_num} is not a row of CSV: {error}.", line=reader.line_num
        ) from error


def _price(
    cells: Sequence[str], columns: Sequence[tuple[str, int, Callable[[str], Any], str]], place: str, line: int,
    sources: Mapping[str, Source],
) -> Price:  # fmt: skip
    """One row; a fault names its column."""
    padded = [*cells, ""]  # what a column that the file does not have holds
    values: list[Any] = []
    for column, index, read, rule in columns:
        try:
            values.append(read(padded[index].strip()))
        except (KeyError, ValueError, InvalidOperation):
            raise _fault(place, line, column, padded[index].strip(), rule) from None
    *cells_read, begin, end, key = values
    source = sources.get(key)
    if source is None and sources:
        raise _fault(place, line, "source", key, "is not in sources.toml")
    stated_source = source or Source(key or place, key or f"price file {place}", place, _last_day(key) or begin)
    model, scope, tier, unit, price, region, above, contested, note = cells_read
    try:
        return Price(
            model,
            scope,
            tier,
            unit,
            price,
            begin,
            end,
            region,
            above,
            contested,
            stated_source,
            note,
            f"{place}:{line}",
        )
    except InvalidPrice:
        raise _fault(place, line, "valid_to", str(end), "must be later than valid_from") from None


def _fault(place: str, line: int, column: str, text: str, rule: str) -> InvalidPriceFile:
    return InvalidPriceFile(f"{place}:{line}, column {column}: {text!r} {rule}.", line=line, column=column)


def _check_header(header: Sequence[str], place: str) -> None:
    for name in REQUIRED:
        if name not in header:
            message = f"{place}:1 lacks the column {name!r}; it has {', '.join(header)[:200]}."
            raise InvalidPriceFile(message, line=1, column=name)
    for name in header:
        if name not in COLUMNS:
            raise InvalidPriceFile(
                f"{place}:1 has an unknown column {name!r}; known are {', '.join(COLUMNS)}.", line=1, column=name
            )


def lines_of(rows: Iterable[Price]) -> Iterator[str]:
    """The lines of a price file with these rows, without the header."""
    for row in rows:
        cells = {
            "model": row.model, "scope": row.scope.value, "region": row.region or "", "tier": row.tier.value,
            "unit": row.unit.value, "usd_per_mtok": usd_exact(row.usd_per_mtok),
            "above_context_tokens": str(row.above_context_tokens), "valid_from": str(row.valid_from),
            "valid_to": str(row.valid_to or ""), "contested": "yes" if row.contested else "",
            "source": row.source.key, "note": row.note,
        }  # fmt: skip
        line = StringIO()
        csv.writer(line, lineterminator="").writerow([cells[column] for column in COLUMNS])
        yield line.getvalue()


def _last_day(source: str) -> date | None:
    """The day on which a source was read, where its name ends with one."""
    try:
        return date.fromisoformat(source[-10:])
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _usd(text: str) -> Usd:
    value = Decimal(text)
    if not value.is_finite() or value < 0:
        raise ValueError(text)
    return value


@lru_cache(maxsize=1024)
def _day(text: str) -> date:
    return date.fromisoformat(text)


def _filled(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def _tokens(text: str) -> int:
    if text and not text.isdigit():
        raise ValueError(text)
    return int(text or "0")


def _one_of(known: Mapping[str, object]) -> str:
    return f"must be one of {', '.join(name for name in known if name)}"


_A_DAY = "must be a date such as 2026-10-06"
_CELLS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "model": (_filled, "must not be empty"),
    "scope": (_SCOPES.__getitem__, _one_of(_SCOPES)),
    "tier": (_TIERS.__getitem__, _one_of(_TIERS)),
    "unit": (_UNITS.__getitem__, _one_of(_UNITS)),
    "usd_per_mtok": (_usd, "must be US dollars per million tokens, such as 0.0875"),
    "region": (lambda text: text or None, ""),
    "above_context_tokens": (_tokens, "must be a whole number of tokens"),
    "contested": (_FLAGS.__getitem__, _one_of(_FLAGS)),
    "note": (str, ""),
    "valid_from": (_day, _A_DAY),
    "valid_to": (lambda text: _day(text) if text else None, _A_DAY),
    "source": (str, ""),
}
"""How the cell of each column is read, and what it must be."""
