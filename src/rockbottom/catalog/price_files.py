"""Price rows from CSV: the packaged files and the ones a user brings.

The columns are those of ``COLUMNS``; only ``REQUIRED`` must be there. Every fault names its line and column.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from rockbottom.catalog.errors import InvalidPrice, InvalidPriceFile
from rockbottom.catalog.models import Scope, Tier
from rockbottom.catalog.prices import Price
from rockbottom.quantities import Source, Unit, Usd

COLUMNS = (
    "model", "scope", "region", "tier", "unit", "usd_per_mtok", "above_context_tokens",
    "valid_from", "valid_to", "contested", "source", "note",
)  # fmt: skip
REQUIRED = ("model", "scope", "tier", "unit", "usd_per_mtok", "valid_from")

_SCOPES: Mapping[str, Scope] = {scope.value: scope for scope in Scope}
_TIERS: Mapping[str, Tier] = {tier.value: tier for tier in Tier}
_UNITS: Mapping[str, Unit] = {unit.value: unit for unit in Unit}
_FLAGS: Mapping[str, bool] = {"": False, "no": False, "yes": True}
_T = TypeVar("_T")


def rows_of_file(path: Path) -> list[Price]:
    """The rows of a user's price file; a source the file names but nobody knows is the file itself."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPriceFile(f"The price file {path} cannot be read: {error}.") from error
    return list(rows_of_lines(text.splitlines(), str(path), {}))


def rows_of_lines(lines: Sequence[str], place: str, sources: Mapping[str, Source]) -> Iterator[Price]:
    """Price rows of CSV lines; ``place`` is the name of the file in messages and in ``Price.place``."""
    reader = csv.reader(lines)
    header = next(reader, None)
    if header is None:
        raise InvalidPriceFile(f"{place} is empty; the first line must name the columns {', '.join(REQUIRED)}.", line=1)
    _check_header(header, place)
    at = {name: index for index, name in enumerate(header)}
    order = [at.get(name, -1) for name in COLUMNS]
    for cells in reader:
        if cells:
            price = _price(cells, order, place, reader.line_num, sources)
            yield price or _Row(cells, at, place, reader.line_num).price(sources)


def _price(
    cells: Sequence[str], order: Sequence[int], place: str, line: int, sources: Mapping[str, Source]
) -> Price | None:
    """The row read in one go, or None where anything is amiss: then it is read again to name the column."""
    if len(cells) != len(order) - order.count(-1):
        return None
    padded = [*cells, ""]  # what a column that the file does not have holds
    model, scope, region, tier, unit, price, above, begin, end, contested, source, note = [
        padded[index].strip() for index in order
    ]
    try:
        return Price(
            model,
            _SCOPES[scope],
            _TIERS[tier],
            _UNITS[unit],
            _usd(price),
            _day(begin),
            _day(end) if end else None,
            region or None,
            int(above or "0"),
            _FLAGS[contested],
            sources[source],
            note,
            f"{place}:{line}",
        )
    except (KeyError, ValueError, InvalidOperation, InvalidPrice):
        return None


def _check_header(header: Sequence[str], place: str) -> None:
    for name in REQUIRED:
        if name not in header:
            message = f"{place}:1 lacks the column {name!r}; it has {', '.join(header)}."
            raise InvalidPriceFile(message, line=1, column=name)
    for name in header:
        if name not in COLUMNS:
            raise InvalidPriceFile(
                f"{place}:1 has an unknown column {name!r}; known are {', '.join(COLUMNS)}.", line=1, column=name
            )


class _Row:
    """One line of a price file, read cell by cell so that a fault can name its column."""

    __slots__ = ("at", "cells", "line", "place")

    def __init__(self, cells: Sequence[str], at: Mapping[str, int], place: str, line: int) -> None:
        self.cells, self.at, self.place, self.line = cells, at, place, line
        if len(cells) != len(at):
            raise InvalidPriceFile(f"{place}:{line} has {len(cells)} cells where the header has {len(at)}.", line=line)

    def price(self, sources: Mapping[str, Source]) -> Price:
        valid_from = self.day("valid_from")
        valid_to = self.day("valid_to") if self.text("valid_to") else None
        if valid_to is not None and valid_to <= valid_from:
            raise self.fault("valid_to", "must be later than valid_from")
        return Price(
            model=self.text("model") or self.missing("model"),
            scope=self.one_of("scope", _SCOPES),
            tier=self.one_of("tier", _TIERS),
            unit=self.one_of("unit", _UNITS),
            usd_per_mtok=self.usd(),
            valid_from=valid_from,
            valid_to=valid_to,
            region=self.text("region") or None,
            above_context_tokens=self.tokens("above_context_tokens"),
            contested=self.one_of("contested", _FLAGS),
            source=self.source(sources, valid_from),
            note=self.text("note"),
            place=f"{self.place}:{self.line}",
        )

    def text(self, column: str) -> str:
        index = self.at.get(column)
        return "" if index is None else self.cells[index].strip()

    def one_of(self, column: str, known: Mapping[str, _T]) -> _T:
        found = known.get(self.text(column))
        if found is None:
            raise self.fault(column, f"must be one of {', '.join(name for name in known if name)}")
        return found

    def usd(self) -> Usd:
        try:
            return _usd(self.text("usd_per_mtok"))
        except (ValueError, InvalidOperation):
            raise self.fault("usd_per_mtok", "must be US dollars per million tokens, such as 0.0875") from None

    def day(self, column: str) -> date:
        try:
            return _day(self.text(column))
        except ValueError:
            raise self.fault(column, "must be a date such as 2026-10-06") from None

    def tokens(self, column: str) -> int:
        text = self.text(column) or "0"
        if not text.isdigit():
            raise self.fault(column, "must be a whole number of tokens")
        return int(text)

    def source(self, sources: Mapping[str, Source], valid_from: date) -> Source:
        key = self.text("source")
        found = sources.get(key)
        if found is not None:
            return found
        if sources:
            raise self.fault("source", "is not in sources.toml")
        return Source(key or self.place, key or f"price file {self.place}", self.place, valid_from)

    def missing(self, column: str) -> str:
        raise self.fault(column, "must not be empty")

    def fault(self, column: str, rule: str) -> InvalidPriceFile:
        message = f"{self.place}:{self.line}, column {column}: {self.text(column)!r} {rule}."
        return InvalidPriceFile(message, line=self.line, column=column)


@lru_cache(maxsize=4096)
def _usd(text: str) -> Usd:
    value = Decimal(text)
    if not value.is_finite() or value < 0:
        raise ValueError(text)
    return value


@lru_cache(maxsize=1024)
def _day(text: str) -> date:
    return date.fromisoformat(text)
