"""The row of each lever: whether to pull it, what it saves alone and together, and on what grounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rockbottom.advise.besides import total_of_lines
from rockbottom.advise.bills import Tariff, bill_of
from rockbottom.advise.capacity import capacities
from rockbottom.advise.combining import PricedLevers, batch_break_even
from rockbottom.advise.evidence import Lever, WayEvidence, WayTokens
from rockbottom.advise.grounds import (
    ByTheHour,
    CachedShare,
    Globally,
    Ground,
    GuardedTurn,
    InBatch,
    ModelUnits,
    NoSpare,
    OnFlex,
    OtherModel,
    UnderBar,
    Why,
)
from rockbottom.advise.tokens import Tokens
from rockbottom.advise.wishes import Rival, Wishes
from rockbottom.catalog import NoPriceInForce, Scope, Tier, distillation_pairs
from rockbottom.quantities import WRITES, Unit, Usd

_HOURS = Decimal(30 * 24)
_NEEDS_CACHING = frozenset({Lever.TTL, Lever.KEEP_ALIVE, Lever.FAN_OUT})
_ASKED_FOR = frozenset({Lever.FAN_OUT, Lever.PLANNER})
"""Levers that only some evidence tries: of other evidence there is nothing to say."""


@dataclass(frozen=True, slots=True)
class LeverRow:
    """One lever. ``status``: pull, in use, not now, excluded, ask, not offered. Money is US dollars a month.

    ``alone`` is what it saves with nothing else but what it needs; ``together`` what it adds in the advice. ``share``
    is ``alone`` against the bill of today. ``alone_usd``: the bill with it, of one that is excluded.
    """

    lever: Lever
    status: str
    alone: Usd | None
    share: Decimal | None
    together: Usd | None
    ground: Ground
    alone_usd: Usd | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Makes the row of each lever. ``base_usd``: the bill of today; ``steps``: what the levers of the best take off."""

    evidence: WayEvidence
    tariff: Tariff
    wishes: Wishes
    base_usd: Usd
    possible: Sequence[PricedLevers]
    best: PricedLevers
    steps: dict[Lever, Usd]

    def row(self, lever: Lever) -> LeverRow | None:
        """The row, or None where there is nothing to say (a question that nobody asked)."""
        special = {
            Lever.PROVISIONED: self._provisioned,
            Lever.RIGHT_SIZE: self._smaller,
            Lever.SHORTER: self._shorter,
            Lever.GUARD_TURN: self._guard_turn,
            Lever.DISTIL: self._distil,
            Lever.ROUTE: self._route,
        }
        return special[lever]() if lever in special else self._plain(lever)

    def _plain(self, lever: Lever) -> LeverRow | None:
        alone = self._alone(lever)
        if alone is None:
            if lever is Lever.GLOBAL and self.tariff.model.scope is Scope.GLOBAL:
                return self._row(lever, "in use", None, Why.GLOBAL_GIVEN)
            return None if lever in _ASKED_FOR else self._row(lever, "not offered", None, Why.NOT_OFFERED)
        base = self.base_usd
        if lever in _NEEDS_CACHING:
            cached = self._alone(Lever.CACHING)
            base = cached.bill.usd if cached else base
        saved = base - alone.bill.usd
        status = self._status(lever, saved)
        row = self._row(lever, status, saved, self._ground(lever, alone))
        return replace(row, alone_usd=alone.bill.usd) if status == "excluded" else row

    def _alone(self, lever: Lever) -> PricedLevers | None:
        """The cheapest that pulls this lever and nothing but what it needs."""
        levers = frozenset({lever, Lever.CACHING} if lever in _NEEDS_CACHING else {lever})
        alike = [combination for combination in self.possible if combination.levers == levers]
        return min(alike, key=lambda combination: combination.bill.usd) if alike else None

    def _status(self, lever: Lever, saved: Usd) -> str:
        if lever in self.steps:
            return "pull"
        today = self.evidence.today
        if today is not None and lever in today.levers and self.best.sent is today:
            return "in use"
        if saved <= 0:
            return "not now"
        if lever in (Lever.BATCH, Lever.FLEX) and self.wishes.wait is None:
            return "ask"
        if lever is Lever.GLOBAL and self.wishes.residency is None:
            return "ask"
        return "not now" if lever is Lever.KEEP_ALIVE or lever is Lever.TTL else "excluded"

    def _ground(self, lever: Lever, alone: PricedLevers) -> Ground:
        lane = self._lane(lever)
        name = lane.name if lane else None
        if lever is Lever.BATCH:
            reads = [other.sent.read_share for other in self.possible if Lever.CACHING in other.levers]
            return InBatch(name, batch_break_even(self.tariff), max(reads, default=None))
        if lever is Lever.GLOBAL:
            spare = None if lane else self._spare()
            model, measured = alone.tariff.model.given, lane.read_share if lane else None
            return Globally(model, self.tariff.on, name, measured, spare)
        if lever is Lever.FLEX:
            both = frozenset({Lever.FLEX, Lever.CACHING})
            return OnFlex(name, any(other.levers == both for other in self.possible))
        if lever in (Lever.PLANNER, Lever.CACHING, Lever.TTL, Lever.KEEP_ALIVE):
            return CachedShare(alone.sent.name, alone.sent.read_share)
        return Why.EVIDENCE

    def _lane(self, lever: Lever) -> WayTokens | None:
        """What the run measured of a tier or of the global profile."""
        tier = {Lever.BATCH: Tier.BATCH, Lever.FLEX: Tier.FLEX}.get(lever)
        for sent in self.evidence.ways:
            if sent.measured is not None:
                here = sent.measured[0] is tier if tier else sent.measured == (Tier.DEFAULT, Scope.GLOBAL)
                if here:
                    return sent
        return None

    def _spare(self) -> Decimal | NoSpare:
        """How many reads may become writes before the lower price of the global profile is lost."""
        with_global, plain = frozenset({Lever.CACHING, Lever.GLOBAL}), frozenset({Lever.CACHING})
        cached = next((other for other in self.possible if other.levers == with_global), None)
        own = [other for other in self.possible if other.levers == plain]
        same = cached and next((other for other in own if other.sent is cached.sent), None)
        if cached is None or same is None:
            return NoSpare.NOTHING_CACHED
        read = cached.sent.total(Unit.CACHE_READ)
        try:
            unit = next(unit for unit in WRITES.values() if cached.sent.total(unit))
            extra = cached.tariff.usd_per_mtok(unit) - cached.tariff.usd_per_mtok(Unit.CACHE_READ)
        except (StopIteration, NoPriceInForce):
            return NoSpare.UNPRICED
        if extra <= 0 or not read:
            return NoSpare.FREE_MISSES
        return (same.bill.usd - cached.bill.usd) * 1_000_000 / extra / read

    def _provisioned(self) -> LeverRow:
        price = self.wishes.model_unit_usd_hour
        if price is None:
            return self._by_the_hour()
        month = price * self.wishes.model_units * _HOURS
        status = "ask" if month < self.best.bill.usd else "not now"
        ground = ModelUnits(self.wishes.model_units, price, month, self.best.bill.usd)
        return self._row(Lever.PROVISIONED, status, self.base_usd - month, ground)

    def _by_the_hour(self) -> LeverRow:
        """Capacity whose price was read: it is not cheaper below its break-even, and above it nothing here knows."""
        tokens = self.evidence.none.tokens
        output = sum((part.by_unit.get(Unit.OUTPUT, Decimal(0)) for part in tokens), Decimal(0))
        whole = sum((sum(part.by_unit.values(), Decimal(0)) for part in tokens), Decimal(0))
        offers = capacities(self.tariff, whole - output, output) if whole else ()
        if not offers:
            return self._row(Lever.PROVISIONED, "ask", None, Why.NO_UNIT_PRICE)
        average = whole / _HOURS
        pays = any(
            offer.break_even <= average
            if offer.saves is None
            else offer.saves > 0 and offer.usd_hour * _HOURS < self.base_usd
            for offer in offers
        )
        return self._row(Lever.PROVISIONED, "ask" if pays else "not now", None, ByTheHour(offers, average))

    def _distil(self) -> LeverRow | None:
        """A question where Bedrock distils the model; what it costs needs numbers that no evidence here has."""
        model = self.tariff.model.model.id
        known = any(pair.teacher == model for pair in distillation_pairs())
        return self._row(Lever.DISTIL, "ask", None, Why.STUDENT_KNOWN) if known else None

    def _route(self) -> LeverRow | None:
        """A question where requests were recorded: which of them another model could have answered, a rule says."""
        recorded = self.evidence.today is not None or self.evidence.paid_usd is not None
        return self._row(Lever.ROUTE, "ask", None, Why.REPLAYED_BY_RULE) if recorded else None

    def _guard_turn(self) -> LeverRow | None:
        """What a guardrail costs on all of the input and on the user's turn alone, where one is named."""
        guard = self.wishes.guarding
        requests = self.evidence.requests
        if guard is None or guard.tagged or not requests:
            return None
        cached = self._alone(Lever.CACHING)
        inputs = [unit for unit in Unit if unit is not Unit.OUTPUT]
        whole, output = (self.evidence.none.total(*units) / requests for units in (inputs, [Unit.OUTPUT]))
        own = cached.sent.total(Unit.INPUT) / requests if cached else whole
        ways = [replace(guard, tagged=tagged).lines(requests, whole, own, output) for tagged in (False, True)]
        usd = [total_of_lines(lines) for lines in ways]
        read = cached.sent.total(Unit.CACHE_READ) if cached else Decimal(0)
        try:
            read_usd = read * self.tariff.usd_per_mtok(Unit.CACHE_READ) / 1_000_000 if read else None
        except NoPriceInForce:
            read_usd = None
        saved = usd[0] - usd[1]
        ground = GuardedTurn(usd[0], usd[1], read_usd)
        return self._row(Lever.GUARD_TURN, "ask" if saved > 0 else "not now", saved, ground)

    def _smaller(self) -> LeverRow:
        graded = self._rival()
        if graded is not None:
            return graded
        priced: list[tuple[Usd, Tariff]] = []
        for other in self.wishes.others:
            cost = self._usd_on(other)
            if cost is not None:
                priced.append((cost, other))
        if not priced:
            return self._row(Lever.RIGHT_SIZE, "ask", None, Why.NO_MODEL_NAMED)
        cost, other = min(priced, key=lambda pair: pair[0])
        saved = self.best.bill.usd - cost
        ground = OtherModel(other.model.given, cost)
        return self._row(Lever.RIGHT_SIZE, "ask" if saved > 0 else "not now", saved, ground)

    def _usd_on(self, other: Tariff) -> Usd | None:
        """The bill of another model, sent as the best or, where it has no price for that, without caching."""
        for tokens, tier in ((self.best.sent.tokens, self.best.tier), (self.evidence.none.tokens, Tier.DEFAULT)):
            try:
                return bill_of(tokens, other, tier).usd
            except NoPriceInForce:
                continue
        return None

    def _rival(self) -> LeverRow | None:
        """The cheapest other model of the same run that grading did not put under the bar."""
        rivals = [(cost, rival) for rival in self.wishes.rivals if (cost := rival.usd()) is not None]
        open_to = [pair for pair in rivals if pair[1].evidence.good_enough is not False]
        if not rivals:
            return None
        if not open_to:
            names = tuple(rival.tariff.model.model.name for _, rival in rivals)
            return self._row(Lever.RIGHT_SIZE, "not now", None, UnderBar(names))
        best = next((pair for pair in sorted(open_to, key=_usd_of) if pair[1].evidence.good_enough), None)
        cost, rival = best or min(open_to, key=_usd_of)
        saved = self.best.bill.usd - cost
        ground = OtherModel(rival.tariff.model.given, cost, rival.evidence.quality)
        return self._row(Lever.RIGHT_SIZE, "ask" if saved > 0 else "not now", saved, ground)

    def _shorter(self) -> LeverRow:
        tokens = [_input_only(part) for part in self.best.sent.tokens]
        saved = bill_of(tokens, self.best.tariff, self.best.tier).usd / 10
        return self._row(Lever.SHORTER, "ask", saved, Why.EVERY_TENTH_TOKEN)

    def _row(self, lever: Lever, status: str, alone: Usd | None, ground: Ground) -> LeverRow:
        share = alone / self.base_usd if alone is not None and self.base_usd else None
        return LeverRow(lever, status, alone, share, self.steps.get(lever), ground)


def _usd_of(pair: tuple[Usd, Rival]) -> Usd:
    return pair[0]


def _input_only(tokens: Tokens) -> Tokens:
    return replace(tokens, by_unit={unit: count for unit, count in tokens.by_unit.items() if unit is not Unit.OUTPUT})
