"""What happens to attachments when the process forks, and the locks of planners, which clients may share."""

import os
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any, Protocol


class Forking(Protocol):
    """Something that is told of forks."""

    def before_fork(self) -> None:
        """Nobody is inside while the process is copied."""
        ...

    def after_fork_in_parent(self) -> None:
        """Go on."""
        ...

    def after_fork_in_child(self) -> None:
        """Begin anew."""
        ...


@dataclass(slots=True)
class _Forks:
    """Those that are told of forks, and those locked while one goes on."""

    held: list[Forking] = field(default_factory=list[Forking])
    turn: threading.Lock = field(default_factory=threading.Lock)  # two threads may fork at once: one after the other


_LOCKS: "weakref.WeakKeyDictionary[Any, threading.RLock]" = weakref.WeakKeyDictionary()
_TOLD: "weakref.WeakSet[Any]" = weakref.WeakSet()
_FORKS = _Forks()
_LISTENING: list[bool] = []


def lock_of(planner: Any) -> Any:
    """The lock of a planner: clients that share a planner share it."""
    if planner not in _LOCKS:
        _LOCKS[planner] = threading.RLock()
    return _LOCKS[planner]


def tell_of_forks(one: Forking) -> None:
    """From now on for as long as it lives."""
    _TOLD.add(one)


def listen_for_forks() -> None:
    """Register with the operating system, once per process; called by the first ``attach``."""
    if not _LISTENING and hasattr(os, "register_at_fork"):
        _LISTENING.append(True)
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
        )


def _before_fork() -> None:
    _FORKS.turn.acquire()
    _FORKS.held = list(_TOLD)
    for one in _FORKS.held:
        one.before_fork()


def _after_fork_in_parent() -> None:
    for one in _FORKS.held:
        one.after_fork_in_parent()
    _FORKS.held = []
    _FORKS.turn.release()


def _after_fork_in_child() -> None:
    _LOCKS.clear()  # they are held by the parent's threads, which are not here
    for one in _FORKS.held:
        one.after_fork_in_child()
    _FORKS.held = []
    _FORKS.turn = threading.Lock()
