"""Who is told of a fork, and in which order."""

import os
import signal
import threading

import pytest

from rockbottom.process import hold_over_forks, lock_of, renew_in_child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


class Member:
    """Writes down what it is told."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self.told = name, told

    def before_fork(self) -> None:
        self.told.append(f"{self.name} held")

    def after_fork_in_parent(self) -> None:
        self.told.append(f"{self.name} released")

    def after_fork_in_child(self) -> None:
        self.told.append(f"{self.name} renewed")


def forked(ask) -> str:
    """What ``ask`` says in the child of a fork, which ends at once."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        signal.alarm(20)  # a child that waits for a lock of its parent ends nevertheless
        os.write(writer, str(ask()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        answer = answers.read()
    os.waitpid(pid, 0)
    return answer


def test_an_inner_member_is_held_after_and_released_before_an_outer_one():
    """Whoever holds the outer one may be about to enter the inner one."""
    told: list[str] = []
    inner, outer = Member("sink", told), Member("client", told)
    hold_over_forks(inner, inner=True)
    hold_over_forks(outer)
    in_child = forked(lambda: told)
    assert told == ["client held", "sink held", "sink released", "client released"]
    assert in_child == str(["client held", "sink held", "client renewed", "sink renewed"])


def test_a_member_that_need_not_be_held_is_told_in_the_child_only():
    """It begins anew there, and knows of nothing in the parent."""
    told: list[str] = []
    member = Member("counter", told)
    renew_in_child(member)
    assert forked(lambda: told) == "['counter renewed']"
    assert told == []


def test_nobody_is_told_after_its_life():
    """Members are remembered weakly."""
    told: list[str] = []
    renew_in_child(Member("gone", told))
    assert forked(lambda: told) == "[]"


def test_an_object_has_one_lock_and_another_one_in_the_child():
    """A lock that a thread of the parent holds would never be released in the child, which has no such thread."""
    shared = Member("planner", [])
    lock = lock_of(shared)
    assert lock_of(shared) is lock
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    try:
        assert forked(lambda: lock_of(shared).acquire(blocking=False)) == "True"
    finally:
        done.set()
        thread.join()


def test_two_threads_may_fork_at_once():
    """One after the other: nobody is held twice."""
    told: list[str] = []
    member = Member("client", told)
    hold_over_forks(member)
    threads = [threading.Thread(target=forked, args=(lambda: "",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told == ["client held", "client released"] * 4
