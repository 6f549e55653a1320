"""What writing each end of a prompt is worth, from how often ends of its kind came back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from sys import intern

from rockbottom.plan.history import Visit
from rockbottom.plan.kinds import Levels, PromptShape, kind_of_new, kind_of_pace, kind_of_seen, part_of
from rockbottom.plan.returns import Chance, Kinds, ReturnCounts
from rockbottom.plan.runs import NO_PACE, GapRecord, Run
from rockbottom.plan.worth import RelativePrices, gains
from rockbottom.quantities import Ttl

_MARGIN_5M, _MARGIN_1H = 0.02, 0.05
"""Per token, kept for what is not certain. Without them public chat costs .920 instead of .916 (its set left out), 25
one-off documents 1.042 instead of 1.035. With .07 and .10 for the hour contracts cost .375 and .374, not .379, but
one prefix sent about once an hour .8315 and .833 instead of .831, slow agents 1.19 instead of 1.13 times all 1h."""

_CAUTION = 1.0
"""Standard deviations of a chance by which a write must pay. With 0.5 and 0: chat .920 and .919 instead of .916,
contracts .381 and .380 instead of .377 (their sets left out), 25 one-off documents 1.052 and 1.064 instead of 1.035."""

_DOUBTFUL = 0.6  # a kind less likely than this to return is written only a few times before some have returned
_LOST = 1.0  # what a write is taken to cost per token where its kind waits for its first to return
_UNTOLD, _DOUBTED = ("first", "final"), -0.01
_LONG = 4096
"""A long first message in one block may be a document that is never seen again, or the beginning of a conversation: no
recorded set tells. The first two of a kind have the benefit of the doubt, for to lose a write costs a quarter of it and
to leave it out nine tenths: a conversation of 12 turns on a document of 45k costs what points by hand cost, not 1.34
times that; one-off documents cost the same to .001."""

Doubt = Callable[[int, int, Chance, int], bool]
"""Whether a first message has the benefit of the doubt: told the tokens of tools and system, its own, what is known of
its kind, and how many first messages there were."""

Chances = tuple[float, float]
"""To be sent again within five minutes, and after five to sixty."""


def long_message(front: int, own: int, chance: Chance, opened: int) -> bool:
    """Whether it is one of the first two of its kind, and so long that it may be a document of a talk that begins."""
    return chance.untried and own >= _LONG


@dataclass(frozen=True, slots=True)
class Value:
    """What a token is expected to cost more if it is written (negative: a saving), for each lifetime, and why.

    ``known`` is what is known of its kind; ``chance`` None: that is too little, and it is not written.
    """

    five: float
    hour: float
    known: Chance
    chance: Chance | None = None
    caution_five: float = 0.0
    caution_hour: float = 0.0

    @property
    def expected(self) -> "Value":
        """Without what is kept for what is not certain."""
        return replace(self, five=self.five - self.caution_five, hour=self.hour - self.caution_hour)


class Values:
    """The values of the ends of one prompt."""

    def __init__(
        self,
        returns: Kinds,
        shape: PromptShape,
        visit: Visit,
        depths: Sequence[int],
        rates: RelativePrices,
        there: float,
        usual_s: int = Ttl.FIVE_MINUTES.seconds,
    ) -> None:
        self._returns, self._shape, self._visit, self._depths = returns, shape, visit, depths
        self._rates, self._there = rates, there  # ``there``: the share of expected reads that come
        self._usual_s = usual_s  # how long what is written for the usual time lives
        self._after_new: tuple[Chances, Chances] | None = None

    def watch(self, added: Iterable[Run], now: float) -> None:
        """Wait for the return of the ends of this prompt."""
        returns, visit = self._returns, self._visit
        for run in added:
            levels = self._levels(run.end)
            run.open = returns.open(levels, self._local(levels, run.end, make=True), now)
        for run in dict.fromkeys((visit.run, visit.shared)):
            if run is not None and run.open is None:
                run.open = returns.open(kind_of_seen(run, self._shape), None, now)

    def of(self, ends: Iterable[int], *, barred: bool, doubt: Doubt = long_message) -> dict[int, Value]:
        """What writing up to each end is worth per token; ``barred``: an hour is no option later either.

        ``doubt`` tells which first messages are written though none was seen to return.

        Whoever sends a longer prefix again sends the shorter one too: a shallower end is given at least the
        chance of the deeper ones.
        """
        values: dict[int, Value] = {}
        deeper: Chance | None = None
        for end in sorted(ends, reverse=True):
            levels = self._levels(end)
            chance = self._returns.chance(levels, self._local(levels, end), self._usual_s)
            if deeper is not None and deeper.total > chance.total:
                chance = deeper
            deeper = chance
            value = self._value(end, chance, barred)
            if value.five > 0 and levels[0] == _UNTOLD and self._is_given_the_benefit(end, chance, doubt):
                value = replace(value, five=_DOUBTED, chance=chance, caution_five=0.0)
            values[end] = value
        return values

    def _is_given_the_benefit(self, end: int, chance: Chance, doubt: Doubt) -> bool:
        """Whether the first message that ends there is one of those that are written in doubt."""
        front = self._depths[self._shape.fixed]
        return doubt(front, self._depths[end] - front, chance, self._returns.opened(_UNTOLD))

    def _value(self, position: int, chance: Chance, barred: bool) -> Value:
        if chance.unproven and chance.quick < _DOUBTFUL:
            return Value(_LOST, _LOST, chance)
        rates, there = self._rates, self._there
        now = chance.quick * there, chance.slow * there
        five, hour = gains(now, *self._afterwards(position), rates, barred)
        scale = _CAUTION * (rates.five - rates.read)
        caution_five = _MARGIN_5M + scale * chance.deviation(chance.quick)
        caution_hour = _MARGIN_1H + scale * chance.deviation(chance.total)
        return Value(five + caution_five, hour + caution_hour, chance, chance, caution_five, caution_hour)

    def _afterwards(self, position: int) -> tuple[Chances, Chances]:
        """The chances after a quick next use and after a slow one; ends that were never seen have theirs in common."""
        seen = position <= self._visit.seen
        if not seen and self._after_new is not None:
            return self._after_new
        pace, shared = self._pace_at(position), seen and self._run_at(position).shared
        chances = self._after(pace, shared, 60.0), self._after(pace, shared, 1200.0)
        if not seen:
            self._after_new = chances
        return chances

    def _after(self, pace: GapRecord, shared: bool, gap: float) -> Chances:
        then = pace.after(gap)
        chance = self._returns.chance(kind_of_pace(then, shared, self._shape), None, self._usual_s)
        return chance.quick * self._there, chance.slow * self._there

    def _levels(self, position: int) -> Levels:
        visit = self._visit
        if position <= visit.seen:
            return kind_of_seen(self._run_at(position), self._shape)
        tokens = self._depths[position] - self._depths[visit.seen]
        return kind_of_new(position, tokens, visit.seen, visit.run, self._shape)

    def _local(self, levels: Levels, position: int, *, make: bool = False) -> ReturnCounts | None:
        """The past of such ends right on the shared prefix below."""
        shared = self._visit.shared
        if shared is None or levels[0][0] == "seen":
            return None
        key = intern("/".join((*levels[0], part_of(position, self._shape), self._shape.speaker)))  # a few hundred
        if shared.local is None:
            if not make:
                return None
            shared.local = {}
        if make and key not in shared.local:
            shared.local[key] = ReturnCounts()
        return shared.local.get(key)

    def _run_at(self, position: int) -> Run:
        for run in self._visit.path:
            if run.start < position:
                return run
        return self._visit.path[-1]

    def _pace_at(self, position: int) -> GapRecord:
        if position <= self._visit.seen:
            return self._run_at(position).pace
        run = self._visit.run
        return run.pace if run is not None and not run.shared else NO_PACE
