"""The queue between a call and what publishes it: never slow, never raising, everything counted."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rockbottom.sinks.publisher import Publisher, Undelivered
from tests.monitor.calls import NOON, call

SRC = Path(__file__).resolve().parents[2] / "src"


class Remembering:
    """An outlet that keeps calls until ``send`` works."""

    def __init__(self):
        self.kept, self.sent, self.refuse, self.lost = [], [], False, 0

    def take(self, calls, now):
        self.kept.extend(calls)

    def send(self, now, last):
        if self.refuse:
            raise Undelivered("nobody is there", fix="try later")
        self.sent.extend(self.kept)
        self.kept.clear()
        return 1

    def waiting(self):
        return len(self.kept)


class Hands:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def publisher(outlet, **options):
    """A publisher whose thread is never started: the test takes its steps."""
    one = Publisher(lambda: outlet, name="the test", **options)
    one._worker.start = lambda: False
    return one


def test_what_does_not_fit_is_dropped_counted_and_said_once(caplog):
    """A full queue costs records, never a call: the first 3 of 10 stay."""
    outlet = Remembering()
    one = publisher(outlet, capacity=3)
    for number in range(10):
        one.record(call(request_id=str(number)))
    assert one.stats.dropped == 7
    one.flush()
    assert [sent.request_id for sent in outlet.sent] == ["0", "1", "2"]
    assert one.stats.recorded == 3
    assert sum("drops" in line for line in caplog.messages) == 1


def test_it_waits_longer_after_every_failure_and_then_sends_all(caplog):
    """1, 2, 4, 8 seconds, each shortened by a random share of at most half; nothing is lost meanwhile."""
    outlet, hands = Remembering(), Hands()
    outlet.refuse = True
    one = publisher(outlet, monotonic=hands, chance=lambda: 1.0)
    one.record(call())
    tries = []
    for tenth in range(160):
        hands.now = tenth / 10
        before = one.stats.failures
        one._step(last=False)
        if one.stats.failures > before:
            tries.append(hands.now)
    assert tries == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert one.stats.waiting == 1
    assert one.stats.last_failure == "nobody is there. try later"
    assert [line for line in caplog.messages if "cannot send" in line] == [
        "rockbottom: the test cannot send (nobody is there. try later); calls go on, what fits is kept for later"
    ]
    outlet.refuse, hands.now = False, 1000.0
    one._step(last=False)
    assert len(outlet.sent) == 1
    assert one.stats.waiting == 0


def test_an_outlet_with_a_fault_of_its_own_neither_raises_nor_ends_the_publisher(caplog):
    """Whatever goes wrong in there is counted as a failure, and what comes later is still taken."""
    outlet = Remembering()
    one = publisher(outlet)
    outlet.take = lambda calls, now: 1 / 0
    one.record(call())
    assert one.flush() is True
    assert "ZeroDivisionError" in one.stats.last_failure
    del outlet.take
    one.record(call())
    one._not_before = float("-inf")
    one.flush()
    assert len(outlet.sent) == 1


def test_threads_lose_nothing():
    """8 threads record 500 calls each while the publisher's own thread takes them away."""
    outlet = Remembering()
    one = Publisher(lambda: outlet, name="the test", every_s=0.001)
    threads = [threading.Thread(target=lambda: [one.record(call()) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one.close()
    assert len(outlet.sent) == 4000
    assert one.stats.dropped == 0


def test_closing_sends_what_is_left_and_takes_nothing_more():
    """Closing twice is closing once; a record after that is dropped and counted."""
    outlet = Remembering()
    one = Publisher(lambda: outlet, name="the test", every_s=3600.0)
    one.record(call())
    one.close()
    one.close()
    one.record(call())
    assert len(outlet.sent) == 1
    assert one.stats.dropped == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_begins_with_nothing_and_can_publish():
    """What the parent holds is the parent's to send; the child has a queue, a thread and an outlet of its own."""
    outlets = []

    def make():
        outlets.append(Remembering())
        return outlets[-1]

    one = Publisher(make, name="the test", every_s=3600.0)
    one.record(call(request_id="parent"))
    child = os.fork()
    if child == 0:
        one.record(call(request_id="child"))
        one.close()
        os._exit(0 if [sent.request_id for sent in outlets[-1].sent] == ["child"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    one.close()
    assert [sent.request_id for sent in outlets[0].sent] == ["parent"]


ENDS = """
import time
from rockbottom.ledger import CallRecord
from rockbottom.sinks.publisher import Publisher
class Outlet:
    lost = 0
    def take(self, calls, now): self.calls = list(calls)
    def waiting(self): return 1
    def send(self, now, last):
        {send}
        print("sent", len(self.calls), flush=True)
        return 1
sink = Publisher(Outlet, name="the test", every_s=0.2, patience_s=0.5)
sink.record(CallRecord(at=0.0, model="m", operation="Converse"))
"""


@pytest.mark.parametrize(("send", "printed"), [("pass", "sent 1\n"), ("time.sleep(86400)", "")])
def test_a_process_that_ends_sends_what_it_has_and_hangs_on_nothing(send, printed):
    """At exit what is left goes out; an outlet that hangs for a day holds the end up no longer than the patience."""
    run = subprocess.run(
        [sys.executable, "-c", ENDS.format(send=send)],
        env={**os.environ, "PYTHONPATH": str(SRC)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout == printed


SEVERAL = """
import atexit, time
from rockbottom.ledger import CallRecord
from rockbottom.sinks.publisher import Publisher
class Outlet:
    lost = 0
    def __init__(self): self.seconds = 0
    def take(self, calls, now): pass
    def waiting(self): return 1
    def send(self, now, last):
        time.sleep(self.seconds)
        print("sent", self.seconds, flush=True)
        return 1
sinks = [Publisher(Outlet, name="the test", every_s=60, patience_s=1) for _ in range(5)]
for sink in sinks:
    sink._outlet.seconds = 86400
    sink.record(CallRecord(at=0.0, model="m", operation="Converse"))
sinks[2]._outlet.seconds = 0.1
began = time.monotonic()
atexit._run_exitfuncs()
print(time.monotonic() - began)
"""


def test_sinks_that_hang_at_the_end_are_waited_for_together():
    """Four that hang hold the end up for one patience, not for four, and the one that does not hang has its turn."""
    run = subprocess.run(
        [sys.executable, "-c", SEVERAL],
        env={**os.environ, "PYTHONPATH": str(SRC)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    sent, seconds = run.stdout.splitlines()
    assert sent == "sent 0.1"
    assert 0.9 < float(seconds) < 2.5


def test_nothing_is_said_while_all_is_well(caplog):
    """No line of the log for a sink that works."""
    caplog.set_level(logging.INFO, logger="rockbottom.monitor")
    one = publisher(Remembering())
    one.record(call(NOON))
    one.flush()
    one.close()
    assert caplog.messages == []
