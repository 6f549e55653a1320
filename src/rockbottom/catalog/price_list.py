"""AWS's own price list, entry by entry.

An entry is one product: of an offer file of the Bulk API, or of ``GetProducts``. Its usage type says what it is for
(``usage_types``), its attributes for which model and in which Region, its terms at what price since when. An entry
that is no token price on demand or in batch, or of a model that the catalogue does not hold, is refused with the
reason: nothing is left out in silence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from rockbottom.catalog.list_names import MARKETPLACE_EDITION, ListNames
from rockbottom.catalog.models import Model, Scope, Tier
from rockbottom.catalog.price_book import PriceBook
from rockbottom.catalog.prices import NoPriceInForce, Price
from rockbottom.catalog.usage_types import (
    NotATokenPrice,
    UsageType,
    refuse_other_things,
    tier_named,
    usage_type,
    words,
    words_of_the_list,
)
from rockbottom.quantities import UNNAMED, WRITES, Ttl, Unit, Usd, decoded, is_list, is_object

SERVICES = ("AmazonBedrock", "AmazonBedrockFoundationModels")
"""The service codes of the price list that hold token prices."""

EVERY_SERVICE = (*SERVICES, "AmazonBedrockService", "AmazonBedrockAgentCore")
"""All of Bedrock's: the others hold reserved capacity and twins of token prices, and AgentCore."""

_GEOGRAPHIES: tuple[tuple[str, tuple[Scope, ...]], ...] = (
    ("us-gov-", (Scope.US_GOV,)),
    ("us-", (Scope.US,)),
    ("eu-", (Scope.EU,)),
    ("ap-northeast-1", (Scope.JP, Scope.APAC)),
    ("ap-northeast-3", (Scope.JP, Scope.APAC)),
    ("ap-southeast-2", (Scope.AU, Scope.APAC)),
    ("ap-southeast-4", (Scope.AU, Scope.APAC)),
    ("ap-south-", (Scope.IN, Scope.APAC)),
    ("ap-", (Scope.APAC,)),
    ("ca-", (Scope.CA, Scope.US)),
)
_TOKENS_PER_UNIT: Mapping[str, int] = {"1k tokens": 1_000, "1m tokens": 1_000_000}
_BY_THOUSANDS = re.compile(r"thousand|per 1K", re.IGNORECASE)
_EXACT = Decimal("0.000001")  # the list's own arithmetic is not finer (DeepSeek V3.1 in London: 0.899985)


@dataclass(frozen=True, slots=True)
class ListPrice:
    """One token price of the list; ``is_global`` tells a global profile from the Region and its geography.

    ``long_context``: for prompts above a threshold, which the list does not name. ``since`` is the day of the term,
    ``published`` that of the list.
    """

    model: str
    is_global: bool
    tier: Tier
    unit: Unit
    region: str
    usd_per_mtok: Usd
    usage_type: str
    long_context: bool = False
    mantle: bool = False
    ttl: Ttl | None = None
    old_batch: bool = False
    since: date | None = None
    published: date | None = None
    sku: str = ""


@dataclass(frozen=True, slots=True)
class UnusedListing:
    """An entry of the list that is no price of the book, and why."""

    sku: str
    usage_type: str
    region: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class ListComparison:
    """One price of the list beside the row of the book (None: the book has none)."""

    listed: ListPrice
    scope: Scope
    row: Price | None

    @property
    def agrees(self) -> bool:
        """Whether book and list say the same."""
        return self.row is not None and self.row.usd_per_mtok == self.listed.usd_per_mtok


def entries(document: object) -> Iterator[Mapping[str, Any]]:
    """Every entry in a document: an offer file, pages or items of GetProducts, or several of them in one.

    Each comes as GetProducts gives it, ``{"product": ..., "terms": ...}``; of the same one read twice, the first.
    """
    seen: set[tuple[str, str]] = set()
    for entry in _entries(document):
        product = entry["product"]
        key = str(product.get("sku", "")), str(product.get("attributes", {}).get("usagetype", ""))
        if key not in seen:
            seen.add(key)
            yield entry


def _entries(document: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, str):
        if document.lstrip().startswith(("{", "[")):
            yield from _entries(decoded(document))
    elif is_list(document):
        for part in document:
            yield from _entries(part)
    elif is_object(document):
        if is_object(document.get("product")):
            yield document
        elif is_object(document.get("products")):
            yield from _of_an_offer(document)
        else:
            for part in document.values():
                yield from _entries(part)


def _of_an_offer(offer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    on_demand = offer.get("terms", {}).get("OnDemand", {})
    for sku, product in offer["products"].items():
        yield {
            "product": {"sku": sku, **product},
            "terms": {"OnDemand": on_demand.get(sku, {})},
            "publicationDate": offer.get("publicationDate"),
        }


def read_entry(entry: Mapping[str, Any], names: ListNames) -> tuple[ListPrice, ...] | UnusedListing:
    """The token prices that an entry states, one for each of its terms, or why it states none."""
    product = entry.get("product", {})
    attributes: Mapping[str, str] = product.get("attributes", {})
    sku, text = str(product.get("sku", "")), attributes.get("usagetype", "")
    name, region = _name(attributes), attributes.get("regionCode", "")
    try:
        parsed = usage_type(text)
        tier = _tier(parsed, attributes)
        if tier is Tier.OPTIMIZED:
            raise NotATokenPrice("latency-optimised inference, a tier of its own")
        model = _model(parsed, name, names)
        millions = attributes.get("servicename", "").endswith(MARKETPLACE_EDITION)
        prices = tuple(_terms(entry, by_the_million=millions, cached=parsed.unit not in (Unit.INPUT, Unit.OUTPUT)))
    except NotATokenPrice as error:
        return UnusedListing(sku, text, region, name, str(error))
    return tuple(
        ListPrice(
            model, parsed.is_global, tier, parsed.unit, region, usd, text, parsed.long_context, parsed.mantle,
            parsed.ttl, parsed.old_batch, since, _day(entry.get("publicationDate")), sku,
        )
        for usd, since in prices
    )  # fmt: skip


def list_price(product: Mapping[str, Any], models: Iterable[Model]) -> ListPrice | None:
    """The ordinary token price that an entry states; None where it is about something else, or a twin on mantle."""
    entry = read_entry(product, ListNames(models))
    if isinstance(entry, UnusedListing) or len(entry) != 1 or entry[0].mantle or entry[0].long_context:
        return None
    return entry[0]


def comparisons(listed: Iterable[ListPrice], book: PriceBook, on: date) -> Iterator[ListComparison]:
    """Each listed price beside every row of the book that it speaks of."""
    for price in listed:
        scopes = (Scope.GLOBAL,) if price.is_global else (Scope.IN_REGION, *geographies_of(price.region))
        pairs = [(scope, row) for scope in scopes if (row := _row(book, price, scope, on)) is not None]
        for scope, row in pairs or [(scopes[-1], None)]:
            yield ListComparison(price, scope, row)


def known_unit(book: PriceBook, model: str, unit: Unit) -> Unit:
    """The unit, or the one in which the model is written where the list names its lifetime otherwise or not at all."""
    units = {row.unit for row in book.of_model(model)} & set(WRITES.values())
    named_otherwise = unit is WRITES[UNNAMED] and unit not in units and len(units) == 1
    return units.pop() if named_otherwise else unit


def geographies_of(region: str) -> tuple[Scope, ...]:
    """The scopes of the geographic profiles that may be called from a Region."""
    return next((scopes for start, scopes in _GEOGRAPHIES if region.startswith(start)), ())


def _row(book: PriceBook, price: ListPrice, scope: Scope, on: date) -> Price | None:
    unit = known_unit(book, price.model, price.unit)
    try:
        return book.price(price.model, scope, price.tier, unit, on, region=price.region or None)
    except NoPriceInForce:
        return None


def _name(attributes: Mapping[str, str]) -> str:
    """The model's name as an entry gives it; "" where only its usage type has it."""
    service = attributes.get("servicename", "")
    product = service if service.endswith(MARKETPLACE_EDITION) else ""
    return (
        attributes.get("model")
        or product.removesuffix(MARKETPLACE_EDITION).rstrip()
        or attributes.get("titanModel")
        or ""
    )


def _model(parsed: UsageType, name: str, names: ListNames) -> str:
    """The id in the usage type of bedrock-mantle, else the name of the entry, else that of the usage type."""
    spellings = [parsed.name] if parsed.mantle else [name or parsed.name]
    for text in spellings:
        model = names.model(text)
        if model is not None:
            return model
    raise NotATokenPrice(f"the model {spellings[0]!r} is not in the catalogue, or the name fits several")


def _tier(parsed: UsageType, attributes: Mapping[str, str]) -> Tier:
    """The tier of the usage type, which the other attributes may name too but not contradict."""
    feature, kind = attributes.get("feature", ""), attributes.get("inferenceType", "")
    for start, why in words_of_the_list()["features"].items():
        if feature.startswith(start):
            raise NotATokenPrice(why)
    refuse_other_things(words(kind))
    tiers = {
        tier_named(words(attributes.get("service_tier", ""))),
        tier_named([word for word in words(kind) if word != "standard"]),
        Tier.BATCH if feature == "Batch Inference" else None,
        parsed.tier,
    } - {None}
    named = {tier for tier in tiers if tier is not None and tier is not Tier.DEFAULT}
    if len(named) > 1:
        raise NotATokenPrice(f"its attributes contradict each other: {', '.join(sorted(t.value for t in named))}")
    return next(iter(named), Tier.DEFAULT)


def _terms(entry: Mapping[str, Any], *, by_the_million: bool, cached: bool) -> Iterator[tuple[Usd, date | None]]:
    """US dollars per million tokens of every on-demand term, with its day. Raises NotATokenPrice."""
    terms: Sequence[Mapping[str, Any]] = tuple(entry.get("terms", {}).get("OnDemand", {}).values())
    if not terms:
        raise NotATokenPrice("no price on demand")
    for term in terms:
        dimensions = tuple(term.get("priceDimensions", {}).values())
        if len(dimensions) != 1:
            raise NotATokenPrice("a price that depends on the quantity")
        usd = _usd_per_mtok(dimensions[0], by_the_million=by_the_million)
        if usd == 0 and not cached:
            raise NotATokenPrice("a price of zero for what is not cached")
        yield usd, _day(term.get("effectiveDate"))


def _usd_per_mtok(dimension: Mapping[str, Any], *, by_the_million: bool) -> Usd:
    unit = str(dimension.get("unit", "")).lower()
    tokens = _TOKENS_PER_UNIT.get(unit)
    if tokens is None and unit == "units" and by_the_million:
        tokens = 1_000 if _BY_THOUSANDS.search(str(dimension.get("description", ""))) else 1_000_000
    if tokens is None:
        raise NotATokenPrice(f"sold by {dimension.get('unit', '')!r}, not by tokens")
    try:
        usd = Decimal(dimension["pricePerUnit"]["USD"])
    except (KeyError, InvalidOperation, TypeError):
        raise NotATokenPrice("no price in US dollars") from None
    if not usd.is_finite() or usd < 0:
        raise NotATokenPrice(f"{usd} is not a price")
    exact = usd * (1_000_000 // tokens)
    rounded = exact.quantize(_EXACT)
    return exact if exact == rounded else rounded


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
