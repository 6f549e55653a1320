"""What a replay takes for granted, in words."""

from collections.abc import Sequence
from datetime import date

from rockbottom.quantities import WRITES
from rockbottom.replay.rates import assumed_prices
from rockbottom.replay.tallies import ModelTally


def free_writes(models: Sequence[ModelTally]) -> Sequence[str]:
    """Names of the models whose writes cost nothing at the prices in force, where some policy writes."""
    names = {
        model.model.model.name: None for model in models for bill in model.bills.values() for line in bill.cost.lines
        if line.unit in WRITES.values() and not line.price.usd_per_mtok
    }  # fmt: skip
    return list(names)


def _reached_in_ways(models: Sequence[ModelTally]) -> Sequence[str]:
    """Models that were reached by several scopes, with these."""
    scopes: dict[str, list[str]] = {}
    for entry in models:
        scopes.setdefault(entry.model.model.name, []).append(entry.model.scope.value)
    return [f"the scopes of {name} ({', '.join(ways)})" for name, ways in scopes.items() if len(ways) > 1]


def assumptions_of(models: Sequence[ModelTally], on: date) -> list[str]:
    """What the answer takes for granted, and what of the traffic it took otherwise than it came; ``on``: today."""
    assumptions = ["outputs held fixed", "entries readable at once, never evicted before their TTL"]
    if free := free_writes(models):
        models_named = ", ".join(free)
        assumptions.append(f"cache writes of {models_named} cost nothing by the price list; other sources contest that")
    if assumed := sum(model.assumed for model in models):
        assumptions.append(assumed_prices(assumed, on))
    if any(model.of_counters for model in models):
        assumptions.append(
            "what repeats is inferred from counters: a session's prompt begins with the one whose entry it reads, or "
            "with the one before where sessions are only added to"
        )
    if any(model.by_counters for model in models):
        assumptions.append("the service's own point does not look back to earlier messages: the counters show it")
    if ways := _reached_in_ways(models):
        assumptions.append(
            f"{' and '.join(ways)} share no entries, as they are priced apart; explain lets requests that one Region "
            "serves share them"
        )
    if any(model.of_slices for model in models):
        assumptions.append(
            "slices of a fixed size stand for content blocks: points at slice ends, lookback never binds"
        )
    if any(model.lacks_outputs for model in models):
        assumptions.append("outputs that were not recorded are priced as none")
    if all(model.reconciliation is not None for model in models):
        assumptions.append("the service's own token counts, shared out over the blocks by estimate")
    return assumptions
