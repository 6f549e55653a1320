"""Drives a planner, or a fixed rule, over a stream of prompts and bills it with the reference semantics."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from rockbottom.cache import Behaviour, Entry, EntryKey, Namespace, behaviour_of, outcome, refusal
from rockbottom.catalog import CacheRules, Tier, load_catalog
from rockbottom.dialects import BodyReader
from rockbottom.plan import Planner
from rockbottom.plan.completing import with_placements
from rockbottom.plan.prices import multiples_of
from rockbottom.prompt import Api, BlockKind, Placement, Prompt, Section
from rockbottom.quantities import Ttl, Usage

CATALOG = load_catalog()
DAY = date(2026, 11, 20)
NOW = 1_795_000_000.0
Stream = Iterable[tuple[float, str, Prompt]]


@dataclass
class Bill:
    """Input cost in input tokens: of the policy, and without caching; and the worst moment."""

    cost: float = 0.0
    plain: float = 0.0
    worst: float = 0.0
    requests: int = 0
    refused: int = 0

    @property
    def relative(self) -> float:
        return self.cost / self.plain if self.plain else 1.0


class Service:
    """The reference semantics with a state that is changed in place."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or behaviour_of(CATALOG.switches)
        self.entries: dict[EntryKey, Entry] = {}
        self.known: dict[str, tuple] = {}
        self.bill = Bill()
        self.sweep = 4096

    def lane(self, model_id: str) -> tuple:
        if model_id not in self.known:
            model = CATALOG.model(model_id, resolve=lambda arn: "global.anthropic.claude-sonnet-4-6")
            multiples = multiples_of(model, Tier.DEFAULT, DAY, CATALOG.price_book)
            self.known[model_id] = (CATALOG.rules(model, DAY), multiples, Namespace("1", "r", model.model.id))
        return self.known[model_id]

    def serve(self, prompt: Prompt, model_id: str, now: float) -> Usage:
        rules, multiples, namespace = self.lane(model_id)
        self.bill.requests += 1
        if refusal(prompt, rules, self.behaviour) is not None:
            self.bill.refused += 1
            prompt = replace(prompt, points=())
        result = outcome(self.entries, prompt, now, rules, self.behaviour, namespace)
        self.entries.update(result.changes)
        if len(self.entries) > self.sweep:
            self.entries = {key: entry for key, entry in self.entries.items() if entry.expires_at > now}
            self.sweep = max(4096, 2 * len(self.entries))
        hour = multiples.write_1h or multiples.write_5m
        total = result.read + result.written + result.uncached
        self.bill.cost += (
            result.uncached
            + result.read * float(multiples.read)
            + result.writes.get(Ttl.FIVE_MINUTES, 0) * float(multiples.write_5m)
            + result.writes.get(Ttl.ONE_HOUR, 0) * float(hour)
        )
        self.bill.plain += total
        self.bill.worst = max(self.bill.worst, self.bill.cost - 1.01 * self.bill.plain)
        return result.usage(100)


def run_planner(stream: Stream, planner: Planner | None = None, *, observe: bool = True) -> Bill:
    """The bill of a planner that sees each prompt only when it comes."""
    planner = planner or Planner()
    service = Service()
    for at, model_id, prompt in stream:
        now = NOW + at
        plan = planner.plan_prompt(prompt, model_id, now)
        usage = service.serve(with_placements(prompt, plan.placements), model_id, now)
        if observe:
            planner.observe(plan, usage, now=now)
    return service.bill


def run_requests(timed: Iterable[tuple[float, dict]], planner: Planner, *, observe: bool = True) -> Bill:
    """The bill of a planner through its public face: plan, apply, read the new request again, serve it."""
    service, reader = Service(), BodyReader.of(CATALOG)
    plain = Bill()
    for at, request in timed:
        model_id, now = request["modelId"], NOW + at
        model = CATALOG.model(model_id, resolve=lambda arn: "global.anthropic.claude-sonnet-4-6").model
        plan = planner.plan(request, now=now)
        usage = service.serve(reader.read(plan.apply(request), Api.CONVERSE, model), model_id, now)
        plain.plain += reader.read(request, Api.CONVERSE, model).tokens + 3
        if observe:
            planner.observe(request, usage, now=now)
    service.bill.plain = plain.plain
    return service.bill


Rule = Callable[[Prompt, CacheRules], Sequence[Placement]]


def run_rule(stream: Stream, rule: Rule) -> Bill:
    """The bill of a fixed rule."""
    service = Service()
    for at, model_id, prompt in stream:
        rules = service.lane(model_id)[0]
        placements = [p for p in rule(prompt, rules) if p.after]
        service.serve(with_placements(prompt, placements), model_id, NOW + at)
    return service.bill


def _fixed_end(prompt: Prompt) -> int:
    return sum(segment.section is not Section.MESSAGES for segment in prompt.segments)


def _tails(prompt: Prompt) -> tuple[int, int]:
    """End of the prompt, and of the last user message before it."""
    segments = prompt.segments
    end = len(segments)
    previous = end
    while previous and segments[previous - 1].message == segments[end - 1].message:
        previous -= 1
    while previous and segments[previous - 1].role == "assistant":
        previous -= 1
    return end, previous if previous > _fixed_end(prompt) else 0


def _ok(prompt: Prompt, rules: CacheRules, position: int) -> int:
    bad = {BlockKind.TEXT_DOCUMENT, BlockKind.REASONING}
    while position and (
        prompt.segments[position - 1].kind in bad or prompt.segments[position - 1].kind.value in rules.illegal_after
    ):
        position -= 1
    return position


def everything(ttl: Ttl) -> Rule:
    """System, previous tail, tail and the block before it, all with one TTL."""

    def rule(prompt: Prompt, rules: CacheRules) -> Sequence[Placement]:
        end, previous = _tails(prompt)
        wanted = {_ok(prompt, rules, p) for p in (_fixed_end(prompt), previous, end, end - 1)}
        return [Placement(p, ttl if rules.accepts_ttl_field else None) for p in sorted(wanted) if p]

    return rule


def system(ttl: Ttl) -> Rule:
    """The end of tools and system only."""
    return lambda prompt, rules: [Placement(_fixed_end(prompt), ttl if rules.accepts_ttl_field else None)]


def system_hour_tail(prompt: Prompt, rules: CacheRules) -> Sequence[Placement]:
    """System for an hour, tails for five minutes."""
    first = _fixed_end(prompt)
    rest = [p for p in everything(Ttl.FIVE_MINUTES)(prompt, rules) if p.after > first]
    return [Placement(first, Ttl.ONE_HOUR), *rest]


FIXED: dict[str, Rule] = {
    "all5": everything(Ttl.FIVE_MINUTES),
    "all1h": everything(Ttl.ONE_HOUR),
    "sys5": system(Ttl.FIVE_MINUTES),
    "sys1h": system(Ttl.ONE_HOUR),
    "sys1h+5": system_hour_tail,
}
