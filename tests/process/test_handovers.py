"""Work that may hang, and how long it is waited for."""

import itertools
import threading

import pytest

from rockbottom.process import Handover, within


def test_who_asks_has_the_work_done():
    done: list[int] = []
    handover = Handover("test", lambda: done.append(1), 20)
    assert handover.ask()
    assert handover.ask()
    assert len(done) == 2


def test_late_work_is_not_waited_for_again_for_a_minute():
    """It is done all the same, once for all who asked meanwhile, and afterwards it is waited for as before."""
    now, go_on, runs = [0.0], threading.Event(), []

    def work():
        go_on.wait(20)
        runs.append(1)

    handover = Handover("test", work, 0.01, lambda: now[0])
    assert not handover.ask()
    for _ in range(1000):
        assert not handover.ask()
    go_on.set()
    assert handover.ask(20)
    assert len(runs) <= 3
    now[0] += 60
    assert handover.ask()


def test_who_wakes_late_himself_takes_no_work_for_late():
    """Where hundreds of threads keep all from running, half a second says nothing of a disk; ten times that does."""
    clock, go_on = itertools.count(), threading.Event()

    def handover(patience_s):
        return Handover("test", lambda: go_on.wait(20), patience_s, lambda: 10.0 * next(clock))

    assert not handover(0.01).ask()
    threading.Timer(1.2, go_on.set).start()
    assert handover(1).ask()


def test_the_child_of_a_fork_begins_anew():
    """The thread that hangs, and what was asked of it, are the parent's."""
    go_on = threading.Event()
    handover = Handover("test", lambda: go_on.wait(20) and None, 0.01)
    assert not handover.ask()
    handover.after_fork_in_child()
    threading.Timer(0.05, go_on.set).start()
    assert handover.ask(20)


def test_an_answer_comes_within_its_time_or_not_at_all():
    """Errors are the caller's, and what comes late is nobody's."""
    assert within(20, "test", lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(20, "test", lambda: 1 // 0)
    go_on = threading.Event()
    with pytest.raises(TimeoutError, match=r"no answer in 0\.01 seconds"):
        within(0.01, "test", lambda: go_on.wait(20))
    go_on.set()
