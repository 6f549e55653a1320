"""The words around the numbers, the same on the screen and on the page: provenance, contested prices, the headline."""

from decimal import Decimal

from rockbottom.catalog import Tier
from rockbottom.documents import BenchLane, BenchModel, BenchResults, ContestedPrice
from rockbottom.figures import Cell, change, counted, share, usd, usd_exact
from rockbottom.quantities import WRITES, Unit

_ATTACHED = "auto"


def is_attached(lane: str) -> bool:
    """Whether a lane is the planner's, whatever the API."""
    return lane.partition("@")[0] == _ATTACHED


UNIT_WORDS = {
    Unit.INPUT: "input",
    Unit.OUTPUT: "output",
    Unit.CACHE_READ: "cache read",
    **{unit: f"cache write ({ttl.words})" for ttl, unit in WRITES.items()},
}


def where(document: BenchResults) -> str:
    return "local endpoint" if document.provenance.simulated else f"AWS {document.provenance.region}"


def counting(document: BenchResults, model: BenchModel) -> str:
    """How tokens were counted."""
    if document.provenance.tokens == "counted":
        return "tokens counted by the service"
    return f"tokens estimated ±{share(Decimal(str(model.token_error or 0)))}"


def timing(document: BenchResults) -> str:
    """Whether the times of requests were recorded or assumed."""
    if document.provenance.latency == "measured":
        return "times measured on this machine or by the service"
    return "times are the local endpoint's and say nothing of AWS"


def traffic(document: BenchResults) -> str:
    """What a month is."""
    workload = document.workload
    talks = counted(workload.conversations_per_day, "conversation")
    return f"{talks} a day for {workload.days} days"


def month_formed() -> str:
    """How a month is formed, in one short line."""
    return "a month: this run, begun with an empty cache, times the traffic; rockbottom estimate counts with arrivals"


def month_formed_in_full() -> str:
    """How a month is formed, and what that leaves out."""
    return (
        "each pass starts with an empty cache and runs its conversations one after the other; a month is that pass "
        "times the traffic. So no conversation of a later pass reads what an earlier one wrote; rockbottom estimate "
        "counts with arrivals and lifetimes"
    )


def repeats(document: BenchResults) -> str:
    """Which of the repeats is shown; where a run stopped early, of how many finished ones."""
    planned, finished = document.provenance.repeats, document.provenance.repeats_finished
    least, most = finished.least, finished.most
    if least == most == planned:
        return f"the middle one of {planned:,} repeats"
    if not most:
        return f"none of {planned:,} repeats finished"
    return f"the middle one of {most if least == most else f'{least} to {most}'} finished of {planned:,} repeats"


def priced(document: BenchResults) -> str:
    days = sorted({row.checked_on for row in document.provenance.prices})
    if not days:
        return "no prices used"
    return f"prices checked {days[0]}" if len(days) == 1 else f"prices checked {days[0]} to {days[-1]}"


def outputs(document: BenchResults) -> str:
    """How lanes are made comparable."""
    return "outputs held equal"


def contested(document: BenchResults, model: BenchModel | None = None) -> list[str]:
    """One sentence for each source that gives prices differently, with what it would make of the lanes.

    Of every model, or of one. Models of which a source says the same, with the same effect, share a sentence.
    """
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in document.contested:
        if model is None or row.model == model.name:
            prices = [f"{UNIT_WORDS[price.unit]} {price.note or _there(price)}" for price in row.prices]
            effects = [f"{lane.lane} {change(lane.saved)}" for lane in row.lanes]
            says = f"{'; '.join(prices)}, says {row.source}"
            grouped.setdefault((says, ", ".join(effects)), []).append(row.model)
    return [
        f"{', '.join(models)}: {says}" + (f". That would make {effects}" if effects else "")
        for (says, effects), models in grouped.items()
    ]


def contested_in_short(document: BenchResults) -> str:
    """How many contested prices there are, and how far they could move the saving of the planner or the best lane."""
    if not document.contested:
        return ""
    models = {model.name: model for model in document.models}
    moved: list[Decimal] = []
    for row in document.contested:
        model = models.get(row.model)
        lanes = [lane.name for lane in model.lanes if lane.cost] if model else []
        shown = next(filter(is_attached, lanes), model.best if model else None)
        moved += [lane.saved for lane in row.lanes if lane.lane == shown]
    families = " and ".join(dict.fromkeys(row.model.split()[0] for row in document.contested))
    number = len({(row.source, tuple(price.unit for price in row.prices)) for row in document.contested})
    sentence = f"{counted(number, 'contested price')} could move {families}'s figures"
    ends = dict.fromkeys((change(min(moved)), change(max(moved)))) if moved else ()
    return f"{sentence} to {' .. '.join(ends)} (--sources)." if ends else f"{sentence} (--sources)."


def contested_rules(model: BenchModel) -> list[str]:
    """One sentence for each cache rule that sources state differently and that this bench touches."""
    spoken = {"minimum_tokens": "minimum prefix", "maximum_cacheable_tokens": "most tokens cached"}
    return [
        f"{spoken[rule.field]}: {rule.value} by {rule.source} ({rule.note})"
        for rule in model.contested_rules
        if rule.field in spoken
    ]


def asked_by(lane: BenchLane) -> str:
    """What a tier asks for its price."""
    asks = {Tier.BATCH: ", for answers within a day and not at once", Tier.FLEX: ", for answers that may wait"}
    return asks.get(lane.tier, "")


def month(value: Decimal) -> str:
    """A monthly bill: cents, or more figures below a dollar."""
    return usd(value, 2) if value >= 1 else usd(value)


def _there(price: ContestedPrice) -> str:
    return f"${usd_exact(price.usd_per_mtok)} a million tokens"


def saved_cell(saved: Decimal | None) -> Cell:
    """How much cheaper something is, a share, coloured; empty where that is not known."""
    if saved is None:
        return Cell("")
    return Cell(change(saved), "good" if saved > 0 else "bad" if saved < 0 else "dim")
