"""Which levers to pull, in what order: every combination that is possible is priced, the cheapest is the advice.

A combination is a way of sending (caching, lifetime, keep-alive), a tier (default, flex, batch) and a scope (as it is,
or global). What excludes what is in how they are made, not in a table of opinions: batch caches nothing (AWS), so it is
only ever combined with the way without caching; flex only has cached prices where the book has them; provisioned
throughput cannot be reached through a profile. Savings together are what each lever takes off the bill that the levers
before it left, the greatest first, so they add up to the whole.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from rockbottom.advise.bills import Bill, Tariff, bill_of
from rockbottom.advise.evidence import Evidence, Lever, Sent
from rockbottom.advise.tokens import Tokens
from rockbottom.catalog import ModelId, NoPriceInForce, Scope, Tier
from rockbottom.figures import usd
from rockbottom.quantities import WRITES, Unit, Usd

_SIMPLER = Decimal("0.999")
_HOURS = Decimal(30 * 24)


class Wait(Enum):
    """How long an answer may take."""

    NO = "no"
    MINUTES = "minutes"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Rival:
    """Another model with evidence of its own for the same workload."""

    evidence: Evidence
    tariff: Tariff

    def usd(self) -> Usd | None:
        """A month by its cheapest way at the default tier; None where it has no price."""
        bills: list[Usd] = []
        for sent in self.evidence.ways:
            if sent.measured is None:
                with suppress(NoPriceInForce):
                    bills.append(bill_of(sent.tokens, self.tariff).usd)
        return min(bills, default=None)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What only the user knows; None and the defaults mean that it was not said.

    ``model_unit_usd_hour`` and ``model_units``: the price in their contract and how many units carry the load.
    ``others``: models that would be good enough, in the user's judgement; ``rivals``: those of the same run.
    """

    wait: Wait | None = None
    residency: str | None = None
    others: tuple[Tariff, ...] = ()
    model_unit_usd_hour: Usd | None = None
    model_units: int = 1
    rivals: tuple[Rival, ...] = ()


@dataclass(frozen=True, slots=True)
class Combination:
    """One thing to do, priced."""

    sent: Sent
    tier: Tier
    tariff: Tariff
    levers: frozenset[Lever]
    bill: Bill


@dataclass(frozen=True, slots=True)
class Row:
    """One lever. ``status``: pull, in use, not now, excluded, ask, not offered. Money is US dollars a month.

    ``alone`` is what it saves with nothing else but what it needs; ``together`` what it adds in the advice. ``share``
    is ``alone`` against the bill as it is without any lever.
    """

    lever: Lever
    status: str
    alone: Usd | None
    share: Decimal | None
    together: Usd | None
    evidence: str
    risk: str
    how: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The rows in the order in which to act, and the bills before and after the ones marked pull."""

    evidence: Evidence
    tariff: Tariff
    before: Bill
    best: Combination
    rows: tuple[Row, ...]
    batch_break_even: Decimal | None


def advise(evidence: Evidence, tariff: Tariff, wishes: Wishes) -> Advice:
    """The advice. Raises NoPriceInForce when not even a plain request has a price."""
    before = bill_of(evidence.none.tokens, tariff)
    possible = list(_combinations(evidence, tariff))
    allowed = [one for one in possible if _allowed(one, wishes)]
    best = _cheapest(allowed)
    steps = _steps(best, allowed, before.usd)
    found = _Finder(evidence, tariff, wishes, before, possible, best, steps)
    order = [*steps, *(lever for lever in Lever if lever not in steps)]
    rows = [row for lever in order if (row := found.row(lever)) is not None]
    rows.sort(key=lambda row: _RANK[row.status])  # stable: levers to pull stay in their order
    return Advice(evidence, tariff, before, best, tuple(rows), batch_break_even(tariff))


_RANK = {"pull": 0, "ask": 1, "in use": 2, "not now": 3, "excluded": 4, "not offered": 5}


def batch_break_even(tariff: Tariff) -> Decimal | None:
    """The share of input that must be read for cached on-demand input to cost what batch input costs.

    With p = input, r = read and b = batch input price, and everything not read at p:  p - s (p - r) = b  gives
    s = (p - b)/(p - r). None where the model has no batch or no read price.
    """
    try:
        plain, read = tariff.usd_per_mtok(Unit.INPUT), tariff.usd_per_mtok(Unit.CACHE_READ)
        batch = tariff.usd_per_mtok(Unit.INPUT, Tier.BATCH)
    except NoPriceInForce:
        return None
    return (plain - batch) / (plain - read) if read < plain else None


def _combinations(evidence: Evidence, tariff: Tariff) -> Iterator[Combination]:
    """Everything that has a price, simple things first."""
    for where, extra in _scopes(tariff):
        for tier, lever in ((Tier.DEFAULT, None), (Tier.FLEX, Lever.FLEX), (Tier.BATCH, Lever.BATCH)):
            for sent in _sent_at(evidence, tier, where.model.scope):
                if tier is Tier.BATCH and sent.levers:
                    continue
                try:
                    bill = bill_of(sent.tokens, where, tier)
                except NoPriceInForce:
                    continue
                levers = sent.levers | extra | ({lever} if lever else set[Lever]())
                yield Combination(sent, tier, where, levers, bill)


def _sent_at(evidence: Evidence, tier: Tier, scope: Scope) -> Iterator[Sent]:
    """The ways that may be priced at a tier and scope.

    Where a lane was measured there, its tokens stand for what caching does there: misses that moving between Regions
    adds are in them, and not in those of another lane.
    """
    mine = [sent for sent in evidence.ways if sent.measured == (tier, scope)]
    bare = any(not one.levers for one in mine)
    for sent in evidence.ways:
        if sent.measured is None and (not mine or not (sent.levers or bare)):
            yield sent
    yield from mine


def _scopes(tariff: Tariff) -> Iterator[tuple[Tariff, frozenset[Lever]]]:
    yield tariff, frozenset()
    model = tariff.model
    if model.scope is not Scope.GLOBAL and Scope.GLOBAL in model.model.profiles:
        yield in_scope(tariff, Scope.GLOBAL), frozenset({Lever.GLOBAL})


def in_scope(tariff: Tariff, scope: Scope) -> Tariff:
    """The same model reached another way."""
    model = tariff.model.model
    given = model.id if scope is Scope.IN_REGION else f"{scope.value}.{model.id}"
    return replace(tariff, model=ModelId(given, model, scope))


def _allowed(one: Combination, wishes: Wishes) -> bool:
    if Lever.GLOBAL in one.levers and wishes.residency != "none":
        return False
    if Lever.BATCH in one.levers and wishes.wait is not Wait.DAY:
        return False
    return Lever.FLEX not in one.levers or wishes.wait in (Wait.MINUTES, Wait.DAY)


def _cheapest(found: Sequence[Combination]) -> Combination:
    best = found[0]
    for one in found[1:]:
        more = one.levers != best.levers and len(one.levers) >= len(best.levers)
        if one.bill.usd < best.bill.usd * (_SIMPLER if more else 1):
            best = one
    return best


def _steps(best: Combination, allowed: Sequence[Combination], before: Usd) -> dict[Lever, Usd]:
    """The levers of the best, each with what it takes off after those before it, the greatest first."""
    least: dict[frozenset[Lever], Usd] = {}
    for one in allowed:
        least[one.levers] = min(one.bill.usd, least.get(one.levers, one.bill.usd))
    least[frozenset()] = before
    steps: dict[Lever, Usd] = {}
    now: frozenset[Lever] = frozenset()
    while now != best.levers:
        left = [lever for lever in Lever if lever in best.levers - now]
        ways = [(least[now | {lever}], lever) for lever in left if now | {lever} in least]
        if not ways:  # two that only go together: count them as the one that needs the other
            steps |= dict.fromkeys(left[1:], Decimal(0)) | {left[0]: least[now] - best.bill.usd}
            break
        usd, lever = min(ways, key=lambda way: way[0])
        steps[lever] = least[now] - usd
        now |= {lever}
    return steps


@dataclass(frozen=True, slots=True)
class _Finder:
    """Makes the row of each lever."""

    evidence: Evidence
    tariff: Tariff
    wishes: Wishes
    before: Bill
    possible: Sequence[Combination]
    best: Combination
    steps: dict[Lever, Usd]

    def row(self, lever: Lever) -> Row | None:
        """The row, or None where there is nothing to say (a question that nobody asked)."""
        special = {Lever.PROVISIONED: self._provisioned, Lever.RIGHT_SIZE: self._smaller, Lever.SHORTER: self._shorter}
        return special[lever]() if lever in special else self._plain(lever)

    def _plain(self, lever: Lever) -> Row | None:
        alone = self._alone(lever)
        if alone is None:
            if lever is Lever.GLOBAL and self.tariff.model.scope is Scope.GLOBAL:
                return self._made(lever, "in use", None, "the id given is that of the global profile already")
            return None if lever is Lever.FAN_OUT else self._made(lever, "not offered", None, _WHY_NOT[lever])
        base = self.before.usd
        if lever in _NEEDS_CACHING:
            cached = self._alone(Lever.CACHING)
            base = cached.bill.usd if cached else base
        saved = base - alone.bill.usd
        status, words = self._status(lever, saved), self._evidence(lever, alone)
        if status == "excluded":
            words += f". Alone it comes to ${usd(alone.bill.usd, 2)}, the levers above to ${usd(self.best.bill.usd, 2)}"
        return self._made(lever, status, saved, words)

    def _alone(self, lever: Lever) -> Combination | None:
        """The cheapest that pulls this lever and nothing but what it needs."""
        wanted = frozenset({lever, Lever.CACHING} if lever in _NEEDS_CACHING else {lever})
        found = [one for one in self.possible if one.levers == wanted]
        return min(found, key=lambda one: one.bill.usd) if found else None

    def _status(self, lever: Lever, saved: Usd) -> str:
        if lever in self.steps:
            return "pull"
        if saved <= 0:
            return "not now"
        if lever in (Lever.BATCH, Lever.FLEX) and self.wishes.wait is None:
            return "ask"
        if lever is Lever.GLOBAL and self.wishes.residency is None:
            return "ask"
        return "not now" if lever is Lever.KEEP_ALIVE or lever is Lever.TTL else "excluded"

    def _evidence(self, lever: Lever, alone: Combination) -> str:
        lane = self._lane(lever)
        measured = f"{lane.name} of the run; " if lane else ""
        if lever is Lever.BATCH:
            return measured + self._batch_words()
        if lever is Lever.GLOBAL:
            how = f"{lane.read_share:.0%} of input read there" if lane else f"same tokens; {self._spare(alone)}"
            return f"{measured}{alone.tariff.model.given} on {self.tariff.on}, {how}"
        if lever is Lever.FLEX:
            both = [one for one in self.possible if one.levers == frozenset({Lever.FLEX, Lever.CACHING})]
            return f"{measured}flex prices exist, {'also' if both else 'but none'} for cached reads"
        if lever in (Lever.CACHING, Lever.TTL, Lever.KEEP_ALIVE):
            return f"{alone.sent.name}: {alone.sent.read_share:.0%} of input read; {self.evidence.says}"
        return self.evidence.says

    def _lane(self, lever: Lever) -> Sent | None:
        """What the run measured of a tier or of the global profile."""
        tier = {Lever.BATCH: Tier.BATCH, Lever.FLEX: Tier.FLEX}.get(lever)
        for sent in self.evidence.ways:
            if sent.measured is not None:
                here = sent.measured[0] is tier if tier else sent.measured == (Tier.DEFAULT, Scope.GLOBAL)
                if here:
                    return sent
        return None

    def _batch_words(self) -> str:
        share = batch_break_even(self.tariff)
        cached = [one.sent.read_share for one in self.possible if Lever.CACHING in one.levers]
        if share is None or not cached:
            return "nothing is cached in batch; prices of the batch tier"
        return (
            f"nothing is cached in batch: its input costs what cached on-demand input costs at {share:.1%} read, and "
            f"here up to {max(cached):.0%} is; batch lowers output as well"
        )

    def _spare(self, alone: Combination) -> str:
        """How many reads may become writes before the lower price is lost."""
        with_global, plain = frozenset({Lever.CACHING, Lever.GLOBAL}), frozenset({Lever.CACHING})
        cached = next((one for one in self.possible if one.levers == with_global), None)
        own = [one for one in self.possible if one.levers == plain]
        same = cached and next((one for one in own if one.sent is cached.sent), None)
        if cached is None or same is None:
            return "without caching there are no misses to add"
        read = cached.sent.total(Unit.CACHE_READ)
        try:
            unit = next(unit for unit in WRITES.values() if cached.sent.total(unit))
            extra = cached.tariff.usd_per_mtok(unit) - cached.tariff.usd_per_mtok(Unit.CACHE_READ)
        except (StopIteration, NoPriceInForce):
            return "its misses could not be priced"
        if extra <= 0 or not read:
            return "a miss costs no more than a read here"
        share = (same.bill.usd - cached.bill.usd) * 1_000_000 / extra / read
        return f"worth it while routing turns less than {share:.1%} of reads into writes (bench both to see)"

    def _provisioned(self) -> Row:
        price = self.wishes.model_unit_usd_hour
        if price is None:
            words = "no model-unit price is public for current models; give yours with --model-unit-usd-hour"
            return self._made(Lever.PROVISIONED, "ask", None, words)
        month = price * self.wishes.model_units * _HOURS
        saved = self.before.usd - month
        words = (
            f"{self.wishes.model_units} model units at your ${price} an hour are ${usd(month, 2)} for 30 days, against "
            f"${usd(self.best.bill.usd, 2)} with the levers above; whether they carry the load is not known here"
        )
        status = "ask" if month < self.best.bill.usd else "not now"
        return self._made(Lever.PROVISIONED, status, saved, words)

    def _smaller(self) -> Row:
        graded = self._rival()
        if graded is not None:
            return graded
        found: list[tuple[Usd, Tariff]] = []
        for other in self.wishes.others:
            try:
                found.append((bill_of(self.best.sent.tokens, other, self.best.tier).usd, other))
            except NoPriceInForce:
                try:
                    found.append((bill_of(self.evidence.none.tokens, other).usd, other))
                except NoPriceInForce:
                    continue
        if not found:
            words = "name models that would be good enough with --other ID; price says nothing of quality"
            return self._made(Lever.RIGHT_SIZE, "ask", None, words)
        cost, other = min(found, key=lambda one: one[0])
        words = (
            f"{other.model.given} for the same tokens: ${usd(cost, 2)} a month with the levers above that it has; "
            "quality unknown, good enough in your judgement"
        )
        saved = self.best.bill.usd - cost
        return self._made(Lever.RIGHT_SIZE, "ask" if saved > 0 else "not now", saved, words)

    def _rival(self) -> Row | None:
        """The cheapest other model of the same run that grading did not put under the bar."""
        priced = [(cost, one) for one in self.wishes.rivals if (cost := one.usd()) is not None]
        open_to = [pair for pair in priced if pair[1].evidence.good_enough is not False]
        if not priced:
            return None
        if not open_to:
            names = ", ".join(one.tariff.model.model.name for _, one in priced)
            return self._made(Lever.RIGHT_SIZE, "not now", None, f"{names}: under the bar in the graded run")
        best = next((pair for pair in sorted(open_to, key=_usd_of) if pair[1].evidence.good_enough), None)
        cost, other = best or min(open_to, key=_usd_of)
        saved = self.best.bill.usd - cost
        words = (
            f"{other.tariff.model.given}: ${usd(cost, 2)} a month by the cheapest way that the same evidence has for "
            f"it; {other.evidence.quality}"
        )
        return self._made(Lever.RIGHT_SIZE, "ask" if saved > 0 else "not now", saved, words)

    def _shorter(self) -> Row:
        sent, tariff = self.best.sent, self.best.tariff
        saved = bill_of([_input_only(one) for one in sent.tokens], tariff, self.best.tier).usd / 10
        words = "every tenth token cut from prompts, everywhere alike, after the levers above"
        return self._made(Lever.SHORTER, "ask", saved, words)

    def _made(self, lever: Lever, status: str, alone: Usd | None, evidence: str) -> Row:
        share = alone / self.before.usd if alone is not None and self.before.usd else None
        return Row(lever, status, alone, share, self.steps.get(lever), evidence, RISKS[lever], HOW[lever])


def _usd_of(pair: tuple[Usd, Rival]) -> Usd:
    return pair[0]


def _input_only(tokens: Tokens) -> Tokens:
    return replace(tokens, by_unit={unit: count for unit, count in tokens.by_unit.items() if unit is not Unit.OUTPUT})


_NEEDS_CACHING = frozenset({Lever.TTL, Lever.KEEP_ALIVE, Lever.FAN_OUT})
_WHY_NOT = {
    Lever.CACHING: "nothing here can be cached: the model has no cachePoint, or no prefix reaches its minimum",
    Lever.TTL: "no way with one-hour entries: the model has none, or the evidence did not try it",
    Lever.KEEP_ALIVE: "not tried by this evidence, or the requests come too far apart",
    Lever.BATCH: "no batch price for this model: it is not offered, or no source was read",
    Lever.FLEX: "no flex price for this model",
    Lever.GLOBAL: "no global profile is known for this model",
}
RISKS = {
    Lever.CACHING: "a prefix that changes in one byte is written again at a higher price on every request",
    Lever.TTL: "a one-hour write costs more than a five-minute one; sparse traffic pays it for nothing",
    Lever.KEEP_ALIVE: "pays for requests that nobody asked for; a quiet night costs as much as it saves",
    Lever.FAN_OUT: "the first request of a burst delays the others until its response begins",
    Lever.BATCH: "answers come within a day or more; no tools, no structured output, no invocation log",
    Lever.FLEX: "served after others; a price row does not prove that the tier may be used",
    Lever.GLOBAL: "data is processed anywhere; moving between Regions can miss the cache",
    Lever.RIGHT_SIZE: "other answers, and other token counts for the same text: grade it before you switch",
    Lever.PROVISIONED: "paid whether used or not; cannot be used through an inference profile",
    Lever.SHORTER: "what was cut may have been needed",
}
HOW = {
    Lever.CACHING: "rockbottom plan, or attach it to your client",
    Lever.TTL: 'cachePoint with "ttl": "1h" on the outer layers',
    Lever.KEEP_ALIVE: "attach with a keep-alive budget",
    Lever.FAN_OUT: "attach holds parallel first requests",
    Lever.BATCH: "rockbottom batch run",
    Lever.FLEX: 'serviceTier {"type": "flex"}',
    Lever.GLOBAL: "rockbottom profiles list MODEL --residency none",
    Lever.RIGHT_SIZE: "rockbottom bench --models A,B --grade --bar 0.9",
    Lever.PROVISIONED: "ask your account team for a price",
    Lever.SHORTER: "look at the largest blocks of the prompt first",
}
