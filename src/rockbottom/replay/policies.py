"""Recorded traffic run through policies: tokens and bill of each, at the prices of one model, tier and day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rockbottom.cache import Behaviour
from rockbottom.catalog import CacheRules, Tier
from rockbottom.cost import Cost
from rockbottom.quantities import NO_USAGE, Usage, Usd
from rockbottom.replay.kernel import Outcomes, outcomes
from rockbottom.replay.nodes import Nodes, nodes_of
from rockbottom.replay.points import FIXED, Place, PlacedPoints, taken
from rockbottom.replay.pricing import Bands, cost_of, usages_of
from rockbottom.replay.rates import Rates
from rockbottom.trace import Array, Trace


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A trace of one model made ready: its prefixes numbered, the rules and the prices that hold for it.

    ``rates`` are those of its first requests; ``bands`` has those of each. ``merged`` numbers the prefixes as whoever
    sends them sees them, who does not know which Region will serve.
    """

    trace: Trace
    nodes: Nodes
    rules: CacheRules
    behaviour: Behaviour
    rates: Rates
    bands: Bands
    merged: Nodes
    delays: Array | None = None

    @classmethod
    def of(
        cls,
        trace: Trace,
        rules: CacheRules,
        behaviour: Behaviour,
        rates: Rates,
        namespaces: Array | None = None,
        delays: Array | None = None,
        bands: Bands | None = None,
        merged: Array | None = None,
    ) -> "Stage":
        """The stage; ``namespaces`` are a code per request (none: all share their entries), ``merged`` the same without
        serving Regions.

        ``bands`` None: all requests have these rates.
        """
        nodes, bands = nodes_of(trace, namespaces), bands or Bands.of(trace, [rates])
        as_seen = nodes if _same(namespaces, merged) else nodes_of(trace, merged)
        return cls(trace, nodes, rules, behaviour, rates, bands, as_seen, delays)


def _same(namespaces: Array | None, merged: Array | None) -> bool:
    return namespaces is None or (merged is not None and bool((namespaces == merged).all()))


@dataclass(frozen=True, slots=True, eq=False)
class PolicyBill:
    """What one policy costs. Outputs are held fixed: they are in ``cost`` and the same for every policy.

    ``points`` are those of a policy that learns.
    """

    policy: str
    usage: Usage
    cost: Cost
    outcomes: Outcomes | None = None
    points: PlacedPoints | None = None

    def __add__(self, other: "PolicyBill") -> "PolicyBill":
        return PolicyBill(self.policy, self.usage + other.usage, self.cost + other.cost)


def bill_of(stage: Stage, policy: str, place: Place) -> PolicyBill:
    """The bill of one policy that places points by a request's own shape. Raises NoPriceInForce."""
    return bill_of_outcomes(stage, policy, run(stage, place))


def run(stage: Stage, place: Place) -> Outcomes:
    """What every request reads and writes under one policy."""
    points = place(stage.trace, stage.rules)
    if place is not FIXED["none"]:
        points = taken(points, stage.trace, stage.rules)
    return outcomes(stage.trace, stage.nodes, points, stage.rules, stage.behaviour, stage.delays)


def bill_of_outcomes(stage: Stage, policy: str, known_outcomes: Outcomes) -> PolicyBill:
    """The bill of outcomes already worked out."""
    usages = usages_of(stage.trace, known_outcomes, stage.bands)
    return PolicyBill(policy, sum(usages.values(), NO_USAGE), cost_of(usages), known_outcomes)


def batch_bill(stage: Stage) -> PolicyBill:
    """The bill at batch prices, where nothing is cached (AWS: caching is not supported with batch)."""
    batch = replace(stage, bands=stage.bands.priced_by(lambda rates: replace(rates, tier=Tier.BATCH)))
    return bill_of(batch, "batch", FIXED["none"])


def relative_cost(cost: Cost, base: Cost) -> Decimal | None:
    """The input bill as a share of the input bill without caching; None where that is nothing."""
    return cost.input_usd / base.input_usd if base.input_usd else None


def captured(cost: Usd, base: Usd, least: Usd) -> Decimal | None:
    """The share of the greatest possible saving that was made; None where nothing can be saved."""
    return (base - cost) / (base - least) if base != least else None


def bills(stage: Stage, policies: Sequence[str]) -> Mapping[str, PolicyBill]:
    """The bills of fixed policies by name."""
    return {name: bill_of(stage, name, FIXED[name]) for name in policies}
