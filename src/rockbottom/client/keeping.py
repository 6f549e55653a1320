"""Keeps what a planner learned in a file: now and then while calls come, and at the end of the process."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rockbottom.process import Worker, close_at_exit

PERIOD_S = 60.0


class Keeper:
    """Saves from a daemon thread. ``lock`` is the planner's; ``failed`` is told of an error, which ends nothing."""

    def __init__(self, planner: Any, path: Path, lock: Callable[[], Any], failed: Callable[[Exception], None]) -> None:
        self._planner = planner
        self._path = path
        self._lock = lock
        self._failed = failed
        self._changed = threading.Event()
        self._worker = Worker("state", self._run)
        close_at_exit(self, kept=True)

    def used(self) -> None:
        """Something was learned: it will be saved within a minute."""
        self._changed.set()
        self._worker.start()

    def save(self) -> None:
        """Save now, if anything was learned since the last time."""
        if not self._changed.is_set():
            return
        self._changed.clear()
        try:
            with self._lock():
                self._planner.save(self._path)
        except Exception as error:
            self._failed(error)

    def close(self) -> None:
        """Save at the end of the process, when what was under way has ended."""
        self.save()

    def _run(self) -> None:
        pause = threading.Event()  # never set: the thread ends with the process
        while not pause.wait(PERIOD_S):
            self.save()

    def after_fork_in_child(self) -> None:
        """The thread stayed with the parent; the next use starts another."""
        self._changed = threading.Event()
        self._worker.after_fork_in_child()
