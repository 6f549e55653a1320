"""One request being decided about: what it is like, what is worth writing, what the guard allows, what was said."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from rockbottom.plan.choice import Extent, Hit, Zone, extent_of, placements_of, zones_of
from rockbottom.plan.completing import completing
from rockbottom.plan.guard import Guard
from rockbottom.plan.history import Pace, Run, Visit
from rockbottom.plan.insurance import Insurance, Insured, insured
from rockbottom.plan.kinds import Levels, Shape, kind_of_new, kind_of_pace, kind_of_seen, part_of
from rockbottom.plan.lanes import Lane
from rockbottom.plan.plans import CachePlan, PlannedPoint, Term
from rockbottom.plan.positions import Positions
from rockbottom.plan.returns import Cell, Chance, Returns
from rockbottom.plan.worth import gains
from rockbottom.prompt import Placement, Prompt
from rockbottom.quantities import Ttl

_MARGIN_5M, _MARGIN_1H, _CAUTION = 0.02, 0.05, 1.0
_DOUBTFUL = 0.6  # a kind less likely than this to return is written only a few times before some have returned
_ZERO = Decimal(0)


@dataclass(slots=True)
class Pending:
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
    placed: frozenset[int]
    relied: bool = False  # its read, after a long gap, is of an entry that only an insured tail can have kept
    across: bool = False  # its read is of a five-minute entry by points for an hour
    certain: int = 0  # tokens of the read that come even if the insurance does not work


@dataclass(frozen=True, slots=True)
class Mind:
    """What a decision rests on besides the request: the counts and the guard."""

    returns: Returns
    guard: Guard
    insurances: dict[tuple[str, ...], Insurance] = field(default_factory=dict[tuple[str, ...], Insurance])

    def insures(self, lane: Lane) -> bool:
        """Whether tail insurance may be used: found possible by a probe, and not contradicted since."""
        return lane.insurable and not self.insurances.setdefault(lane.account, Insurance()).off


class Decision:
    """One request being decided about."""

    def __init__(
        self,
        mind: Mind,
        prompt: Prompt,
        lane: Lane,
        shape: Shape,
        visit: Visit,
        added: list[Run],
        now: float,
    ) -> None:
        self.mind, self.prompt, self.lane = mind, prompt, lane
        self.shape, self.visit, self.added, self.now = shape, visit, added, now
        self.depths = prompt.depths
        self.positions = Positions(prompt, lane.rules, shape.end)
        self._of_new: tuple[tuple[float, float], tuple[float, float]] | None = None
        self.insured: Insured | None = None
        self.relied = False  # the entry to be read is one that only an insured tail can have kept
        self.hit = self._hit()
        self.extent = Extent(0, 0, 0.0)
        self.worth: dict[int, tuple[float, float, str]] = {}
        self.bets: dict[int, tuple[Chance, float, float]] = {}  # the chance, and what caution adds to 5m and to 1h
        self.zones: list[Zone] = []

    # learning from the prompt itself
    def watch(self) -> None:
        """Wait for the return of the ends of this prompt."""
        returns, visit = self.mind.returns, self.visit
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
            self.zones = zones_of(self.hit.deepest, ends, self.depths, self.worth.__getitem__)
            wanted = self._wanted()
            self.insured = self._insured(wanted)
            extent, why = (self.insured.extent, "") if self.insured else self._afforded(wanted, self.zones)
        self.extent = extent
        if not extent.last:
            return CachePlan(self.lane.model.model.name, self.prompt.tokens, reason=why or "no reuse expected")
        placements = placements_of(extent, self.hit, self._marks(), self.positions, self.lane.rules)
        if self.prompt.points:
            placements = completing(self.prompt, placements, self.lane.rules, self.lane.behaviour)
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
            chance = self.mind.returns.chance(levels, self._local(levels, end))
            if deeper is not None and deeper.total > chance.total:
                chance = deeper
            deeper = chance
            worth[end] = self._worth(end, chance)
        return worth

    def _worth(self, position: int, chance: Chance) -> tuple[float, float, str]:
        lane = self.lane
        there = 1 - lane.miss
        five, hour = gains((chance.quick * there, chance.slow * there), *self._afterwards(position, there), lane.rates)
        if chance.unproven and chance.quick < _DOUBTFUL:
            return 1.0, 1.0, _evidence(chance) + "; waiting for the first to return"
        scale = _CAUTION * (lane.rates.five - lane.rates.read)
        caution_five = _MARGIN_5M + scale * chance.deviation(chance.quick)
        caution_hour = _MARGIN_1H + scale * chance.deviation(chance.total)
        self.bets[position] = chance, caution_five, caution_hour
        return five + caution_five, hour + caution_hour, _evidence(chance)

    def _afterwards(self, position: int, there: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """The chances after a quick next use and after a slow one; ends that were never seen have theirs in common."""
        seen = position <= self.visit.seen
        if not seen and self._of_new is not None:
            return self._of_new
        pace, shared = self._pace_at(position), seen and self._run_at(position).shared
        found = self._after(pace, shared, 60.0, there), self._after(pace, shared, 1200.0, there)
        if not seen:
            self._of_new = found
        return found

    def _after(self, pace: Pace, shared: bool, gap: float, there: float) -> tuple[float, float]:
        then = pace.copy()
        then.add(gap)
        chance = self.mind.returns.chance(kind_of_pace(then, shared, self.shape))
        return chance.quick * there, chance.slow * there

    def _wanted(self) -> Extent:
        """What would be written if the guard had nothing to say.

        With tail insurance an hour is first bought only for what other prompts share: of a conversation that goes on,
        its next tails can keep the rest.
        """
        if (self.visit.seen > self.shape.fixed or self.prompt.has_tools) and self.mind.insures(self.lane):
            shared = self.visit.shared.end if self.visit.shared is not None else 0
            common = max(self.shape.fixed, shared)
            zones = [zone if zone.end <= common else replace(zone, hour=float("inf")) for zone in self.zones]
            wanted = extent_of(zones, self.hit)
            if wanted.last > self.hit.deepest:
                return wanted
        return extent_of(self.zones, self.hit)

    def _insured(self, wanted: Extent) -> Insured | None:
        """The wanted extent with its last point for an hour, where that is possible, pays and can be afforded."""
        if not self.zones or not self.mind.insures(self.lane):
            return None
        end = wanted.last if wanted.last > self.hit.deepest else self.zones[-1].end
        bet = self.bets.get(end)
        if bet is None or end <= wanted.hour:
            return None
        found = insured(wanted, self.hit, self.depths, end, bet[0], self.lane.rates)
        return found if found is not None and self._affords(found.extent) else None

    def _afforded(self, extent: Extent, zones: list[Zone]) -> tuple[Extent, str]:
        """The extent, or the best smaller one that the guard can pay for at its worst."""
        if self._affords(extent):
            return extent, ""
        without_hour = extent_of([replace(zone, hour=float("inf")) for zone in zones], self.hit)
        seen = min(without_hour.last, self.positions.at_or_below(self.visit.seen))
        options = [
            without_hour,
            replace(without_hour, last=max(seen, self.hit.deepest)),
            Extent(self.hit.hour, self.hit.deepest, 0.0),
        ]
        for option in options:
            if option.last and self._affords(option):
                return option, "less than wanted: the guard allows no more"
        return Extent(0, 0, 0.0), "nothing: the guard allows no more"

    def _affords(self, extent: Extent) -> bool:
        plain = Decimal(self.prompt.tokens)
        return self.mind.guard.affords(self.lane.account, self._worst(extent), plain)

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
            PlannedPoint(
                segments[p.after - 1].place,
                depths[p.after],
                (p.ttl or default).value,
                self._purpose(p.after),
                self.worth[p.after][2] if p.after in self.worth else "",
            )
            for p in placements
        )
        read, five, hour = self._predicted(placements)
        terms = tuple(self._term(zone) for zone in self.zones if zone.end <= self.extent.last)
        if self.insured is not None:
            one = self.insured
            terms += (Term(one.tokens, "1h by its tail", one.each, one.chance, one.saved, one.extra),)
        saving = round(float(read * (1 - multiples.read)) + sum(term.saving for term in terms))
        return CachePlan(
            self.lane.model.model.name,
            self.prompt.tokens,
            placements,
            points,
            read,
            five,
            hour,
            saving,
            Decimal(saving) * multiples.input_usd_per_mtok / 1_000_000,
            why,
            1 - multiples.read,
            terms,
        )

    def _reads_across(self) -> bool:
        """Whether a five-minute entry is to be read by points for an hour only."""
        return self.insured is not None and self.hit.five > self.hit.hour

    def _term(self, zone: Zone) -> Term:
        """What writing a zone should save, taken apart."""
        hourly, rates = zone.end <= self.extent.hour and self.insured is None, self.lane.rates
        ttl = Ttl.ONE_HOUR if hourly else Ttl.FIVE_MINUTES
        each = -(zone.hour if hourly else zone.five)
        bet = self.bets.get(zone.end)
        if bet is None:
            return Term(zone.tokens, ttl.value, each)
        chance = bet[0].total if hourly else bet[0].quick
        extra, caution = (rates.hour - 1, bet[2]) if hourly else (rates.five - 1, bet[1])
        return Term(
            zone.tokens, ttl.value, each, chance, (each + extra + caution) / chance if chance else 0.0, extra, caution
        )

    def _purpose(self, position: int) -> str:
        if position == self.hit.deepest:
            return "reads what is there"
        if position == self.extent.last:
            return "writes up to here" if self.insured is None else "writes up to here, and keeps it all for an hour"
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
        now, hit, behaviour = self.now, self.hit.deepest, self.lane.behaviour
        one_key, only_hit = behaviour.ttl_in_key == "no", behaviour.refresh_on_hit == "entry"
        lives = (now + Ttl.FIVE_MINUTES.seconds, now + Ttl.ONE_HOUR.seconds)
        five, hour = lives
        for run in self.visit.near:
            for position, mark in run.marks.items():
                if position == hit or (position < hit and not only_hit):  # a read renews what lies below it
                    if mark[0] > now:
                        mark[0] = five
                    if mark[1] > now:
                        mark[1] = hour
        for placement in placements:
            slot = 1 if placement.ttl is Ttl.ONE_HOUR else 0
            run = self._holder(placement.after)
            if run is not None:
                mark = run.marks.setdefault(placement.after, [0.0, 0.0])
                if one_key and placement.after <= hit and max(mark[:2]) > now:
                    continue  # one entry under one key, which keeps the lifetime that it has
                mark[slot] = max(mark[slot], lives[slot])
                if self.insured is not None and placement.after == self.insured.extent.last:
                    mark[2:] = [1.0]  # it is there because of the insurance, and is judged by that
                elif placement.after > hit:
                    del mark[2:]

    def _holder(self, position: int) -> Run | None:
        for run in (*reversed(self.added), *self.visit.path):
            if run.start < position <= run.end:
                return run
        return None

    def _hit(self) -> Hit:
        """The deepest entries believed readable; expired ones are dropped on the way."""
        now, five, hour, relied = self.now, 0, 0, False
        for run in self.visit.near:
            for position, mark in list(run.marks.items()):
                if mark[0] <= now and mark[1] <= now:
                    del run.marks[position]
                    continue
                if mark[0] > now:
                    five = max(five, position)
                if mark[1] > now and position > hour:
                    hour, relied = position, len(mark) > 2 and mark[2] > 0.0
            if five and hour:
                break
        if relied and hour > five and self.visit.gap > Ttl.FIVE_MINUTES.seconds:
            self.relied = True
        return Hit(five, hour)

    def pending(self, plan: CachePlan) -> Pending:
        """What is counted for this request until its usage comes back."""
        multiples = self.lane.multiples
        assert multiples is not None
        hour = multiples.write_1h or multiples.write_5m
        extra = (
            plan.read * (multiples.read - 1) + plan.written_5m * (multiples.write_5m - 1) + plan.written_1h * (hour - 1)
        )
        worst = max(_ZERO, self._worst(self.extent)) if plan.placements else _ZERO
        share = plan.written_1h / max(1, plan.written_1h + plan.written_5m)
        if plan.read and not plan.written_1h and self.hit.hour:
            share = 1.0 if self.hit.hour >= self.hit.five else 0.0
        return Pending(
            self.lane,
            self.now,
            extra,
            Decimal(self.prompt.tokens),
            max(_ZERO, worst - extra),
            plan.read,
            share,
            (*reversed(self.added), *self.visit.path),
            self.depths,
            frozenset(placement.after for placement in plan.placements),
            plan.read > 0 and self.relied,
            plan.read > 0 and self._reads_across(),
            self.depths[self.hit.hour] if self._reads_across() else 0,
        )


def _evidence(chance: Chance) -> str:
    return (
        f"comes back within 5 min with {chance.quick:.0%}, within the hour with {chance.quick + chance.slow:.0%} "
        f"({chance.source}, {chance.own:.0f} seen)"
    )


def forget(pending: Pending, read: int) -> None:
    """Drop the entries that were believed alive deeper than what was read; what the request wrote itself stays."""
    for run in pending.path:
        for position, mark in run.marks.items():
            if position in pending.placed:
                del mark[2:]
            elif pending.depths[position] > read * 1.1 and max(mark) <= pending.at + 3600 and position <= run.end:
                mark[:] = [0.0, 0.0]
