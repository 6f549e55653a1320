"""The planner as a policy that a replay can ask: it lies above ``replay``, so it is handed in here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rockbottom.catalog import ModelId, Tier
from rockbottom.plan import CachePlan, Planner
from rockbottom.prompt import Prompt
from rockbottom.quantities import Ttl, Usage

if TYPE_CHECKING:
    from rockbottom.diagnose import Sent
    from rockbottom.replay import Stage


class PlannerPolicy:
    """One planner for one model. ``shift_s`` moves its instants to the day whose prices are asked for."""

    def __init__(self, model: str, tier: Tier, shift_s: float = 0.0) -> None:
        self._shift = shift_s
        self._planner = Planner()
        self._model, self._tier = model, tier
        self._plan: CachePlan | None = None

    @classmethod
    def of_stage(cls, stage: "Stage") -> "PlannerPolicy":
        """The planner of one stage of a replay."""
        at = stage.trace.requests.at
        shift = _shift_to_day(float(at[0]) if len(at) else 0.0, stage)
        return cls(_id_of(stage.rates.model), stage.rates.tier, shift)

    @classmethod
    def of_sent(cls, sent: "Sent") -> "PlannerPolicy":
        """The planner of the model that a recorded request went to, on the days on which they were sent."""
        return cls(_id_of(sent.model), sent.record.tier)

    def choose(self, prompt: Prompt, now: float) -> Sequence[tuple[int, Ttl | None]]:
        self._plan = self._planner.plan_prompt(prompt, self._model, now + self._shift, self._tier)
        points = [(placement.after, placement.ttl) for placement in self._plan.placements]
        return [(0, None), *points] if self._plan.implicit is False else points

    def observe(self, usage: Usage, now: float) -> None:
        """Have the planner learn from what was billed."""
        if self._plan is not None:
            self._planner.observe(self._plan, usage, now=now + self._shift)


def _id_of(model: ModelId) -> str:
    """An id that the planner can resolve by itself: an application profile's ARN is not one."""
    if model.application_profile is None:
        return model.given
    return model.id


def _shift_to_day(first: float, stage: "Stage") -> float:
    """What moves the trace's first instant to the day whose prices are asked for."""
    from datetime import UTC, datetime

    day = datetime.combine(stage.rates.on, datetime.min.time(), UTC).timestamp()
    return day - first
