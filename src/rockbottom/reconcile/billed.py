"""A bill as a book: its lines told to days, models and kinds of token, and every other dollar of Bedrock by name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial

from rockbottom.catalog import MARKETPLACE_EDITION, Catalog, CatalogError, ListNames, NotATokenPrice, Tier, usage_type
from rockbottom.figures import counted
from rockbottom.files import packaged
from rockbottom.quantities import ZERO_USD, Unit, Usd
from rockbottom.reconcile.books import Book, BookEntry
from rockbottom.reconcile.lines import BillLine


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a usage type says. ``model`` is the model's name as written; "" where only the product's name has it."""

    model: str
    unit: Unit
    is_global: bool
    tier: Tier
    region: str  # "" where the short name is not known
    tokens_per_unit: int

    @property
    def kind(self) -> str:
        """The kind of token as books have it: input, output, read, or write whatever the lifetime."""
        return _KINDS.get(self.unit, "write")


_KINDS: Mapping[Unit, str] = {Unit.INPUT: "input", Unit.OUTPUT: "output", Unit.CACHE_READ: "read"}


_data = partial(packaged, "reconcile", "usage_types")


@cache
def meaning(text: str) -> Meaning | None:
    """What a usage type is about; None where it is not about tokens on demand or in batch, or not understood."""
    try:
        parsed = usage_type(text)
    except NotATokenPrice:
        return None
    region = _data()["regions"].get(re.split("[-_]", text, maxsplit=1)[0], "")
    sold = _data()["tokens_per_unit"]["amazon" if parsed.name else "marketplace"]
    return Meaning(parsed.name, parsed.unit, parsed.is_global, parsed.tier or Tier.DEFAULT, region, sold)


def charge_named(usage_type: str) -> str | None:
    """The name of a charge that is not tokens of calls: guardrails, provisioned throughput ...; None: it has none."""
    plain = re.sub(r"[^a-z0-9]", "", usage_type.lower())
    return next((row["name"] for row in _data()["charge"] if any(word in plain for word in row["words"])), None)


def tokens_per_unit(text: str) -> int | None:
    """How many tokens a unit is, from ``pricing/unit`` or a description; None where they do not say."""
    low = text.lower()
    return next((count for word, count in _data()["tokens_per"].items() if word.lower() in low), None)


_USED = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
_OF_BEDROCK = ("AmazonBedrock", "Amazon Bedrock")
_OF_AWS = ("Amazon", "AWS")
_NO_NAME = "without a usage type"


def billed_book(party: str, lines: Iterable[BillLine], catalog: Catalog) -> Book:
    """What the lines of a bill say of Bedrock; lines about something else are passed over.

    Token lines of which no model can be told are ``unmatched``; what is no tokens of calls is in ``charges``; tax,
    credits and discounts are ``adjustments``. A line that comes twice (the same identity) counts once.
    """
    book = Book(party)
    seen: set[str] = set()
    twice = 0
    names = ListNames(catalog.models.values())
    models: dict[str, str | None] = {}
    for line in lines:
        if line.note and line.note not in book.notes:
            book.notes.append(line.note)
            book.is_whole = book.is_whole and bool(line.usage_type)
        about = meaning(line.usage_type)
        if not _is_of_bedrock(line, about):
            continue
        if line.identity and line.identity in seen:
            twice += 1
            continue
        seen.add(line.identity)
        if line.kind not in _USED:
            _add(book.adjustments, line.kind, line.usd)
        elif about is None:
            _set_apart(book, line)
        else:
            name = about.model or line.product
            if name not in models:
                models[name] = names.model(name) or _resolved(name, catalog)
            _book(book, line, about, models[name])
    if twice:
        book.notes.append(f"{counted(twice, 'line stands', 'lines stand')} in the bill twice: counted once")
    return book


def _is_of_bedrock(line: BillLine, about: Meaning | None) -> bool:
    """By the product, which may be a Marketplace code that says nothing; then by the usage type."""
    if line.product.startswith(_OF_BEDROCK) or line.product.endswith(MARKETPLACE_EDITION):
        return bool(line.usage_type) or bool(line.usd)
    return about is not None and not line.product.startswith(_OF_AWS)


def _resolved(name: str, catalog: Catalog) -> str | None:
    """The model of an id as calls use it, such as bedrock-mantle's short ones."""
    try:
        return catalog.model(name).model.id
    except CatalogError:
        return None


def _set_apart(book: Book, line: BillLine) -> None:
    """A charge under its name; tokens with a word that nobody knows, and lines that do not say what was used, are of no
    model that can be told."""
    name = charge_named(line.usage_type) or line.usage_type or f"{line.product} {_NO_NAME}"
    counts_tokens = name == line.usage_type and "token" in name.lower()
    _add(book.unmatched if counts_tokens or not line.usage_type else book.charges, name, line.usd)


def _add(sums: dict[str, Usd], name: str, usd: Usd) -> None:
    sums[name] = sums.get(name, ZERO_USD) + usd


def _book(book: Book, line: BillLine, about: Meaning, model: str | None) -> None:
    if model is None:
        _add(book.unmatched, f"{line.usage_type} {line.product}".strip(), line.usd)
        return
    entry = book.of((line.day, model))
    if line.until is not None:
        book.periods[line.day] = line.until
    entry.spend(about.kind, line.usd)
    if line.list_usd is not None:
        entry.list_usd = (entry.list_usd or ZERO_USD) + line.list_usd
    _count(entry, line, about)
    entry.regions.add(about.region)
    entry.scopes.add("global" if about.is_global else "regional")
    entry.tiers.add(about.tier.value)
    if line.principal:
        _add(entry.principals, line.principal, line.usd)


def _count(entry: BookEntry, line: BillLine, about: Meaning) -> None:
    if line.amount is None:
        entry.uncounted_usd += line.usd
        return
    tokens = int((line.amount * Decimal(tokens_per_unit(line.unit) or about.tokens_per_unit)).to_integral_value())
    entry.tokens[about.kind] += tokens
    if about.tier is Tier.BATCH:
        entry.batch_tokens += tokens
