"""What the client needs of a planner, so that any object of this shape can stand in for ``plan.Planner``."""

from collections.abc import Mapping
from typing import Any, Protocol

from rockbottom.quantities import Usage

Request = dict[str, Any]
"""The keyword arguments of ``converse`` or ``invoke_model``, modelId included."""


class Plan(Protocol):
    """Where cachePoints go in one request."""

    def apply(self, request: Request, /) -> Request:
        """A new request with the points; the caller's objects stay as they are."""
        ...


class Planner(Protocol):
    """Decides per request and learns from usage."""

    def plan(self, request: Mapping[str, Any], *, now: float) -> Plan:
        """The plan for a request that is about to be sent at ``now``."""
        ...

    def observe(self, request: Any, usage: Usage, *, now: float) -> None:
        """Learn from the usage that came back for a request as it was sent (or for its plan, if that has a ``key``)."""
        ...
