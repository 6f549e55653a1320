"""How often, and how soon, prefixes of one kind come back: counts per stage, shrunk along a hierarchy.

Whether a prefix came back is visible whether or not it was written, so every prompt teaches. A return is counted at
once, and an end that is still waited for counts as that part of a miss that it has outlived of its stage: otherwise
quick returns would be counted before slow ones. The broadest class leaves out what is still waited for, or it would
count three times as much as a miss. (Counted only when its stage was over, public chat cost .917 instead of .913, and
.936 instead of .922 with its own set left out of the priors.)
"""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import sqrt

from msgspec import Struct

STAGES = ((0.0, 60.0), (60.0, 300.0), (300.0, 1200.0), (1200.0, 3600.0))
"""Seconds since the last use, lower end exclusive: within a minute, five minutes, twenty, an hour."""

_LAST = len(STAGES) - 1

_DECAY = 0.998  # 0.99 to 1.0 changed the recorded sets by 0.002 at most
_STRENGTH = 3.0  # pseudo-observations with which a class leans on the class above it
_ROOT_STRENGTH = 2.0
_LOCAL_STRENGTH = 0.6 * _STRENGTH  # a prefix's own history leans on its class a little less
_UNKNOWN = (0.25, 0.25, 0.10, 0.10)  # where there is not even a prior
"""How much hangs on them, as input cost relative to no caching, on the first 6,000 requests of each recorded set of
benchmarks/placement (seed 1; chat costs .922, contracts .379, the mix of nine sets .484, agents .168). Strengths of 1:
agents .0005 less, star .0008 and the mix .0007 more; of 9: chat .0092 more, contracts .0023 less. A root of 0.5: chat
.0058 more; of 8: .0011 less. A share of 0.3: chat .0020 more; of 1: .0002 less. Chances without a prior halved or
doubled: .0007 at most."""

_PENDING_LIMIT = 50_000  # observations that are waited for; a bound on memory
_PROVEN, _WAITING = 8.0, 12
"""A kind with fewer observations than the first waits once more than the second are under way: as many first writes as
its prompts pay for (guard.PROMPTS), when they come so close together that none has had the time to return. Without any
waiting public chat costs .912 instead of .914 (its set left out), with 6 under way .916; no other row changes."""

_FIRST = 2  # so many of a kind of which nothing was seen but the prior are the first (see ``values``)

ClassKey = tuple[str, ...]
Counted = tuple[Sequence[float], Sequence[float], float]  # hits and misses per stage, and observations
_MISSES, _WAITING_NOW, _SINCE = (len(STAGES) * number for number in (1, 2, 3))  # where each stands in a cell's counts
_NONE = (0.0,) * len(STAGES)
_FORGOTTEN: list[float] = [0.0] * 4 * len(STAGES)
"""The counts of all cells that are forgotten: ends are waited for an hour, and a planner forgets sooner."""


class ReturnCounts:
    """Hits and misses per stage; ``own`` counts what was observed here, not what the prior says.

    There are thousands (each prefix that many share has some of its own), and most of a planner's time goes through
    them: what is counted per stage stands in one list, hits, misses, then the observations that are in each stage now
    (``waiting``) and the sum of the instants at which they entered it (``since``).
    """

    __slots__ = ("counts", "opened", "own")

    def __init__(self, hits: Sequence[float] = _NONE, misses: Sequence[float] = _NONE) -> None:
        self.counts: list[float] = [*hits, *misses, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0]
        self.own = 0.0
        self.opened = 0

    @property
    def hits(self) -> Sequence[float]:
        return self.counts[:_MISSES]

    @property
    def misses(self) -> Sequence[float]:
        return self.counts[_MISSES:_WAITING_NOW]

    @property
    def waiting(self) -> Sequence[float]:
        return self.counts[_WAITING_NOW:_SINCE]

    def put(self, hits: Sequence[float], misses: Sequence[float], own: float) -> None:
        """Count so many; what is waited for stays."""
        self.counts[:_WAITING_NOW] = (*hits, *misses)
        self.own = own

    def forget(self) -> None:
        """Count nothing any more: nobody asks for it again, though ends that are waited for will be counted in it."""
        self.counts = _FORGOTTEN

    def outlived(self, stage: int, now: float) -> float:
        """The parts of the stage that those in it have outlived so far: each counts as that much of a miss."""
        waiting = self.counts[_WAITING_NOW + stage]
        if not waiting:
            return 0.0
        low, high = STAGES[stage]
        return max(0.0, min(float(waiting), (waiting * now - self.counts[_SINCE + stage]) / (high - low)))


class Observation:
    """One prefix end waiting to be sent again: in which stage it is, until it is sent or the last is over.

    It is counted in the ``cells`` of its classes, which many have in common, and in the ``past`` of one prefix.
    """

    __slots__ = ("at", "cells", "past", "stage")

    def __init__(self, cells: Sequence[ReturnCounts], at: float, past: ReturnCounts | None = None) -> None:
        self.cells, self.past = cells, past
        self.at = at
        self.stage = 0
        for cell in self._counting():
            cell.opened += 1
            counts = cell.counts
            counts[_WAITING_NOW] += 1
            counts[_SINCE] += at

    def _counting(self) -> Sequence[ReturnCounts]:
        """The cells that count it; what counts nothing any more is let go."""
        past = self.past
        if past is None:
            return self.cells
        if past.counts is _FORGOTTEN:
            self.past = None
            return self.cells
        return *self.cells, past

    def returned(self, now: float) -> None:
        """Count at once, for the stage in which it is, that an end was sent again."""
        gap, stage = now - self.at, self.stage
        if stage < len(STAGES) and gap <= STAGES[stage][1]:
            entered = self.at + STAGES[stage][0]
            for cell in self._counting():  # leave and count in one: every other call of a planner brings some here
                counts = cell.counts
                counts[_WAITING_NOW + stage] -= 1
                counts[_SINCE + stage] -= entered
                counts[stage] = counts[stage] * _DECAY + 1
                counts[_MISSES + stage] *= _DECAY
                if stage <= 1:
                    cell.own = cell.own * _DECAY + 1
            self.stage = len(STAGES)

    def given_up(self) -> None:
        """Wait for an end no longer; it counts for no stage beyond those that it has outlived."""
        stage = self.stage
        if stage < len(STAGES):
            entered = self.at + STAGES[stage][0]
            for cell in self._counting():
                cell.counts[_WAITING_NOW + stage] -= 1
                cell.counts[_SINCE + stage] -= entered
            self.stage = len(STAGES)

    def outlived(self, stage: int) -> None:
        """Its stage is over: counted as a miss there, and waited for in the next."""
        self.stage = following = stage + 1
        entered, outlived = self.at + STAGES[stage][0], self.at + STAGES[stage][1]
        for cell in self._counting():  # leave, count and enter in one: every observation comes here four times
            counts = cell.counts
            counts[_WAITING_NOW + stage] -= 1
            counts[_SINCE + stage] -= entered
            counts[stage] *= _DECAY
            counts[_MISSES + stage] = counts[_MISSES + stage] * _DECAY + 1
            if stage == 1:
                cell.own = cell.own * _DECAY + 1
            if stage < _LAST:
                counts[_WAITING_NOW + following] += 1
                counts[_SINCE + following] += outlived


class Chance(Struct, frozen=True):
    """The probability to be sent again while what is written for the usual time lives (mostly five minutes), and from
    then on within the hour; on how many observations."""

    quick: float
    slow: float
    own: float
    source: str
    unproven: bool = False  # many of its kind are waiting, and hardly one was seen to return or not
    untried: bool = False  # what is expected of its kind is the prior alone, and it is one of the first two

    @property
    def total(self) -> float:
        return self.quick + self.slow

    def deviation(self, probability: float) -> float:
        """The uncertainty of one of its probabilities."""
        return sqrt(max(0.0, probability * (1 - probability)) / (self.own + 5))


class Returns:
    """The counts of every class, for each model by itself: what programs send to one says little of another.

    ``priors`` are pseudo-counts with which each model starts: class to hits and misses per stage. (One-off documents
    sent to one model and conversations to another: 1.15 to 1.38 times the bill when both were counted together. The
    same on both: .99 to 1.00.)
    """

    def __init__(self, priors: Mapping[ClassKey, tuple[Sequence[float], Sequence[float]]]) -> None:
        self.start: dict[ClassKey, Counted] = {key: (*counts, 0.0) for key, counts in priors.items()}
        """Hits, misses and observations with which the classes of each model start."""
        self.models: dict[str, Kinds] = {}
        self.now = float("-inf")
        self._due: tuple[deque[Observation], ...] = tuple(deque(maxlen=_PENDING_LIMIT) for _ in STAGES)

    def of(self, model: str) -> "Kinds":
        """The counts of one model."""
        kinds = self.models.get(model)
        if kinds is None:
            kinds = self.models[model] = Kinds(self)
        return kinds

    def wait(self, stage: int, observation: Observation) -> None:
        """Count it for the stage when that is over."""
        due = self._due[stage]
        if len(due) == due.maxlen:
            due[0].given_up()
        due.append(observation)

    def give_up(self) -> None:
        """Wait for nothing any more: what returns from now on may not be seen here."""
        for due in self._due:
            for observation in due:
                observation.given_up()
            due.clear()

    def settle(self, now: float) -> None:
        """Count every observation whose stage is over."""
        for stage, (_, high) in enumerate(STAGES):
            due = self._due[stage]
            while due and due[0].at + high < now:
                observation = due.popleft()
                if observation.stage == stage:
                    observation.outlived(stage)
                    if stage < _LAST:
                        self.wait(stage + 1, observation)
        self.now = max(self.now, now)


class Kinds:
    """The counts of every class of one model."""

    def __init__(self, returns: Returns) -> None:
        self._returns = returns
        self.cells: dict[ClassKey, ReturnCounts] = {}
        self._groups: dict[ClassKey, tuple[ReturnCounts, ...]] = {}  # of every full class, which names those above it
        for key, (hits, misses, own) in returns.start.items():
            self.cell(key).put(hits, misses, own)

    def cell(self, key: ClassKey) -> ReturnCounts:
        """The counts of a class, made when first asked for; there are a few hundred classes."""
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = ReturnCounts()
        return cell

    def opened(self, key: ClassKey) -> int:
        """How many ends of a class were waited for so far."""
        cell = self.cells.get(key)
        return cell.opened if cell is not None else 0

    def open(self, levels: Sequence[ClassKey], local: ReturnCounts | None, now: float) -> Observation:
        """Wait for the return of a prefix end of this class, given as root, middle and full."""
        cells = self._groups.get(levels[-1])
        if cells is None:  # tens of thousands wait in the same few hundred classes
            cells = self._groups[levels[-1]] = tuple([self.cell(key) for key in levels])
        observation = Observation(cells, now, local)
        self._returns.wait(0, observation)
        return observation

    def chance(self, levels: Sequence[ClassKey], local: ReturnCounts | None = None, quick_s: float = 300.0) -> Chance:
        """What is expected of a class, given as root, middle and full; and of one prefix's own history in it.

        ``quick_s`` is where quick returns end; within a stage they are taken to come evenly.
        """
        hazards: Sequence[float] = _UNKNOWN
        now, own, opened = self._returns.now, 0.0, 0
        for number, key in enumerate(levels):
            cell = self.cells.get(key)
            if cell is not None:
                own, opened = cell.own, cell.opened
                strength, waited_to = (_STRENGTH, now) if number else (_ROOT_STRENGTH, None)
                hazards = _shrunk(hazards, cell, strength, waited_to)
        source = "prior"
        if own >= 1:
            source = "its kind"
        if local is not None and local.own > 0:
            hazards = _shrunk(hazards, local, _LOCAL_STRENGTH, now)
            own += local.own
            source = "its own past"
        lost, later = 1.0, 1.0
        for part, hazard in zip(_parts(quick_s), hazards, strict=True):
            if part == 1:
                lost *= 1 - hazard
            elif part == 0:
                later *= 1 - hazard
            else:
                lost *= (1 - hazard) ** part
                later *= (1 - hazard) ** (1 - part)
        quick = 1 - lost
        slow = lost * (1 - later)
        untried = own < 1 and opened <= _FIRST
        return Chance(quick, slow, own, source, own < _PROVEN and opened - own > _WAITING, untried)


@lru_cache(maxsize=8)
def _parts(quick_s: float) -> tuple[float, ...]:
    """How much of each stage is over after so many seconds."""
    return tuple(min(1.0, max(0.0, (quick_s - low) / (high - low))) for low, high in STAGES)


def _shrunk(hazards: Sequence[float], cell: ReturnCounts, strength: float, now: float | None) -> Sequence[float]:
    """The hazards of the class of a cell, which lean on those of the class above; ``now`` None: nobody waits."""
    # Written out for the four stages: this is called dozens of times for each plan.
    hit0, hit1, hit2, hit3, missed0, missed1, missed2, missed3, *waiting = cell.counts[:_SINCE]
    above0, above1, above2, above3 = hazards
    if now is not None and any(waiting):
        outlived = cell.outlived
        missed0, missed1 = missed0 + outlived(0, now), missed1 + outlived(1, now)
        missed2, missed3 = missed2 + outlived(2, now), missed3 + outlived(3, now)
    return (
        (hit0 + strength * above0) / (hit0 + missed0 + strength),
        (hit1 + strength * above1) / (hit1 + missed1 + strength),
        (hit2 + strength * above2) / (hit2 + missed2 + strength),
        (hit3 + strength * above3) / (hit3 + missed3 + strength),
    )
