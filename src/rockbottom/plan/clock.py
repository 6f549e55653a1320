"""A planner's time, which goes on where the machine's clock is set back."""

_SET_BACK_S = 60.0  # less than that is another thread's call, or what others saw


class SteadyClock:
    """Instants in seconds since the epoch, none before another.

    A clock that was wrong for a while and is set right would else stand still until it has caught up: what is believed
    alive would live as long, and a pause would not end (an hour forward for one call: three agents paid twice as much).
    """

    def __init__(self) -> None:
        self._now = float("-inf")
        self.ahead = 0.0
        """Seconds by which it is ahead of what it is told."""

    @property
    def machine_now(self) -> float:
        """Now, by the clock that it is told by."""
        return self._now - self.ahead

    def at(self, instant: float) -> float:
        """Now, where the machine's clock says ``instant``."""
        if instant >= self._now:
            self.ahead = 0.0
        now = instant + self.ahead
        if now < self._now - _SET_BACK_S:
            self.ahead = self._now - instant
        elif now > self._now:
            self._now = now
        return self._now
