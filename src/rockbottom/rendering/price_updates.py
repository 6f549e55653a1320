"""What AWS's price list would change in the book, as text and as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from rockbottom.catalog import Price, RowChange, Scope, Tier, UnusedListing, Update, Updates
from rockbottom.figures import paragraph, usd_exact
from rockbottom.quantities import Unit


class UpdatedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A row for the book; ``before_usd_per_mtok`` is what held, ``standing`` new, changed, contested or gone."""

    standing: str
    model: str
    scope: Scope
    region: str | None
    tier: Tier
    unit: Unit
    above_context_tokens: int
    usd_per_mtok: Decimal
    before_usd_per_mtok: Decimal | None
    before_place: str | None
    valid_from: date
    note: str


class RefusedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the list that is no price of the book, and why."""

    sku: str
    usage_type: str
    region: str
    name: str
    why: str


class PriceUpdates(msgspec.Struct, frozen=True, kw_only=True):
    """A price list held against the book; ``agreeing`` counts the prices that the book has already."""

    entries: int
    agreeing: int
    rows: tuple[UpdatedPrice, ...]
    gone: tuple[UpdatedPrice, ...]
    refused: tuple[RefusedEntry, ...]


def updates_document(updates: Updates) -> PriceUpdates:
    """Everything that was found, one record for each row and each entry that was refused."""
    return PriceUpdates(
        entries=updates.entries,
        agreeing=updates.agreeing,
        rows=tuple(_updated(update.standing.value, update.row, update.before) for update in updates.updates),
        gone=tuple(_updated("gone", row, row) for row in updates.gone),
        refused=tuple(
            RefusedEntry(
                sku=entry.sku, usage_type=entry.usage_type, region=entry.region, name=entry.name, why=entry.why
            )
            for entry in updates.refused
        ),
    )


def updates_text(updates: Updates, most: int | None, *, width: int = 80) -> Iterator[str]:
    """The sums, then each kind with at most ``most`` of its lines (None: all of them)."""
    counts = {standing: len(updates.of(standing)) for standing in RowChange}
    yield f"{updates.entries:,} entries read: {updates.agreeing:,} prices as in the book, " + ", ".join(
        f"{count:,} {standing.value}" for standing, count in counts.items()
    )
    gone, refused = len(updates.gone), len(updates.refused)
    yield f"{gone:,} of the book's rows are not in this list, {refused:,} entries were refused."
    for standing in RowChange:
        yield from _listed(standing.value.capitalize(), [_line(update) for update in updates.of(standing)], most, width)
    yield from _listed(
        "Not in this list (the rows stay in the book)", [_words_of(row) for row in updates.gone], most, width
    )
    yield from _refusals(updates.refused, most, width)


def _refusals(refused: Sequence[UnusedListing], most: int | None, width: int) -> Iterator[str]:
    if not refused:
        return
    yield ""
    yield "Refused, and why"
    for why, count in Counter(entry.why for entry in refused).most_common():
        yield from paragraph(f"{count:,}  {why}", width, "  ", "     ")
        usage_types = [entry.usage_type or entry.sku for entry in refused if entry.why == why]
        yield from paragraph(", ".join(usage_types[:most]) + _more(len(usage_types), most), width, "     ", "     ")


def _listed(head: str, lines: Sequence[str], most: int | None, width: int) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield head
    for line in lines[:most]:
        yield from paragraph(line, width, "  ", "      ")
    if _more(len(lines), most):
        yield f"  {_more(len(lines), most).removeprefix(', ')}"


def _more(count: int, most: int | None) -> str:
    return f", and {count - most:,} more (--all)" if most is not None and count > most else ""


def _line(update: Update) -> str:
    row, before = update.row, update.before
    was = f", was {usd_exact(before.usd_per_mtok)} ({before.place})" if before is not None else ""
    why = f"; {row.note}" if row.contested else ""
    return f"{_words_of(row)}: {usd_exact(row.usd_per_mtok)} from {row.valid_from}{was}{why}"


def _words_of(row: Price) -> str:
    above = f" above {row.above_context_tokens:,} tokens" if row.above_context_tokens else ""
    where = row.region or "throughout"
    return f"{row.model} {row.scope.value} {where} {row.tier.value} {row.unit.value}{above}"


def _updated(standing: str, row: Price, before: Price | None) -> UpdatedPrice:
    return UpdatedPrice(
        standing=standing, model=row.model, scope=row.scope, region=row.region, tier=row.tier, unit=row.unit,
        above_context_tokens=row.above_context_tokens, usd_per_mtok=row.usd_per_mtok,
        before_usd_per_mtok=before.usd_per_mtok if before else None, before_place=before.place if before else None,
        valid_from=row.valid_from, note=row.note,
    )  # fmt: skip
