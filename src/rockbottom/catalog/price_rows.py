"""Price rows arranged for look-up, read one model at a time as they are asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from msgspec import Struct

from rockbottom.catalog.models import Scope, Tier
from rockbottom.catalog.prices import Price, PriceQuestion
from rockbottom.quantities import Unit

Cell = tuple[Scope, Tier, Unit, int]
"""Scope, tier, unit, long-context threshold: what a price of a model is found by, apart from Region and day."""

Shelf = Mapping[str, Callable[[], Iterable[Price]]]
"""What reads the rows of a model, by model."""

_PARTITIONS: Mapping[str, Scope] = {"us-gov-": Scope.US_GOV}
"""How Regions outside the commercial partition begin, and the scope whose rows hold throughout them."""


class ModelRows(Struct, frozen=True):
    """The rows of one model; ``cells`` leaves contested rows out and has the newest first."""

    rows: tuple[Price, ...]
    cells: Mapping[Cell, Mapping[str | None, tuple[Price, ...]]]
    long_context: Mapping[Scope, tuple[Price, ...]]

    @classmethod
    def of(cls, rows: Iterable[Price]) -> "ModelRows":
        all_rows = tuple(rows)
        cells: dict[Cell, dict[str | None, list[Price]]] = {}
        long_context: dict[Scope, list[Price]] = {}
        for row in all_rows:
            if row.contested:
                continue
            cell = (row.scope, row.tier, row.unit, row.above_context_tokens)
            cells.setdefault(cell, {}).setdefault(row.region, []).append(row)
            if row.above_context_tokens:
                long_context.setdefault(row.scope, []).append(row)
        return cls(
            all_rows,
            {
                cell: {region: _newest_first(prices) for region, prices in places.items()}
                for cell, places in cells.items()
            },
            {scope: tuple(prices) for scope, prices in long_context.items()},
        )

    def answer(self, question: PriceQuestion, reference: str) -> Price | None:
        """The row in force for a question, or None.

        A row without a Region holds throughout its scope. It gives way where prices of the same kind are known to
        differ by Region on that day: then a Region without a row of its own has no price. In a partition of its own
        (GovCloud) only rows of that partition hold. Without a Region in the question, that of ``reference`` comes
        after the row without one.
        """
        places = self.cells.get((question.scope, question.tier, question.unit, question.band), {})
        if question.region is None:
            return _in_force(places.get(None), question.on) or _in_force(places.get(reference), question.on)
        own = _in_force(places.get(question.region), question.on)
        return own or _throughout(places, question, question.region)


class PriceRows:
    """One layer of a price book: the packaged rows, or a user's file."""

    __slots__ = ("_models", "_shelves", "_vendors")

    def __init__(self, vendors: Mapping[str, Callable[[], Shelf]]) -> None:
        self._vendors = vendors
        self._shelves: dict[str, Shelf] = {}
        self._models: dict[str, ModelRows] = {}

    @classmethod
    def of(cls, rows: Iterable[Price]) -> "PriceRows":
        """A layer of rows already read."""
        by_vendor: dict[str, dict[str, list[Price]]] = {}
        for row in rows:
            by_vendor.setdefault(_vendor(row.model), {}).setdefault(row.model, []).append(row)
        shelves = {
            vendor: {model: prices.copy for model, prices in models.items()} for vendor, models in by_vendor.items()
        }
        return cls({vendor: shelf.copy for vendor, shelf in shelves.items()})

    def of_model(self, model_id: str) -> ModelRows:
        """The rows of a model; none of one that is not here."""
        rows = self._models.get(model_id)
        if rows is None:
            read = self._shelf(_vendor(model_id)).get(model_id)
            rows = self._models[model_id] = ModelRows.of(read() if read else ())
        return rows

    def all(self) -> tuple[Price, ...]:
        return tuple(
            row for vendor in self._vendors for model in self._shelf(vendor) for row in self.of_model(model).rows
        )

    def _shelf(self, vendor: str) -> Shelf:
        shelf = self._shelves.get(vendor)
        if shelf is None:
            read = self._vendors.get(vendor)
            shelf = self._shelves[vendor] = read() if read else {}
        return shelf


def _vendor(model_id: str) -> str:
    return model_id.partition(".")[0]


def _newest_first(rows: Sequence[Price]) -> tuple[Price, ...]:
    return tuple(sorted(rows, key=lambda row: row.valid_from, reverse=True))


def _in_force(rows: Sequence[Price] | None, on: date) -> Price | None:
    return next((row for row in rows or () if row.in_force(on)), None)


def _throughout(places: Mapping[str | None, Sequence[Price]], question: PriceQuestion, region: str) -> Price | None:
    """The row for the whole scope, where it may be taken for this Region."""
    row = _in_force(places.get(None), question.on)
    partition = _partition(region)
    if row is None or (partition and _PARTITIONS[partition] is not question.scope):
        return None
    others = (
        _in_force(prices, question.on) for place, prices in places.items() if place and _partition(place) == partition
    )
    differ = any(other is not None and other.usd_per_mtok != row.usd_per_mtok for other in others)
    return None if differ else row


def _partition(region: str) -> str:
    return next((start for start in _PARTITIONS if region.startswith(start)), "")
