"""One request being decided about: what may be read, what is worth writing, what the guard allows."""

from dataclasses import replace
from decimal import Decimal

from msgspec import Struct, field

from rockbottom.plan.alive import Sending, hit_of, note
from rockbottom.plan.choice import Extent, Hit, Zone, extent_of, placements_of, zones_of
from rockbottom.plan.completing import completing
from rockbottom.plan.conditions import Conditions
from rockbottom.plan.guard import Guard
from rockbottom.plan.history import Visit
from rockbottom.plan.insurance import Insurance, Insured, insured
from rockbottom.plan.kinds import PromptShape
from rockbottom.plan.pending import Pending
from rockbottom.plan.plans import CachePlan
from rockbottom.plan.positions import Positions
from rockbottom.plan.returns import Chance, Returns
from rockbottom.plan.runs import Run
from rockbottom.plan.telling import Decided, plan_of_decision
from rockbottom.plan.trust import Trust
from rockbottom.plan.values import Value, Values, long_message
from rockbottom.plan.worth import NEVER
from rockbottom.prompt import Api, KeptByService, Placement, PrefixHash, Prompt

_ZERO = Decimal(0)
_UNSEEN_S = 86400.0  # so long a stored conversation that went on says that others may
Account = tuple[str, ...]


class Mind(Struct):
    """What a decision rests on besides the request: the counts, the guard, and what became of earlier reads.

    ``unseen_at``: when a request last went on with a conversation that the service stores, of which no return is seen.
    """

    returns: Returns
    guard: Guard
    insurances: dict[Account, Insurance] = field(default_factory=dict[Account, Insurance])
    trusts: dict[Account, Trust] = field(default_factory=dict[Account, Trust])
    unseen_at: float = float("-inf")

    def insures(self, conditions: Conditions, api: Api) -> bool:
        """Whether tail insurance may be used: found possible by a probe, and not contradicted since."""
        return api in conditions.insurable and not self.insurances.setdefault(conditions.account, Insurance()).off

    def unread(self, error: Exception, now: float) -> None:
        """Note a request that could not be read."""
        if isinstance(error, KeptByService):
            self.unseen_at = max(self.unseen_at, now)

    def goes_on_unseen(self, now: float) -> bool:
        """Whether what is sent once may go on where it is not seen."""
        return now - self.unseen_at <= _UNSEEN_S

    def trust(self, account: Account) -> Trust:
        """How far the reads of an account are relied on."""
        trust = self.trusts.get(account)
        if trust is None:
            trust = self.trusts[account] = Trust()
        return trust


class Decision:
    """One request being decided about."""

    def __init__(
        self,
        mind: Mind,
        prompt: Prompt,
        conditions: Conditions,
        shape: PromptShape,
        visit: Visit,
        added: list[Run],
        key: PrefixHash,
        now: float,
    ) -> None:
        self.mind, self.prompt, self.conditions = mind, prompt, conditions
        self.shape, self.visit, self.added, self.key, self.now = shape, visit, added, key, now
        self.depths = prompt.depths
        self.behaviour = conditions.behaviour.on(prompt.api)
        self.trust = mind.trust(conditions.account)
        there = 1 - self.trust.miss
        usual_s = conditions.usual.seconds
        kinds = mind.returns.of(conditions.model.model.id)
        self.values = Values(kinds, shape, visit, prompt.depths, conditions.rates, there, usual_s)
        self.positions = Positions(prompt, conditions.rules, shape.end)
        self.hit = hit_of(visit, now)
        self.zones: list[Zone] = []
        self.worth: dict[int, Value] = {}
        self.insured: Insured | None = None
        self.extent = Extent(0, 0, 0.0)
        self.pending: Pending | None = None  # what is counted for the plan until its usage comes back
        self.sending: Sending | None = None  # what it does to entries, where it has points

    def doubt(self, front: int, own: int, chance: Chance, opened: int) -> bool:
        """Which first messages are written though little is known of their kind (see ``values``)."""
        return long_message(front, own, chance, opened)

    # choosing
    def made(self) -> CachePlan:
        if self.trust.paused_until > self.now:
            why = f"nothing: {self.trust.run} times in a row an entry that should be there was not read"
            return self._nothing(why, held_back=True)
        ends = self._ends()
        if self.conditions.multiples is not None and self.conditions.multiples.free_writes:
            last = self.positions.at_or_below(self.shape.end)
            desired, extent, why = None, Extent(0, last, 0.0), "writes are free: a cachePoint stands wherever it may"
        else:
            self.worth = self.values.of(ends, barred=self.hit.bars_hour and not self._insures, doubt=self.doubt)
            self.zones = zones_of(self.hit.deepest, ends, self.depths, self.worth)
            desired = self._desired()
            self.insured = self._insured(desired)
            extent, why = (self.insured.extent, "") if self.insured else self._afforded(desired)
        held_back = desired is not None and self.insured is None and extent.last < desired.last
        self.extent = extent
        if not extent.last:
            why = why or self._barred() or "no reuse expected"
            return self._nothing(why, held_back=held_back)
        placements = placements_of(extent, self.hit, self._marks(), self.positions, self.conditions.rules)
        if self.prompt.points:
            placements = completing(self.prompt, placements, self.conditions.rules, self.conditions.behaviour)
            if not placements:
                return self._nothing("nothing to add to its cachePoints")
        decided = Decided(
            self.prompt, self.conditions, extent, self.hit, self.zones, self.worth, self.insured, self.key, held_back
        )
        return self._ended(plan_of_decision(decided, placements, why), placements)

    @property
    def _insures(self) -> bool:
        return self.mind.insures(self.conditions, self.prompt.api)

    def _barred(self) -> str:
        """What changes from request to request, where that is certain."""
        if self.shape.barrier >= self.shape.end:
            return ""
        place = self.prompt.place(self.prompt.segments[self.shape.barrier])
        return f"{place} changes with every request: nothing behind it is written"

    def _ends(self) -> list[int]:
        """Ends of what may be written: above the hit, legal, at least the minimum."""
        floor = self.hit.deepest
        candidates = (self.shape.fixed, self._shared_end, self.visit.seen, self.shape.last, self.shape.end)
        barrier = self.shape.barrier
        return [
            end
            for end in {self.positions.at_or_below(min(candidate, barrier), floor) for candidate in candidates}
            if end
        ]

    def _marks(self) -> list[int]:
        barrier = self.shape.barrier

        def legal(position: int) -> int:
            return self.positions.at_or_below(min(position, barrier))

        return [legal(self._shared_end), legal(self.shape.last), legal(self.shape.fixed), legal(self.visit.seen)]

    @property
    def _shared_end(self) -> int:
        return self.visit.shared.end if self.visit.shared is not None else 0

    def _desired(self) -> Extent:
        """What would be written if the guard had nothing to say.

        With tail insurance an hour is first bought only for what other prompts share: of a conversation that goes on,
        its next tails can keep the rest.
        """
        if self._insures:
            if self.visit.seen > self.shape.fixed or self.prompt.has_tools:
                common = max(self.shape.fixed, self._shared_end)
                zones = [zone if zone.end <= common else replace(zone, hour=NEVER) for zone in self.zones]
                desired = extent_of(zones, self.hit)
                if desired.last > self.hit.deepest:
                    return desired
            return extent_of(self.zones, self.hit)
        desired = extent_of(self.zones, self.hit, self._rewriting())
        if self.hit.bars_hour and desired.hour > self.hit.hour:  # its five-minute entries are not read any more
            self.hit = Hit(self.hit.hour, self.hit.hour)
        return desired

    def _rewriting(self) -> float:
        """What writing the five-minute entries again for an hour costs; NEVER where a point for an hour reads them."""
        rates, hit = self.conditions.rates, self.hit
        if not hit.bars_hour or self.behaviour.ttl_in_key == "no":
            return NEVER
        return (rates.hour - rates.read) * (self.depths[hit.five] - self.depths[hit.hour])

    def _insured(self, desired: Extent) -> Insured | None:
        """The wanted extent with its last point for an hour, where that is possible, pays and can be afforded."""
        if not self.zones or not self._insures:
            return None
        end = desired.last if desired.last > self.hit.deepest else self.zones[-1].end
        value = self.worth.get(end)
        if value is None or value.chance is None or end <= desired.hour:
            return None
        option = insured(desired, self.hit, self.depths, end, value.chance, self.conditions.rates)
        return option if option is not None and self._affords(option.extent, across=True) else None

    # affording
    def _afforded(self, extent: Extent) -> tuple[Extent, str]:
        """The extent, or the best smaller one that the guard can pay for at its worst."""
        if self._affords(extent):
            return extent, ""
        without_hour = extent_of([replace(zone, hour=NEVER) for zone in self.zones], self.hit)
        seen = min(without_hour.last, self.positions.at_or_below(self.visit.seen))
        options = [
            without_hour,
            replace(without_hour, last=max(seen, self.hit.deepest)),
            Extent(self.hit.hour, self.hit.deepest, 0.0),
        ]
        for option in options:
            if option.last and self._affords(option):
                return option, "less than would pay: the guard against useless writes allows no more"
        return Extent(0, 0, 0.0), "nothing: the guard against useless writes allows no more"

    def _affords(self, extent: Extent, *, across: bool = False) -> bool:
        plain = Decimal(self.prompt.tokens)
        return self.mind.guard.affords(self.conditions.account, self._worst(extent, across=across), plain)

    def _vouched(self, *, across: bool) -> bool:
        """Whether the read may be counted on: the entry is vouched for, and no read is owed to the account."""
        return self.hit.vouched and not self.hit.relied and not across and self.trust.doubt <= 0

    def _worst(self, extent: Extent, *, across: bool = False) -> Decimal:
        """The most it can cost above no caching: what is new is never read, what nobody vouches for is not there.

        What a read saves does not count before the reply says so.
        """
        multiples = self.conditions.multiples
        if multiples is None or not extent.last:
            return _ZERO
        depths, hour = self.depths, multiples.write_1h or multiples.write_5m
        read = self.hit.deepest if self._vouched(across=across) else 0
        upto_hour = depths[max(extent.hour, self.hit.hour, read)] - depths[read]
        five = max(0, depths[extent.last] - max(depths[read], depths[extent.hour], depths[self.hit.hour]))
        return five * (multiples.write_5m - 1) + upto_hour * (hour - 1)

    # afterwards
    def _nothing(self, reason: str, *, held_back: bool = False) -> CachePlan:
        """The plan that adds nothing."""
        name, tokens = self.conditions.model.model.name, self.prompt.tokens
        return self._ended(CachePlan(name, tokens, reason=reason, held_back=held_back, key=self.key), ())

    def _ended(self, plan: CachePlan, placements: tuple[Placement, ...]) -> CachePlan:
        """The plan, once it is noted what it reads and writes."""
        self.pending = self._pending_of(plan)
        if placements:
            self.sending = self._sending(placements)
            note(self.visit, self.added, self.sending, self.now, self.pending.writing)
        return plan

    def _sending(self, placements: tuple[Placement, ...]) -> Sending:
        behaviour, usual = self.behaviour, self.conditions.usual
        return Sending(
            tuple((placement.after, placement.ttl or usual) for placement in placements),
            self.hit.deepest,
            self.insured.extent.last if self.insured is not None else 0,
            behaviour.ttl_in_key == "no",
            behaviour.refresh_on_hit == "entry",
            behaviour.renews(usual),
        )

    def _pending_of(self, plan: CachePlan) -> Pending:
        multiples = self.conditions.multiples
        assert multiples is not None
        hour, hit = multiples.write_1h or multiples.write_5m, self.hit
        extra = (
            plan.read * (multiples.read - 1) + plan.written_5m * (multiples.write_5m - 1) + plan.written_1h * (hour - 1)
        )
        across = self.insured is not None and hit.bars_hour
        worst = max(_ZERO, self._worst(self.extent, across=self.insured is not None)) if plan.placements else _ZERO
        share = plan.written_1h / max(1, plan.written_1h + plan.written_5m)
        if plan.read and not plan.written_1h and hit.hour:
            share = 0.0 if hit.bars_hour else 1.0
        return Pending(
            at=self.now,
            tokens=self.prompt.tokens,
            path=(*reversed(self.added), *self.visit.path),
            depths=self.depths,
            placed=frozenset(placement.after for placement in plan.placements),
            hit=hit.deepest,
            conditions=self.conditions,
            extra=extra,
            risk=max(_ZERO, worst - extra),
            read=plan.read,
            hour_share=share,
            confirmed=plan.read > 0 and hit.confirmed,
            relied=plan.read > 0 and hit.relied,
            across=plan.read > 0 and across,
            certain=self.depths[hit.hour] if across else 0,
        )
