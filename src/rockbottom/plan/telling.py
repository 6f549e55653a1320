"""A decision as a plan: the points with their purpose, what is read and written, the expected saving in terms."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from rockbottom.plan.choice import Extent, Hit, Zone
from rockbottom.plan.conditions import Conditions
from rockbottom.plan.insurance import Insured
from rockbottom.plan.plans import CachePlan, PlannedPoint, Term
from rockbottom.plan.returns import Chance
from rockbottom.plan.values import Value
from rockbottom.prompt import Placement, PrefixHash, Prompt
from rockbottom.quantities import Ttl


class Decided(Struct, frozen=True):
    """What was decided about a prompt, and on which grounds."""

    prompt: Prompt
    conditions: Conditions
    extent: Extent
    hit: Hit
    zones: Sequence[Zone]
    worth: Mapping[int, Value]
    insured: Insured | None
    key: PrefixHash
    held_back: bool = False


def plan_of_decision(decided: Decided, placements: tuple[Placement, ...], why: str) -> CachePlan:
    """The plan that puts these points."""
    multiples = decided.conditions.multiples
    assert multiples is not None
    depths, segments, default = decided.prompt.depths, decided.prompt.segments, decided.conditions.rules.ttls[0]
    points = tuple(
        PlannedPoint(
            decided.prompt.place(segments[p.after - 1]),
            depths[p.after],
            (p.ttl or default).value,
            _purpose(decided, p.after),
            *_known(decided.worth.get(p.after)),
        )
        for p in placements
    )
    read = depths[decided.hit.deepest]
    upto_hour = depths[max((p.after for p in placements if p.ttl is Ttl.ONE_HOUR), default=0)]
    last = depths[max((p.after for p in placements), default=0)]
    terms = tuple(_term(decided, zone) for zone in decided.zones if zone.end <= decided.extent.last)
    tail = decided.insured
    if tail is not None:
        terms += (Term(tail.tokens, "1h by its tail", tail.each, tail.chance, tail.saved, tail.extra),)
    saving = round(float(read * (1 - multiples.read)) + sum(term.saving for term in terms))
    return CachePlan(
        decided.conditions.model.model.name,
        decided.prompt.tokens,
        placements,
        points,
        read,
        max(0, last - max(read, upto_hour)),
        max(0, upto_hour - read),
        saving,
        Decimal(saving) * multiples.input_usd_per_mtok / 1_000_000,
        why,
        1 - multiples.read,
        terms,
        held_back=decided.held_back,
        key=decided.key,
    )


def _purpose(decided: Decided, position: int) -> str:
    if position == decided.hit.deepest:
        return "reads what is there"
    if position == decided.extent.last:
        return "writes up to here" if decided.insured is None else "writes up to here, and keeps it all for an hour"
    return "ends a part that other requests may share"


def _known(value: Value | None) -> tuple[Chance | None, bool]:
    return (None, False) if value is None else (value.known, value.chance is None)


def _term(decided: Decided, zone: Zone) -> Term:
    """What writing a zone should save, taken apart."""
    hourly, rates = zone.end <= decided.extent.hour and decided.insured is None, decided.conditions.rates
    usual = decided.conditions.rules.ttls[0] if decided.conditions.rules.ttls else Ttl.FIVE_MINUTES
    ttl = Ttl.ONE_HOUR if hourly else usual
    each = -(zone.hour if hourly else zone.five)
    value = decided.worth.get(zone.end)
    if value is None or value.chance is None:
        return Term(zone.tokens, ttl.value, each)
    chance = value.chance.total if hourly else value.chance.quick
    extra, caution = (rates.hour - 1, value.caution_hour) if hourly else (rates.five - 1, value.caution_five)
    worth = (each + extra + caution) / chance if chance else 0.0
    return Term(zone.tokens, ttl.value, each, chance, worth, extra, caution)
