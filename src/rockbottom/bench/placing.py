"""The lane that is decided while it runs: one online planner places the cachePoints of one pass.

A pass starts with a planner that has seen nothing but its priors; it sees a request only when that is sent, and learns
from the usage of each reply.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from rockbottom.bench.calling import Clock
from rockbottom.bench.requests import BenchRequest
from rockbottom.bench.schedule import Schedule, ScheduleRow
from rockbottom.catalog import Resolve
from rockbottom.plan import Planner
from rockbottom.quantities import Usage

_MODEL = ("modelId", "model")


class Placer(Protocol):
    """Puts cachePoints into requests that come without any, and is told what came of each."""

    def placed(self, request: BenchRequest, at: float | None = None) -> BenchRequest:
        """The request as it is sent; ``at`` is the clock's time where it was sent earlier."""
        ...

    def answered(self, request: BenchRequest, usage: Usage, at: float | None = None) -> None:
        """What the reply to a placed request said."""
        ...


class FixedPoints:
    """For lanes that know their places beforehand."""

    def placed(self, request: BenchRequest, at: float | None = None) -> BenchRequest:
        return request

    def answered(self, request: BenchRequest, usage: Usage, at: float | None = None) -> None:
        """Does nothing: a fixed rule learns nothing."""


@dataclass(slots=True)
class PlannedPoints:
    """One planner, for one pass of one row; ``clock`` gives seconds since the epoch."""

    planner: Planner
    model_id: str
    clock: Clock

    def placed(self, request: BenchRequest, at: float | None = None) -> BenchRequest:
        call = request.arguments(self.model_id)
        plan = self.planner.plan(call, now=self._time(at))
        applied = plan.apply(call)
        body = json.loads(applied["body"]) if "body" in call else {k: v for k, v in applied.items() if k not in _MODEL}
        return replace(request, body=body, points=len(plan.placements))

    def answered(self, request: BenchRequest, usage: Usage, at: float | None = None) -> None:
        self.planner.observe(request.arguments(self.model_id), usage, now=self._time(at))

    def _time(self, at: float | None) -> float:
        return self.clock() if at is None else at


@dataclass(frozen=True, slots=True)
class PlanningClock:
    """Seconds since the epoch as the planner is told them: real time plus what the endpoint's clock was moved.

    Whole days are added where the schedule's prices are those of another day, so that the planner weighs the same ones.
    """

    now: Callable[[], datetime]
    moved: Callable[[], float]
    days: int

    def __call__(self) -> float:
        return self.at(self.now()) + self.moved()

    def at(self, instant: datetime) -> float:
        """A recorded instant on this clock, in seconds since the epoch."""
        return instant.timestamp() + self.days * 86_400

    @classmethod
    def of(cls, plan: Schedule, now: Callable[[], datetime], moved: Callable[[], float]) -> "PlanningClock":
        return cls(now, moved, (plan.on - now().date()).days)


def placer_of(row: ScheduleRow, plan: Schedule, clock: Clock, resolve: Resolve | None) -> Placer:
    """What places the points of one pass down a row."""
    if not row.lane.online:
        return FixedPoints()
    planner = Planner(catalog=replace(plan.catalog, price_book=plan.book), resolve=resolve)
    return PlannedPoints(planner, row.sends, clock)
