"""A daemon thread that runs when it is needed."""

import threading

from rockbottom.process import Worker


def test_it_runs_once_however_often_it_is_started():
    """And under the name of the house, as a daemon."""
    seen: list[threading.Thread] = []
    begun, go_on = threading.Event(), threading.Event()

    def run():
        seen.append(threading.current_thread())
        begun.set()
        go_on.wait(20)

    worker = Worker("test", run)
    assert not worker.alive
    assert worker.start()
    assert begun.wait(20)
    assert worker.start()
    assert worker.alive
    go_on.set()
    worker.join(20)
    assert [(thread.name, thread.daemon) for thread in seen] == [("rockbottom-test", True)]


def test_it_is_started_again_where_it_has_ended():
    """As after an error, which ends a thread."""
    runs: list[int] = []
    worker = Worker("test", lambda: runs.append(1))
    for _ in range(2):
        assert worker.start()
        worker.join(20)
    assert runs == [1, 1]


def test_the_child_of_a_fork_starts_its_own():
    """The thread that runs is the parent's."""
    go_on, runs = threading.Event(), []

    def run():
        runs.append(1)
        go_on.wait(20)

    worker = Worker("test", run)
    worker.start()
    worker.after_fork_in_child()
    assert not worker.alive
    assert worker.start()
    go_on.set()
    worker.join(20)
    assert len(runs) == 2


def test_where_there_are_no_more_threads_it_says_so(monkeypatch):
    """The caller goes on, and may ask again."""
    worker = Worker("test", lambda: None)

    def no_more(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert not worker.start()
    assert not worker.alive
