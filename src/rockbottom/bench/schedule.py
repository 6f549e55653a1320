"""What a run will do before it does anything: passes in order, rows that cannot run and why, and what it may cost."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from rockbottom.bench.batching import copies
from rockbottom.bench.errors import WrongSetting
from rockbottom.bench.lanes import Lane, lanes_of, why_not
from rockbottom.bench.notebook import PassKey
from rockbottom.bench.recorded import RecordedConversation
from rockbottom.bench.requests import parts_of, prompt_of_request, request_of
from rockbottom.bench.workload import Workload
from rockbottom.catalog import (
    RUNTIME,
    CacheRules,
    Catalog,
    ModelId,
    NoPriceInForce,
    PriceBook,
    Resolve,
    Scope,
    Tier,
    load_catalog,
    surface_of,
)
from rockbottom.cost import Cost, bill
from rockbottom.dialects import host_of
from rockbottom.prompt import Meter, json_bytes
from rockbottom.quantities import WRITES, ZERO_USD, Ttl, Unit, Usage, Usd


@dataclass(frozen=True, slots=True)
class BenchModelFacts:
    """A model of the run with everything that the catalogue says of it on the day."""

    model: ModelId
    rules: CacheRules
    meter: Meter

    @property
    def given(self) -> str:
        """The id that is sent."""
        return self.model.sent_as


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One model and one lane; ``why`` says why it does not run (None: it runs)."""

    subject: BenchModelFacts
    lane: Lane
    why: str | None

    @property
    def model(self) -> ModelId:
        """The model as this row reaches it: as given, or through the profile that the lane names."""
        scope, model = self.lane.scope, self.subject.model
        if scope is None:
            return model
        return ModelId(f"{scope.value}.{model.model.id}", model.model, scope)

    @property
    def sends(self) -> str:
        """The ``modelId`` of this row's requests."""
        return self.subject.given if self.lane.scope is None else self.model.given

    def ttl(self) -> Ttl:
        """The lifetime of what this row writes."""
        return self.lane.ttl or (self.subject.rules.ttls[0] if self.subject.rules.ttls else Ttl.FIVE_MINUTES)

    def ttls(self) -> tuple[Ttl, ...]:
        """Every lifetime that this row may ask for."""
        return self.subject.rules.ttls if self.lane.online else (self.ttl(),)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything a run needs: rows, prices and their day. ``number`` of a pass is its place in ``passes``."""

    workload: Workload
    rows: tuple[ScheduleRow, ...]
    repeats: int
    book: PriceBook
    on: date
    region: str
    catalog: Catalog = field(default_factory=load_catalog)

    @property
    def passes(self) -> list[tuple[PassKey, ScheduleRow]]:
        """The passes that run, in order: repeat by repeat, each model's baseline before its other lanes."""
        return [
            (PassKey(row.subject.given, row.lane.name, repeat), row)
            for repeat in range(self.repeats)
            for row in self.rows
            if row.why is None
        ]

    def price(self, usage: Usage, row: ScheduleRow) -> Cost:
        """The bill of one request; raises NoPriceInForce."""
        return bill(usage, row.model, row.lane.tier, self.on, self.book, region=self.region)


@dataclass(frozen=True, slots=True)
class BenchEstimate:
    """What a run would cost: ``most`` if nothing is ever read from the cache and every reply is as long as allowed.

    ``likely`` is the bill without any caching at the fixed answers' estimated length; both from estimated tokens.
    """

    requests: int
    input_tokens: int
    most: Usd
    likely: Usd


def schedule(
    workload: Workload,
    catalog: Catalog,
    *,
    on: date,
    region: str,
    models: Sequence[str] = (),
    lanes: Sequence[str] = (),
    repeats: int = 1,
    book: PriceBook | None = None,
    resolve: Resolve | None = None,
    jobs: bool = False,
) -> Schedule:
    """The schedule of a run; ``models`` and ``lanes`` replace the workload's own; ``resolve`` looks profiles up;
    ``jobs`` says that batch jobs can be run.

    Raises UnknownModel, UnknownLane, or NoPriceInForce when not even a plain request to a model has a price.
    """
    book = book or catalog.price_book
    chosen = lanes_of(lanes or workload.lanes)
    subjects = [subject_of(name, catalog, on, resolve) for name in models or workload.models]
    rows = tuple(_row(subject, lane, workload, book, on, region, jobs) for subject in subjects for lane in chosen)
    return Schedule(workload, rows, repeats, book, on, region, catalog)


def estimate(plan: Schedule, done: Collection[PassKey] = ()) -> BenchEstimate:
    """What a run may cost, from estimated tokens raised by the error of the estimate; ``done`` passes are over."""
    most = likely = ZERO_USD
    tokens = requests = 0
    for key, row in plan.passes:
        if key in done:
            continue
        for conversation in plan.workload.conversations:
            for prompt_tokens, answer_tokens in turns_of(plan.workload, conversation, row):
                each = copies(plan.workload, row.lane)
                requests, tokens = requests + each, tokens + each * prompt_tokens
                most += each * most_of(plan, row, prompt_tokens)
                likely += each * plan.price(Usage(input=prompt_tokens, output=answer_tokens), row).usd
    return BenchEstimate(requests, tokens, most, likely)


def most_of(plan: Schedule, row: ScheduleRow, prompt_tokens: int) -> Usd:
    """The most one request can cost: written or uncached, whichever is dearer, and the longest reply allowed."""
    raised = prompt_tokens + int(prompt_tokens * row.subject.meter.weights.error) + 1
    output = plan.workload.inference.max_tokens
    worst = plan.price(Usage(input=raised, output=output), row).usd
    if row.lane.caches:
        for ttl in row.ttls():
            written = Usage(output=output, **{WRITES[ttl].value: raised})
            worst = max(worst, plan.price(written, row).usd)
    return worst


def turns_of(workload: Workload, conversation: RecordedConversation, row: ScheduleRow) -> list[tuple[int, int]]:
    """Estimated tokens of each turn's prompt and answer, with the fixed answers in the history."""
    sizes: list[tuple[int, int]] = []
    messages: list[Mapping[str, Any]] = []
    for turn in conversation.turns:
        messages.extend(turn.messages)
        parts = parts_of(workload, conversation, messages)
        request = request_of(parts, row.lane, workload, row.subject.model.model, row.subject.rules)
        prompt = prompt_of_request(request, row.subject.meter)
        answer = turn.answer or ({"text": "(answer)"},)
        sizes.append((prompt.tokens, answer_tokens(answer, row.subject.meter, workload)))
        messages.append({"role": "assistant", "content": list(answer)})
    return sizes


def answer_tokens(answer: Sequence[Mapping[str, Any]], meter: Meter, workload: Workload) -> int:
    """Estimated tokens of an answer in Converse shape, at most what the workload allows."""
    tokens = sum(
        meter.tokens_of_text(str(block["text"]) if "text" in block else json_bytes(block).decode()) for block in answer
    )
    return min(tokens, workload.inference.max_tokens)


def subject_of(name: str, catalog: Catalog, on: date, resolve: Resolve | None) -> BenchModelFacts:
    """A model by any of its names, with its rules of the day; raises UnknownModel, WrongSetting."""
    model = catalog.model(name, resolve)
    if model.scope is Scope.IN_REGION and model.model.in_region is False and not model.application_profile:
        ids = [f"{scope.value}.{model.model.id}" for scope in model.model.profiles]
        raise WrongSetting(
            f"{model.model.name} is called through inference profiles only, so AWS would refuse {name}.",
            fix=f"give one of {', '.join(ids)}" if ids else "rockbottom profiles list",
        )
    return BenchModelFacts(model, catalog.rules(model, on), Meter(catalog.token_weights[model.model.tokenizer]))


def _row(
    subject: BenchModelFacts, lane: Lane, workload: Workload, book: PriceBook, on: date, region: str, jobs: bool
) -> ScheduleRow:
    row = ScheduleRow(subject, lane, why_not(lane, subject.model.model, subject.rules, workload))
    if row.why is None:
        row = ScheduleRow(subject, lane, _elsewhere(row, workload))
    if row.why is None and lane.tier is Tier.BATCH and not jobs:
        row = ScheduleRow(subject, lane, "not possible: batch jobs need --bucket and --role (local: --s3 moto)")
    if row.why is None and lane.scope is not None and lane.scope is subject.model.scope:
        row = ScheduleRow(subject, lane, f"the id given is that of the {lane.scope.value} profile")
    if row.why is None:
        row = ScheduleRow(subject, lane, _unpriced(row, book, on, region))
    return row


def _elsewhere(row: ScheduleRow, workload: Workload) -> str | None:
    """Why the host that the id is for does not serve the lane's surface; None: it does."""
    api, model = row.lane.spoken(workload), row.model.model
    host = host_of(api, row.sends) or RUNTIME
    if not api.names_model or api.value in surface_of(model).apis(host):
        return None
    return f"not offered by {host} ({model.name} has no {api.value} there)"


def _unpriced(row: ScheduleRow, book: PriceBook, on: date, region: str) -> str | None:
    """Why a row has no price; a model without a price for plain requests raises instead."""
    model, tier = row.model, row.lane.tier
    units = [Unit.INPUT, Unit.OUTPUT]
    if row.lane.caches:
        units += [Unit.CACHE_READ, *(WRITES[ttl] for ttl in row.ttls())]
    for unit in units:
        try:
            book.price(model.model.id, model.scope, tier, unit, on, 0, region or model.region)
        except NoPriceInForce:
            if tier is Tier.DEFAULT and unit in (Unit.INPUT, Unit.OUTPUT):
                raise
            return f"no {tier.value} price for {unit.value} in the price book"
    return None
