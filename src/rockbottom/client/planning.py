"""What the client needs of a planner, so that any object of this shape can stand in for ``plan.Planner``."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rockbottom.dialects import Request
from rockbottom.quantities import Usage


class Plan(Protocol):
    """Where cachePoints go in one request."""

    def apply(self, request: Request, /) -> Mapping[str, Any]:
        """A new request with the points: as ``request.with_points`` makes it, or plain arguments, which are then read.

        The object given stays as it is.
        """
        ...


class Planner(Protocol):
    """Decides per request and learns from usage. A ``Request`` is a mapping of the arguments of the call."""

    def plan(self, request: Request, /, *, now: float) -> Plan:
        """The plan for a request that is about to be sent at ``now``."""
        ...

    def observe(self, request: Request, usage: Usage, /, *, now: float) -> Iterable[str] | None:
        """Learn from the usage that came back for a request as it was sent.

        Answers with sentences for whoever runs the client, if there are any.
        """
        ...
