"""The periods that a view may show, and how fine its history is drawn in each."""

from dataclasses import dataclass

from rockbottom.watch.errors import NoSuchPeriod

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class WatchPeriod:
    """A stretch of time up to now. ``grain_s`` is the roll-up that it is read from, ``bar_s`` one bar of its chart."""

    name: str
    words: str
    seconds: int
    grain_s: int
    bar_s: int

    def since(self, now: float) -> int:
        """Where it begins: ``seconds`` before the end of the grain in which ``now`` lies, so that grains are whole."""
        end = (int(now) // self.grain_s + 1) * self.grain_s
        return end - self.seconds

    def bars(self, now: float) -> range:
        """The instants at which its bars begin, oldest first; the last one holds ``now``."""
        since = self.since(now)
        return range(since, since + self.seconds, self.bar_s)


PERIODS = (
    WatchPeriod("15m", "15 minutes", 15 * MINUTE_S, MINUTE_S, MINUTE_S),
    WatchPeriod("1h", "hour", HOUR_S, MINUTE_S, 2 * MINUTE_S),
    WatchPeriod("24h", "24 hours", DAY_S, HOUR_S, HOUR_S),
    WatchPeriod("7d", "7 days", 7 * DAY_S, HOUR_S, 6 * HOUR_S),
    WatchPeriod("30d", "30 days", 30 * DAY_S, DAY_S, DAY_S),
)
"""Shortest first; keys 1 to 5 choose them."""

NAMES = tuple(period.name for period in PERIODS)


def period_named(name: str) -> WatchPeriod:
    """The period of that name. Raises NoSuchPeriod."""
    for period in PERIODS:
        if period.name == name:
            return period
    raise NoSuchPeriod(f"No period {name!r}.", fix=f"known are: {', '.join(NAMES)}")
