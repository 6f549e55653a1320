"""Dated prices, one row per fact, and the book that finds the row in force."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rockbottom.catalog.errors import NoPriceInForce
from rockbottom.catalog.models import Scope, Tier
from rockbottom.quantities import Source, Unit, Usd

REFERENCE_REGION = "us-east-1"
"""The Region whose list prices are meant when a price depends on the Region and none is named."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens of one unit, for one model, scope and tier, from one day on.

    ``region`` is None where the source says the price is the same throughout the scope, else the
    AWS Region that it was read for. ``above_context_tokens`` is the long-context threshold: the row
    applies when the whole prompt is longer (0: the ordinary row). ``valid_to`` is exclusive.
    ``contested`` rows are never used for a bill unless asked for; they are shown beside the row in force.
    ``place`` says where the row stands, as ``prices/anthropic.csv:41``.
    """

    model: str
    scope: Scope
    tier: Tier
    unit: Unit
    usd_per_mtok: Usd
    valid_from: date
    valid_to: date | None
    region: str | None
    above_context_tokens: int
    contested: bool
    source: Source
    note: str
    place: str

    def in_force(self, on: date) -> bool:
        """Whether the row holds on that day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


_Cell = tuple[str, Scope, Tier, Unit, str | None, int]
_Layer = Mapping[_Cell, tuple[Price, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """What a price is asked for; ``region`` None means the reference Region where it matters."""

    model: str
    scope: Scope
    tier: Tier
    unit: Unit
    on: date
    region: str | None
    band: int                     # the long-context threshold that the prompt is above; 0: none

    def __str__(self) -> str:
        where = self.scope.value + (f", {self.region}" if self.region else "")
        long = f", prompts above {self.band:,} tokens" if self.band else ""
        return f"{self.model} ({where}; {self.tier.value} tier; {self.unit.value}{long}) on {self.on}"


@dataclass(frozen=True, slots=True, eq=False)
class PriceBook:
    """Every price known, and which one holds when; immutable.

    Look-ups try the layers from the last overlay down to the packaged rows, and in each layer the
    row of the named Region before the row that holds throughout the scope. A prompt above a
    long-context threshold is priced by the rows of that threshold only: a tier or unit for which
    no such row is known raises instead of falling back to the ordinary price.
    """

    rows: tuple[Price, ...]
    _layers: tuple[_Layer, ...] = field(repr=False)
    _thresholds: Mapping[tuple[str, Scope], tuple[Price, ...]] = field(repr=False)
    _found: dict[tuple[object, ...], Price] = field(default_factory=dict[tuple[object, ...], Price], repr=False)

    @classmethod
    def of(cls, rows: Iterable[Price]) -> "PriceBook":
        """A book of these rows."""
        kept = tuple(rows)
        return cls(kept, (_layer_of(kept),), _thresholds_of(kept))

    @classmethod
    def read(cls, path: str | Path) -> "PriceBook":
        """A book from a CSV file in the format of docs/reference/prices.md; raises InvalidPriceFile."""
        from rockbottom.catalog.price_files import rows_of_file

        return cls.of(rows_of_file(Path(path)))

    def overlay(self, other: "PriceBook") -> "PriceBook":
        """This book with ``other`` on top: where a row of ``other`` is in force it wins, elsewhere nothing changes."""
        rows = self.rows + other.rows
        return PriceBook(rows, other._layers + self._layers, _thresholds_of(rows))

    def preferring(self, source: str) -> "PriceBook":
        """This book with the contested rows of one source put in force, for checking figures that used them."""
        from dataclasses import replace

        chosen = [replace(row, contested=False) for row in self.rows if row.contested and row.source.key == source]
        return self.overlay(PriceBook.of(chosen))

    def price(
        self,
        model_id: str,
        scope: Scope,
        tier: Tier,
        unit: Unit,
        on: date,
        context_tokens: int = 0,
        region: str | None = None,
    ) -> Price:
        """The row in force; ``context_tokens`` is the whole prompt (uncached, read and written).

        Raises NoPriceInForce, which names the nearest rows.
        """
        thresholds = self._thresholds.get((model_id, scope))
        band = _band(thresholds, on, context_tokens) if thresholds and context_tokens else 0
        key = (model_id, scope, tier, unit, on, region, band)
        found = self._found.get(key)
        if found is None:
            found = self._search(Question(model_id, scope, tier, unit, on, region, band))
            if len(self._found) < _MEMO_LIMIT:
                self._found[key] = found
        return found

    def contested(
        self,
        model_id: str,
        scope: Scope | None = None,
        tier: Tier | None = None,
        unit: Unit | None = None,
        on: date | None = None,
    ) -> tuple[Price, ...]:
        """The rows that some source gives and that are not in force; None matches everything."""
        return tuple(
            row
            for row in self.rows
            if row.contested
            and row.model == model_id
            and scope in (None, row.scope)
            and tier in (None, row.tier)
            and unit in (None, row.unit)
            and (on is None or row.in_force(on))
        )

    def of_model(self, model_id: str, on: date | None = None) -> tuple[Price, ...]:
        """Every row of one model, contested ones too, that holds on that day (None: of all days)."""
        return tuple(row for row in self.rows if row.model == model_id and (on is None or row.in_force(on)))

    def _search(self, asked: Question) -> Price:
        regions = (asked.region, None) if asked.region else (None, REFERENCE_REGION)
        for layer in self._layers:
            for region in regions:
                cell = (asked.model, asked.scope, asked.tier, asked.unit, region, asked.band)
                for row in layer.get(cell, ()):
                    if row.in_force(asked.on):
                        return row
        raise _no_price(asked, self.rows)


_MEMO_LIMIT = 65_536


def _layer_of(rows: Sequence[Price]) -> _Layer:
    """Rows by cell, contested ones left out, the newest first."""
    cells: dict[_Cell, list[Price]] = {}
    for row in rows:
        if not row.contested:
            cell = (row.model, row.scope, row.tier, row.unit, row.region, row.above_context_tokens)
            cells.setdefault(cell, []).append(row)
    return {cell: tuple(sorted(found, key=lambda row: row.valid_from, reverse=True)) for cell, found in cells.items()}


def _thresholds_of(rows: Sequence[Price]) -> Mapping[tuple[str, Scope], tuple[Price, ...]]:
    found: dict[tuple[str, Scope], list[Price]] = {}
    for row in rows:
        if row.above_context_tokens and not row.contested:
            found.setdefault((row.model, row.scope), []).append(row)
    return {key: tuple(rows) for key, rows in found.items()}


def _band(rows: Sequence[Price], on: date, context_tokens: int) -> int:
    in_force = (row.above_context_tokens for row in rows if row.in_force(on))
    return max((threshold for threshold in in_force if context_tokens > threshold), default=0)


def _no_price(asked: Question, rows: Sequence[Price]) -> NoPriceInForce:
    known = [row for row in rows if row.model == asked.model and not row.contested]
    if not known:
        message = f"No price in force for {asked}: the price book has no row for this model."
        return NoPriceInForce(message, fix="rockbottom models")
    nearest = sorted(known, key=lambda row: (_distance(row, asked), row.place))[:3]
    best = _distance(nearest[0], asked)[0]
    nearest = [row for row in nearest if _distance(row, asked)[0] == best]
    said = "; ".join(f"{_difference(row, asked)} ({row.place})" for row in nearest)
    message = f"No price in force for {asked}; nearest: {said}."
    return NoPriceInForce(message, nearest=nearest, fix=f"rockbottom prices show {asked.model} --on {asked.on}")


def _distance(row: Price, asked: Question) -> tuple[int, int]:
    """How many things differ, the weightiest first, then the days between."""
    days = 0 if row.in_force(asked.on) else abs((row.valid_from - asked.on).days)
    far = (
        32 * (row.unit is not asked.unit)
        + 16 * (row.tier is not asked.tier)
        + 8 * (row.scope is not asked.scope)
        + 4 * (row.above_context_tokens != asked.band)
        + 2 * (row.region not in (None, asked.region or REFERENCE_REGION))
        + (days > 0)
    )
    return far, days


def _difference(row: Price, asked: Question) -> str:
    """In words, what the row is that was not asked for."""
    parts: list[str] = []
    if row.unit is not asked.unit:
        parts.append(f"for {row.unit.value}")
    if row.tier is not asked.tier:
        parts.append(f"for the {row.tier.value} tier")
    if row.scope is not asked.scope:
        parts.append(f"for {row.scope.value}")
    if row.above_context_tokens != asked.band:
        above = row.above_context_tokens
        parts.append(f"for prompts above {above:,} tokens" if above else "for shorter prompts")
    if row.region not in (None, asked.region or REFERENCE_REGION):
        parts.append(f"for {row.region}, and Regions differ")
    if not row.in_force(asked.on):
        starts = row.valid_from > asked.on
        parts.append(f"starting {row.valid_from}" if starts else f"that ended {row.valid_to}")
    return "a row " + ", ".join(parts)
