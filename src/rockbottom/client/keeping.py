"""Keeps what a planner learned in a file: now and then while calls come, and at the end of the process."""

import atexit
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PERIOD_S = 60.0


class Keeper:
    """Saves from a daemon thread. ``lock`` is the planner's; ``failed`` is told of an error, which ends nothing."""

    def __init__(self, planner: Any, path: Path, lock: Callable[[], Any], failed: Callable[[Exception], None]) -> None:
        self._planner = planner
        self._path = path
        self._lock = lock
        self._failed = failed
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None
        atexit.register(self.save)

    def used(self) -> None:
        """Something was learned: it will be saved within a minute."""
        self._changed.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="rockbottom-state", daemon=True)
            self._thread.start()

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

    def _run(self) -> None:
        pause = threading.Event()  # never set: the thread ends with the process
        while not pause.wait(PERIOD_S):
            self.save()

    def after_fork_in_child(self) -> None:
        """The thread stayed with the parent; the next use starts another."""
        self._changed = threading.Event()
        self._thread = None
