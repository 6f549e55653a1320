"""The book of prices: which row is in force, and which rows are contested."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from rockbottom.catalog.models import ModelId, Scope, Tier
from rockbottom.catalog.nearest import no_price
from rockbottom.catalog.price_files import rows_of_file
from rockbottom.catalog.price_rows import PriceRows, Shelf
from rockbottom.catalog.prices import REFERENCE_REGION, NoPriceInForce, Price, PriceQuestion
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
