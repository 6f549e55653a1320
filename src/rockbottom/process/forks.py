"""Who is told of forks, in which order, and the locks that several share.

Everybody is remembered weakly and told for as long as it lives. The operating system is asked once, when the first
one asks to be told.
"""

import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Protocol

from msgspec import Struct, field


class Forked(Protocol):
    """Something that begins anew in the child of a fork."""

    def after_fork_in_child(self) -> None:
        """Replace locks, threads and connections, which stayed with the parent."""
        ...


class Forking(Forked, Protocol):
    """Something that nobody may be inside of while the process is copied."""

    def before_fork(self) -> None:
        """Take the lock, so that the copy is whole."""
        ...

    def after_fork_in_parent(self) -> None: ...


class _Told(Struct):
    """The members to call around a fork, and those that are held while one is under way."""

    renewed: "weakref.WeakSet[Any]" = field(default_factory=lambda: weakref.WeakSet[Any]())
    outer: "weakref.WeakSet[Any]" = field(default_factory=lambda: weakref.WeakSet[Any]())
    inner: "weakref.WeakSet[Any]" = field(default_factory=lambda: weakref.WeakSet[Any]())
    last: "weakref.WeakSet[Any]" = field(default_factory=lambda: weakref.WeakSet[Any]())
    held: list[Forking] = field(default_factory=list[Forking])
    turn: threading.Lock = field(default_factory=threading.Lock)  # two threads may fork at once: one after the other
    listening: bool = False


_MEMBERS = _Told()
_LOCKS: "weakref.WeakKeyDictionary[Any, threading.RLock]" = weakref.WeakKeyDictionary()


def lock_of(shared: Any) -> "threading.RLock":
    """The lock of an object: all who use the object share it. In the child of a fork it is another one."""
    _listen()
    return _LOCKS.setdefault(shared, threading.RLock())


def renew_in_child(member: Forked) -> None:
    """Call ``member.after_fork_in_child`` in the child of every fork."""
    _MEMBERS.renewed.add(member)
    _listen()


def hold_over_forks(member: Forking, *, inner: bool = False, last: bool = False) -> None:
    """Hold ``member`` while the process is copied, and have it begin anew in the child.

    ``inner``: it is entered by those who hold an outer one already (a sink, by a client), so it is held after them;
    the other way round two threads could wait for each other. ``last``: it is held after all others, any of which may
    take its time, so only for as long as the copy takes.
    """
    (_MEMBERS.last if last else _MEMBERS.inner if inner else _MEMBERS.outer).add(member)
    _listen()


def _listen() -> None:
    if not _MEMBERS.listening and hasattr(os, "register_at_fork"):
        _MEMBERS.listening = True
        os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)


def _before() -> None:
    _MEMBERS.turn.acquire()
    _MEMBERS.held = [*_MEMBERS.outer, *_MEMBERS.inner, *_MEMBERS.last]
    for member in _MEMBERS.held:
        member.before_fork()


def _after_in_parent() -> None:
    for member in reversed(_MEMBERS.held):
        member.after_fork_in_parent()
    _MEMBERS.held = []
    _MEMBERS.turn.release()


def _after_in_child() -> None:
    _LOCKS.clear()  # they are held by the parent's threads, which are not here; first, for others ask for theirs
    _MEMBERS.turn = threading.Lock()
    holders, _MEMBERS.held = _MEMBERS.held, []
    for member in _each_once([*holders, *_MEMBERS.renewed]):
        member.after_fork_in_child()


def _each_once(members: list[Forked]) -> Iterator[Forked]:
    return iter({id(member): member for member in members}.values())
