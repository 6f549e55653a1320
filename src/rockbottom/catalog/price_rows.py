"""Price rows arranged for look-up, read one vendor at a time as they are asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rockbottom.catalog.models import Scope, Tier
from rockbottom.catalog.prices import Price
from rockbottom.quantities import Unit

Cell = tuple[str, Scope, Tier, Unit, str | None, int]
"""Model, scope, tier, unit, Region, long-context threshold: what a price is found by, apart from the day."""


@dataclass(frozen=True, slots=True)
class VendorRows:
    """The rows of one vendor's models; ``cells`` leaves contested rows out and has the newest first."""

    rows: tuple[Price, ...]
    cells: Mapping[Cell, tuple[Price, ...]]
    long_context: Mapping[tuple[str, Scope], tuple[Price, ...]]

    @classmethod
    def of(cls, rows: Iterable[Price]) -> "VendorRows":
        kept = tuple(rows)
        cells: dict[Cell, list[Price]] = {}
        long_context: dict[tuple[str, Scope], list[Price]] = {}
        for row in kept:
            if row.contested:
                continue
            cell = (row.model, row.scope, row.tier, row.unit, row.region, row.above_context_tokens)
            cells.setdefault(cell, []).append(row)
            if row.above_context_tokens:
                long_context.setdefault((row.model, row.scope), []).append(row)
        return cls(kept, {cell: _newest_first(found) for cell, found in cells.items()}, _frozen(long_context))


class PriceRows:
    """One layer of a price book: the packaged rows, or a user's file."""

    __slots__ = ("_read", "_vendors")

    def __init__(self, read: Mapping[str, Callable[[], Iterable[Price]]]) -> None:
        self._read = read
        self._vendors: dict[str, VendorRows] = {}

    @classmethod
    def of(cls, rows: Iterable[Price]) -> "PriceRows":
        """A layer of rows already read."""
        by_vendor: dict[str, list[Price]] = {}
        for row in rows:
            by_vendor.setdefault(_vendor(row.model), []).append(row)
        return cls({vendor: found.copy for vendor, found in by_vendor.items()})

    def of_model(self, model_id: str) -> VendorRows:
        """The rows among which those of the model are."""
        vendor = _vendor(model_id)
        found = self._vendors.get(vendor)
        if found is None:
            read = self._read.get(vendor)
            found = self._vendors[vendor] = VendorRows.of(read() if read else ())
        return found

    def all(self) -> tuple[Price, ...]:
        return tuple(row for vendor in self._read for row in self.of_model(vendor).rows)


def _vendor(model_id: str) -> str:
    return model_id.partition(".")[0]


def _newest_first(rows: Sequence[Price]) -> tuple[Price, ...]:
    return tuple(sorted(rows, key=lambda row: row.valid_from, reverse=True))


def _frozen(found: Mapping[tuple[str, Scope], Sequence[Price]]) -> Mapping[tuple[str, Scope], tuple[Price, ...]]:
    return {key: tuple(rows) for key, rows in found.items()}
