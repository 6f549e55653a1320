"""Takes records of calls off the caller's hands: a bounded queue, one daemon thread, and an outlet behind it.

``Publisher.record`` appends to a queue and returns; it never waits, never raises, and drops (and counts) what does not
fit. The thread gives what has gathered to the outlet, and has the outlet send what is due; when that fails it waits,
longer after every failure in a row and by a random share, and tries again. What the outlet keeps meanwhile is bounded
too. At the end of the process, and on ``close``, what is left is sent once, for a few seconds at most.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rockbottom.figures import thousands
from rockbottom.ledger import CallRecord
from rockbottom.process import Worker, close_at_exit, hasten_at_exit, renew_in_child, seconds_left
from rockbottom.quantities import Fault, RockbottomError

log = logging.getLogger("rockbottom.monitor")

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0


class Undelivered(RockbottomError):
    """What is due could not be sent now; it is kept and will be tried again."""

    fault = Fault.SERVICE
    retry_safe = True


class Outlet(Protocol):
    """Where calls go in the end. Its methods are called by one thread at a time."""

    @property
    def lost(self) -> int:
        """Things that were given up: too old, refused for good, or more than may be kept."""
        ...

    def take(self, calls: Sequence[CallRecord], now: float) -> None:
        """Sum up or format; sends nothing."""
        ...

    def send(self, now: float, last: bool) -> int:
        """Send what is due (``last``: everything) and give the number of things sent. Raises Undelivered."""
        ...

    def waiting(self) -> int:
        """Things that are kept, to be sent when they are due or when it can be done again."""
        ...


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts so far. ``dropped``: calls that did not fit the queue; ``lost``: what the outlet had to give up."""

    recorded: int
    dropped: int
    sent: int
    failures: int
    waiting: int
    lost: int
    last_failure: str


class Publisher:
    """A sink that hands calls to an outlet from a thread of its own.

    ``make_outlet`` makes the outlet, again in the child of a fork (what the parent holds is the parent's to send).
    ``capacity``: calls that may wait to be taken. ``every_s``: how often the outlet is asked to send while something
    waits, ``idle_s`` while nothing does (None: never, and no thread before the first call). ``patience_s``: the most
    that ``close`` and the end of the process wait. ``chance`` gives numbers in [0, 1).
    """

    def __init__(
        self,
        make_outlet: Callable[[], Outlet],
        *,
        name: str,
        capacity: int = 10_000,
        every_s: float = 5.0,
        idle_s: float | None = None,
        patience_s: float = 3.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.patience_s = patience_s
        self._make_outlet = make_outlet
        self._capacity = capacity
        self._every_s = every_s
        self._idle_s = idle_s
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance
        self._worker = Worker(name, self._run)
        self._begin()
        renew_in_child(self)
        hasten_at_exit(self)
        close_at_exit(self)
        if idle_s is not None:
            self._worker.start()

    def _begin(self) -> None:
        self._outlet = self._make_outlet()
        self._queue: deque[CallRecord] = deque()
        self._lock = threading.Lock()  # the counters
        self._work = threading.Lock()  # one at a time with the outlet
        self._wake = threading.Event()  # something is there
        self._hurry = threading.Event()  # it is much, or it is the end
        self._closed = self._ended = False
        self._recorded = self._dropped = self._sent = self._failures = 0
        self._in_a_row = 0
        self._not_before = float("-inf")
        self._last_failure = ""
        self._said_failure = self._said_drop = False

    # The caller's side --------------------------------------------------------------------------------------

    def record(self, call: CallRecord) -> None:
        """Queue a call; returns at once and never raises."""
        queue = self._queue
        if self._closed or len(queue) >= self._capacity:
            self._drop()
            return
        queue.append(call)
        if not self._worker.alive:
            self._worker.start()
        if not self._wake.is_set():
            self._wake.set()
        if 2 * len(queue) >= self._capacity and not self._hurry.is_set():
            self._hurry.set()

    def _drop(self) -> None:
        with self._lock:
            self._dropped += 1
            first, self._said_drop = not self._said_drop, True
        if first:
            why = "it is closed" if self._closed else f"{thousands(self._capacity)} calls are waiting already"
            log.warning("rockbottom: %s drops what it cannot keep: %s; the calls themselves go on", self.name, why)

    @property
    def stats(self) -> Stats:
        """Counts of calls recorded, dropped, sent, waiting and lost, and the last failure."""
        return Stats(
            self._recorded + len(self._queue),
            self._dropped,
            self._sent,
            self._failures,
            len(self._queue) + self._outlet.waiting(),
            self._outlet.lost,
            self._last_failure,
        )

    def flush(self) -> bool:
        """Send what waits, in the caller's thread; True where nothing is left to send."""
        return self._step(last=True)

    def close(self) -> None:
        """Send what waits, for ``patience_s`` seconds at most, and take no more calls. A second call does nothing."""
        if self._ended:
            return
        self._ended = True
        self.hasten()
        self._worker.join(seconds_left(self.patience_s))
        left = len(self._queue) + self._outlet.waiting()
        if left:
            log.warning("rockbottom: %s ends with %d things not sent (%s)", self.name, left, self._last_failure)

    def hasten(self) -> None:
        """Have what waits sent now, without waiting for it, and take no more calls."""
        self._closed = True
        self._wake.set()
        self._hurry.set()

    def after_fork_in_child(self) -> None:
        """What has gathered is the parent's to send: begin with nothing."""
        self._worker.after_fork_in_child()
        self._begin()

    # The thread's side --------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(self._every_s if self._outlet.waiting() else self._idle_s)
            self._wake.clear()
            if not self._closed:
                self._hurry.wait(self._every_s)  # let more gather
                self._hurry.clear()
            if not self._closed:
                self._step(last=False)
        self._step(last=True)

    def _step(self, last: bool) -> bool:
        """Take what has gathered, send what is due; whether nothing is left."""
        with self._work:
            try:
                self._take()
                if last or self._monotonic() >= self._not_before:
                    self._send(last)
            except Exception as error:  # ours: never let the thread die of it
                self._failed(f"{type(error).__name__} in {self.name}: {error}")
            return not self._queue and not self._outlet.waiting()

    def _take(self) -> None:
        batch: list[CallRecord] = []
        while self._queue and len(batch) < self._capacity:
            batch.append(self._queue.popleft())
        if batch:
            self._recorded += len(batch)
            self._outlet.take(batch, self._clock())

    def _send(self, last: bool) -> None:
        try:
            self._sent += self._outlet.send(self._clock(), last)
        except Undelivered as error:
            self._failed(str(error) + (f". {error.fix}" if error.fix else ""))
            return
        if self._in_a_row:
            log.info("rockbottom: %s is sending again", self.name)
        self._in_a_row = 0

    def _failed(self, why: str) -> None:
        self._failures += 1
        self._last_failure = why
        wait = min(_FIRST_WAIT_S * 2**self._in_a_row, _LONGEST_WAIT_S)
        self._in_a_row = min(self._in_a_row + 1, 16)
        self._not_before = self._monotonic() + wait * (0.5 + 0.5 * self._chance())
        if not self._said_failure:
            self._said_failure = True
            log.warning("rockbottom: %s cannot send (%s); calls go on, what fits is kept for later", self.name, why)
