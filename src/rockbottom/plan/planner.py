"""The planner: what it has seen, and the decision about the next request."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from rockbottom.cache import Behaviour, Reader, as_sent, behaviour_of
from rockbottom.catalog import Catalog, Resolve, Tier, load_catalog
from rockbottom.plan.bodies import closed, opened, tier_of, with_points
from rockbottom.plan.choice import Extent, Hit, extent_of, placements_of, zones_of
from rockbottom.plan.completing import completing
from rockbottom.plan.contents import Changed, moved, volatile_from, with_sorted_tools
from rockbottom.plan.guard import Guard
from rockbottom.plan.history import History, Pace, Run, Visit
from rockbottom.plan.kinds import Levels, Shape, kind_of_new, kind_of_pace, kind_of_seen, part_of, shape_of
from rockbottom.plan.lanes import Lane, lane_of
from rockbottom.plan.plans import Apply, CachePlan, Move, PlannedPoint
from rockbottom.plan.positions import Positions
from rockbottom.plan.prices import day_of
from rockbottom.plan.priors import Counts, load_priors
from rockbottom.plan.returns import Cell, Chance, ClassKey, Returns
from rockbottom.plan.usages import usage_of
from rockbottom.plan.volatile import Volatiles
from rockbottom.plan.worth import gains
from rockbottom.prompt import Placement, PrefixHash, Prompt, prefix_hashes, without_points
from rockbottom.quantities import RockbottomError, Ttl, Usage

CAPACITY = 200_000
"""Prefixes remembered; at about 250 bytes each, some 50 MB."""

_MARGIN_5M, _MARGIN_1H, _CAUTION = 0.02, 0.05, 1.0
_DOUBTFUL = 0.6  # a kind less likely than this to return is written only a few times before some have returned
_IN_FLIGHT_S, _IN_FLIGHT_UNOBSERVED_S = 600.0, 30.0
_IN_FLIGHT_LIMIT = 10_000
_ZERO = Decimal(0)


@dataclass(slots=True)
class _Pending:
    """A plan whose usage has not come back: what was counted for it, and what it could cost at worst."""

    lane: Lane
    at: float
    extra: Decimal
    plain: Decimal
    risk: Decimal
    read: int
    hour_share: float
    path: tuple[Run, ...]
    depths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A request read and ready to be decided about; ``end`` is where the stable segments end."""

    lane: Lane
    body: Mapping[str, Any]
    prompt: Prompt
    end: int
    stamped_block: int
    changed: Changed


class Planner:
    """Decides about cachePoints, request by request, from what it has seen; one per account and Region.

    ``resolve`` answers an application-profile ARN with the model id behind it. ``own_points`` says what
    happens to a request that carries cachePoints of its own: ``"keep"`` (left alone), ``"complete"`` (kept,
    more added) or ``"replace"``. ``move_volatile`` and ``sort_tools`` allow changes of content: sentences that
    change with every call go behind the conversation, tools into the order of their names. ``secret`` keys the
    hashes by which prefixes are known, ``capacity`` bounds how many are. Not thread-safe: a caller with threads
    holds one lock around each call.
    """

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        own_points: str = "keep",
        catalog: Catalog | None = None,
        behaviour: Behaviour | None = None,
        secret: bytes = b"",
        move_volatile: bool = False,
        sort_tools: bool = False,
        capacity: int = CAPACITY,
        priors: Mapping[ClassKey, Counts] | None = None,
    ) -> None:
        if own_points not in ("keep", "complete", "replace"):
            raise RockbottomError(f"own_points is {own_points!r}; it may be 'keep', 'complete' or 'replace'")
        self.catalog = catalog or load_catalog()
        self.reader = Reader.of(self.catalog)
        self.own_points = own_points
        self.guard = Guard()
        self.returns = Returns(load_priors() if priors is None else priors)
        self.history = History(capacity)
        self.behaviour = behaviour or behaviour_of(self.catalog.switches)
        self._resolve = resolve
        self._secret = secret.hex()
        self._move_volatile, self._sort_tools = move_volatile, sort_tools
        self._volatiles = Volatiles()
        self._lanes: dict[tuple[str, Tier, date], Lane] = {}
        self._pending: OrderedDict[PrefixHash, _Pending] = OrderedDict()
        self._risk = _ZERO
        self._observes = False
        self._now = float("-inf")

    def resolve_with(self, resolve: Resolve | None) -> None:
        """Look application-profile ARNs up with this from now on, unless a function was given at the start."""
        self._resolve = self._resolve or resolve

    # -- the public face ---------------------------------------------------------------------------

    def plan(self, request: Mapping[str, Any], *, now: float) -> CachePlan:
        """The plan for a request at an instant (seconds since the epoch); an unreadable one gets an empty plan."""
        try:
            ready = self._prepared(request, now, count=True)
        except RockbottomError as error:
            return CachePlan(str(request.get("modelId", "")), 0, reason=f"left as it is: {error}")
        plan = self._planned(ready.prompt, ready.lane, now, ready.end, ready.stamped_block)
        if plan.key is None:  # left alone
            return plan
        moves = self._moves(ready)
        if not plan.placements and not moves:
            return plan
        return replace(plan, moves=moves, _apply=self._applier(request, ready, plan.placements))

    def _applier(self, request: Mapping[str, Any], ready: "_Ready", given: tuple[Placement, ...]) -> Apply:
        def apply(target: Mapping[str, Any]) -> dict[str, Any]:
            body = ready.body if target is request else self._prepared(target, self._now, count=False).body
            return closed(target, with_points(body, ready.prompt, given, ready.lane.model), ready.prompt.api)

        return apply

    def _prepared(self, request: Mapping[str, Any], now: float, *, count: bool) -> "_Ready":
        """The request read, with the changes of content that the caller allows. Raises RockbottomError."""
        lane = self._lane(str(request.get("modelId", "")), tier_of(request), now)
        opening = opened(request)
        if self.own_points == "replace":
            opening = replace(opening, body=without_points(opening.body))

        def find(text: str) -> str:
            return self._volatiles.sentence_in(text, count=count)

        changed = Changed(opening.body)
        if self._sort_tools:
            body, was_sorted = with_sorted_tools(opening.body, opening.api)
            changed = Changed(body, (), was_sorted)
        stamped = -1
        if self._move_volatile and lane.rules.explicit:
            again = moved(changed.body, opening.api, find)
            changed = Changed(again.body, again.sentences, changed.sorted_tools)
        else:
            stamped = volatile_from(opening.body, find)
        prompt = self.reader.read(changed.body, opening.api, lane.model.model)
        end = len(prompt.segments) - bool(changed.sentences)
        return _Ready(lane, changed.body, prompt, end, stamped, changed)

    def _moves(self, ready: "_Ready") -> tuple[Move, ...]:
        """What was changed in the content, and the tokens that a call saves once the prefix is cached."""
        multiples, end = ready.lane.multiples, ready.end
        if multiples is None:
            return ()
        saved = round(float(ready.prompt.depths[end] * (1 - multiples.read)))
        moves = [
            Move(f"{sentence!r} to the end of the last message", "it changes with every call", saved)
            for sentence in ready.changed.sentences
        ]
        if ready.changed.sorted_tools:
            moves.append(Move("tools into the order of their names", "another order is another prefix", saved))
        return tuple(moves)

    def plan_prompt(self, prompt: Prompt, model_id: str, now: float, tier: Tier = Tier.DEFAULT) -> CachePlan:
        """The plan for a prompt that was read already (or made of a trace); its ``placements`` are the answer."""
        try:
            lane = self._lane(model_id, tier, now)
        except RockbottomError as error:
            return CachePlan(model_id, prompt.tokens, reason=f"left as it is: {error}")
        return self._planned(prompt, lane, now)

    def observe(self, request: Mapping[str, Any] | CachePlan, usage: object, *, now: float) -> None:
        """Learn from the usage of the reply to a request; ``request`` is the plan, or the request (applied or not)."""
        key = request.key if isinstance(request, CachePlan) else self._key_of(request, now)
        pending = self._pending.pop(key, None) if key is not None else None
        if pending is None:
            return
        self._risk -= pending.risk
        said = usage_of(usage, pending.hour_share)
        if said is None:
            return
        self._observes = True
        self._settle(pending, said)

    # -- learning ----------------------------------------------------------------------------------

    def _settle(self, pending: _Pending, said: Usage) -> None:
        multiples = pending.lane.multiples
        assert multiples is not None
        hour = multiples.write_1h if multiples.write_1h is not None else multiples.write_5m
        extra = (
            said.cache_read * (multiples.read - 1)
            + said.cache_write_5m * (multiples.write_5m - 1)
            + said.cache_write_1h * (hour - 1)
        )
        self.guard.count(pending.lane.account, extra - pending.extra, said.total_input - pending.plain)
        if pending.read:
            came = said.cache_read * 2 >= pending.read
            pending.lane.count_read(came)
            if not came:
                _forget(pending, said.cache_read)

    def _key_of(self, request: Mapping[str, Any], now: float) -> PrefixHash | None:
        try:
            ready = self._prepared(request, now, count=False)
        except RockbottomError:
            return None
        return self._keys(ready.prompt, ready.lane)[ready.end]

    # -- deciding ----------------------------------------------------------------------------------

    def _lane(self, model_id: str, tier: Tier, now: float) -> Lane:
        on = day_of(now)
        key = (model_id, tier, on)
        lane = self._lanes.get(key)
        if lane is None:
            model = self.catalog.model(model_id, self._resolve)
            lane = lane_of(self.catalog, model, tier, on, self._secret, self.behaviour)
            if len(self._lanes) >= 256:
                self._lanes.clear()
            self._lanes[key] = lane
        return lane

    def _keys(self, prompt: Prompt, lane: Lane) -> tuple[PrefixHash, ...]:
        seeds = lane.seeds_for(prompt.parameters, prompt.api.value if self.behaviour.api_in_key == "yes" else "")
        return prefix_hashes(as_sent(prompt, lane.rules), seeds)

    def _planned(
        self, prompt: Prompt, lane: Lane, now: float, end: int | None = None, stamped_block: int = -1
    ) -> CachePlan:
        name = lane.model.model.name
        if not lane.rules.explicit:
            return CachePlan(name, prompt.tokens, reason="this model takes no cachePoint")
        if lane.multiples is None:
            return CachePlan(name, prompt.tokens, reason="no price in force for its cache: nothing is spent on it")
        if not prompt.segments:
            return CachePlan(name, 0, reason="nothing to cache")
        self._now = now = max(self._now, now)
        self.returns.settle(now)
        shape = shape_of(prompt, end, stamped_block)
        keys = self._keys(prompt, lane)[: shape.end + 1]
        visit = self.history.visit(keys, prompt.depths, shape.fixed, now)
        added = self.history.add(visit, keys, prompt.depths, (shape.fixed, shape.last, shape.end), now)
        decision = _Decision(self, prompt, lane, shape, visit, added, now)
        decision.watch()
        if prompt.points and self.own_points == "keep":
            return CachePlan(name, prompt.tokens, reason="it has cachePoints of its own: left alone")
        plan = decision.made()
        self._in_flight(keys[-1], decision, plan, now)
        return replace(plan, key=keys[-1])

    def _in_flight(self, key: PrefixHash, decision: "_Decision", plan: CachePlan, now: float) -> None:
        old = self._pending.pop(key, None)
        if old is not None:
            self._risk -= old.risk
        pending = decision.pending(plan)
        self._pending[key] = pending
        self._risk += pending.risk
        self.guard.count(decision.lane.account, pending.extra, pending.plain)
        limit = _IN_FLIGHT_S if self._observes else _IN_FLIGHT_UNOBSERVED_S
        while self._pending:
            first = next(iter(self._pending))
            if self._pending[first].at >= now - limit and len(self._pending) <= _IN_FLIGHT_LIMIT:
                break
            self._risk -= self._pending.pop(first).risk

    @property
    def at_risk(self) -> Decimal:
        """Input tokens that the plans in flight may cost beyond what was predicted for them."""
        return self._risk


def _forget(pending: _Pending, read: int) -> None:
    """Drop the entries that were believed alive deeper than what was read."""
    for run in pending.path:
        for position, mark in run.marks.items():
            if pending.depths[position] > read * 1.1 and max(mark) <= pending.at + 3600 and position <= run.end:
                mark[:] = [0.0, 0.0]


class _Decision:
    """One request being decided about."""

    def __init__(self, planner: Planner, prompt: Prompt, lane: Lane, shape: Shape, visit: Visit, added: list[Run],
                 now: float) -> None:
        self.planner, self.prompt, self.lane = planner, prompt, lane
        self.shape, self.visit, self.added, self.now = shape, visit, added, now
        self.depths = prompt.depths
        self.positions = Positions(prompt, lane.rules, shape.end)
        self.hit = self._hit()
        self.extent = Extent(0, 0, 0.0)
        self.worth: dict[int, tuple[float, float, str]] = {}

    # learning from the prompt itself
    def watch(self) -> None:
        """Wait for the return of the ends of this prompt."""
        returns, visit = self.planner.returns, self.visit
        for run in self.added:
            levels = self._levels(run.end)
            run.open = returns.open(levels, self._local(levels, run.end, make=True), self.now)
        for run in {visit.run, visit.shared}:
            if run is not None and run.open is None:
                run.open = returns.open(kind_of_seen(run, self.shape), None, self.now)

    def _levels(self, position: int) -> Levels:
        visit = self.visit
        if position <= visit.seen:
            return kind_of_seen(self._run_at(position), self.shape)
        tokens = self.depths[position] - self.depths[visit.seen]
        return kind_of_new(position, tokens, visit.seen, visit.run, self.shape)

    def _local(self, levels: Levels, position: int, *, make: bool = False) -> Cell | None:
        """The past of such ends right on the shared prefix below."""
        shared = self.visit.shared
        if shared is None or levels[0][0] == "seen":
            return None
        key = "/".join((*levels[0], part_of(position, self.shape), self.shape.speaker))
        if shared.local is None:
            if not make:
                return None
            shared.local = {}
        if make and key not in shared.local:
            shared.local[key] = Cell()
        return shared.local.get(key)

    def _run_at(self, position: int) -> Run:
        for run in self.visit.path:
            if run.start < position:
                return run
        return self.visit.path[-1]

    def _pace_at(self, position: int) -> Pace:
        if position <= self.visit.seen:
            return self._run_at(position).pace
        run = self.visit.run
        return run.pace if run is not None and not run.shared else Pace()

    # choosing
    def made(self) -> CachePlan:
        """The plan."""
        ends = self._ends()
        if self.lane.multiples is not None and self.lane.multiples.free_writes:
            last = self.positions.at_or_below(self.shape.end)
            extent, why = Extent(0, last, 0.0), "writes are free: everything legal is marked"
        else:
            self.worth = self._valued(ends)
            zones = zones_of(self.hit.deepest, ends, self.depths, self.worth.__getitem__)
            extent, why = self._afforded(extent_of(zones, self.hit), zones)
        self.extent = extent
        if not extent.last:
            return CachePlan(self.lane.model.model.name, self.prompt.tokens, reason=why or "no reuse expected")
        placements = placements_of(extent, self.hit, self._marks(), self.positions, self.lane.rules)
        if self.prompt.points:
            placements = completing(self.prompt, placements, self.lane.rules, self.planner.behaviour)
            if not placements:
                return CachePlan(self.lane.model.model.name, self.prompt.tokens, reason="nothing to add to its points")
        return self._told(placements, why)

    def _ends(self) -> list[int]:
        """Ends of what may be written: above the hit, legal, at least the minimum."""
        shared = self.visit.shared.end if self.visit.shared is not None else 0
        floor = self.hit.deepest
        wanted = (self.shape.fixed, shared, self.visit.seen, self.shape.last, self.shape.end)
        return [end for end in {self.positions.at_or_below(want, floor) for want in wanted} if end]

    def _marks(self) -> list[int]:
        shared = self.visit.shared.end if self.visit.shared is not None else 0
        legal = self.positions.at_or_below
        return [legal(shared), legal(self.shape.last), legal(self.shape.fixed), legal(self.visit.seen)]

    def _valued(self, ends: Iterable[int]) -> dict[int, tuple[float, float, str]]:
        """What writing up to each end is worth per token, and the evidence.

        Whoever sends a longer prefix again sends the shorter one too: a shallower end is given at least the
        chance of the deeper ones.
        """
        worth: dict[int, tuple[float, float, str]] = {}
        deeper: Chance | None = None
        for end in sorted(ends, reverse=True):
            levels = self._levels(end)
            chance = self.planner.returns.chance(levels, self._local(levels, end))
            if deeper is not None and deeper.total > chance.total:
                chance = deeper
            deeper = chance
            worth[end] = self._worth(end, chance)
        return worth

    def _worth(self, position: int, chance: Chance) -> tuple[float, float, str]:
        lane = self.lane
        pace = self._pace_at(position)
        shared = position <= self.visit.seen and self._run_at(position).shared
        there = 1 - lane.miss
        five, hour = gains(
            (chance.quick * there, chance.slow * there),
            self._after(pace, shared, 60.0, there),
            self._after(pace, shared, 1200.0, there),
            lane.rates,
        )
        if chance.unproven and chance.quick < _DOUBTFUL:
            return 1.0, 1.0, _evidence(chance) + "; waiting for the first to return"
        scale = _CAUTION * (lane.rates.five - lane.rates.read)
        five += _MARGIN_5M + scale * chance.deviation(chance.quick)
        hour += _MARGIN_1H + scale * chance.deviation(chance.total)
        return five, hour, _evidence(chance)

    def _after(self, pace: Pace, shared: bool, gap: float, there: float) -> tuple[float, float]:
        then = pace.copy()
        then.add(gap)
        chance = self.planner.returns.chance(kind_of_pace(then, shared, self.shape))
        return chance.quick * there, chance.slow * there

    def _afforded(self, extent: Extent, zones: list[Any]) -> tuple[Extent, str]:
        """The extent, or the best smaller one that the guard can pay for at its worst."""
        if self._affords(extent):
            return extent, ""
        without_hour = extent_of([replace(zone, hour=float("inf")) for zone in zones], self.hit)
        seen = min(without_hour.last, self.positions.at_or_below(self.visit.seen))
        options = [without_hour, replace(without_hour, last=max(seen, self.hit.deepest)),
                   Extent(self.hit.hour, self.hit.deepest, 0.0)]
        for option in options:
            if option.last and self._affords(option):
                return option, "less than wanted: the guard allows no more"
        return Extent(0, 0, 0.0), "nothing: the guard allows no more"

    def _affords(self, extent: Extent) -> bool:
        planner = self.planner
        plain = Decimal(self.prompt.tokens)
        return planner.guard.affords(self.lane.account, self._worst(extent), plain, planner.at_risk)

    def _worst(self, extent: Extent) -> Decimal:
        multiples = self.lane.multiples
        if multiples is None or not extent.last:
            return _ZERO
        hour, five = extent.worst_written(self.depths, self.hit.hour)
        return five * (multiples.write_5m - 1) + hour * ((multiples.write_1h or multiples.write_5m) - 1)

    # telling
    def _told(self, placements: tuple[Placement, ...], why: str) -> CachePlan:
        multiples = self.lane.multiples
        assert multiples is not None
        depths, segments, default = self.depths, self.prompt.segments, self.lane.rules.ttls[0]
        points = tuple(
            PlannedPoint(segments[p.after - 1].place, depths[p.after], (p.ttl or default).value, self._purpose(p.after),
                         self.worth[p.after][2] if p.after in self.worth else "")
            for p in placements
        )
        read, five, hour = self._predicted(placements)
        saving = round(float(read * (1 - multiples.read)) + self.extent.saving)
        return CachePlan(
            self.lane.model.model.name, self.prompt.tokens, placements, points, read, five, hour, saving,
            Decimal(saving) * multiples.input_usd_per_mtok / 1_000_000, why,
        )

    def _purpose(self, position: int) -> str:
        if position == self.hit.deepest:
            return "reads what is there"
        if position == self.extent.last:
            return "writes up to here"
        return "ends a part that other requests may share"

    def _predicted(self, placements: tuple[Placement, ...]) -> tuple[int, int, int]:
        """Read, written for five minutes, written for an hour; and the entries noted as alive from now on."""
        hit, depths = self.hit.deepest, self.depths
        hour_end = max((p.after for p in placements if p.ttl is Ttl.ONE_HOUR), default=0)
        last = max((p.after for p in placements), default=0)
        read = depths[hit]
        hour = max(0, depths[hour_end] - read)
        five = max(0, depths[last] - max(read, depths[hour_end]))
        self._note(placements)
        return read, five, hour

    def _note(self, placements: tuple[Placement, ...]) -> None:
        now, hit = self.now, self.hit.deepest
        lives = (now + Ttl.FIVE_MINUTES.seconds, now + Ttl.ONE_HOUR.seconds)
        for run in self.visit.near:
            for position, mark in run.marks.items():
                if position <= hit:
                    mark[:] = [max(e, life) if e > now else e for e, life in zip(mark, lives, strict=True)]
        for placement in placements:
            slot = 1 if placement.ttl is Ttl.ONE_HOUR else 0
            run = self._holder(placement.after)
            if run is not None:
                mark = run.marks.setdefault(placement.after, [0.0, 0.0])
                mark[slot] = max(mark[slot], lives[slot])

    def _holder(self, position: int) -> Run | None:
        for run in (*reversed(self.added), *self.visit.path):
            if run.start < position <= run.end:
                return run
        return None

    def _hit(self) -> Hit:
        """The deepest entries believed readable; expired ones are dropped on the way."""
        now, five, hour = self.now, 0, 0
        for run in self.visit.near:
            for position, mark in list(run.marks.items()):
                if mark[0] <= now and mark[1] <= now:
                    del run.marks[position]
                    continue
                if mark[0] > now:
                    five = max(five, position)
                if mark[1] > now:
                    hour = max(hour, position)
            if five and hour:
                break
        return Hit(five, hour)

    def pending(self, plan: CachePlan) -> _Pending:
        """What is counted for this request until its usage comes back."""
        multiples = self.lane.multiples
        assert multiples is not None
        hour = multiples.write_1h or multiples.write_5m
        extra = (
            plan.read * (multiples.read - 1)
            + plan.written_5m * (multiples.write_5m - 1)
            + plan.written_1h * (hour - 1)
        )
        worst = max(_ZERO, self._worst(self.extent)) if plan.placements else _ZERO
        share = plan.written_1h / max(1, plan.written_1h + plan.written_5m)
        if plan.read and not plan.written_1h and self.hit.hour:
            share = 1.0 if self.hit.hour >= self.hit.five else 0.0
        return _Pending(
            self.lane, self.now, extra, Decimal(self.prompt.tokens), max(_ZERO, worst - extra), plan.read, share,
            (*reversed(self.added), *self.visit.path), self.depths,
        )


def _evidence(chance: Chance) -> str:
    return (
        f"comes back within 5 min with {chance.quick:.0%}, within the hour with {chance.quick + chance.slow:.0%} "
        f"({chance.source}, {chance.own:.0f} seen)"
    )
