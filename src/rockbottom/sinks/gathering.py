"""From calls to minutes that are due: what CloudWatch's two ways in have in common."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from rockbottom.cloudwatch import monthly_estimate, put_limits
from rockbottom.figures import thousands, usd
from rockbottom.ledger import CallRecord
from rockbottom.quantities import Usd
from rockbottom.sinks.definitions import DEFINITIONS, Definition
from rockbottom.sinks.errors import CannotPublish
from rockbottom.sinks.heartbeat import Heart
from rockbottom.sinks.minutes import FIXED_DIMENSIONS, MINUTE_S, Minute, MinuteTable
from rockbottom.sinks.publisher import log
from rockbottom.sinks.waste import GRACE_S, SettledWrite, WriteWaste
from rockbottom.sinks.waste_price import wasted_usd

SETTLE_S = 10.0  # a minute is due this long after its end, because a call is known when it is over
MINUTES_A_MONTH = 30 * 24 * 60


class MinuteGatherer:
    """Sums calls up and gives minutes when they are due. Not thread-safe.

    Calls of a local endpoint are left out unless ``simulated``: their figures are not of AWS. A call stamped further
    ahead than CloudWatch takes (the clock was set back) counts for now; one older than it takes is ``too_old``.
    ``live``: what has happened until now is known here; set it to False while calls of the past are read. Writes whose
    lifetime ended by ``settled_until`` are in the minutes; the others are still followed.
    """

    def __init__(
        self, table: MinuteTable, *, simulated: bool = False, premium: Callable[[SettledWrite], Usd | None] = wasted_usd
    ) -> None:
        self.table = table
        self._premium = premium
        self._waste = WriteWaste()
        self._simulated = simulated
        self._last = self.settled_until = float("-inf")
        self.live = True
        self._warned: set[str] = set()
        self.too_old = self.left_out = self.unpriced = self.unreadable = 0

    def take(self, calls: Iterable[CallRecord], now: float) -> None:
        limits = put_limits()
        for call in calls:
            if call.simulated and not self._simulated:
                self.left_out += 1
                self._once("simulated", "calls of a local endpoint are simulated and are not sent to CloudWatch")
                continue
            if call.at < now - limits.oldest_s:
                self.too_old += 1
                continue
            at = now if call.at > now + limits.newest_s else call.at
            try:
                self.table.add(call, at)
                if call.status == "ok":
                    self._follow(call, now)
            except (ArithmeticError, ValueError, TypeError) as error:  # one odd record costs itself only
                self.unreadable += 1
                self._once("unreadable", f"a call could not be summed up ({type(error).__name__}: {error})")
        if self.table.overflowed:
            self._once("overflow", _overflow_text(self.table))

    def _follow(self, call: CallRecord, now: float) -> None:
        if call.cost_usd is None:
            self.unpriced += 1
            self._once("unpriced", f"no price is known for {call.model}: its tokens are published, its cost is not")
        if call.at <= now + MINUTE_S:  # a stamp from the future would end every lifetime
            self._add_waste(self._waste.add(call), now)
            self.settled_until = max(self.settled_until, call.at - GRACE_S)

    def resume(self, calls: Iterable[CallRecord], settled_until: float) -> None:
        """Follow the writes of calls that were summed up before; those settled by then are not counted again."""
        self.settled_until = settled_until
        for call in calls:
            if call.status == "ok" and (self._simulated or not call.simulated):
                for _ in self._waste.add(call):
                    pass
        for _ in self._waste.settle(settled_until):
            pass

    def _add_waste(self, settled: Iterable[SettledWrite], now: float) -> None:
        for write in settled:
            usd = self._premium(write)
            if usd is not None:
                self.table.add_waste(write.call, usd, min(write.at, now))

    def due(self, now: float, last: bool) -> list[Minute]:
        """The minutes that are over; all of them when it is the ``last`` time, or when the clock was set back."""
        if self.live:
            self._add_waste(self._waste.settle(now - GRACE_S), now)
            self.settled_until = max(self.settled_until, now - GRACE_S)
        jumped = now < self._last - MINUTE_S
        self._last = now
        return list(self.table.take(float("inf") if last or jumped else now - SETTLE_S))

    def _once(self, key: str, message: str) -> None:
        if key not in self._warned:
            self._warned.add(key)
            log.warning("rockbottom: %s", message)


def checked_dimensions(dimensions: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Dimension sets that CloudWatch takes. Raises CannotPublish."""
    limits = put_limits()
    sets = tuple(tuple(names) for names in dimensions)
    if not sets or any(isinstance(names, str) for names in dimensions):
        raise CannotPublish(
            f"dimensions is a list of lists of names, and this is {dimensions!r}.", fix='dimensions=[["ModelId"]]'
        )
    for names in sets:
        if len(names) > limits.most_dimensions or len(set(names)) < len(names):
            raise CannotPublish(
                f"{len(names)} dimensions, {len(set(names))} of them different; CloudWatch takes "
                f"{limits.most_dimensions} different ones at most.",
                fix='dimensions=[["ModelId", "tenant"]]',
            )
        for name in names:
            if not _is_name(name) or len(name) > limits.longest_dimension_name:
                raise CannotPublish(
                    f"{name!r} cannot name a dimension: ASCII that can be printed, no ':' in front, at most "
                    f"{limits.longest_dimension_name} characters.",
                    fix="name a tag in that alphabet",
                )
    return sets


def checked_metrics(names: Iterable[str] | None) -> tuple[Definition, ...]:
    """The metrics of these names; all of them for None. Raises CannotPublish."""
    if names is None:
        return DEFINITIONS
    chosen = list(names)
    known = {definition.name: definition for definition in DEFINITIONS}
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise CannotPublish(f"no metric is called {', '.join(unknown)}.", fix=f"the metrics are {', '.join(known)}")
    return tuple(known[name] for name in chosen)


def _is_name(name: str) -> bool:
    return bool(name.strip()) and name.isascii() and name.isprintable() and not name.startswith(":")


@lru_cache(maxsize=4096)
def dimension_value(value: str) -> str:
    """A value as CloudWatch takes it: ASCII that can be printed (the rest is escaped), and not too long."""
    text = value.encode("ascii", "backslashreplace").decode("ascii")
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text[: put_limits().longest_dimension_value]


def cost_text(dimensions: Sequence[Sequence[str]], metrics: int, most_series: int) -> str | None:
    """What tags as dimensions may cost at most; None where no tag is one."""
    tags = sorted({name for names in dimensions for name in names if name not in FIXED_DIMENSIONS})
    if not tags:
        return None
    each, most = monthly_estimate(metrics, 0), monthly_estimate(metrics * most_series, MINUTES_A_MONTH)
    return (
        f"every value of {' and '.join(tags)} makes {metrics} custom metrics of CloudWatch, {usd(each.usd, 2)} US "
        f"dollars a month; with the {thousands(most_series)} combinations allowed (most_series) it is {most}"
    )


def _overflow_text(table: MinuteTable) -> str:
    return (
        f"more than {thousands(len(table.series))} combinations of "
        f"{', '.join(sorted(set(sum(table.dimension_sets, ()))))}: "
        "the further ones are summed up as 'other' (most_series sets how many are told apart; each one is billed)"
    )


T = TypeVar("T")


class MinuteOutlet(Generic[T]):
    """What both outlets are before they send: minutes that gather, heartbeats, and what of them was not taken yet."""

    def __init__(self, gatherer: MinuteGatherer, heart: Heart | None = None) -> None:
        self.gatherer = gatherer
        self.heart = heart or Heart()
        self._waiting: deque[T] = deque()
        self._lost = 0

    @property
    def lost(self) -> int:
        """Things refused for good or too many to keep, and calls too old."""
        return self._lost + self.gatherer.too_old + self.gatherer.unreadable

    def take(self, calls: Sequence[CallRecord], now: float) -> None:
        self.gatherer.take(calls, now)

    def _due(self, now: float, last: bool) -> list[Minute]:
        """The minutes that are over, and a heartbeat where one is due."""
        minutes = self.gatherer.due(now, last)
        return [*minutes, *self.heart.due(now, alone=not (minutes or self._waiting), last=last)]

    def waiting(self) -> int:
        """Open minutes, and things that were not taken yet."""
        return len(self.gatherer.table) + len(self._waiting)
