"""A bill as a book: its lines told to days, models and kinds of token."""

from collections.abc import Iterable
from decimal import Decimal

from rockbottom.catalog import Catalog, Tier
from rockbottom.quantities import ZERO_USD
from rockbottom.reconcile.books import Book, Entry
from rockbottom.reconcile.exports import BillLine
from rockbottom.reconcile.usage_types import EDITION, Meaning, meaning, model_named, tokens_per_unit

_CHARGES = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
_BEDROCK = ("AmazonBedrock", "AmazonBedrockFoundationModels", "AmazonBedrockService", "Amazon Bedrock")


def billed_book(party: str, lines: Iterable[BillLine], catalog: Catalog) -> Book:
    """What the lines of a bill say of tokens; lines about something else are passed over.

    Token lines of which no model can be told are ``unmatched``; tax, credits and discounts are ``adjustments``. A
    line that comes twice (the same identity) counts once.
    """
    book = Book(party)
    seen: set[str] = set()
    twice = 0
    models: dict[str, str | None] = {}
    for line in lines:
        said = meaning(line.usage_type)
        if said is None and line.product not in _BEDROCK and not line.product.endswith(EDITION):
            continue
        if line.kind not in _CHARGES:
            book.adjustments[line.kind] = book.adjustments.get(line.kind, ZERO_USD) + line.usd
        elif said is not None:
            if line.identity and line.identity in seen:
                twice += 1
                continue
            seen.add(line.identity)
            name = said.model or line.product
            if name not in models:
                models[name] = model_named(name, catalog.models.values())
            _book(book, line, said, models[name])
    if twice:
        book.notes.append(f"{twice:,} lines stand in the bill twice and count once")
    return book


def _book(book: Book, line: BillLine, said: Meaning, model: str | None) -> None:
    if model is None:
        label = f"{line.usage_type} {line.product}".strip()
        book.unmatched[label] = book.unmatched.get(label, ZERO_USD) + line.usd
        return
    entry = book.of((line.day, model))
    kind = "write" if said.kind == "write_1h" else said.kind
    entry.spend(kind, line.usd)
    _count(entry, line, said, kind)
    entry.regions.add(said.region)
    entry.scopes.add("global" if said.is_global else "regional")
    entry.tiers.add(said.tier.value)
    if line.principal:
        entry.principals[line.principal] = entry.principals.get(line.principal, ZERO_USD) + line.usd


def _count(entry: Entry, line: BillLine, said: Meaning, kind: str) -> None:
    if line.amount is None:
        entry.uncounted_usd += line.usd
        return
    tokens = int((line.amount * Decimal(tokens_per_unit(line.unit) or said.tokens_per_unit)).to_integral_value())
    entry.tokens[kind] += tokens
    if said.tier is Tier.BATCH:
        entry.batch_tokens += tokens
