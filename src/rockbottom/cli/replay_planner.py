"""The planner as a policy that a replay can ask: it lies above ``replay``, so it is handed in here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rockbottom.plan import CachePlan, Planner
from rockbottom.prompt import Prompt
from rockbottom.quantities import Ttl, Usage

if TYPE_CHECKING:
    from rockbottom.replay import Stage


class PlannerPolicy:
    """One planner for one stage of a replay."""

    def __init__(self, stage: "Stage") -> None:
        at = stage.trace.requests.at
        self._shift = _shift_to_day(float(at[0]) if len(at) else 0.0, stage)
        self._planner = Planner()
        self._model, self._tier = stage.rates.model.given, stage.rates.tier
        self._plan: CachePlan | None = None

    def choose(self, prompt: Prompt, now: float) -> Sequence[tuple[int, Ttl | None]]:
        self._plan = self._planner.plan_prompt(prompt, self._model, now + self._shift, self._tier)
        return [(placement.after, placement.ttl) for placement in self._plan.placements]

    def observe(self, usage: Usage, now: float) -> None:
        """The planner hears what was billed."""
        if self._plan is not None:
            self._planner.observe(self._plan, usage, now=now + self._shift)


def _shift_to_day(first: float, stage: "Stage") -> float:
    """What moves the trace's first instant to the day whose prices are asked for."""
    from datetime import UTC, datetime

    day = datetime.combine(stage.rates.on, datetime.min.time(), UTC).timestamp()
    return day - first
