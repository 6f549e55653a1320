"""The book of prices: which row is in force, and which rows are contested."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from rockbottom.catalog.models import ModelId, Scope, Tier
from rockbottom.catalog.price_files import rows_of_file
from rockbottom.catalog.price_rows import PriceRows, Shelf
from rockbottom.catalog.prices import REFERENCE_REGION, NoPriceInForce, Price, PriceQuestion
from rockbottom.figures import thousands
from rockbottom.quantities import Unit

_MEMO_LIMIT = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class PriceBook:
    """Every price known, and which one holds when; immutable.

    Look-ups try the layers from the last overlay down to the packaged rows, and in each layer the
    row of the named Region before the row that holds throughout the scope, which is taken only where
    no other Region is known to have another price. A prompt above a
    long-context threshold is priced by the rows of that threshold only: a tier or unit for which
    no such row is known raises instead of falling back to the ordinary price.
    """

    _layers: tuple[PriceRows, ...]  # the last overlay first
    _found: dict[tuple[object, ...], dict[Unit, Price]] = field(
        default_factory=dict[tuple[object, ...], dict[Unit, Price]], repr=False
    )

    @classmethod
    def of(cls, rows: Iterable[Price]) -> "PriceBook":
        return cls((PriceRows.of(rows),))

    @classmethod
    def by_vendor(cls, vendors: Mapping[str, Callable[[], Shelf]]) -> "PriceBook":
        """A book of which a vendor's file is opened, and a model's rows are read, when first asked for."""
        return cls((PriceRows(vendors),))

    @classmethod
    def read(cls, path: str | Path) -> "PriceBook":
        """A book from a CSV file in the format of docs/reference/prices.md; raises InvalidPriceFile."""
        return cls.of(rows_of_file(Path(path)))

    @property
    def rows(self) -> tuple[Price, ...]:
        """Every row, contested ones too, the packaged ones first."""
        return tuple(row for layer in reversed(self._layers) for row in layer.all())

    def overlay(self, other: "PriceBook") -> "PriceBook":
        """This book with ``other`` on top: where a row of ``other`` is in force it wins, elsewhere nothing changes."""
        return PriceBook(other._layers + self._layers)

    def preferring(self, source: str) -> "PriceBook":
        """This book with the contested rows of one source put in force, for checking figures that used them."""
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

        ``region`` None means ``REFERENCE_REGION`` where a price depends on the Region; the row says
        which one it is of. Raises NoPriceInForce, which names the nearest rows.
        """
        return self.prices(model_id, scope, tier, (unit,), on, context_tokens, region)[unit]

    def prices(
        self,
        model_id: str,
        scope: Scope,
        tier: Tier,
        units: Iterable[Unit],
        on: date,
        context_tokens: int = 0,
        region: str | None = None,
    ) -> Mapping[Unit, Price]:
        """The rows in force of these units, and of others maybe; as ``price``."""
        band = self._band(model_id, scope, on, context_tokens)
        key = (model_id, scope, tier, on, region, band)
        rows = self._found.get(key)
        if rows is None:
            rows = {}
            if len(self._found) < _MEMO_LIMIT:
                self._found[key] = rows
        for unit in units:
            if unit not in rows:
                rows[unit] = self._search(PriceQuestion(model_id, scope, tier, unit, on, region, band))
        return rows

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
            for row in self.of_model(model_id, on)
            if row.contested and scope in (None, row.scope) and tier in (None, row.tier) and unit in (None, row.unit)
        )

    def of_model(self, model_id: str, on: date | None = None) -> tuple[Price, ...]:
        """Every row of one model, contested ones too, that holds on that day (None: of all days)."""
        return tuple(
            row
            for layer in reversed(self._layers)
            for row in layer.of_model(model_id).rows
            if on is None or row.in_force(on)
        )

    def _band(self, model_id: str, scope: Scope, on: date, context_tokens: int) -> int:
        """The highest long-context threshold that the prompt is above; 0: none."""
        band = 0
        for layer in self._layers:
            for row in layer.of_model(model_id).long_context.get(scope, ()):
                if band < row.above_context_tokens < context_tokens and row.in_force(on):
                    band = row.above_context_tokens
        return band

    def _search(self, question: PriceQuestion) -> Price:
        for layer in self._layers:
            row = layer.of_model(question.model).answer(question, REFERENCE_REGION)
            if row is not None:
                return row
        raise no_price(question, self.of_model(question.model))


def checked_on(book: PriceBook, model: ModelId, on: date, region: str | None = None) -> date | None:
    """The day on which the oldest of a model's ordinary prices was last looked at; None where it has none."""
    days: list[date] = []
    for unit in Unit:
        try:
            row = book.price(model.model.id, model.scope, Tier.DEFAULT, unit, on, 0, region or model.region)
        except NoPriceInForce:
            continue
        days.append(row.source.checked_on)
    return min(days, default=None)


def no_price(question: PriceQuestion, rows: Sequence[Price]) -> NoPriceInForce:
    """The error for a question without an answer; ``rows`` are all rows of the model, contested ones too."""
    known = [row for row in rows if not row.contested]
    if not known:
        message = f"No price in force for {question}: the price book has no row for this model."
        return NoPriceInForce(message, fix="rockbottom models")
    best = min(_distance(row, question) for row in known)
    nearest = sorted((row for row in known if _distance(row, question) == best), key=_preference)
    shown = {_difference(row, question): row for row in reversed(nearest)}
    suggestions = "; ".join(f"{text} ({row.place})" for text, row in list(reversed(shown.items()))[:3])
    message = f"No price in force for {question}; nearest: {suggestions}.{_regions(known, question)}"
    return NoPriceInForce(message, nearest=nearest, fix=_fix(nearest[0], question))


def _regions(rows: Sequence[Price], question: PriceQuestion) -> str:
    """The Regions that have the price that was asked for."""
    kind = (question.scope, question.tier, question.unit, question.band)
    there = [row for row in rows if (row.scope, row.tier, row.unit, row.above_context_tokens) == kind]
    regions = sorted({row.region for row in there if row.region and row.in_force(question.on)})
    return f" Regions with such a price: {', '.join(regions)}." if regions else ""


def _fix(row: Price, question: PriceQuestion) -> str:
    if row.scope is not question.scope:
        prefix = "" if row.scope is Scope.IN_REGION else f"{row.scope.value}."
        return f"use the id {prefix}{question.model}"
    return f"rockbottom prices show {question.model}, or bring a price of your own with --prices FILE"


def _preference(row: Price) -> tuple[bool, bool, str]:
    """Scopes that most people can use first, then the order of the file."""
    return row.scope is not Scope.US, row.scope is not Scope.GLOBAL, row.place


def _distance(row: Price, question: PriceQuestion) -> tuple[int, int]:
    """How many things differ, the weightiest first, then the days between."""
    days = 0 if row.in_force(question.on) else abs((row.valid_from - question.on).days)
    far = (
        32 * (row.unit is not question.unit)
        + 16 * (row.tier is not question.tier)
        + 8 * (row.scope is not question.scope)
        + 4 * (row.above_context_tokens != question.band)
        + 2 * (row.region not in (None, question.region or REFERENCE_REGION))
        + (days > 0)
    )
    return far, days


def _difference(row: Price, question: PriceQuestion) -> str:
    """In words, what the row is that was not asked for."""
    parts: list[str] = []
    if row.unit is not question.unit:
        parts.append(f"for {row.unit.value}")
    if row.tier is not question.tier:
        parts.append(f"for the {row.tier.value} tier")
    if row.scope is not question.scope:
        parts.append(f"for {row.scope.value}")
    if row.above_context_tokens != question.band:
        above = row.above_context_tokens
        parts.append(f"for prompts above {thousands(above)} tokens" if above else "for shorter prompts")
    if row.region not in (None, question.region or REFERENCE_REGION):
        parts.append(f"for {row.region}, and Regions differ")
    if not row.in_force(question.on):
        starts = row.valid_from > question.on
        parts.append(f"starting {row.valid_from}" if starts else f"that ended {row.valid_to}")
    return "a row " + ", ".join(parts or ["for no Region in particular, and Regions differ"])
