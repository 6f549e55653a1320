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

_GOES_ON = {"input": "", "previous_response_id": "kept"}


class PlannerPolicy:
    """A planner asked about one model. ``shift_s`` moves its instants to the day whose prices are asked for."""

    def __init__(self, planner: Planner, model: str, shift_s: float = 0.0) -> None:
        self._planner, self._shift, self._model = planner, shift_s, model
        self._plan: CachePlan | None = None

    def choose(
        self, prompt: Prompt, now: float, tier: Tier, contents: Sequence[bytes] = ()
    ) -> Sequence[tuple[int, Ttl | None]]:
        """The points of its plan; see ``OnlinePolicy``."""
        self._plan = self._planner.plan_prompt(prompt, self._model, now + self._shift, tier, contents)
        points = [(placement.after, placement.ttl) for placement in self._plan.placements]
        return [(0, None), *points] if self._plan.implicit is False else points

    def observe(self, usage: Usage, now: float) -> None:
        """Have the planner learn from what was billed."""
        if self._plan is not None:
            self._planner.observe(self._plan, usage, now=now + self._shift)

    def miss(self, now: float) -> None:
        """Have it meet a request that goes on with what the service keeps."""
        self._planner.plan({"model": self._model, **_GOES_ON}, now=now + self._shift)


class AttachedPlanner:
    """One planner for all models of a trace or a log, as a program has that it is attached to."""

    def __init__(self) -> None:
        self._planner = Planner()

    def of_sent(self, sent: "Sent") -> PlannerPolicy:
        """Asked about the model that a recorded request went to, on the days on which they were sent."""
        return PlannerPolicy(self._planner, _id_of(sent.model))


def attached(stages: "Sequence[Stage]") -> Sequence[PlannerPolicy]:
    """One planner, asked about the model of each stage of a replay."""
    planner = Planner()
    firsts = [float(stage.trace.requests.at[0]) for stage in stages if len(stage.trace)]
    shift = _shift_to_day(min(firsts, default=0.0), stages[0]) if stages else 0.0
    return [PlannerPolicy(planner, _id_of(stage.rates.model), shift) for stage in stages]


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
