"""The results of a run as one JSON document, documented in docs/reference/workload.md.

``rendering`` draws from this document alone, so a report can be made again from the file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median

from rockbottom.advise import CHARACTERS_PER_TOKEN, Lines, costs_of
from rockbottom.bench.lanes import LANES
from rockbottom.bench.notebook import Measured, Notebook
from rockbottom.bench.results import (
    LaneResult,
    ModelResult,
    PassResult,
    TurnResult,
    bill_again,
    results_of,
)
from rockbottom.bench.schedule import Schedule
from rockbottom.bench.workload import Workload
from rockbottom.catalog import Price, Tier
from rockbottom.documents import (
    SCHEMA,
    BenchLane,
    BenchModel,
    BenchResults,
    BenchTurn,
    Combined,
    ContestedLane,
    ContestedPrice,
    ContestedPrices,
    ContestedRuleRow,
    Costs,
    CostSpread,
    Finished,
    LineItem,
    PriceInForce,
    PriceRow,
    Provenance,
    Repeats,
    Spread,
    TokenCounts,
    WorkloadRun,
    results_json,
)
from rockbottom.files import replacing
from rockbottom.quantities import WRITES, Unit, Usage, Usd

_WITHOUT_REPEATS = ("not_offered", "refused")
_WITHOUT_TIMES = tuple(lane.name for lane in LANES.values() if lane.tier is Tier.BATCH)  # no reply of its own to time
_CACHE_UNITS = (Unit.CACHE_READ, *WRITES.values())


def document_of(plan: Schedule, notebook: Notebook, *, counted: bool, simulated_latency: bool) -> BenchResults:
    """The document of a run, finished or not.

    ``counted`` says that the service counted the tokens; ``simulated_latency`` that times are the local endpoint's.
    """
    models = results_of(plan, notebook, counted=counted)
    return BenchResults(
        schema=SCHEMA,
        workload=_workload(plan),
        provenance=_provenance(plan, notebook, models, counted, simulated_latency),
        models=tuple(_model(plan, model, counted) for model in models),
        combined=_combined(plan, models),
        contested=tuple(line for model in models for line in _contested(plan, model)),
        folder=str(notebook.folder) if notebook.folder else None,
        beside=costs_of((*_guardrail(plan.workload, models), *plan.workload.beside)),
    )


def _guardrail(workload: Workload, models: Sequence[ModelResult]) -> Lines:
    """A month of the workload's guardrail, on the tokens that the first lane that ran was counted to send."""
    turns = next((walk.turns for model in models for lane in model.lanes for walk in lane.passes if walk.turns), None)
    if workload.guardrail is None or turns is None:
        return ()
    count = Decimal(len(turns))
    usages = [turn.equal for turn in turns]
    own = Decimal(sum(_own_characters(workload))) / CHARACTERS_PER_TOKEN / count
    whole, output = sum(usage.total_input for usage in usages) / count, sum(usage.output for usage in usages) / count
    month = Decimal(workload.traffic.conversations_per_day * workload.traffic.days)
    return workload.guardrail.lines(month * count / len(workload.conversations), whole, own, output)


def _own_characters(workload: Workload) -> Iterable[int]:
    """The characters of what the user says anew in each turn."""
    for conversation in workload.conversations:
        for turn in conversation.turns:
            for message in turn.messages:
                yield sum(len(str(block.get("text", ""))) for block in message["content"])


def write_document(document: BenchResults, path: Path) -> None:
    """Write a document to a file, indented."""
    with replacing(path) as beside:
        beside.write_bytes(results_json(document))


def _workload(plan: Schedule) -> WorkloadRun:
    workload = plan.workload
    return WorkloadRun(
        name=workload.name, about=workload.about, file=Path(workload.file).name, digest=workload.digest,
        api=workload.api, stream=workload.stream, conversations=len(workload.conversations), turns=workload.turns,
        seconds_between_turns=workload.seconds_between_turns,
        conversations_per_day=workload.traffic.conversations_per_day, days=workload.traffic.days,
    )  # fmt: skip


def _provenance(
    plan: Schedule, notebook: Notebook, models: Sequence[ModelResult], counted: bool, simulated_latency: bool
) -> Provenance:
    settings = notebook.settings
    ats = sorted(turn.at for turn in notebook.turns)
    return Provenance(
        endpoint=settings.endpoint,
        region=settings.region,
        started_at=settings.started_at,
        first_turn_at=ats[0] if ats else None,
        last_turn_at=ats[-1] if ats else None,
        tokens="counted" if counted else "estimated",
        latency="local" if simulated_latency else "measured",
        outputs="equal",
        repeats=plan.repeats,
        repeats_finished=_finished(models),
        priced_on=plan.on.isoformat(),
        prices=tuple(_price(price) for price in _prices(models)),
        note=settings.note,
    )


def _finished(models: Sequence[ModelResult]) -> Finished:
    counts = [len(lane.whole) for model in models for lane in model.lanes if lane.status not in _WITHOUT_REPEATS]
    return Finished(min(counts, default=0), max(counts, default=0))


def _prices(models: Iterable[ModelResult]) -> list[Price]:
    """The price rows of the bills, each once."""
    passes = (walk for model in models for lane in model.lanes for walk in lane.passes)
    return list({line.price: None for walk in passes for line in walk.equal_cost.lines})


def _price(price: Price) -> PriceRow:
    return PriceRow(
        model=price.model, scope=price.scope, tier=price.tier, unit=price.unit, usd_per_mtok=price.usd_per_mtok,
        valid_from=price.valid_from.isoformat(), checked_on=price.source.checked_on.isoformat(),
        source=price.source.title, url=price.source.url, place=price.place,
    )  # fmt: skip


def _model(plan: Schedule, model: ModelResult, counted: bool) -> BenchModel:
    subject = model.baseline.row.subject
    best = model.best
    prefixes = [lane.prefix_tokens for lane in model.lanes if lane.row.lane.caches and lane.prefix_tokens]
    return BenchModel(
        id=subject.given,
        name=subject.model.model.name,
        scope=subject.model.scope,
        minimum_tokens=subject.rules.minimum_tokens,
        prefix_tokens=prefixes[0] if prefixes else model.baseline.prefix_tokens,
        token_error=None if counted else float(subject.meter.weights.error),
        contested_rules=tuple(
            ContestedRuleRow(rule.field, rule.value, rule.note, rule.source.title) for rule in subject.rules.contested
        ),
        best=best.row.lane.name if best else None,
        lanes=tuple(_lane(plan, model, lane) for lane in model.lanes),
    )


def _lane(plan: Schedule, model: ModelResult, lane: LaneResult) -> BenchLane:
    shown = lane.shown
    walk = shown or (lane.passes[0] if lane.passes else None)
    return BenchLane(
        name=lane.row.lane.name,
        about=lane.row.lane.about,
        tier=lane.row.lane.tier,
        scope=lane.row.model.scope,
        status=lane.status,
        why=lane.why,
        prefix_tokens=lane.prefix_tokens,
        verdicts=lane.verdicts,
        turns=tuple(_turn(turn, model) for turn in walk.turns) if walk else (),
        usage=_usage(shown) if shown else None,
        cost=_cost(plan, shown.equal_cost.usd) if shown else None,
        measured_cost=_cost(plan, shown.cost.usd) if shown else None,
        saved=model.saved(lane),
        repeats=_repeats(lane),
        items=_items(shown) if shown else None,
    )


def _items(shown: PassResult) -> tuple[LineItem, ...]:
    return tuple(LineItem(line.unit, line.tokens, line.usd, line.price.place) for line in shown.equal_cost.lines)


def _usage(shown: PassResult) -> TokenCounts:
    usage = shown.usage
    return TokenCounts(
        input=usage.input, read=usage.cache_read, write=usage.cache_write, write_1h=usage.cache_write_1h,
        writes=_writes(usage), output=shown.equal_cost.usage.output, measured_output=usage.output,
    )  # fmt: skip


def _writes(usage: Usage) -> dict[str, int]:
    return {ttl.value: tokens for ttl, tokens in usage.writes().items() if tokens}


def _turn(turn: TurnResult, model: ModelResult) -> BenchTurn:
    measured, usage = turn.measured, turn.measured.usage
    base = _baseline_turn(model, turn)
    saved = None if base is None or not base.equal_cost.usd else 1 - turn.equal_cost.usd / base.equal_cost.usd
    waits = measured.key.lane in _WITHOUT_TIMES
    return BenchTurn(
        conversation=measured.conversation + 1,
        turn=measured.turn + 1,
        label=measured.label,
        input=usage.input,
        read=usage.cache_read,
        write=usage.cache_write,
        write_1h=usage.cache_write_1h,
        writes=_writes(usage),
        output=turn.equal.output,
        measured_output=usage.output,
        usd=turn.equal_cost.usd,
        measured_usd=turn.cost.usd,
        saved=saved,
        cache=("hit" if usage.cache_read else "miss") if measured.points > 0 else "",
        latency_ms=None if waits else _latency(measured),
        elapsed_ms=None if waits else measured.elapsed_ms,
        first_ms=measured.first_ms,
        at=measured.at,
    )


def _latency(turn: Measured) -> float:
    """The service's own figure where it gives one, else what was waited here."""
    return turn.elapsed_ms if turn.latency_ms is None else turn.latency_ms


def _baseline_turn(model: ModelResult, turn: TurnResult) -> TurnResult | None:
    shown: PassResult | None = model.baseline.shown
    if shown is None:
        return None
    place = (turn.measured.conversation, turn.measured.turn)
    return next((base for base in shown.turns if (base.measured.conversation, base.measured.turn) == place), None)


def _cost(plan: Schedule, usd: Usd) -> Costs:
    conversations, turns = len(plan.workload.conversations), plan.workload.turns
    conversation = usd / conversations
    day = conversation * plan.workload.traffic.conversations_per_day
    return Costs(
        run=usd, request=usd / turns, conversation=conversation, requests_1000=usd / turns * 1000, day=day,
        month=day * plan.workload.traffic.days,
    )  # fmt: skip


def _repeats(lane: LaneResult) -> Repeats | None:
    if len(lane.whole) < 2:
        return None
    turns = [turn.measured for walk in lane.whole for turn in walk.turns]
    bills = [walk.equal_cost.usd for walk in lane.whole]
    return Repeats(
        passes=len(lane.whole),
        usd=CostSpread(median(bills), min(bills), max(bills)),
        latency_ms=_spread([] if lane.row.lane.name in _WITHOUT_TIMES else [_latency(turn) for turn in turns]),
        first_ms=_spread([turn.first_ms for turn in turns if turn.first_ms is not None]),
        read=_spread([walk.usage.cache_read for walk in lane.whole]),
        write=_spread([walk.usage.cache_write for walk in lane.whole]),
    )


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread(median(values), min(values), max(values)) if values else None


def _combined(plan: Schedule, models: Sequence[ModelResult]) -> Combined | None:
    """None with fewer than two models that have a bill."""
    bases = [model for model in models if model.baseline.usd]
    cached = [(lane, model) for model in bases for lane in model.lanes if lane.row.lane.caches and lane.usd is not None]
    if len(bases) < 2 or not cached:
        return None
    dearest = max(bases, key=lambda model: model.baseline.usd or Decimal(0))
    lane, cheapest = min(cached, key=lambda pair: pair[0].usd or Decimal(0))
    from_usd, to_usd = dearest.baseline.usd or Decimal(0), lane.usd or Decimal(0)
    return Combined(
        from_model=dearest.baseline.row.subject.model.model.name,
        to_model=cheapest.baseline.row.subject.model.model.name,
        to_lane=lane.row.lane.name,
        from_cost=_cost(plan, from_usd),
        to_cost=_cost(plan, to_usd),
        saved=1 - to_usd / from_usd,
    )


def _contested(plan: Schedule, model: ModelResult) -> list[ContestedPrices]:
    """What each contested price of this model would make of its lanes."""
    subject = model.baseline.row.subject
    rows = plan.book.contested(subject.model.model.id, subject.model.scope, on=plan.on)
    used = {price.unit for price in _prices([model])}
    sources: dict[str, list[Price]] = {}
    for row in rows:
        if row.unit in _CACHE_UNITS and row.unit in used:
            sources.setdefault(row.source.key, []).append(row)
    return [_if_so(plan, model, key, prices) for key, prices in sources.items()]


def _if_so(plan: Schedule, model: ModelResult, key: str, prices: Sequence[Price]) -> ContestedPrices:
    other = replace(plan, book=plan.book.preferring(key))
    lanes: list[ContestedLane] = []
    for lane in model.lanes:
        usd, base = bill_again(other, lane), bill_again(other, model.baseline)
        if usd is not None and base and lane.row.lane.caches:
            lanes.append(ContestedLane(lane.row.lane.name, _cost(plan, usd), 1 - usd / base))
    units = {price.unit for price in prices}
    in_force = [price for price in _prices([model]) if price.unit in units]
    return ContestedPrices(
        model=model.baseline.row.subject.model.model.name,
        source=prices[0].source.title,
        url=prices[0].source.url,
        prices=tuple(ContestedPrice(price.unit, price.usd_per_mtok, price.note) for price in prices),
        in_force=tuple(PriceInForce(price.unit, price.usd_per_mtok, price.source.title) for price in in_force),
        lanes=tuple(lanes),
    )
