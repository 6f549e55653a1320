"""Requests of ours that the service refused, and took as their caller wrote them."""

from collections.abc import Callable

from rockbottom.client.talking import Talk

_UNTIL_SUSPENDED = 3
SUSPENDED_S = 3600.0


class Refusals:
    """Counts refusals by model; after three in a row nothing is planned for that model for an hour.

    Changed under the attachment's lock.
    """

    def __init__(self, clock: Callable[[], float], talk: Talk) -> None:
        self._clock, self._talk = clock, talk
        self._refused: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def suspends(self, model: str) -> bool:
        """Whether requests to a model are sent as they are for now."""
        return self._until.get(model, 0.0) > self._clock()

    def add(self, model: str, message: str) -> None:
        """One more request to a model was refused; what the service said is logged once."""
        self._refused[model] = self._refused.get(model, 0) + 1
        if self._refused[model] >= _UNTIL_SUSPENDED:
            self._until[model] = self._clock() + SUSPENDED_S
            self._refused[model] = 0
        self._talk.once(
            f"refused {model} {message[:60]}",
            f"the service refused the cachePoints planned for {model} ({message[:200]}); the request was sent again "
            "without them. Please report it: a plan should never be refused",
        )

    def forget(self, model: str) -> None:
        """Forget the refusals of a model, of which a changed request was taken."""
        self._refused.pop(model, None)
