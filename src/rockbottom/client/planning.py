"""What the client needs of a planner, so that any object of this shape can stand in for ``plan.Planner``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeGuard

from rockbottom.dialects import Request
from rockbottom.quantities import Usage


class PlanLike(Protocol):
    """Where cachePoints go in one request."""

    def apply(self, request: Request, /) -> Mapping[str, Any]:
        """A new request with the points: as ``request.with_points`` makes it, or plain arguments, which are then read.

        The object given stays as it is.
        """
        ...


class TellingPlan(PlanLike, Protocol):
    """A plan that also tells what the report shows; ``plan.CachePlan`` is one. A plan that only applies is as good."""

    @property
    def held_back(self) -> bool:
        """Whether a guard forbade what was expected to pay."""
        ...

    @property
    def notices(self) -> Iterable[str]:
        """Sentences for whoever runs the client, each said once."""
        ...

    @property
    def moves(self) -> Sequence[object]:
        """What changes places in the request, so that what is sent is not what the caller wrote."""
        ...

    @property
    def writes_most(self) -> bool:
        """Whether it writes more than it reads, so that it had better not be one of many at once."""
        ...


def tells(plan: PlanLike) -> TypeGuard[TellingPlan]:
    """Whether a plan is a telling one; ``isinstance`` with a protocol takes as long as to hash a prompt."""
    return all(hasattr(plan, name) for name in ("held_back", "notices", "moves", "writes_most"))


def left_alone(plan: PlanLike) -> str:
    """Why there was nothing to decide about a request, where a plan says so; else empty."""
    return str(getattr(plan, "left_alone", ""))


class PlannerLike(Protocol):
    """Decides per request and learns from usage. A ``Request`` is a mapping of the arguments of the call."""

    def plan(self, request: Request, /, *, now: float) -> PlanLike:
        """The plan for a request that is about to be sent at ``now``."""
        ...

    def observe(self, request: Request, usage: Usage, /, *, now: float) -> Iterable[str] | None:
        """Learn from the usage that came back for a request as it was sent.

        Answers with sentences for whoever runs the client, if there are any.
        """
        ...
