"""A ledger to CloudWatch, run by run, from where the last time ended: nothing is left out, and hardly anything twice.

The place is written down after each run that was sent, so a process killed in between sends that one run again.
Several runs may fall into one minute: CloudWatch adds their sums up.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from rockbottom.files import content_of, private, replacing
from rockbottom.ledger import CallRecord, Follower
from rockbottom.process import Wait, awaited
from rockbottom.quantities import Ttl, Undecodable, decoded
from rockbottom.sinks.errors import CannotPublish
from rockbottom.sinks.gathering import MinuteGatherer
from rockbottom.sinks.minutes import MinuteTable
from rockbottom.sinks.publisher import Outlet, Undelivered
from rockbottom.sinks.waste import GRACE_S

_LONGEST_LIFE_S = max(ttl.seconds for ttl in Ttl) + 2 * GRACE_S
_TRIES = 5
_FIRST_WAIT_S = 1.0
MOST_KEPT = 25_000
"""Calls that are kept between being counted and being sent, some 4 KB each; what lies beyond is read once more."""


@dataclass(frozen=True, slots=True)
class RepublishAmount:
    """What there is to send: calls, and custom metrics of a month of such calls, the heartbeat among them."""

    calls: int
    left_out: int
    metrics: int


class _Place(msgspec.Struct, frozen=True):
    position: dict[str, int]
    waste_until: float


class PlaceFile:
    """The file that says how far a ledger was sent, and up to when wasted writes were."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[dict[str, int], float]:
        """How far each volume was read, and until when waste is settled. Raises CannotPublish for a damaged file."""
        try:
            place = decoded(content_of(self.path), _Place)
        except FileNotFoundError:
            return {}, float("-inf")
        except Undecodable as error:
            raise CannotPublish(
                f"{self.path} does not say how far the ledger was sent.",
                fix="remove it to send the last two weeks again (they would count twice)",
            ) from error
        return place.position, place.waste_until

    def write(self, position: dict[str, int], waste_until: float) -> None:
        """Replace the file whole."""
        with replacing(self.path) as beside:
            beside.write_bytes(msgspec.json.encode(_Place(position, max(waste_until, 0.0))))

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep others from sending the same ledger to the same place meanwhile. Raises CannotPublish."""
        with open(self.path.with_name(self.path.name + ".lock"), "w", opener=private) as file:
            _lock(file, self.path)
            yield


class Backlog(Follower):
    """What a ledger got since it was sent, read to say how much that is and kept to be sent: each call is decoded once.

    Of more than ``MOST_KEPT`` calls the rest is read again when it is sent. Raises NoLedger, CannotPublish.
    """

    def __init__(self, folder: Path | str, place: PlaceFile) -> None:
        self._place = place
        self._begin, self.settled_until = place.read()
        super().__init__(folder, self._begin)
        self._kept: deque[tuple[list[CallRecord], dict[str, int], int]] = deque()

    def amount(
        self, dimension_sets: Sequence[Sequence[str]], metrics: int, most_series: int, simulated: bool
    ) -> RepublishAmount:
        """What there is to send, without sending it."""
        table = MinuteTable(dimension_sets, (), most_series)
        begin, calls, left_out, room = dict(self.position), 0, 0, MOST_KEPT
        for run in super().runs():
            for call in run:
                if call.simulated and not simulated:
                    left_out += 1
                else:
                    calls += 1
                    table.add(call, 0.0)
            room -= len(run)
            if room >= 0:
                self._kept.append((run, dict(self.position), self.damaged))
        self.position, self.damaged = begin, 0
        return RepublishAmount(calls, left_out, len(table.series) * metrics + bool(table.series))

    def begin(self) -> None:
        """Begin where the place says; it is read anew, for others may have sent some meanwhile."""
        place, self.settled_until = self._place.read()
        if place != self._begin:
            self._kept.clear()
            super().__init__(self.folder, place)

    def runs(self) -> Iterator[list[CallRecord]]:
        """Those that were kept, then what came since."""
        while self._kept:
            run, self.position, self.damaged = self._kept.popleft()
            yield run
        yield from super().runs()


class Republisher:
    """Sends a backlog through an outlet, and notes how far it came. ``gatherer`` is the outlet's own."""

    def __init__(
        self,
        backlog: Backlog,
        place: PlaceFile,
        outlet: Outlet,
        gatherer: MinuteGatherer,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        self._place = place
        self._outlet = outlet
        self._gatherer = gatherer
        self._clock = clock
        self._sleep = sleep
        self.backlog = backlog
        backlog.begin()
        settled_until = backlog.settled_until
        gatherer.resume(backlog.read_before(settled_until - _LONGEST_LIFE_S), settled_until)

    def send_new(self) -> Iterator[int]:
        """Send what came since, and say how many calls of each run went out with it. Raises Undelivered."""
        self._gatherer.live = False
        for run in self.backlog.runs():
            left_out = self._gatherer.left_out
            self._outlet.take(run, self._clock())
            self._send()
            self._place.write(self.backlog.position, self._gatherer.settled_until)
            yield len(run) - (self._gatherer.left_out - left_out)
        self._gatherer.live = True
        self._send()  # writes whose lifetime has ended meanwhile
        self._place.write(self.backlog.position, self._gatherer.settled_until)

    def _send(self) -> None:
        with awaited(Wait("", "", _TRIES)) as wait:
            for attempt in range(_TRIES):
                wait.number = attempt  # what goes out counts itself
                try:
                    self._outlet.send(self._clock(), True)
                    return
                except Undelivered:
                    if attempt + 1 == _TRIES:
                        raise
                    self._sleep(_FIRST_WAIT_S * 2**attempt)


def _lock(file: IO[str], path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two at once are not told apart
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise CannotPublish(
            f"another process is sending this ledger already ({path}).", fix="let that one do it, or give --state"
        ) from error
