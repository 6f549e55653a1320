"""One model at one price on one day: everything about it that decisions need, looked up once."""

from dataclasses import replace
from datetime import date

from msgspec import Struct

from rockbottom.cache import Behaviour, behaviour_of
from rockbottom.catalog import CacheRules, Catalog, ModelId, NoPriceInForce, Tier
from rockbottom.plan.insurance import keeps_prefix_alive
from rockbottom.plan.prices import Multiples, multiples_of
from rockbottom.plan.worth import NEVER, RelativePrices
from rockbottom.prompt import Api, Parameters, seeds_of
from rockbottom.quantities import Ttl

_SEEDS_KEPT = 256


class Conditions(Struct):
    """Rules and prices of one model, scope, tier and day."""

    model: ModelId
    rules: CacheRules
    multiples: Multiples | None
    rates: RelativePrices
    account: tuple[str, ...]
    secret: str
    behaviour: Behaviour
    seeds: dict[tuple[Parameters, Api, str], tuple[bytes, bytes, bytes]]
    insurable: frozenset[Api] = frozenset()  # where a one-hour tail was found to keep what lies below it

    @property
    def usual(self) -> Ttl:
        """The lifetime of a point that names none."""
        return self.rules.ttls[0] if self.rules.ttls else Ttl.FIVE_MINUTES

    def seeds_for(self, parameters: Parameters, api: Api, host: str = "") -> tuple[bytes, bytes, bytes]:
        """The seeds of the prefix hashes, keyed by the planner's secret; ``host`` is empty for bedrock-runtime."""
        known = self.seeds.get((parameters, api, host))
        if known is None:
            if len(self.seeds) >= _SEEDS_KEPT:
                self.seeds.clear()
            surface = api.value if self.behaviour.api_in_key == "yes" else ""
            names = (self.secret, self.model.model.id, self.model.region or "", surface)
            if host and self.behaviour.host_in_key == "yes":
                names = (*names, f"host={host}")
            if parameters.cache_key and self.behaviour.cache_key_in_key == "yes":
                names = (*names, f"key={parameters.cache_key}")
            if self.rules.tool_choice_in_key:
                names = (*names, f"choice={parameters.tool_choice}")
            known = seeds_of(names, parameters, self.behaviour.thinking_scope)
            self.seeds[parameters, api, host] = known
        return known


def conditions_of(
    catalog: Catalog, model: ModelId, tier: Tier, on: date, secret: str, chosen: Behaviour | None
) -> Conditions:
    """The conditions of a model; ``multiples`` is None where a price is missing. Raises NoRulesInForce.

    Without a ``chosen`` behaviour it is the catalogue's, with what was measured for the model on top.
    """
    rules = catalog.rules(model, on)
    behaviour = chosen or behaviour_of(catalog.switches_of(model, on))
    multiples = None
    if rules.explicit or rules.points_on:
        usual = rules.ttls[0] if rules.ttls else Ttl.FIVE_MINUTES
        try:
            multiples = multiples_of(model, tier, on, catalog.price_book, usual)
        except NoPriceInForce:
            multiples = None
    rates = RelativePrices(0.1, NEVER, NEVER)
    if multiples is not None:
        hour = multiples.write_1h if Ttl.ONE_HOUR in rules.ttls else None
        rates = RelativePrices(float(multiples.read), float(multiples.write_5m), NEVER if hour is None else float(hour))
        multiples = replace(multiples, write_1h=hour)
    is_measured = chosen is not None or {"entry_lifetime", "ttl_in_key"} <= catalog.measured_switches(model, on).keys()
    insurable = frozenset(api for api in Api if is_measured and keeps_prefix_alive(behaviour.on(api), rates))
    account = (model.model.id, model.scope.value, model.region or "", tier.value)
    return Conditions(model, rules, multiples, rates, account, secret, behaviour, {}, insurable)
