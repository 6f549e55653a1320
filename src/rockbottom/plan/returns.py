"""How often, and how soon, prefixes of one kind come back: counts per stage, shrunk along a hierarchy.

Whether a prefix came back is visible whether or not it was written, so every prompt teaches. An observation
is counted for a stage only when that stage is over: quick returns would otherwise be counted before slow ones.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

STAGES = ((0.0, 60.0), (60.0, 300.0), (300.0, 1200.0), (1200.0, 3600.0))
"""Seconds since the last use, lower end exclusive: within a minute, five minutes, twenty, an hour."""

_DECAY = 0.998
_STRENGTH = (3.0, 3.0, 3.0, 3.0)  # pseudo-observations with which a class leans on the class above it
_ROOT_STRENGTH = 2.0
_LOCAL_SHARE = 0.6  # a prefix's own history leans on its class a little less
_UNKNOWN = (0.25, 0.25, 0.10, 0.10)  # where there is not even a prior
_PENDING_LIMIT = 50_000
_PROVEN, _WAITING = 8.0, 6

ClassKey = tuple[str, ...]


@dataclass(slots=True)
class Cell:
    """Hits and misses per stage; ``own`` counts what was observed here, not what the prior says."""

    hits: list[float] = field(default_factory=lambda: [0.0] * 4)
    misses: list[float] = field(default_factory=lambda: [0.0] * 4)
    own: float = 0.0
    opened: int = 0

    def count(self, stage: int, hit: bool) -> None:
        """Count one observation whose stage is over; older ones fade."""
        self.hits[stage] = self.hits[stage] * _DECAY + hit
        self.misses[stage] = self.misses[stage] * _DECAY + (not hit)
        if (stage == 0 and hit) or stage == 1:
            self.own = self.own * _DECAY + 1


class Observation:
    """One prefix end waiting to be sent again; ``gap`` is set when it is."""

    __slots__ = ("at", "cells", "gap")

    def __init__(self, cells: Sequence[Cell], at: float) -> None:
        self.cells = cells
        self.at = at
        self.gap: float | None = None


@dataclass(frozen=True, slots=True)
class Chance:
    """The probability to be sent again within five minutes, and between five and sixty; on how many observations."""

    quick: float
    slow: float
    own: float
    source: str
    unproven: bool = False  # many of its kind are waiting, and hardly one was seen to return or not

    @property
    def total(self) -> float:
        """Within the hour."""
        return self.quick + self.slow

    def deviation(self, probability: float) -> float:
        """The uncertainty of one of its probabilities."""
        return sqrt(max(0.0, probability * (1 - probability)) / (self.own + 5))


class Returns:
    """The counts of every class. ``priors`` are pseudo-counts: class to hits and misses per stage."""

    def __init__(self, priors: Mapping[ClassKey, tuple[Sequence[float], Sequence[float]]]) -> None:
        self.cells: dict[ClassKey, Cell] = {}
        self._due: tuple[deque[Observation], ...] = tuple(deque(maxlen=_PENDING_LIMIT) for _ in STAGES)
        for key, (hits, misses) in priors.items():
            self.cells[key] = Cell(list(hits), list(misses))

    def cell(self, key: ClassKey) -> Cell:
        """The counts of a class, made when first asked for; there are a few hundred classes."""
        found = self.cells.get(key)
        if found is None:
            found = self.cells[key] = Cell()
        return found

    def open(self, levels: Sequence[ClassKey], local: Cell | None, now: float) -> Observation:
        """Wait for the return of a prefix end of this class, given as root, middle and full."""
        cells = [self.cell(key) for key in levels]
        if local is not None:
            cells.append(local)
        for cell in cells:
            cell.opened += 1
        observation = Observation(cells, now)
        for due in self._due:
            due.append(observation)
        return observation

    def settle(self, now: float) -> None:
        """Count every observation whose stage is over."""
        for stage, (low, high) in enumerate(STAGES):
            due = self._due[stage]
            while due and due[0].at + high < now:
                observation = due.popleft()
                gap = observation.gap
                if gap is not None and gap <= low:
                    continue
                for cell in observation.cells:
                    cell.count(stage, gap is not None and gap <= high)

    def chance(self, levels: Sequence[ClassKey], local: Cell | None = None) -> Chance:
        """What is expected of a class, given as root, middle and full; and of one prefix's own history in it."""
        hazards = list(_UNKNOWN)
        own, opened = 0.0, 0
        for number, key in enumerate(levels):
            cell = self.cells.get(key)
            if cell is not None:
                own, opened = cell.own, cell.opened
                _shrink(hazards, cell, _ROOT_STRENGTH if number == 0 else None, 1.0)
        source = "prior"
        if own >= 1:
            source = "its kind"
        if local is not None and local.own > 0:
            _shrink(hazards, local, None, _LOCAL_SHARE)
            own += local.own
            source = "its own past"
        quick = 1 - (1 - hazards[0]) * (1 - hazards[1])
        slow = (1 - quick) * (1 - (1 - hazards[2]) * (1 - hazards[3]))
        return Chance(quick, slow, own, source, own < _PROVEN and opened - own > _WAITING)


def _shrink(hazards: list[float], cell: Cell, strength: float | None, share: float) -> None:
    for stage in range(4):
        weight = _STRENGTH[stage] * share if strength is None else strength
        hits = cell.hits[stage]
        hazards[stage] = (hits + weight * hazards[stage]) / (hits + cell.misses[stage] + weight)
