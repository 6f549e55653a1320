"""Clocks of other machines, as far as they are off ours: what they tell is moved into our time."""

from collections import deque

_APART_S = 5.0  # less is the way of an entry, or clocks that agree well enough
_LATEST, _MOST = 32, 1000  # entries of a member, and members


class Clocks:
    """What is known of the clocks of other members, by the entries that were read as they were put."""

    def __init__(self) -> None:
        self._late: dict[str, deque[float]] = {}

    def saw(self, member: str, told_at: float, now: float) -> None:
        """An entry of a member came at ``now`` of our clock that it put at ``told_at`` of its own."""
        if member not in self._late and len(self._late) >= _MOST:
            del self._late[next(iter(self._late))]
        self._late.setdefault(member, deque(maxlen=_LATEST)).append(now - told_at)

    def behind_s(self, member: str) -> float:
        """How many seconds a member's clock is behind ours (below zero: ahead); 0 where that is not known or nothing.

        The least of the latest entries: the way of an entry, or a pause of ours, only adds.
        """
        late_s = min(self._late.get(member, ()), default=0.0)
        return late_s if abs(late_s) > _APART_S else 0.0
