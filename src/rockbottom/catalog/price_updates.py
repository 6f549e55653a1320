"""What AWS's price list would change in the book: rows that are new, that changed, that sources dispute, that are gone.

A row begins on the day of its term, so a price that changed in October leaves September's bills alone. Rows are laid
over the book and never replace one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum

from rockbottom.catalog.catalogue import Catalog
from rockbottom.catalog.models import Scope, Tier
from rockbottom.catalog.price_book import PriceBook
from rockbottom.catalog.price_list import (
    ListNames,
    ListPrice,
    UnusedListing,
    geographies_of,
    known_unit,
    read_entry,
)
from rockbottom.catalog.prices import NoPriceInForce, Price
from rockbottom.figures import usd_exact
from rockbottom.quantities import Source, Unit

SOURCE = "AWS price list, published"
"""How the source of a row begins that was read from AWS's list; the day of the list follows."""

_PACKAGED = "price-list-"  # and how the keys of the packaged rows' sources begin


class RowChange(Enum):
    """How a row of the price list differs from the price book."""

    NEW = "new"
    CHANGED = "changed"
    CONTESTED = "contested"


@dataclass(frozen=True, slots=True)
class Update:
    """A row to lay over the book, and the row of the book that held before (None: there was none)."""

    standing: RowChange
    row: Price
    before: Price | None


@dataclass(frozen=True, slots=True)
class Updates:
    """A price list held against the book. ``gone``: rows of the book from an earlier list that this one lacks."""

    entries: int
    agreeing: int
    updates: tuple[Update, ...]
    gone: tuple[Price, ...]
    refused: tuple[UnusedListing, ...]

    @property
    def rows(self) -> tuple[Price, ...]:
        """The rows of all updates, as they are to be stored."""
        return tuple(update.row for update in self.updates)

    def of(self, standing: RowChange) -> tuple[Update, ...]:
        return tuple(update for update in self.updates if update.standing is standing)


@dataclass(frozen=True, slots=True)
class _Cell:
    model: str
    scope: Scope
    region: str | None
    tier: Tier
    unit: Unit
    band: int


def updates_of(entries: Iterable[Mapping[str, object]], catalog: Catalog, url: str, today: date) -> Updates:
    """What the entries of a price list would change; ``url`` is where they were read."""
    names, book = ListNames(catalog.models.values()), catalog.price_book
    listed: dict[tuple[_Cell, date], list[ListPrice]] = {}
    refused: list[UnusedListing] = []
    read = 0
    for entry in entries:
        read += 1
        outcome = read_entry(entry, names)
        if isinstance(outcome, UnusedListing):
            refused.append(outcome)
            continue
        for price in outcome:
            why = _place(price, catalog, today, listed)
            if why is not None:
                refused.append(UnusedListing(price.sku, price.usage_type, price.region, price.model, why))
    updates: list[Update] = []
    agreeing = 0
    for (cell, since), prices in listed.items():
        found_here = tuple(_held_against(cell, since, prices, book, url, today))
        updates += found_here
        agreeing += not found_here
    updates += _throughout(updates, listed, book, today)
    cells = {cell for cell, _ in listed}
    return Updates(read, agreeing, tuple(updates), tuple(_gone(cells, book, today)), tuple(refused))


def _place(
    price: ListPrice, catalog: Catalog, today: date, listed: dict[tuple[_Cell, date], list[ListPrice]]
) -> str | None:
    """Put a price into every cell that it speaks of; the reason where it speaks of none."""
    if not price.region:
        return "no Region is named"
    if price.old_batch:
        return "the old spelling of batch; the list has it under the new one where it still is sold"
    band = 0
    if price.long_context:
        bands = {row.above_context_tokens for row in catalog.price_book.of_model(price.model)} - {0}
        if len(bands) != 1:
            return "for long prompts, and no threshold of this model is known"
        band = bands.pop()
    unit = price.unit if price.ttl is not None else known_unit(catalog.price_book, price.model, price.unit)
    for scope in _scopes(price, catalog):
        cell = _Cell(price.model, scope, price.region, price.tier, unit, band)
        listed.setdefault((cell, price.since or price.published or today), []).append(price)
    return None


def _scopes(price: ListPrice, catalog: Catalog) -> tuple[Scope, ...]:
    """A price that is not global holds for the Region itself, where the model may be called there, and its profiles."""
    if price.is_global:
        return (Scope.GLOBAL,)
    model = catalog.models[price.model]
    geographic = tuple(scope for scope in geographies_of(price.region) if scope in model.profiles)
    return (Scope.IN_REGION, *geographic) if model.in_region or not geographic else geographic


def _held_against(
    cell: _Cell, since: date, prices: Sequence[ListPrice], book: PriceBook, url: str, today: date
) -> Iterator[Update]:
    """The updates of one cell: none where the book says the same."""
    best, *others = sorted(prices, key=lambda price: (price.mantle, price.ttl is None))
    before = _in_force(cell, book, max(since, today))
    row = _row(cell, best, since, url)
    usual = known_unit(book, cell.model, cell.unit)
    if usual is not cell.unit:
        why = f"everything else that was read of the model knows {usual.value} only"
        yield Update(RowChange.CONTESTED, _contested(row, why), before)
    elif before is None:
        yield Update(RowChange.NEW, row, None)
    elif before.usd_per_mtok != best.usd_per_mtok:
        if before.valid_from > since and before.source.checked_on > row.source.checked_on:
            yield Update(RowChange.CONTESTED, _contested(row, f"the book has a later row ({before.place})"), before)
        else:
            began = row.source.checked_on if before.valid_from == since else since
            yield Update(RowChange.CHANGED, replace(row, valid_from=began), before)
    for other in others:
        if other.usd_per_mtok != best.usd_per_mtok:
            note = f"the list has {usd_exact(best.usd_per_mtok)} too ({best.usage_type})"
            yield Update(RowChange.CONTESTED, _contested(_row(cell, other, since, url), note), row)


def _row(cell: _Cell, price: ListPrice, since: date, url: str) -> Price:
    published = price.published or since
    key = f"{SOURCE} {published}"
    source = Source(key, key, url, published)
    usd = Decimal(usd_exact(price.usd_per_mtok))
    return Price(
        cell.model, cell.scope, cell.tier, cell.unit, usd, since, None, cell.region, cell.band, False,
        source, price.usage_type, price.usage_type,
    )  # fmt: skip


def _contested(row: Price, why: str) -> Price:
    return replace(row, contested=True, note=f"{row.note}: {why}")


def _in_force(cell: _Cell, book: PriceBook, on: date) -> Price | None:
    try:
        tokens = cell.band + 1 if cell.band else 0
        return book.price(cell.model, cell.scope, cell.tier, cell.unit, on, tokens, cell.region)
    except NoPriceInForce:
        return None


def _throughout(
    of_regions: Sequence[Update], listed: Iterable[tuple[_Cell, date]], book: PriceBook, today: date
) -> Iterator[Update]:
    """Rows for a whole scope whose price changed alike in every Region that the list has, two at least."""
    regions: dict[_Cell, set[str | None]] = {}
    for cell, _ in listed:
        regions.setdefault(replace(cell, region=None), set()).add(cell.region)
    changed: dict[_Cell, list[Update]] = {}
    for update in of_regions:
        if update.standing is RowChange.CHANGED:
            row = update.row
            cell = _Cell(row.model, row.scope, None, row.tier, row.unit, row.above_context_tokens)
            changed.setdefault(cell, []).append(update)
    for cell, updates in changed.items():
        before = _in_force(cell, book, today)
        prices = {update.row.usd_per_mtok for update in updates}
        everywhere = {update.row.region for update in updates} == regions[cell]
        if before is not None and before.region is None and everywhere and len(updates) > 1 and len(prices) == 1:
            latest = max((update.row for update in updates), key=lambda row: row.valid_from)
            yield Update(RowChange.CHANGED, replace(latest, region=None), before)


def _gone(cells: set[_Cell], book: PriceBook, today: date) -> Iterator[Price]:
    """Rows in force that an earlier list gave for the Regions of this one, and that this one does not give."""
    regions = {cell.region for cell in cells}
    for model in dict.fromkeys(cell.model for cell in cells):
        for row in book.of_model(model, today):
            cell = _Cell(row.model, row.scope, row.region, row.tier, row.unit, row.above_context_tokens)
            from_a_list = row.source.key.startswith((_PACKAGED, SOURCE))
            if from_a_list and not row.contested and row.region in regions and cell not in cells:
                yield row
