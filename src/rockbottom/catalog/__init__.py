"""What AWS says: models, cache rules and prices, each row with its source and the day it was checked."""

from typing import TYPE_CHECKING

from rockbottom.catalog.authored import packaged_catalog
from rockbottom.catalog.catalogue import Catalog
from rockbottom.catalog.errors import (
    CatalogError,
    InvalidCatalogue,
    InvalidPrice,
    InvalidPriceFile,
    NoRulesInForce,
    UnknownModel,
    UnresolvedProfile,
)
from rockbottom.catalog.lifecycles import Lifecycle, Phase, ending, lifecycles
from rockbottom.catalog.models import Model, ModelId, Scope, Tier
from rockbottom.catalog.price_book import PriceBook, checked_on
from rockbottom.catalog.price_files import COLUMNS, lines_of
from rockbottom.catalog.prices import REFERENCE_REGION, NoPriceInForce, Price
from rockbottom.catalog.regions import regions
from rockbottom.catalog.resolve import Resolve, scope_of_model_arns
from rockbottom.catalog.rules import CacheRules, ContestedRule, Switch
from rockbottom.catalog.saved import load_catalog, saved_prices_path, user_data_folder
from rockbottom.catalog.sdk import botocore_since
from rockbottom.catalog.surfaces import MANTLE, RUNTIME, Surface, refused_members, surface_named, surface_of, surfaces
from rockbottom.faces import late

if TYPE_CHECKING:  # read by commands and by reports, and not when a client is attached
    from rockbottom.catalog.apart import SetApart, apart_of, summed_apart
    from rockbottom.catalog.levers import (
        DistillationPair,
        Hourly,
        LeverPrice,
        distillation_pairs,
        guardrail_usd,
        not_distilled,
        prices_of,
        provisioned_prices,
        reserved_prices,
    )
    from rockbottom.catalog.limits import known_burndown, limit
    from rockbottom.catalog.list_names import MARKETPLACE_EDITION, ListNames
    from rockbottom.catalog.price_list import (
        EVERY_SERVICE,
        SERVICES,
        ListComparison,
        ListPrice,
        UnusedListing,
        comparisons,
        entries,
        geographies_of,
        list_price,
    )
    from rockbottom.catalog.price_updates import RowChange, Update, Updates, updates_of
    from rockbottom.catalog.profile_policies import iam_statements, scp_regions
    from rockbottom.catalog.profiles import PricedProfile, Profile, allowed, cheapest, geographies, priced, profiles_of
    from rockbottom.catalog.usage_types import NotATokenPrice, usage_type

__all__ = [
    "COLUMNS",
    "EVERY_SERVICE",
    "MANTLE",
    "MARKETPLACE_EDITION",
    "REFERENCE_REGION",
    "RUNTIME",
    "SERVICES",
    "CacheRules",
    "Catalog",
    "CatalogError",
    "ContestedRule",
    "DistillationPair",
    "Hourly",
    "InvalidCatalogue",
    "InvalidPrice",
    "InvalidPriceFile",
    "LeverPrice",
    "Lifecycle",
    "ListComparison",
    "ListNames",
    "ListPrice",
    "Model",
    "ModelId",
    "NoPriceInForce",
    "NoRulesInForce",
    "NotATokenPrice",
    "Phase",
    "Price",
    "PriceBook",
    "PricedProfile",
    "Profile",
    "Resolve",
    "RowChange",
    "Scope",
    "SetApart",
    "Surface",
    "Switch",
    "Tier",
    "UnknownModel",
    "UnresolvedProfile",
    "UnusedListing",
    "Update",
    "Updates",
    "allowed",
    "apart_of",
    "botocore_since",
    "cheapest",
    "checked_on",
    "comparisons",
    "distillation_pairs",
    "ending",
    "entries",
    "geographies",
    "geographies_of",
    "guardrail_usd",
    "iam_statements",
    "known_burndown",
    "lifecycles",
    "limit",
    "lines_of",
    "list_price",
    "load_catalog",
    "not_distilled",
    "packaged_catalog",
    "priced",
    "prices_of",
    "profiles_of",
    "provisioned_prices",
    "refused_members",
    "regions",
    "reserved_prices",
    "saved_prices_path",
    "scope_of_model_arns",
    "scp_regions",
    "summed_apart",
    "surface_named",
    "surface_of",
    "surfaces",
    "updates_of",
    "usage_type",
    "user_data_folder",
]

_HOMES = {
    "apart": "SetApart apart_of summed_apart",
    "levers": (
        "DistillationPair Hourly LeverPrice distillation_pairs guardrail_usd not_distilled prices_of "
        "provisioned_prices reserved_prices"
    ),
    "limits": "limit known_burndown",
    "profile_policies": "iam_statements scp_regions",
    "profiles": "PricedProfile Profile allowed cheapest geographies priced profiles_of",
    "list_names": "MARKETPLACE_EDITION ListNames",
    "usage_types": "NotATokenPrice usage_type",
    "price_list": (
        "EVERY_SERVICE SERVICES ListComparison ListPrice UnusedListing comparisons entries geographies_of list_price"
    ),
    "price_updates": "RowChange Update Updates updates_of",
}

__getattr__ = late(__name__, _HOMES)
