"""Work that may hang, as a disk does whose server has gone: a daemon thread does it; who asks waits a bounded time."""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from rockbottom.process.workers import Worker

UNWAITED_S = 60.0
"""For how long nobody waits for work that was late: whoever is slow costs one call its patience, once a minute."""

_BUSY = 10  # so many times the patience, where the machine is so busy that the work has not begun
Answer = TypeVar("Answer")


class Handover:
    """Has ``work`` done by a thread of its own after each ``ask``; several that ask meanwhile are served by one run.

    ``patience_s``: how long who asks waits for it. ``every_s``: it is also done so long after the last time, once
    started. ``work`` must not raise.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
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
        given here.
        """
        if patience_s is None and self._monotonic() < self._unwaited_until:
            if self._wishes.empty():  # one run serves all who do not wait for it
                self._wishes.put(None)
            return False
        gate = threading.Lock()
        gate.acquire()
        self._gates.append(gate)
        self._wishes.put(None)
        if not self._worker.start():  # no more threads, as when the interpreter ends
            self._work()
            return True
        if self._served(gate, self._patience_s if patience_s is None else patience_s):
            return True
        self._unwaited_until = self._monotonic() + UNWAITED_S
        return False

    def _served(self, gate: threading.Lock, patience_s: float) -> bool:
        """Whether a gate opens in time. Work that has not begun, as on a busy machine, is no work that hangs."""
        for _ in range(_BUSY):
            if gate.acquire(timeout=patience_s):
                return True
            began_at = self._began_at
            if began_at is not None and self._monotonic() - began_at >= patience_s:
                return False
        return False

    def after_fork_in_child(self) -> None:
        """The thread stayed with the parent, and what was asked for is the parent's."""
        self._wishes: SimpleQueue[None] = SimpleQueue()
        self._gates: deque[threading.Lock] = deque()
        self._unwaited_until = float("-inf")
        self._began_at: float | None = None  # the run that is under way
        self._worker.after_fork_in_child()

    def _run(self) -> None:
        wishes, gates = self._wishes, self._gates  # those of now: the child of a fork has others
        while True:
            with suppress(Empty):
                wishes.get(timeout=self._every_s)
            served = [gates.popleft() for _ in range(len(gates))]
            self._began_at = self._monotonic()
            try:
                self._work()
            finally:
                self._began_at = None
                for gate in served:
                    gate.release()


def within(seconds: float, name: str, job: Callable[[], Answer]) -> Answer:
    """What ``job`` answers, or raises; TimeoutError where it takes longer: then nobody minds what comes of it."""
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(job())
        except BaseException as error:
            errors.append(error)

    worker = Worker(name, run)
    if not worker.start():
        return job()
    worker.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer in {seconds} seconds")
    return answers[0]
