"""What the measurements mean: the bill of every lane, on its own outputs and on equal ones, and its verdicts.

Equal outputs: the output tokens of each turn are replaced by those that the baseline got at the same turn of the same
repeat. A lane that happened to be answered more briefly is not cheaper for its caching.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median_low

from msgspec.structs import replace as changed

from rockbottom.batch import packaged_limits
from rockbottom.bench.batching import copies
from rockbottom.bench.lanes import Spot
from rockbottom.bench.notebook import Measured, Notebook, PassKey
from rockbottom.bench.requests import parts_of, prompt_of_request, request_of
from rockbottom.bench.schedule import Schedule, ScheduleRow
from rockbottom.catalog import ContestedRule, Tier
from rockbottom.cost import Cost, total_of
from rockbottom.documents import CHEAPER, Verdict
from rockbottom.figures import counted, share, thousands
from rockbottom.quantities import NO_USAGE, Usage, Usd


@dataclass(frozen=True, slots=True)
class TurnResult:
    """A turn with its bill: as measured, and with the baseline's output."""

    measured: Measured
    equal: Usage
    cost: Cost
    equal_cost: Cost


@dataclass(frozen=True, slots=True)
class PassResult:
    """One walk of the workload."""

    turns: tuple[TurnResult, ...]

    @property
    def cost(self) -> Cost:
        return total_of(turn.cost for turn in self.turns)

    @property
    def equal_cost(self) -> Cost:
        """The bill on the baseline's outputs."""
        return total_of(turn.equal_cost for turn in self.turns)

    @property
    def usage(self) -> Usage:
        return sum((turn.measured.usage for turn in self.turns), NO_USAGE)


@dataclass(frozen=True, slots=True)
class LaneResult:
    """A row of the table. ``status`` is ran, not_offered, refused, unfinished or not_run; ``why`` explains the others.

    ``shown`` is the pass whose bill is the median of the repeats, so every number of a row belongs together.
    """

    row: ScheduleRow
    status: str
    why: str
    passes: tuple[PassResult, ...]
    shown: PassResult | None
    prefix_tokens: int
    whole: tuple[PassResult, ...] = ()  # those of ``passes`` that came to their end
    verdicts: tuple[Verdict, ...] = ()

    @property
    def usd(self) -> Usd | None:
        """The bill of the shown pass on equal outputs."""
        return self.shown.equal_cost.usd if self.shown else None


@dataclass(frozen=True, slots=True)
class ModelResult:
    """The lanes of one model, the baseline first."""

    lanes: tuple[LaneResult, ...]

    @property
    def baseline(self) -> LaneResult:
        """The lane that savings are measured against."""
        return self.lanes[0]

    @property
    def best(self) -> LaneResult | None:
        """The cheapest lane that ran to its end; None when none did."""
        ran = [lane for lane in self.lanes if lane.usd is not None]
        return min(ran, key=lambda lane: lane.usd or Decimal(0)) if ran else None

    def saved(self, lane: LaneResult) -> Decimal | None:
        """The share that a lane takes off the baseline's bill on equal outputs; negative when it costs more."""
        if lane.usd is None or not self.baseline.usd:
            return None
        return 1 - lane.usd / self.baseline.usd


def results_of(plan: Schedule, notebook: Notebook, *, counted: bool = False) -> tuple[ModelResult, ...]:
    """The results of a run, finished or not; ``counted`` says that the service itself answered, not a simulation."""
    models: dict[str, list[ScheduleRow]] = {}
    for row in plan.rows:
        models.setdefault(row.subject.given, []).append(row)
    return tuple(_model(plan, notebook, rows, counted) for rows in models.values())


def bill_again(plan: Schedule, lane: LaneResult) -> Usd | None:
    """The bill of a lane's shown pass, on equal outputs, at the prices of another schedule; None without a pass."""
    if lane.shown is None:
        return None
    return total_of(plan.price(turn.equal, lane.row) for turn in lane.shown.turns).usd


def _model(plan: Schedule, notebook: Notebook, rows: Sequence[ScheduleRow], counted: bool) -> ModelResult:
    outputs = {
        (turn.key.repeat, turn.conversation, turn.turn): turn.usage.output
        for turn in notebook.turns
        if turn.key.model == rows[0].subject.given and turn.key.lane == rows[0].lane.name
    }
    lanes = [_lane(plan, notebook, row, outputs) for row in rows]
    return ModelResult(tuple(replace(lane, verdicts=_verdicts(lane, lanes[0], plan, counted)) for lane in lanes))


def _lane(plan: Schedule, notebook: Notebook, row: ScheduleRow, outputs: dict[tuple[int, int, int], int]) -> LaneResult:
    prefix = prefix_tokens(plan, row)
    if row.why is not None:
        return LaneResult(row, "not_offered", row.why, (), None, prefix)
    keys = [PassKey(row.subject.given, row.lane.name, repeat) for repeat in range(plan.repeats)]
    ends = [notebook.ends[key] for key in keys if key in notebook.ends]
    refused = next((end for end in ends if end.status == "refused"), None)
    passes = tuple(_pass(plan, row, turns, outputs) for key in keys if (turns := notebook.of(key)))
    whole = tuple(pass_result for pass_result in passes if len(pass_result.turns) == plan.workload.turns)
    shown = None
    if whole:
        middle = median_low([pass_result.equal_cost.usd for pass_result in whole])
        shown = next(pass_result for pass_result in whole if pass_result.equal_cost.usd == middle)
    if refused:
        return LaneResult(row, "refused", refused.why, passes, shown, prefix, whole)
    if shown is None:
        done = len(passes[0].turns) if passes else 0
        why = f"stopped after {done} of {plan.workload.turns} turns" if done else "not run"
        return LaneResult(row, "unfinished" if done else "not_run", why, passes, None, prefix)
    return LaneResult(row, "ran", "", passes, shown, _observed_prefix(shown) or prefix, whole)


def _pass(
    plan: Schedule, row: ScheduleRow, turns: Sequence[Measured], outputs: dict[tuple[int, int, int], int]
) -> PassResult:
    results: list[TurnResult] = []
    for turn in turns:
        output = outputs.get((turn.key.repeat, turn.conversation, turn.turn), turn.usage.output)
        equal = changed(turn.usage, output=output)
        results.append(TurnResult(turn, equal, plan.price(turn.usage, row), plan.price(equal, row)))
    return PassResult(tuple(results))


def prefix_tokens(plan: Schedule, row: ScheduleRow) -> int:
    """Estimated tokens up to the last cachePoint that stays the same between turns; without one, 0."""
    conversation = plan.workload.conversations[0]
    spots = row.lane.spots - {Spot.TAIL} or frozenset({Spot.LAYERS})
    # What the model does not speak has no body to measure: the workload's own API stands for it.
    lane = replace(row.lane, spots=spots, api=row.lane.api if row.why is None else None)
    parts = parts_of(plan.workload, conversation, conversation.turns[0].messages)
    request = request_of(parts, lane, plan.workload, row.subject.model.model, row.subject.rules)
    prompt = prompt_of_request(request, row.subject.meter)
    return prompt.depths[prompt.points[-1].after] if prompt.points else 0


def _observed_prefix(shown: PassResult) -> int:
    """What the first request wrote or found, in lanes whose prefix stays the same."""
    first = shown.turns[0].measured
    spots = _spots(shown)
    if Spot.TAIL in spots or not spots or not first.points:
        return 0
    return first.usage.cache_write + first.usage.cache_read


def _spots(shown: PassResult) -> frozenset[Spot]:
    from rockbottom.bench.lanes import LANES

    lane = LANES.get(shown.turns[0].measured.key.lane.partition("@")[0])
    return lane.spots if lane else frozenset()


def _verdicts(lane: LaneResult, baseline: LaneResult, plan: Schedule, counted: bool) -> tuple[Verdict, ...]:
    if lane.status == "not_offered":
        return ()
    rejected = Verdict(
        "nothing rejected", lane.status != "refused", "nothing rejected" if lane.status != "refused" else lane.why
    )
    if lane.row.lane.tier is Tier.BATCH and lane.shown is not None:
        return (_records(lane, plan), rejected, _cheaper(lane, baseline))
    if not lane.row.lane.caches or lane.shown is None:
        return (rejected,)
    if not lane.row.lane.online:
        return (_writes(lane, plan), _minimum(lane, counted), rejected, _cheaper(lane, baseline))
    if not any(turn.measured.points for turn in lane.shown.turns):
        return (Verdict("points where reuse is expected", True, "no cachePoint: no reuse expected"), rejected)
    return (_placed(lane.shown), _minimum(lane, counted), rejected, _cheaper(lane, baseline))


def _records(lane: LaneResult, plan: Schedule) -> Verdict:
    """How many records the job had; a job takes no fewer than its minimum."""
    turns, each = plan.workload.turns, copies(plan.workload, lane.row.lane)
    name = "turns answered by a batch job"
    least = packaged_limits().minimum_records
    says = f"{turns} turns as records"
    if each > 1:
        says += f", each sent {each} times (a job takes {least} or more) and billed here once"
    return Verdict(name, True, says)


def _placed(shown: PassResult) -> Verdict:
    """Whether every request that carried a point wrote or read something."""
    turns = [turn.measured for turn in shown.turns]
    name = "points where reuse is expected"
    idle = [turn for turn in turns if turn.points and not turn.usage.cache_write and not turn.usage.cache_read]
    if idle:
        return Verdict(name, False, f"{_turn(idle[0])} had a cachePoint, but nothing was written or read")
    wrote, read = sum(turn.usage.cache_write > 0 for turn in turns), sum(turn.usage.cache_read > 0 for turn in turns)
    return Verdict(name, True, f"of {counted(len(turns), 'turn')} {wrote} wrote and {read} read")


def _writes(lane: LaneResult, plan: Schedule) -> Verdict:
    assert lane.shown is not None
    turns = [turn.measured for turn in lane.shown.turns]
    tail = Spot.TAIL in lane.row.lane.spots
    name = "a write, then reads on every turn" if tail else "one write, then reads"
    if not any(turn.usage.cache_write or turn.usage.cache_read for turn in turns):
        return Verdict(name, False, "nothing was written and nothing read")
    unread = [turn for turn in turns[1:] if not turn.usage.cache_read and not _new_prefix(turn, plan)]
    rewrites = [turn for turn in turns[1:] if turn.usage.cache_write and not _new_prefix(turn, plan)]
    if unread:
        return Verdict(name, False, f"{_turn(unread[0])} read nothing")
    if rewrites and not tail:
        return Verdict(name, False, f"{1 + len(rewrites)} writes; {_turn(rewrites[0])} wrote again")
    if turns[0].usage.cache_read and not turns[0].usage.cache_write:
        return Verdict(name, False, "the first turn read what an earlier run had left, so nothing was written")
    return Verdict(name, True, name)


def _new_prefix(turn: Measured, plan: Schedule) -> bool:
    """A recorded conversation brings its own system text, so its first turn writes."""
    return turn.turn == 0 and plan.workload.conversations[turn.conversation].system is not None


def _turn(turn: Measured) -> str:
    where = f" of conversation {turn.conversation + 1}" if turn.conversation else ""
    return f"turn {turn.turn + 1}{where}"


def _minimum(lane: LaneResult, counted: bool) -> Verdict:
    """Whether the prefix clears the minimum, also the strictest that a source states.

    Between the two sides only the service decides: tokens that it says it wrote or read were not below its minimum.
    """
    assert lane.shown is not None
    name, rules = "prefix clears the minimum", lane.row.subject.rules
    prefix, least = lane.prefix_tokens or _first_depth(lane.shown), rules.minimum_tokens
    if lane.row.lane.online:
        prefix = _least_depth(lane.shown)
    if not prefix:
        return Verdict(name, False, "nothing to cache: 0 tokens stay the same between turns")
    if prefix < least:
        return Verdict(
            name, False, f"{thousands(prefix)} < {thousands(least)} tokens: below the minimum nothing is cached"
        )
    stricter = _strictest(rules.contested)
    if stricter is None or prefix >= int(stricter.value):
        most = max(least, int(stricter.value)) if stricter else least
        return Verdict(name, True, f"{thousands(prefix)} ≥ {thousands(most)} tokens")
    sides = f"{stricter.source.title} states {thousands(int(stricter.value))} as the minimum"
    if stricter.note:
        sides += f" ({stricter.note})"
    if counted and (lane.shown.usage.cache_write or lane.shown.usage.cache_read):
        return Verdict(
            name,
            True,
            f"{thousands(prefix)} ≥ {thousands(least)} tokens",
            f"{sides}, and the prefix has {thousands(prefix)}",
        )
    says = (
        f"{thousands(prefix)} tokens, and sources state minimums of {thousands(least)} and "
        f"{thousands(int(stricter.value))}"
    )
    return Verdict(name, False, says, f"{sides}, so it may be that nothing is cached")


def _strictest(contested: Sequence[ContestedRule]) -> ContestedRule | None:
    """The rule with the highest minimum that a source states."""
    stated = [rule for rule in contested if rule.field == "minimum_tokens" and rule.value.isdigit()]
    return max(stated, key=lambda rule: int(rule.value), default=None)


def _least_depth(shown: PassResult) -> int:
    """The shortest prefix that was cached on any turn."""
    usages = [turn.measured.usage for turn in shown.turns if turn.measured.points]
    return min(usage.cache_write + usage.cache_read for usage in usages)


def _first_depth(shown: PassResult) -> int:
    """How deep the first request was cached: of a lane whose points move, that is the least prefix."""
    usage = shown.turns[0].measured.usage
    return usage.cache_write + usage.cache_read


def _reads(shown: PassResult) -> bool:
    return any(turn.measured.usage.cache_read for turn in shown.turns)


def _cheaper(lane: LaneResult, baseline: LaneResult) -> Verdict:
    name = CHEAPER
    if lane.usd is None or not baseline.usd:
        return Verdict(name, False, "the baseline did not finish, so there is nothing to compare with")
    change = lane.usd / baseline.usd - 1
    if change < 0:
        return Verdict(name, True, name)
    if not change and lane.row.lane.online and baseline.shown is not None and _reads(baseline.shown):
        return Verdict(name, True, "costs what the service's own caching costs")
    says = f"costs {share(change, 1, signed=True)} against the baseline" if change else "costs what the baseline costs"
    return Verdict(name, False, says)
