"""System inference profiles: where each may process a request, what it costs, and the cheapest that is allowed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from msgspec import Struct

from rockbottom.catalog.catalogue import Catalog
from rockbottom.catalog.errors import CatalogError
from rockbottom.catalog.models import Model, Scope, Tier
from rockbottom.catalog.price_book import PriceBook
from rockbottom.catalog.prices import NoPriceInForce
from rockbottom.files import packaged
from rockbottom.quantities import Source, Unit, Usd


class NoProfileAllowed(CatalogError):
    """No profile of a model keeps the residency asked for."""


class Geography(Struct, frozen=True):
    """What the prefix of a profile's id promises. ``regions`` None: no source lists the destination Regions."""

    scope: Scope
    residency: str
    says: str
    regions: tuple[str, ...] | None
    own: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to reach a model. ``id`` is what ``modelId`` takes; a bare id stays in the Region of the call.

    ``regions`` None: not known. ``listed`` says that the service itself named them. ``elsewhere``: the Region of the
    calls is not one of that geography, so it may be that the profile cannot be called from there.
    """

    id: str
    model: Model
    scope: Scope
    residency: str
    says: str
    regions: tuple[str, ...] | None
    source: Source
    listed: bool = False
    elsewhere: bool = False


class PricedProfile(Struct, frozen=True):
    """A profile with its prices of a day, in US dollars per million tokens; a unit without a row is left out."""

    profile: Profile
    usd_per_mtok: Mapping[Unit, Usd]


_tables = partial(packaged, "catalog", "profiles")


def geographies(catalog: Catalog) -> Mapping[Scope, Geography]:
    return {
        Scope(name): Geography(
            Scope(name), row["residency"], row["says"], tuple(row["regions"]) if "regions" in row else None,
            tuple(row["own"]), catalog.sources[row["source"]],
        )
        for name, row in _tables().items()
    }  # fmt: skip


def profiles_of(catalog: Catalog, model: Model, region: str | None = None) -> tuple[Profile, ...]:
    """Every known way to reach a model: the bare id in ``region`` where that may be called, then its profiles."""
    known = geographies(catalog)
    profiles: list[Profile] = []
    if model.in_region:
        profiles.append(_bare(model, region, known))
    for scope in model.profiles:
        place = known[scope]
        away = bool(region and place.own and not region.startswith(place.own))
        profiles.append(
            Profile(
                f"{scope.value}.{model.id}", model, scope, place.residency, place.says, place.regions, place.source,
                elsewhere=away,
            )
        )  # fmt: skip
    return tuple(profiles)


def _bare(model: Model, region: str | None, known: Mapping[Scope, Geography]) -> Profile:
    residency = next(
        (place.residency for place in known.values() if region and place.own and region.startswith(place.own)), ""
    )
    says = f"{region} alone" if region else "the Region of the call alone"
    return Profile(model.id, model, Scope.IN_REGION, residency, says, (region,) if region else None, model.source)


def priced(profiles: Iterable[Profile], book: PriceBook, on: date, region: str | None = None) -> list[PricedProfile]:
    """The profiles with their prices on a day, the cheapest first (by input, then output).

    Those of another geography than the Region of the calls come after the others, unpriced ones last.
    """
    priced_profiles: list[PricedProfile] = []
    for profile in profiles:
        prices: dict[Unit, Usd] = {}
        for unit in Unit:
            try:
                row = book.price(profile.model.id, profile.scope, Tier.DEFAULT, unit, on, 0, region)
            except NoPriceInForce:
                continue
            prices[unit] = row.usd_per_mtok
        priced_profiles.append(PricedProfile(profile, prices))
    return sorted(priced_profiles, key=_order)


def _order(option: PricedProfile) -> tuple[bool, bool, Usd, Usd, int]:
    prices = option.usd_per_mtok
    known = Unit.INPUT in prices and Unit.OUTPUT in prices
    nothing = Usd(0)
    width = list(Scope).index(option.profile.scope)  # of two that cost the same, the one that goes less far
    money = prices.get(Unit.INPUT, nothing), prices.get(Unit.OUTPUT, nothing)
    return not known, option.profile.elsewhere, *money, width


def allowed(profiles: Sequence[PricedProfile], residency: str) -> list[PricedProfile]:
    """Those that keep a residency, in the same order."""
    return [option for option in profiles if residency == "none" or option.profile.residency == residency]


def cheapest(profiles: Sequence[PricedProfile], residency: str, model: Model) -> PricedProfile:
    """The cheapest that keeps a residency; raises NoProfileAllowed, which says what the model does have."""
    for option in allowed(profiles, residency):
        if Unit.INPUT in option.usd_per_mtok and Unit.OUTPUT in option.usd_per_mtok:
            return option
    there = ", ".join(option.profile.id for option in profiles) or "no known profile"
    places = sorted({option.profile.residency for option in profiles if option.profile.residency})
    fix = f"it can stay in: {', '.join(places)}; other models: rockbottom profiles list" if places else (
        "rockbottom profiles list shows the other models; --region names the Region for calls that stay in it"
    )  # fmt: skip
    raise NoProfileAllowed(f"No way to reach {model.name} keeps its data in {residency!r}; there is {there}.", fix=fix)
