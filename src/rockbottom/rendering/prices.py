"""Prices of a model, and how they compare with AWS's price list, as text and as JSON."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from rockbottom.catalog import ListComparison, ModelId, Price, Scope, Tier
from rockbottom.figures import Cell, Column, Paint, paragraph, table, usd_exact
from rockbottom.quantities import Unit, Usd


class ListedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A row of prices with its source."""

    scope: Scope
    region: str | None
    tier: Tier
    unit: Unit
    usd_per_mtok: Usd
    above_context_tokens: int
    valid_from: date
    valid_to: date | None
    source: str
    url: str
    checked_on: date
    note: str
    place: str


class ModelPrices(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs on a day, and what other sources say."""

    model: str
    name: str
    on: date
    unit: str
    prices: tuple[ListedPrice, ...]
    contested: tuple[ListedPrice, ...]


class ComparedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price of AWS's list beside the row of the book; ``verdict`` is agrees, differs or missing."""

    model: str
    scope: Scope
    tier: Tier
    unit: Unit
    list_usd_per_mtok: Decimal
    book_usd_per_mtok: Decimal | None
    book_place: str | None
    usage_type: str
    verdict: str


class PriceComparison(msgspec.Struct, frozen=True):
    """A Region's price list against the book."""

    region: str
    products: int
    comparisons: tuple[ComparedPrice, ...]


def prices_document(model: ModelId, day: date, rows: Sequence[Price], contested: Sequence[Price]) -> ModelPrices:
    """The prices of a model, sorted by scope, tier and Region."""
    return ModelPrices(
        model=model.model.id,
        name=model.model.name,
        on=day,
        unit="USD per 1,000,000 tokens",
        prices=tuple(_listed(row) for row in sorted(rows, key=_order)),
        contested=tuple(_listed(row) for row in sorted(contested, key=_order)),
    )


def prices_text(
    model: ModelId,
    day: date,
    rows: Sequence[Price],
    contested: Sequence[Price],
    elsewhere: Sequence[str] = (),
    *,
    width: int = 80,
) -> Iterator[str]:
    """A table with a line for each scope, tier and condition, what is contested, and the sources.

    ``elsewhere`` are other Regions that have rows of their own.
    """
    yield f"{model.model.name}  {model.model.id}"
    yield f"US dollars per million tokens in force on {day}"
    yield ""
    lines: dict[tuple[str, str, str], dict[Unit, str]] = {}
    for row in sorted(rows, key=_order):
        key = (row.scope.value, row.tier.value, _condition(row))
        lines.setdefault(key, {})[row.unit] = usd_exact(row.usd_per_mtok)
    used = [unit for unit in Unit if any(unit in cells for cells in lines.values())]
    heads = [unit.value.removeprefix("cache_").replace("_", " ") for unit in used]
    columns = [Column(head, right=False) for head in ("scope", "tier", "where or when")] + [*map(Column, heads)]
    listed = [[*map(Cell, words), *(Cell(cells.get(unit, "-")) for unit in used)] for words, cells in lines.items()]
    yield from table(columns, listed, width, Paint(False), indent=0)
    if elsewhere:
        yield ""
        yield from paragraph(f"Other Regions, by --region: {', '.join(elsewhere)}.", width)
    yield from _contested(contested, width)
    yield ""
    yield "Sources:"
    for source in dict.fromkeys(row.source for row in (*rows, *contested)):
        yield from paragraph(f"[{source.key}] {source.title}, checked {source.checked_on}", width, "  ", "    ")
        yield f"    {source.url}"


def comparison_document(region: str, products: int, pairs: Sequence[ListComparison]) -> PriceComparison:
    """Every price of the list with its verdict."""
    return PriceComparison(region, products, tuple(_compared(pair) for pair in pairs))


def comparison_text(region: str, products: int, listed: int, pairs: Sequence[ListComparison]) -> Iterator[str]:
    """How many agree, then each that differs or that the book lacks."""
    differ = [pair for pair in pairs if pair.row is not None and not pair.agrees]
    missing = [pair for pair in pairs if pair.row is None]
    yield f"{products} products listed for {region}, {listed} of them token prices of models in the catalogue."
    same = sum(pair.agrees for pair in pairs)
    yield f"{same} prices agree, {len(differ)} differ, {len(missing)} are not in the book."
    for pair in differ:
        if pair.row is not None:
            book = f"book {usd_exact(pair.row.usd_per_mtok)} ({pair.row.place})"
            yield f"  differs  {_words_of(pair)}: {book}, list {usd_exact(pair.listed.usd_per_mtok)}"
            yield f"           {pair.listed.usage_type}"
    for pair in missing:
        yield f"  missing  {_words_of(pair)}: list {usd_exact(pair.listed.usd_per_mtok)}"
        yield f"           {pair.listed.usage_type}"


def _listed(row: Price) -> ListedPrice:
    return ListedPrice(
        scope=row.scope, region=row.region, tier=row.tier, unit=row.unit, usd_per_mtok=row.usd_per_mtok,
        above_context_tokens=row.above_context_tokens, valid_from=row.valid_from, valid_to=row.valid_to,
        source=row.source.key, url=row.source.url, checked_on=row.source.checked_on, note=row.note, place=row.place,
    )  # fmt: skip


def _compared(pair: ListComparison) -> ComparedPrice:
    return ComparedPrice(
        model=pair.listed.model, scope=pair.scope, tier=pair.listed.tier, unit=pair.listed.unit,
        list_usd_per_mtok=pair.listed.usd_per_mtok, book_usd_per_mtok=pair.row.usd_per_mtok if pair.row else None,
        book_place=pair.row.place if pair.row else None, usage_type=pair.listed.usage_type,
        verdict="agrees" if pair.agrees else "differs" if pair.row else "missing",
    )  # fmt: skip


def _contested(contested: Sequence[Price], width: int) -> Iterator[str]:
    by_claim: dict[tuple[str, str, str, str], list[str]] = {}
    for row in sorted(contested, key=_order):
        key = (row.tier.value, row.unit.value, row.note, row.source.key)
        by_claim.setdefault(key, []).append(f"{row.scope.value} {usd_exact(row.usd_per_mtok)}")
    if by_claim:
        yield ""
        yield "Contested, not used:"
    for (tier, unit, note, source), prices in by_claim.items():
        yield from paragraph(f"{tier} {unit}: {', '.join(prices)}; {note} [{source}]", width, "  ", "    ")


def _order(row: Price) -> tuple[int, int, str, int]:
    return list(Scope).index(row.scope), list(Tier).index(row.tier), row.region or "", row.above_context_tokens


def _condition(row: Price) -> str:
    above = f">{row.above_context_tokens // 1000}k" if row.above_context_tokens else ""
    return " ".join(part for part in (row.region or "", above) if part)


def _words_of(pair: ListComparison) -> str:
    return f"{pair.listed.model} {pair.scope.value} {pair.listed.tier.value} {pair.listed.unit.value}"
