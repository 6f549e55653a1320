"""Calls whose reply the caller is reading, or has put aside, and those whose reply nobody holds any more."""

from collections import deque
from collections.abc import Iterator

from rockbottom.client.calls import Call


class UnderWay:
    """Which calls have no end yet. What the garbage collector calls takes no lock."""

    def __init__(self) -> None:
        self._read: set[Call] = set()
        self._dropped: deque[Call] = deque()

    def reading(self, call: Call) -> None:
        """Keep a call whose reply the caller has: its usage comes when that is read."""
        self._read.add(call)

    def ended(self, call: Call) -> None:
        """Forget a call whose end is known."""
        self._read.discard(call)

    def dropped(self, call: Call) -> None:
        """Note that nobody holds the reply of a call any more. Called by the garbage collector."""
        if not call.done:
            self._dropped.append(call)

    def grounded(self, call: Call) -> None:
        """Note that a call was refused before it left. Called by the garbage collector too."""
        if not call.done:
            call.grounded = True
            self._dropped.append(call)

    @property
    def has_dropped(self) -> bool:
        """Whether there are calls to be ended."""
        return bool(self._dropped)

    def to_end(self) -> Iterator[Call]:
        """The calls whose reply was dropped and those that never left, each once."""
        while self._dropped:
            yield self._dropped.popleft()

    def all(self) -> list[Call]:
        """Every call that has no end yet."""
        return [*self._read, *self._dropped]
