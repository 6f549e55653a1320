"""Keeps what a planner learned in a file: now and then while calls come, and at the end of the process."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rockbottom.process import Handover, close_at_exit, seconds_left, within

PERIOD_S = 60.0
_LOAD_S = 5  # longer than a file that another process holds is waited for; beyond it the disk hangs
_AT_ONCE_S, _UNHURRIED_S = 1.0, 10.0  # how long others are waited for: where somebody waits for us, in our own thread
_GRACE_S = 0.5  # beyond that: what a disk takes that answers

Learned = TypeVar("Learned")


def started(load: Callable[[], Learned], empty: Callable[[], Learned], path: Path) -> tuple[Learned, str]:
    """What the file at ``path`` holds, or a start from nothing and the reason in words.

    A file that is there and is not what it should be is kept aside, under its name with ``.unreadable`` behind it, so
    that a new one can take its place. One that cannot be opened or written stays where it is; one whose disk does not
    answer is waited for five seconds.
    """
    try:
        return within(_LOAD_S, "state", lambda: _in_turn(load)), ""
    except Exception as error:
        aside = path.parent / f"{path.name}.unreadable"
        is_kept = _is_damage(error) and _put_aside(path, aside)
        where = f"; the file is kept as {aside}" if is_kept else ""
        return (
            empty(),
            f"state={path} cannot be used, so the planner starts with nothing learned{where}: {_cause(error)}",
        )


def _in_turn(use: Callable[[], Learned]) -> Learned:
    """Use the file while no fork of the process falls."""
    from rockbottom.process import SqliteTurn  # needed by those alone who have a file

    with SqliteTurn():
        return use()


def _is_damage(error: BaseException) -> bool:
    """Whether what was read is wrong, not the disk, the folder or the rights."""
    below = error.__cause__ or error
    return not isinstance(below, (sqlite3.OperationalError, OSError))


def _put_aside(path: Path, aside: Path) -> bool:
    try:
        if not path.is_file():
            return False
        path.replace(aside)
    except OSError:
        return False
    return True


def _cause(error: BaseException) -> str:
    below = error.__cause__ or error
    return f"{type(below).__name__}: {below}"


class StateKeeper:
    """Saves from a daemon thread. ``lock`` is the planner's; ``failed`` is told of an error, which ends nothing.

    While the file is waited for (another process is at it, or the disk is slow) the planner is free, and calls go on.
    """

    def __init__(self, planner: Any, path: Path, lock: Callable[[], Any], failed: Callable[[Exception], None]) -> None:
        self._planner = planner
        self._path = path
        self._lock = lock
        self._failed = failed
        self._changed = threading.Event()
        self._wait_s = _UNHURRIED_S
        self._handover = Handover("state", self._save, _AT_ONCE_S, every_s=PERIOD_S)
        close_at_exit(self, until_end=True)

    def used(self) -> None:
        """Something was learned: it will be saved within a minute."""
        self._changed.set()
        self._handover.start()

    def save(self, wait_s: float = _AT_ONCE_S) -> None:
        """Save now, if anything was learned since the last time; others that are at it are waited for ``wait_s``."""
        self._wait_s = wait_s
        if not self._handover.ask(wait_s + _GRACE_S):
            self._failed(TimeoutError("the thread that saves still waits for the file"))

    def close(self) -> None:
        """Save at the end of the process, when what was under way has ended; all keepers wait a second together."""
        self.save(seconds_left(_AT_ONCE_S))

    def _save(self) -> None:
        if not self._changed.is_set():
            return
        self._changed.clear()
        wait_s, self._wait_s = self._wait_s, _UNHURRIED_S
        try:
            _in_turn(lambda: self._planner.save(self._path, lock=self._lock(), wait_s=wait_s))
        except Exception as error:
            self._changed.set()  # tried again, at the latest when the process ends
            self._failed(error)

    def after_fork_in_child(self) -> None:
        """The thread stayed with the parent; the next use starts another."""
        self._changed = threading.Event()
        self._handover.after_fork_in_child()
