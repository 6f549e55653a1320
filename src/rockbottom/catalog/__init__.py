"""What AWS says: models, cache rules and prices, each row with its source and the day it was checked."""

from rockbottom.catalog.authored import load_catalog
from rockbottom.catalog.catalogue import Catalog
from rockbottom.catalog.errors import (
    CatalogError,
    InvalidCatalogue,
    InvalidPriceFile,
    NoPriceInForce,
    NoRulesInForce,
    UnknownModel,
    UnresolvedProfile,
)
from rockbottom.catalog.models import Model, ModelId, Scope, Tier
from rockbottom.catalog.price_book import PriceBook
from rockbottom.catalog.prices import REFERENCE_REGION, Price
from rockbottom.catalog.resolve import Resolve, scope_of_model_arns
from rockbottom.catalog.rules import CacheRules, ContestedRule, Switch

__all__ = [
    "REFERENCE_REGION",
    "CacheRules",
    "Catalog",
    "CatalogError",
    "ContestedRule",
    "InvalidCatalogue",
    "InvalidPriceFile",
    "Model",
    "ModelId",
    "NoPriceInForce",
    "NoRulesInForce",
    "Price",
    "PriceBook",
    "Resolve",
    "Scope",
    "Switch",
    "Tier",
    "UnknownModel",
    "UnresolvedProfile",
    "load_catalog",
    "scope_of_model_arns",
]
