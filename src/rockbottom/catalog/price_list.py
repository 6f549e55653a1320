"""AWS's own price list, entry by entry, held against the book.

An entry is one product of the Price List API (``GetProducts``). What it is for has to be read from
its usage type, of which two grammars are in use::

    AmazonBedrock                   USE1-NovaPro-input-tokens-flex
                                    USE1-Nova2.0Lite-cache-write-input-token-count
                                    USE1-Claude4Sonnet-input-tokens-cross-region-global-batch
    AmazonBedrockFoundationModels   USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units
                                    USE1-MP:USE1_input_tokens_global_standard-Units

An entry that is not about tokens on demand or in batch, or whose model is not in the catalogue, is
left out and counted; the list gives no price for another Region than its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rockbottom.catalog.errors import NoPriceInForce
from rockbottom.catalog.models import Model, Scope, Tier
from rockbottom.catalog.price_book import PriceBook
from rockbottom.catalog.prices import Price
from rockbottom.quantities import LONGEST_FIRST, UNNAMED, WRITES, Unit, Usd

SERVICES = ("AmazonBedrock", "AmazonBedrockFoundationModels")
"""The service codes of GetProducts that hold token prices."""

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
    ("ca-", (Scope.CA,)),
)
_TOKENS_PER_UNIT: Mapping[str, int] = {"1k tokens": 1_000, "1m tokens": 1_000_000}
# Words of a usage type that make it something else than a plain price per token.
_ELSEWHERE = re.compile(
    r"mantle|reserved|tpm|latency|provisioned|custom|long|lctx|image|audio|video|speech|embed|second"
)


@dataclass(frozen=True, slots=True)
class ListPrice:
    """One token price of the list; ``is_global`` tells a global profile from the Region and its geography."""

    model: str
    is_global: bool
    tier: Tier
    unit: Unit
    region: str
    usd_per_mtok: Usd
    usage_type: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One price of the list beside the row of the book (None: the book has none)."""

    listed: ListPrice
    scope: Scope
    row: Price | None

    @property
    def agrees(self) -> bool:
        """Whether book and list say the same."""
        return self.row is not None and self.row.usd_per_mtok == self.listed.usd_per_mtok


def list_price(product: Mapping[str, Any], models: Iterable[Model]) -> ListPrice | None:
    """The token price that a product of the list states, or None where it is about something else."""
    attributes: Mapping[str, str] = product.get("product", {}).get("attributes", {})
    usage_type = attributes.get("usagetype", "")
    plain = re.sub(r"[^a-z0-9]", "", usage_type.lower())
    if not usage_type or _ELSEWHERE.search(usage_type.lower()):
        return None
    unit, model = _unit(plain), _model(attributes, models)
    price = _usd_per_mtok(product)
    if unit is None or model is None or price is None:
        return None
    return ListPrice(model, "global" in plain, _tier(plain), unit, attributes.get("regionCode", ""), price, usage_type)


def comparisons(listed: Iterable[ListPrice], book: PriceBook, on: date) -> Iterator[Comparison]:
    """Each listed price beside every row of the book that it speaks of."""
    for price in listed:
        scopes = (Scope.GLOBAL,) if price.is_global else (Scope.IN_REGION, *_scopes_of(price.region))
        found = [(scope, row) for scope in scopes if (row := _row(book, price, scope, on)) is not None]
        for scope, row in found or [(scopes[-1], None)]:
            yield Comparison(price, scope, row)


def _row(book: PriceBook, price: ListPrice, scope: Scope, on: date) -> Price | None:
    try:
        return book.price(price.model, scope, price.tier, _known_unit(book, price), on, region=price.region or None)
    except NoPriceInForce:
        return None


def _known_unit(book: PriceBook, price: ListPrice) -> Unit:
    """The unit, or the one in which the model is written where the list names its lifetime otherwise or not at all."""
    units = {row.unit for row in book.of_model(price.model)} & set(WRITES.values())
    named_otherwise = price.unit is WRITES[UNNAMED] and price.unit not in units and len(units) == 1
    return units.pop() if named_otherwise else price.unit


def _scopes_of(region: str) -> tuple[Scope, ...]:
    return next((scopes for start, scopes in _GEOGRAPHIES if region.startswith(start)), ())


def _unit(plain: str) -> Unit | None:
    _, writes, of_what = plain.partition("cachewrite")
    if writes:  # "CacheWrite1hInputTokenCount" and "cache_write_tokens_1h_standard" both occur
        return WRITES[next((ttl for ttl in LONGEST_FIRST if ttl.value in of_what), UNNAMED)]
    if "cacheread" in plain:
        return Unit.CACHE_READ
    if "inputtoken" in plain:
        return Unit.INPUT
    return Unit.OUTPUT if "outputtoken" in plain else None


def _tier(plain: str) -> Tier:
    return next((tier for tier in (Tier.BATCH, Tier.FLEX, Tier.PRIORITY) if tier.value in plain), Tier.DEFAULT)


def _model(attributes: Mapping[str, str], models: Iterable[Model]) -> str | None:
    names = {attributes.get("model", ""), attributes.get("servicename", "").removesuffix(" (Amazon Bedrock Edition)")}
    wanted = {_plain(name) for name in names if name}
    return next((model.id for model in models if _plain(model.name) in wanted), None)


def _plain(name: str) -> str:
    """A display name without what the list spells now so, now otherwise: "Nova 2.0 Lite" is "Nova 2 Lite"."""
    return re.sub(r"[^a-z0-9.]", "", re.sub(r"(\d)\.0\b", r"\1", name.lower()))


def _usd_per_mtok(product: Mapping[str, Any]) -> Usd | None:
    """The one price of the product, in dollars per million tokens; None where the list gives none or several."""
    found: set[Usd] = set()
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            tokens = _TOKENS_PER_UNIT.get(str(dimension.get("unit", "")).lower())
            usd = dimension.get("pricePerUnit", {}).get("USD")
            if tokens is None or usd is None:
                return None
            found.add(Decimal(usd) * (1_000_000 // tokens))
    return found.pop() if len(found) == 1 else None
