"""The words around the numbers, the same on the screen and on the page: provenance, contested prices, the headline."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rockbottom.figures import change, share, usd, usd_exact

Json = Mapping[str, Any]

UNIT_WORDS = {
    "input": "input",
    "output": "output",
    "cache_read": "cache read",
    "cache_write_5m": "cache write (5 minutes)",
    "cache_write_30m": "cache write (30 minutes)",
    "cache_write_1h": "cache write (1 hour)",
}


def where(document: Json) -> str:
    """Where it ran."""
    provenance = document["provenance"]
    if provenance["endpoint"] == "aws":
        return f"AWS {provenance['region']}"
    return "local endpoint"


def counting(document: Json, model: Json) -> str:
    """How tokens were counted."""
    if document["provenance"]["tokens"] == "counted":
        return "tokens counted by the service"
    return f"tokens estimated ±{share(Decimal(str(model['token_error'] or 0)))}"


def timing(document: Json) -> str:
    """What the times are."""
    if document["provenance"]["latency"] == "measured":
        return "times measured on this machine or by the service"
    return "times are the local endpoint's and say nothing of AWS"


def traffic(document: Json) -> str:
    """What a month is."""
    workload = document["workload"]
    per_day, days = workload["conversations_per_day"], workload["days"]
    return f"{per_day:,} conversations a day for {days} days"


def month_formed() -> str:
    """How a month is formed, in one short line."""
    return "a month: passes from an empty cache; rockbottom estimate weighs arrivals"


def month_formed_in_full() -> str:
    """How a month is formed, and what that leaves out."""
    return (
        "each pass starts with an empty cache and runs its conversations one after the other; a month is that pass "
        "times the traffic. So no conversation of a later pass reads what an earlier one wrote; rockbottom estimate "
        "weighs arrivals against lifetimes"
    )


def repeats(document: Json) -> str:
    """Which of the repeats is shown; where a run stopped early, of how many finished ones."""
    asked = document["provenance"]["repeats"]
    finished = document["provenance"].get("repeats_finished")
    if not finished or finished["least"] == finished["most"] == asked:
        return f"the middle one of {asked:,} repeats"
    least, most = finished["least"], finished["most"]
    if not most:
        return f"none of {asked:,} repeats finished"
    return f"the middle one of {most if least == most else f'{least} to {most}'} finished of {asked:,} repeats"


def simulated(document: Json) -> bool:
    """Whether the local endpoint answered, so that nothing was measured on AWS."""
    return document["provenance"]["endpoint"] != "aws"


def least_of(document: Json) -> str:
    """What the least bill is the least of."""
    return "the least of the lanes run, simulated locally" if simulated(document) else "the least measured"


def priced(document: Json) -> str:
    """Which prices."""
    days = sorted({row["checked_on"] for row in document["provenance"]["prices"]})
    if not days:
        return "no prices used"
    return f"prices checked {days[0]}" if len(days) == 1 else f"prices checked {days[0]} to {days[-1]}"


def outputs(document: Json) -> str:
    """How lanes are made comparable."""
    return "outputs held equal"


def contested(document: Json) -> list[str]:
    """One sentence for each source that gives prices differently, with what it would make of the lanes.

    Models of which a source says the same, with the same effect, share a sentence.
    """
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in document["contested"]:
        prices = [f"{UNIT_WORDS[price['unit']]} {price['note'] or _there(price)}" for price in one["prices"]]
        effects = [f"{lane['lane']} {change(Decimal(lane['saved']))}" for lane in one["lanes"]]
        says = f"{'; '.join(prices)}, says {one['source']}"
        grouped.setdefault((says, ", ".join(effects)), []).append(one["model"])
    return [
        f"{', '.join(models)}: {says}" + (f". That would make {effects}" if effects else "")
        for (says, effects), models in grouped.items()
    ]


def contested_rules(model: Json) -> list[str]:
    """One sentence for each cache rule that sources state differently and that this bench touches."""
    spoken = {"minimum_tokens": "minimum prefix", "maximum_cacheable_tokens": "most tokens cached"}
    return [
        f"{spoken[rule['field']]}: {rule['value']} by {rule['source']} ({rule['note']})"
        for rule in model["contested_rules"]
        if rule["field"] in spoken
    ]


def headline(document: Json, model: Json) -> str:
    """One sentence with three numbers: the bill, the least bill of the lanes, and the saving."""
    done = "run" if simulated(document) else "measured"
    lanes = {lane["name"]: lane for lane in model["lanes"]}
    base, best = lanes.get("baseline"), lanes.get(model["best"] or "")
    if not base or not base["cost"] or not best or not best["cost"]:
        return f"{document['workload']['name']} on {model['name']} was not finished, so there is no bill to compare."
    bill = Decimal(base["cost"]["month"])
    if best is base:
        return (
            f"{document['workload']['name']} on {model['name']} costs ${month(bill)} a month, "
            f"and no lane {done} makes it cheaper."
        )
    least = Decimal(best["cost"]["month"])
    return (
        f"{document['workload']['name']} on {model['name']} costs ${month(bill)} a month without caching. "
        f"The least of the lanes {done} is ${month(least)}, by {best['name']}: "
        f"{share(Decimal(best['saved']))} less{_waiting(best)}."
    )


def _waiting(lane: Json) -> str:
    """What a tier asks for its price."""
    asks = {"batch": ", for answers within a day and not at once", "flex": ", for answers that may wait"}
    return asks.get(lane["tier"], "")


def combined(document: Json) -> str | None:
    """The dearest model uncached against the cheapest cached lane."""
    found = document["combined"]
    if not found:
        return None
    return (
        f"{found['from_model']} uncached ${month(Decimal(found['from_cost']['month']))} a month → "
        f"{found['to_model']} {found['to_lane']} ${month(Decimal(found['to_cost']['month']))}: "
        f"{share(Decimal(found['saved']))} less, if its answers are good enough"
    )


def month(value: Decimal) -> str:
    """A monthly bill: cents, or more figures below a dollar."""
    return usd(value, 2) if value >= 1 else usd(value)


def _there(price: Json) -> str:
    return f"${usd_exact(Decimal(price['usd_per_mtok']))} a million tokens"
