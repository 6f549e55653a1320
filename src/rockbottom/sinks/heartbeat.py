"""The sign that publishing goes on: one sample without dimensions, sent also where no calls were made."""

from rockbottom.sinks.definitions import HEARTBEAT
from rockbottom.sinks.minutes import MINUTE_S, Minute, Sum

HEARTBEAT_S = 300.0
"""How often it is sent where nothing else is; alarms count periods of as many seconds."""


class Heart:
    """Says when a heartbeat is due. ``every_s`` None: never.

    It rides along with whatever is sent, at most once a minute; alone it goes every ``every_s`` seconds, and not at the
    end of a process, so that one which made no calls and is over sends nothing. ``alone_at_the_end`` is for a sender
    that sends everything each time.
    """

    def __init__(self, every_s: float | None = None, *, alone_at_the_end: bool = False) -> None:
        self.every_s = every_s
        self._alone_at_the_end = alone_at_the_end
        self._last = float("-inf")

    def due(self, now: float, *, alone: bool, last: bool) -> list[Minute]:
        """The heartbeat as the sums of a minute, where it is due; ``alone``: nothing else is sent."""
        if self.every_s is None or (alone and last and not self._alone_at_the_end):
            return []
        if abs(now - self._last) < (self.every_s if alone else MINUTE_S):  # abs: the clock may be set back
            return []
        self._last = now
        start = int(now // MINUTE_S) * MINUTE_S
        return [Minute(start, (), {HEARTBEAT: Sum(count=1, total=1, least=1, greatest=1)})]
