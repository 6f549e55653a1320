"""What the advice rests on: the same requests sent several ways, in tokens a month. Three places it can come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from msgspec import UNSET

from rockbottom.advise.errors import UnreadableRun
from rockbottom.advise.estimates import EstimateQuestion
from rockbottom.advise.tokens import Tokens, entries_of, expected
from rockbottom.advise.ways import ways_of, why_not
from rockbottom.catalog import Scope, Tier
from rockbottom.documents import (
    BenchLane,
    BenchModel,
    BenchResults,
    BenchTurn,
    GradedAnswers,
    GradingResult,
    PolicyResult,
    ReplayResult,
    TokensByLength,
    read_replays,
    read_results,
)
from rockbottom.figures import bare, rounded, share, thousands
from rockbottom.quantities import LEAST_SPAN_S, SECONDS_A_MONTH, WRITES, Ttl, Undecodable, Unit, Usd

ASSUMED = "arithmetic on the numbers given; nothing was measured"
"""What evidence says of itself where its traffic is assumed."""
UNKNOWN = "quality unknown: nothing was graded"
_PLANNER, _RECORDED = "planner", "as_recorded"
"""Policies of a replay: what rockbottom attached would do, and what was done."""
T = TypeVar("T")


class Lever(Enum):
    """Something that can be done about a bill."""

    PLANNER = "rockbottom attached"
    CACHING = "caching"
    TTL = "one-hour entries"
    KEEP_ALIVE = "keep-alive"
    FAN_OUT = "fan-out held"
    BATCH = "batch"
    FLEX = "flex"
    GLOBAL = "global profile"
    RIGHT_SIZE = "smaller model"
    PROVISIONED = "provisioned throughput"
    SHORTER = "shorter prompts"
    DISTIL = "distillation"
    ROUTE = "prompt routing"
    GUARD_TURN = "guardrail on the user's turn"


@dataclass(frozen=True, slots=True)
class WayTokens:
    """One way of sending the month: what is pulled, and the tokens that it takes.

    ``measured`` names the tier and scope at which its tokens were counted, where that was not the plain one; such a way
    is priced there and nowhere else.
    """

    name: str
    levers: frozenset[Lever]
    tokens: tuple[Tokens, ...]
    measured: tuple[Tier, Scope] | None = None

    def total(self, *units: Unit) -> Decimal:
        return sum((tokens.by_unit.get(unit, Decimal(0)) for tokens in self.tokens for unit in units), Decimal(0))

    @property
    def read_share(self) -> Decimal:
        """The share of the input that was read from the cache."""
        whole = self.total(Unit.INPUT, Unit.CACHE_READ, *WRITES.values())
        return self.total(Unit.CACHE_READ) / whole if whole else Decimal(0)


@dataclass(frozen=True, slots=True)
class WayEvidence:
    """The ways, no caching first, and where their tokens come from, in words.

    ``quality`` is what grading found about the model, in words, and ``good_enough`` whether it stands over the bar that
    was given (None: nothing was graded, or not enough to say). ``today`` is the way it is sent now, where that is not
    without caching, and ``paid_usd`` what the service's counters come to, where they were recorded. ``span_s``: the
    tokens are those of so many seconds, too few to make a month of. ``own_points``: the way it is sent now has points.
    """

    name: str
    model: str
    requests: Decimal
    ways: tuple[WayTokens, ...]
    says: str
    quality: str = UNKNOWN
    good_enough: bool | None = None
    today: WayTokens | None = None
    paid_usd: Usd | None = None
    span_s: float | None = None
    own_points: bool = False

    @property
    def none(self) -> WayTokens:
        return self.ways[0]


def of_question(question: EstimateQuestion, parallel: int = 1) -> WayEvidence:
    """Expected tokens of a shape; arithmetic.

    With ``parallel`` first requests that start together every way that caches is there twice: as it comes, all of
    them writing, and held until one has written.
    """
    shape, rules = question.shape, question.rules
    ways: list[WayTokens] = []
    for way in ways_of(shape, rules):
        pointless = way.caches and not way.tail and not entries_of(shape, way, rules)
        if why_not(way, rules) or pointless or (question.writes is not None and way.keep_alive):
            continue
        levers = {Lever.CACHING} if way.caches else set[Lever]()
        tokens = tuple(question.tokens(way))
        if any("1h" in unit.value for month in tokens for unit in month.by_unit):
            levers.add(Lever.TTL)
        if way.keep_alive:
            levers.add(Lever.KEEP_ALIVE)
        if parallel > 1 and way.caches:
            loose = tuple(expected(shape, way, rules, question.writes, parallel))
            ways.append(WayTokens(way.name, frozenset(levers), loose))
            ways.append(WayTokens(f"{way.name}, held", frozenset(levers | {Lever.FAN_OUT}), tokens))
        else:
            ways.append(WayTokens(way.name, frozenset(levers), tokens))
    name = shape.name or "workload"
    return WayEvidence(name, question.tariff.model.given, shape.traffic.requests, tuple(ways), ASSUMED)


def of_bench(results: BenchResults) -> list[WayEvidence]:
    """The models of a bench run, their lanes as measured on equal outputs; raises UnreadableRun."""
    return [_bench_model(results, model) for model in results.models]


def of_replays(replays: Sequence[ReplayResult]) -> list[WayEvidence]:
    """Each model of a replay once, of those at the default tier; raises UnreadableRun where there is none."""
    by_model: dict[str, WayEvidence] = {}
    for replay in replays:
        if replay.tier is Tier.DEFAULT:
            evidence = of_replay(replay)
            by_model.setdefault(evidence.model, evidence)
    if not by_model:
        raise UnreadableRun("none of the replay's combinations has prices at the default tier")
    return list(by_model.values())


def of_replay(replay: ReplayResult) -> WayEvidence:
    """A replay's policies, scaled from its span to a month, or as they are where it is too short for one.

    Raises UnreadableRun.
    """
    if len(replay.models) != 1:
        raise UnreadableRun(
            f"the replay has {len(replay.models)} models, and its bills are those of all of them together",
            fix="rockbottom advise SOURCE advises on the models of the same traffic one by one",
        )
    span = Decimal(str(replay.span_seconds))
    short = replay.span_seconds < LEAST_SPAN_S
    scale = Decimal(1) if short else SECONDS_A_MONTH / span
    rows: dict[str, WayTokens] = {}
    for bill in replay.policies:
        way = _policy(bill, scale)
        if way is not None:
            part = _counted_part(replay, holds=bill.policy == _PLANNER) if way.levers else Decimal(1)
            rows[bill.policy] = _in_part(way, part)
    ways = sorted(rows.values(), key=lambda sent: bool(sent.levers))
    if not ways or ways[0].levers:
        raise UnreadableRun("the replay has no policy 'none' to compare with", fix="leave --policy out")
    says = f"replay of {thousands(replay.requests)} recorded requests"
    if not short:
        says += f" over {rounded(Decimal(span) / 3600, 1)} hours, scaled to 30 days"
    answer = replay.answer
    paid = None if answer is UNSET or not answer.counted or answer.paid_usd is None else answer.paid_usd * scale
    return WayEvidence(
        "recorded traffic", replay.models[0].given, replay.requests * scale, tuple(ways), says,
        today=rows.get(_RECORDED), paid_usd=paid,
        span_s=replay.span_seconds if short else None,
        own_points=_RECORDED in rows and (answer is UNSET or answer.instead),
    )  # fmt: skip


def _counted_part(replay: ReplayResult, *, holds: bool) -> Decimal:
    """What the counted input costs, as a part of what the rules make of the requests as they were sent.

    ``holds``: of a way that has parallel requests wait for the first, without what these wrote at once.
    """
    answer = replay.answer
    if answer is UNSET or not answer.counted or answer.ruled_usd is UNSET:
        return Decimal(1)
    like = answer.like_ruled_usd if holds else answer.paid_usd
    if like is None:
        return Decimal(1)
    as_sent = replay.policy(_RECORDED) or replay.policy("none")
    if as_sent is None or not as_sent.input_usd:
        return Decimal(1)
    return (like - as_sent.usd + as_sent.input_usd) / as_sent.input_usd


def _in_part(sent: WayTokens, part: Decimal) -> WayTokens:
    """The way with so much of its input, so that what is done now comes to what was counted."""
    if part == 1:
        return sent
    months = [
        replace(month, by_unit={
            unit: tokens if unit is Unit.OUTPUT else tokens * part for unit, tokens in month.by_unit.items()
        })
        for month in sent.tokens
    ]  # fmt: skip
    return replace(sent, tokens=tuple(months))


def bench_results(data: bytes, file: str) -> BenchResults:
    """The results in the ``results.json`` of a run; raises UnreadableRun, which names the file."""
    return _read(data, file, read_results, "bench run", "rockbottom bench WORKLOAD writes one")


def replay_results(data: bytes, file: str) -> tuple[ReplayResult, ...]:
    """The priced combinations in a replay's JSON; raises UnreadableRun, which names the file."""
    return _read(data, file, read_replays, "replay", "rockbottom replay SOURCE --json prints it")


def _read(data: bytes, file: str, read: Callable[[bytes], T], kind: str, fix: str) -> T:
    try:
        return read(data)
    except Undecodable as error:
        raise UnreadableRun(f"{file}: not JSON of a {kind}: {error}", fix=fix) from error


def _bench_model(results: BenchResults, model: BenchModel) -> WayEvidence:
    workload, provenance = results.workload, results.provenance
    talks = Decimal(workload.conversations_per_day) * workload.days
    scale = talks / workload.conversations
    base = model.baseline
    if base.cost is None:
        raise UnreadableRun(f"the baseline of {model.name} did not finish", fix="rockbottom bench --resume RUN")
    ways = [WayTokens("no caching", frozenset(), _turns(base, scale))]
    for lane in model.lanes[1:]:
        usage = lane.usage
        if usage is None:
            continue
        caching = {Lever.CACHING} if usage.read or usage.write else set[Lever]()
        if usage.write_1h:
            caching.add(Lever.TTL)
        elsewhere = (lane.tier, lane.scope) != (Tier.DEFAULT, model.scope)
        if not caching and not elsewhere:
            continue  # it was the baseline once more
        measured = (lane.tier, lane.scope) if elsewhere else None
        ways.append(WayTokens(f"lane {lane.name}", frozenset(caching), _turns(lane, scale), measured))
    where = "the local endpoint, which simulates Bedrock" if provenance.simulated else "AWS"
    says = f"bench {workload.name} on {where}; tokens {provenance.tokens}"
    requests = talks * workload.turns / workload.conversations
    return WayEvidence(workload.name, model.id, requests, tuple(ways), says, *_quality(results.grading, model.id))


def _quality(grading: GradingResult | None, model: str) -> tuple[str, bool | None]:
    """What grading said of a model; of a simulated run, that it said nothing."""
    if grading is not None and grading.simulated:
        return "quality unknown: the run was simulated", None
    rows = grading.models if isinstance(grading, GradedAnswers) else ()
    row = next((row for row in rows if row.id == model), None)
    if row is None or row.low is None or row.high is None or not isinstance(grading, GradedAnswers):
        return UNKNOWN, None
    says = (
        f"{bare(row.passed)} of {row.conversations} graded conversations passed "
        f"({share(row.low)} to {share(row.high)} with 95% confidence)"
    )
    if grading.bar is not None:
        place = {"over": "over", "under": "under"}.get(row.standing or "", "not surely over or under")
        says += f", {place} the bar of {share(grading.bar)}"
    return says, {"over": True, "under": False}.get(row.standing or "")


def _turns(lane: BenchLane, scale: Decimal) -> tuple[Tokens, ...]:
    return tuple(_turn(turn, scale) for turn in lane.turns)


def _writes(turn: BenchTurn) -> dict[Unit, int]:
    """What a turn wrote, by lifetime; results of before tell the hour apart and nothing else."""
    if turn.writes or not turn.write:
        return {WRITES[Ttl(name)]: tokens for name, tokens in turn.writes.items()}
    return {Unit.CACHE_WRITE_5M: turn.write - turn.write_1h, Unit.CACHE_WRITE_1H: turn.write_1h}


def _turn(turn: BenchTurn, scale: Decimal) -> Tokens:
    """A turn that a month repeats ``scale`` times."""
    counts = {
        Unit.INPUT: turn.input,
        Unit.CACHE_READ: turn.read,
        **_writes(turn),
        Unit.OUTPUT: turn.output,
    }
    context = turn.input + turn.read + turn.write
    return Tokens(context, scale, {unit: Decimal(count) * scale for unit, count in counts.items() if count})


def _policy(bill: PolicyResult, scale: Decimal) -> WayTokens | None:
    """One policy; None for batch, which has a price of its own, and for one that cached nothing."""
    cached = bool(bill.read_tokens or bill.written_tokens)
    if bill.policy == "batch" or (not cached and bill.policy != "none"):
        return None
    tokens = tuple(_band(band, scale) for band in bill.by_length or (bill,))
    name = bill.policy if bill.policy == _PLANNER else f"policy {bill.policy}"
    return WayTokens(name, frozenset(_levers(bill, cached=cached)), tokens)


def _levers(bill: PolicyResult, *, cached: bool) -> set[Lever]:
    """What a policy pulls: the planner is a lever of its own, whatever it caches and for how long."""
    if bill.policy == _PLANNER:
        return {Lever.PLANNER}
    levers = {Lever.CACHING} if cached else set[Lever]()
    if bill.written_1h_tokens:
        levers.add(Lever.TTL)
    if bill.policy.startswith("keep"):
        levers.add(Lever.KEEP_ALIVE)
    return levers


def _band(row: PolicyResult | TokensByLength, scale: Decimal) -> Tokens:
    """Tokens of prompts of one price: all, or those above a length from which the model has another one."""
    counts = {
        Unit.INPUT: row.uncached_tokens,
        Unit.CACHE_READ: row.read_tokens,
        **{WRITES[ttl]: tokens for ttl, tokens in row.writes.items()},
        Unit.OUTPUT: row.output_tokens,
    }
    above = row.above_tokens if isinstance(row, TokensByLength) else 0
    by_unit = {unit: Decimal(count) * scale for unit, count in counts.items() if count}
    return Tokens(above + 1 if above else 0, scale, by_unit)
