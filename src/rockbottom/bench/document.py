"""The results of a run as one JSON document, documented in docs/reference/workload.md.

Money is text (exact decimal US dollars), tokens are integers, times are milliseconds. ``report`` draws from this
document alone, so a report can be made again from the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from rockbottom.bench.lanes import LANES
from rockbottom.bench.notebook import Measured, Notebook
from rockbottom.bench.results import (
    LaneResult,
    ModelResult,
    PassResult,
    TurnResult,
    bill_again,
    results_of,
    spread,
)
from rockbottom.bench.schedule import Schedule
from rockbottom.catalog import Price, Tier
from rockbottom.quantities import Unit, Usage, Usd

SCHEMA = "rockbottom.bench/1"
Json = dict[str, Any]
_WITHOUT_REPEATS = ("not_offered", "refused")
_WITHOUT_TIMES = tuple(lane.name for lane in LANES.values() if lane.tier is Tier.BATCH)  # no reply of its own to time
_CACHE_UNITS = (Unit.CACHE_READ, Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_30M, Unit.CACHE_WRITE_1H)


def document_of(plan: Schedule, notebook: Notebook, *, counted: bool, simulated_latency: bool) -> Json:
    """The document of a run, finished or not.

    ``counted`` says that the service counted the tokens; ``simulated_latency`` that times are the local endpoint's.
    """
    models = results_of(plan, notebook, counted=counted)
    traffic = plan.workload.traffic
    return {
        "schema": SCHEMA,
        "workload": {
            "name": plan.workload.name,
            "about": plan.workload.about,
            "file": Path(plan.workload.file).name,
            "digest": plan.workload.digest,
            "api": plan.workload.api,
            "stream": plan.workload.stream,
            "conversations": len(plan.workload.conversations),
            "turns": plan.workload.turns,
            "seconds_between_turns": plan.workload.seconds_between_turns,
            "conversations_per_day": traffic.conversations_per_day,
            "days": traffic.days,
        },
        "provenance": _provenance(plan, notebook, models, counted, simulated_latency),
        "models": [_model(plan, model, counted) for model in models],
        "combined": _combined(plan, models),
        "contested": [line for model in models for line in _contested(plan, model)],
        "folder": str(notebook.folder) if notebook.folder else None,
    }


def write_document(document: Json, path: Path) -> None:
    """Write a document to a file, indented."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def passed(document: Json) -> bool:
    """Whether every verdict of every lane passed, every lane that was offered ran, and a model is over the bar."""
    graded = document.get("grading") or {}
    if graded.get("verdict") and graded["verdict"]["cheapest"] is None:
        return False
    lanes = [lane for model in document["models"] for lane in model["lanes"]]
    return all(
        lane["status"] in ("ran", "not_offered") and all(verdict["passed"] for verdict in lane["verdicts"])
        for lane in lanes
    )


def _provenance(
    plan: Schedule, notebook: Notebook, models: Sequence[ModelResult], counted: bool, simulated_latency: bool
) -> Json:
    settings = notebook.settings
    ats = sorted(turn.at for turn in notebook.turns)
    return {
        "endpoint": settings.endpoint,
        "region": settings.region,
        "started_at": settings.started_at,
        "first_turn_at": ats[0] if ats else None,
        "last_turn_at": ats[-1] if ats else None,
        "tokens": "counted" if counted else "estimated",
        "latency": "local" if simulated_latency else "measured",
        "outputs": "equal",
        "repeats": plan.repeats,
        "repeats_finished": _finished(models),
        "priced_on": plan.on.isoformat(),
        "prices": [_price(price) for price in _prices(models)],
        "note": settings.note,
    }


def _finished(models: Sequence[ModelResult]) -> Json:
    """How many repeats the lanes finished: of a run that stopped early, a lane may have one more than the next."""
    counts = [len(lane.whole) for model in models for lane in model.lanes if lane.status not in _WITHOUT_REPEATS]
    return {"least": min(counts, default=0), "most": max(counts, default=0)}


def _prices(models: Iterable[ModelResult]) -> list[Price]:
    found: dict[Price, None] = {}
    for model in models:
        for lane in model.lanes:
            for one in lane.passes:
                for line in one.equal_cost.lines:
                    found[line.price] = None
    return list(found)


def _price(price: Price) -> Json:
    return {
        "model": price.model,
        "scope": price.scope.value,
        "tier": price.tier.value,
        "unit": price.unit.value,
        "usd_per_mtok": str(price.usd_per_mtok),
        "valid_from": price.valid_from.isoformat(),
        "checked_on": price.source.checked_on.isoformat(),
        "source": price.source.title,
        "url": price.source.url,
        "place": price.place,
    }


def _model(plan: Schedule, model: ModelResult, counted: bool) -> Json:
    subject = model.baseline.row.subject
    rules = subject.rules
    best = model.best
    prefixes = [lane.prefix_tokens for lane in model.lanes if lane.row.lane.caches and lane.prefix_tokens]
    return {
        "id": subject.given,
        "name": subject.model.model.name,
        "scope": subject.model.scope.value,
        "minimum_tokens": rules.minimum_tokens,
        "prefix_tokens": prefixes[0] if prefixes else model.baseline.prefix_tokens,
        "token_error": None if counted else float(subject.meter.weights.error),
        "contested_rules": [
            {"field": rule.field, "value": rule.value, "note": rule.note, "source": rule.source.title}
            for rule in rules.contested
        ],
        "best": best.row.lane.name if best else None,
        "lanes": [_lane(plan, model, lane) for lane in model.lanes],
    }


def _lane(plan: Schedule, model: ModelResult, lane: LaneResult) -> Json:
    found: Json = {
        "name": lane.row.lane.name,
        "about": lane.row.lane.about,
        "tier": lane.row.lane.tier.value,
        "scope": lane.row.model.scope.value,
        "status": lane.status,
        "why": lane.why,
        "prefix_tokens": lane.prefix_tokens,
        "verdicts": [
            {"name": one.name, "passed": one.passed, "says": one.says, "caution": one.caution} for one in lane.verdicts
        ],
        "turns": [],
        "usage": None,
        "cost": None,
        "measured_cost": None,
        "saved": None,
        "repeats": _repeats(lane),
    }
    if lane.shown is None:
        turns = lane.passes[0].turns if lane.passes else ()
        return found | {"turns": [_turn(turn, model) for turn in turns]}
    saved = model.saved(lane)
    return found | {
        "turns": [_turn(turn, model) for turn in lane.shown.turns],
        "usage": _usage(lane.shown.usage, lane.shown.equal_cost.usage.output),
        "cost": _cost(plan, lane.shown.equal_cost.usd),
        "measured_cost": _cost(plan, lane.shown.cost.usd),
        "items": [
            {"unit": line.unit.value, "tokens": line.tokens, "usd": str(line.usd), "place": line.price.place}
            for line in lane.shown.equal_cost.lines
        ],
        "saved": None if saved is None else str(saved),
    }


def _usage(usage: Usage, equal_output: int) -> Json:
    return {
        "input": usage.input,
        "read": usage.cache_read,
        "write": usage.cache_write,
        "write_1h": usage.cache_write_1h,
        "output": equal_output,
        "measured_output": usage.output,
    }


def _turn(turn: TurnResult, model: ModelResult) -> Json:
    measured = turn.measured
    base = _baseline_turn(model, turn)
    saved = None if base is None or not base.equal_cost.usd else 1 - turn.equal_cost.usd / base.equal_cost.usd
    caches = measured.points > 0
    waits = measured.key.lane in _WITHOUT_TIMES
    return {
        "conversation": measured.conversation + 1,
        "turn": measured.turn + 1,
        "label": measured.label,
        **_usage(measured.usage, turn.equal.output),
        "usd": str(turn.equal_cost.usd),
        "measured_usd": str(turn.cost.usd),
        "saved": None if saved is None else str(saved),
        "cache": ("hit" if measured.usage.cache_read else "miss") if caches else "",
        "latency_ms": None if waits else _latency(measured),
        "elapsed_ms": None if waits else measured.elapsed_ms,
        "first_ms": measured.first_ms,
        "at": measured.at,
    }


def _latency(turn: Measured) -> float:
    """The service's own figure where it gives one, else what was waited here."""
    return turn.elapsed_ms if turn.latency_ms is None else turn.latency_ms


def _baseline_turn(model: ModelResult, turn: TurnResult) -> TurnResult | None:
    shown: PassResult | None = model.baseline.shown
    if shown is None:
        return None
    place = (turn.measured.conversation, turn.measured.turn)
    return next((one for one in shown.turns if (one.measured.conversation, one.measured.turn) == place), None)


def _cost(plan: Schedule, usd: Decimal) -> Json:
    conversations, turns = len(plan.workload.conversations), plan.workload.turns
    conversation = usd / conversations
    day = conversation * plan.workload.traffic.conversations_per_day
    return {
        "run": str(usd),
        "request": str(usd / turns),
        "conversation": str(conversation),
        "requests_1000": str(usd / turns * 1000),
        "day": str(day),
        "month": str(day * plan.workload.traffic.days),
    }


def _repeats(lane: LaneResult) -> Json | None:
    if len(lane.whole) < 2:
        return None
    turns = [turn.measured for one in lane.whole for turn in one.turns]
    return {
        "passes": len(lane.whole),
        "usd": _spread_of_dollars([one.equal_cost.usd for one in lane.whole]),
        "latency_ms": _spread([] if lane.row.lane.name in _WITHOUT_TIMES else [_latency(turn) for turn in turns]),
        "first_ms": _spread([turn.first_ms for turn in turns if turn.first_ms is not None]),
        "read": _spread([one.usage.cache_read for one in lane.whole]),
        "write": _spread([one.usage.cache_write for one in lane.whole]),
    }


def _spread(values: Sequence[float]) -> Json | None:
    found = spread(values)
    return {"median": found[0], "least": found[1], "most": found[2]} if found else None


def _spread_of_dollars(values: Sequence[Usd]) -> Json | None:
    found = (median(values), min(values), max(values)) if values else None
    return {"median": str(found[0]), "least": str(found[1]), "most": str(found[2])} if found else None


def _combined(plan: Schedule, models: Sequence[ModelResult]) -> Json | None:
    """The dearest model uncached against the cheapest lane that caches; None with fewer than two models."""
    bases = [model for model in models if model.baseline.usd]
    cached = [(lane, model) for model in bases for lane in model.lanes if lane.row.lane.caches and lane.usd is not None]
    if len(bases) < 2 or not cached:
        return None
    dearest = max(bases, key=lambda model: model.baseline.usd or Decimal(0))
    lane, cheapest = min(cached, key=lambda pair: pair[0].usd or Decimal(0))
    from_usd, to_usd = dearest.baseline.usd or Decimal(0), lane.usd or Decimal(0)
    return {
        "from_model": dearest.baseline.row.subject.model.model.name,
        "to_model": cheapest.baseline.row.subject.model.model.name,
        "to_lane": lane.row.lane.name,
        "from_cost": _cost(plan, from_usd),
        "to_cost": _cost(plan, to_usd),
        "saved": str(1 - to_usd / from_usd),
    }


def _contested(plan: Schedule, model: ModelResult) -> list[Json]:
    """What each contested price of this model would make of its lanes."""
    subject = model.baseline.row.subject
    rows = plan.book.contested(subject.model.model.id, subject.model.scope, on=plan.on)
    used = {price.unit for price in _prices([model])}
    sources: dict[str, list[Price]] = {}
    for row in rows:
        if row.unit in _CACHE_UNITS and row.unit in used:
            sources.setdefault(row.source.key, []).append(row)
    return [_if_so(plan, model, key, prices) for key, prices in sources.items()]


def _if_so(plan: Schedule, model: ModelResult, key: str, prices: Sequence[Price]) -> Json:
    subject = model.baseline.row.subject
    other = replace(plan, book=plan.book.preferring(key))
    lanes: list[Mapping[str, Any]] = []
    for lane in model.lanes:
        usd, base = bill_again(other, lane), bill_again(other, model.baseline)
        if usd is not None and base and lane.row.lane.caches:
            lanes.append({"lane": lane.row.lane.name, "cost": _cost(plan, usd), "saved": str(1 - usd / base)})
    return {
        "model": subject.model.model.name,
        "source": prices[0].source.title,
        "url": prices[0].source.url,
        "prices": [
            {"unit": price.unit.value, "usd_per_mtok": str(price.usd_per_mtok), "note": price.note} for price in prices
        ],
        "in_force": [
            {"unit": price.unit.value, "usd_per_mtok": str(price.usd_per_mtok), "source": price.source.title}
            for price in _prices([model])
            if price.unit in {row.unit for row in prices}
        ],
        "lanes": lanes,
    }
