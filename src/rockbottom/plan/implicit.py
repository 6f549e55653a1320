"""The decision for models whose service adds a point at the latest message: leave that on, mark by hand, or both.

What the service adds reads the end of any earlier latest message and writes the whole prompt; points of the request
read and write at their own places only, and without any nothing is written at all. So history that only grows is best
left to the service, a fixed document under changing questions is marked, and what will not come back is sent with
neither (measured counters: boise-gpt-5-6, sample-per-model-bedrock).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from msgspec import Struct

from rockbottom.figures import thousands
from rockbottom.plan.alive import alive_in
from rockbottom.plan.choice import Extent, Hit, Zone, extent_of, placements_of, zones_of
from rockbottom.plan.decision import Decision
from rockbottom.plan.entries import BelievedEntry
from rockbottom.plan.plans import CachePlan
from rockbottom.plan.returns import Chance
from rockbottom.plan.telling import Decided, plan_of_decision
from rockbottom.plan.values import Value
from rockbottom.prompt import BlockKind, Placement

_SURELY = 2  # an estimate of tokens is never off by so much: below the minimum the request goes out as it is
_SOME = 0.5  # of what is taken to have returned: at least one has
_TIE = 1e-6  # at the same cost the request goes out as it is


class SendingOption(Struct, frozen=True):
    """One way to send the request, and what it is expected to cost, in input tokens, with what it leaves behind."""

    hit: Hit
    zones: list[Zone]
    worth: dict[int, Value]
    extent: Extent
    cost: float
    whole: bool  # the service writes up to the end
    why: str = ""


class ImplicitDecision(Decision):
    """One request being decided about, to a model whose service adds a point of its own."""

    def doubt(self, front: int, own: int, chance: Chance, opened: int) -> bool:
        """Whether a first message of which little is known goes out as it would without a plan, for the service to
        write.

        To write what is not sent again costs a quarter of it, not to write what is nine tenths (a write and a whole
        price instead of a write and a read). So the first two of a kind are written that stand on tools and system of
        their own size or have a ``prompt_cache_key``, and of the first messages of all as many as cost no more than one
        conversation that is not written: three. Where some have returned, one more is taken to. A text alone as
        ``input`` is no list that grows: it is taken to be a one-off prompt, and behind a short instruction only the
        first of all is written (decision 26).
        """
        if self.mind.goes_on_unseen(self.now):
            return True
        if front >= own or self.prompt.parameters.cache_key:
            return chance.untried
        if self.prompt.bare:
            return front > 0 and chance.untried and opened <= 1
        returned = chance.total * chance.own
        if returned >= _SOME:
            return (returned + 1) / (chance.own + 1) * (self._tries + 1) > 1
        return chance.own < self._tries and opened <= self._tries

    @property
    def _tries(self) -> int:
        """How many writes that are lost cost what one conversation does that is not written from its start."""
        rates = self.conditions.rates
        return int((1 - rates.read) / (rates.five - 1)) if rates.five > 1 else 1

    def made(self) -> CachePlan:
        if self.trust.paused_until > self.now:
            why = f"nothing: {self.trust.run} times in a row an entry that should be there was not read"
            return replace(self._nothing(why, held_back=True), implicit=False)
        if self.depths[self.shape.end] * _SURELY < self.positions.minimum:
            return self._nothing("the prompt is shorter than anything that this model caches")
        by_hand, whole = self._by_hand(), self._whole()
        way = whole if whole is not None and whole.cost <= by_hand.cost * (1 + _TIE) else by_hand
        self.hit, self.zones, self.worth, self.extent = way.hit, way.zones, way.worth, way.extent
        if not way.extent.last:
            why = way.why or self._barred() or self._unmarkable() or "no reuse expected: nothing is written"
            return replace(self._nothing(why), implicit=False)
        marks = self._marked(way)
        every = (*marks, Placement(self.shape.end)) if way.whole else marks
        decided = Decided(self.prompt, self.conditions, way.extent, way.hit, way.zones, way.worth, None, self.key)
        marked = {mark.after for mark in marks}
        alive = (position for position, _ in alive_in(self.visit, self.now) if position in marked)
        by_hand = max((self.depths[position] for position in alive), default=0)  # before what this request writes
        plan = self._ended(plan_of_decision(decided, every, way.why), every)
        if self.pending is not None:
            self.pending.by_itself = way.whole and way.hit.deepest not in marked and plan.read > 0
            self.pending.by_hand = by_hand
        return replace(plan, placements=marks, implicit=way.whole)

    def _unmarkable(self) -> str:
        """What of the front could be read if it stood where a point may."""
        front = self.prompt.segments[: self.shape.fixed]
        tokens = self.depths[self.shape.fixed]
        if tokens < self.positions.minimum or not any(part.kind is BlockKind.INSTRUCTIONS for part in front):
            return ""
        return (
            "no reuse of the whole expected: nothing is written. `instructions` cannot be marked; sent as a first "
            f"input item of role developer {thousands(tokens)} tokens could be read"
        )

    def _by_hand(self) -> SendingOption:
        """With points of the request alone: they read what stands exactly where one of them may stand."""
        hit = self._deepest(self.positions.legal)
        self.hit = hit
        ends = self._ends()
        return self._way(hit, ends, extent_of(self._zoned(hit, ends), hit), whole=False)

    def _whole(self) -> SendingOption | None:
        """With the service's point at the end; None where it would not take effect, or what it writes is lost."""
        end, depths = self.shape.end, self.depths
        new = end == len(self.prompt.segments) and self.shape.barrier >= end
        if not new or not self._looks_back or depths[end] < self.positions.minimum:
            return None
        hit = self._deepest(lambda position: self._read_by_itself(position) or self.positions.legal(position))
        self.hit = hit
        ends = [*self._ends(), end]
        zones = self._zoned(hit, ends, by_default=True)
        saving = -sum(zone.tokens * zone.five for zone in zones)
        extent = Extent(0, end, saving)
        way = self._way(hit, ends, extent, whole=True)
        return way if way.extent.last == end else None  # the guard allows less

    def _zoned(self, hit: Hit, ends: Sequence[int], *, by_default: bool = False) -> list[Zone]:
        """The zones up to these ends. Caution is kept where more is spent than ``by_default``, as without a plan; and
        before a text alone, until it is known whether such texts return.
        """
        worth = self.values.of(set(ends), barred=False, doubt=self.doubt)
        if by_default:
            least = self._tries if self.prompt.bare else 0
            worth = {end: value.expected if value.known.own >= least else value for end, value in worth.items()}
        self.worth = worth
        self.zones = zones_of(hit.deepest, ends, self.depths, self.worth)
        return self.zones

    def _way(self, hit: Hit, ends: Sequence[int], extent: Extent, *, whole: bool) -> SendingOption:
        zones, worth = self.zones, self.worth
        allowed, why = self._afforded(extent) if not whole or not self._affords(extent) else (extent, "")
        saving = -sum(zone.tokens * zone.five for zone in zones if zone.end <= allowed.last)
        read = self.depths[hit.deepest] if allowed.last else 0
        cost = self.prompt.tokens - read * (1 - self.conditions.rates.read) - saving
        return SendingOption(hit, zones, worth, allowed, cost, whole, why)

    def _deepest(self, readable: Callable[[int], bool]) -> Hit:
        """The deepest entry believed alive at a place where it can be read."""
        deepest: tuple[int, BelievedEntry] | None = None
        for position, entry in alive_in(self.visit, self.now):
            if (deepest is None or position > deepest[0]) and readable(position):
                deepest = position, entry
        return (
            Hit()
            if deepest is None
            else Hit(five=deepest[0], vouched=deepest[1].vouched, confirmed=deepest[1].confirmed)
        )

    @property
    def _looks_back(self) -> bool:
        """Whether the service's own point reads what an earlier request wrote; else only points by hand do."""
        return self.conditions.behaviour.implicit_lookback == "message_ends" and self.trust.looks_back(self.now)

    def _read_by_itself(self, position: int) -> bool:
        """Whether the service's own point reads an entry there: at the end of a message, or of everything."""
        if position == self.shape.end:
            return True
        if not self._looks_back:
            return False
        before, behind = self.prompt.segments[position - 1], self.prompt.segments[position]
        return (before.section, before.message) != (behind.section, behind.message)

    def _marked(self, way: SendingOption) -> tuple[Placement, ...]:
        """The points to be set by hand; beside the service's own at most three, for it counts among the four."""
        if not way.whole:
            return placements_of(way.extent, way.hit, self._marks(), self.positions, self.conditions.rules)
        most = self.conditions.rules.maximum_points - 1
        return tuple(Placement(position) for position in sorted({*self._beside(way)}))[-most:]

    def _beside(self, way: SendingOption) -> Iterator[int]:
        """What is read by hand, and ends of parts that other requests may share: within what is written they are free.

        The service's own point reads ends of messages alone, and of none that this request has another text for.
        """
        read = way.hit.deepest
        if read and not self._read_by_itself(read):
            yield read
        for mark in self._marks():
            if mark < self.shape.end and self.positions.legal(mark):
                yield mark
