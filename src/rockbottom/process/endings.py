"""What is done when the process ends: first those end that still know of something, then all is closed.

Those that wait when they are closed, for a network or a disk, wait at the same time: all are asked to begin before
the first is waited for, and what they may wait is counted from one instant on.

What fails at the end fails in silence: there is nobody left to tell, and the others still have their turn.
"""

import atexit
import contextlib
import time
import weakref
from typing import Any, Protocol

from msgspec import Struct, field


class Ending(Protocol):
    """Something that may hold what is not written yet, and is told when the process ends."""

    def end(self) -> None: ...


class Closable(Protocol):
    """Something that is closed at the end of the process. A second ``close`` does nothing."""

    def close(self) -> None:
        """Write or send what is left."""
        ...


class Hastening(Protocol):
    """Something whose ``close`` waits for work that can begin before it."""

    def hasten(self) -> None:
        """Begin with what ``close`` waits for, and return at once."""
        ...


class _Phase(Struct):
    """Whose turn it is together: some are remembered for as long as they live, some until the end."""

    living: "weakref.WeakSet[Any]" = field(default_factory=lambda: weakref.WeakSet[Any]())
    kept: dict[int, Any] = field(default_factory=dict[int, Any])  # by identity: what others made may have no hash

    def remember(self, member: Any, until_end: bool) -> None:
        if until_end:
            self.kept[id(member)] = member
        else:
            self.living.add(member)

    def members(self) -> list[Any]:
        return list({id(member): member for member in [*self.living, *self.kept.values()]}.values())


_ENDED, _HASTENED, _CLOSED = _Phase(), _Phase(), _Phase()
_LISTENING: list[bool] = []
_CLOSING_SINCE: list[float] = []


def end_at_exit(member: Ending, *, until_end: bool = False) -> None:
    """Call ``member.end`` at the end of the process, before anything is closed.

    ``until_end``: also where nobody else remembers it by then; otherwise it is called if it still lives.
    """
    _ENDED.remember(member, until_end)
    _listen()


def close_at_exit(member: Closable, *, until_end: bool = False) -> None:
    """Call ``member.close`` at the end of the process; ``until_end`` as in ``end_at_exit``."""
    _CLOSED.remember(member, until_end)
    _listen()


def hasten_at_exit(member: Hastening) -> None:
    """Call ``member.hasten`` before anything is closed at the end of the process, if it still lives."""
    _HASTENED.remember(member, until_end=False)
    _listen()


def seconds_left(most_s: float) -> float:
    """How long a ``close`` may wait that may wait ``most_s``: at the end of the process, less what others waited."""
    return most_s if not _CLOSING_SINCE else max(0.0, most_s - (time.monotonic() - _CLOSING_SINCE[0]))


def _listen() -> None:
    if not _LISTENING:
        _LISTENING.append(True)
        atexit.register(_at_exit)


def _at_exit() -> None:
    for member in _ENDED.members():
        with contextlib.suppress(Exception):
            member.end()
    _CLOSING_SINCE.append(time.monotonic())
    for member in _HASTENED.members():
        with contextlib.suppress(Exception):
            member.hasten()
    for member in _CLOSED.members():
        with contextlib.suppress(Exception):
            member.close()
