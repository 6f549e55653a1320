"""Work that may hang, as a disk does whose server has gone: a daemon thread does it; who asks waits a bounded time."""

import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from rockbottom.process.workers import Worker

UNWAITED_S = 60.0
"""For how long nobody waits for work that was late: whoever is slow costs one call its patience, once a minute."""

_BUSY = 10  # so many times the patience, where the machine is so busy that the work has not begun
_LATE_S = 0.05  # later than asked for: a thread that sleeps on a quiet machine wakes within a millisecond
Answer = TypeVar("Answer")


class Handover:
    """Has ``work`` done by a thread of its own after each ``ask``; several that ask meanwhile are served by one run.

    ``patience_s``: how long who asks waits for it. ``every_s``: it is also done so long after the last time, once
    started. ``work`` must not raise.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        patience_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        every_s: float | None = None,
    ) -> None:
        self._work = work
        self._patience_s, self._every_s = patience_s, every_s
        self._monotonic = monotonic
        self._worker = Worker(name, self._run)
        self.after_fork_in_child()

    def start(self) -> None:
        """Have the work done from time to time."""
        self._worker.start()

    def ask(self, patience_s: float | None = None) -> bool:
        """Have the work done. Whether a run that began after this has ended, within the patience, or now.

        False: it goes on behind the caller's back. For a minute after that nobody waits, unless with a patience that is
        given here; 0 begins such a minute.
        """
        if patience_s == 0:
            self._unwaited_until, patience_s = self._monotonic() + UNWAITED_S, None
        if patience_s is None and self._monotonic() < self._unwaited_until and self._worker.start():
            if self._wishes.empty():  # one run serves all who do not wait for it
                self._wishes.put(None)
            return False
        gate = threading.Lock()
        gate.acquire()
        self._gates.append(gate)
        self._wishes.put(None)
        if sys.is_finalizing() or not self._worker.start():  # no thread runs any more: not into what one is inside of
            is_free = self._began_at is None
            if is_free:
                self._work()
            return is_free
        if self._served(gate, self._patience_s if patience_s is None else patience_s):
            return True
        self._unwaited_until = self._monotonic() + UNWAITED_S
        return False

    def _served(self, gate: threading.Lock, patience_s: float) -> bool:
        """Whether a gate opens in time. Work that has not begun is no work that hangs, nor is work of which one who
        wakes late himself hears nothing: hundreds of threads keep both from running."""
        wait_s = patience_s
        for _ in range(_BUSY):
            asked_at = self._monotonic()
            if gate.acquire(timeout=wait_s):
                return True
            now, began_at = self._monotonic(), self._began_at
            if began_at is None or now - asked_at > wait_s + _LATE_S:
                wait_s = patience_s
                continue
            wait_s = began_at + patience_s - now
            if wait_s <= 0:
                return False
        return False

    def after_fork_in_child(self) -> None:
        """The thread stayed with the parent, and what was asked for is the parent's."""
        self._wishes: queue.SimpleQueue[None] = queue.SimpleQueue()  # by its module, where gevent puts its own
        self._gates: deque[threading.Lock] = deque()
        self._unwaited_until = float("-inf")
        self._began_at: float | None = None  # the run that is under way
        self._worker.after_fork_in_child()

    def _run(self) -> None:
        wishes, gates = self._wishes, self._gates  # those of now: the child of a fork has others
        while True:
            with suppress(queue.Empty):
                wishes.get(timeout=self._every_s)
            served = [gates.popleft() for _ in range(len(gates))]
            self._began_at = self._monotonic()
            try:
                self._work()
            finally:
                self._began_at = None
                for gate in served:
                    gate.release()


class Deputy:
    """Does jobs that may hang, one after the other, in a thread of its own; who asks waits ``patience_s`` for one."""

    def __init__(self, name: str, patience_s: float) -> None:
        self._errands: deque[_Errand[Any]] = deque()
        self._patience_s = patience_s
        self._handover = Handover(name, self._work, patience_s)

    def answer(self, job: Callable[[], Answer]) -> Answer:
        """What ``job`` answers, or raises; TimeoutError where it is late: it is left out if it has not begun, and else
        goes on behind the caller's back."""
        errand = _Errand(job)
        self._errands.append(errand)
        if not self._handover.ask(self._patience_s):
            errand.is_wanted = False
        return errand.answer(self._patience_s)

    def _work(self) -> None:
        while self._errands:
            errand = self._errands.popleft()
            if errand.is_wanted:
                errand.do()

    def after_fork_in_child(self) -> None:
        """What was asked for is the parent's."""
        self._errands = deque()
        self._handover.after_fork_in_child()


class _Errand(Generic[Answer]):
    """A job, and what came of it."""

    def __init__(self, job: Callable[[], Answer]) -> None:
        self._job = job
        self._answers: list[Answer] = []
        self._errors: list[BaseException] = []
        self.is_wanted = True

    def do(self) -> None:
        try:
            self._answers.append(self._job())
        except BaseException as error:
            self._errors.append(error)

    def answer(self, waited_s: float) -> Answer:
        """Its answer. Raises what the job raised, and TimeoutError where there is nothing after ``waited_s``."""
        if self._errors:
            raise self._errors[0]
        if not self._answers:
            raise TimeoutError(f"no answer in {waited_s} seconds")
        return self._answers[0]


def within(seconds: float, name: str, job: Callable[[], Answer]) -> Answer:
    """What ``job`` answers, or raises; TimeoutError where it takes longer: then nobody minds what comes of it."""
    errand = _Errand(job)
    worker = Worker(name, errand.do)
    if not worker.start():
        return job()
    worker.join(seconds)
    return errand.answer(seconds)
