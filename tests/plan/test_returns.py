"""What is learned of a kind while its ends are still waited for."""

import pytest

from rockbottom.plan.returns import Observation, ReturnCounts, Returns

KIND = (("first", "final"), ("first", "final", "plain"), ("first", "final", "plain", "user", "more"))
HALF = dict.fromkeys(KIND, ((1.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0)))


def test_a_return_counts_at_once():
    """One of one came back after 10 s: the chance rises before the minute is over, on that model alone."""
    returns = Returns(HALF)
    returns.settle(0.0)
    before = returns.of("model").chance(KIND).quick
    observation = returns.of("model").open(KIND, None, 0.0)
    returns.settle(10.0)
    observation.returned(10.0)
    assert returns.of("model").chance(KIND).quick > before
    assert returns.of("another").chance(KIND).quick == before


def test_what_has_waited_for_half_a_stage_is_half_a_miss():
    """Two ends that waited 30 s of the first minute lower the chance as much as one that outlived it."""
    two, one = Returns(HALF), Returns(HALF)
    for _ in range(2):
        two.of("").open(KIND, None, 0.0)
    one.of("").open(KIND, None, -30.1)
    two.settle(30.0)
    one.settle(30.0)
    low, high = two.of("").chance(KIND), one.of("").chance(KIND)
    assert low.quick < Returns(HALF).of("").chance(KIND).quick
    assert low.quick == pytest.approx(high.quick, abs=0.05)


def test_ends_that_were_only_just_sent_say_nothing():
    """Twenty ends opened at this instant leave the chance as it was."""
    returns = Returns(HALF)
    returns.settle(0.0)
    before = returns.of("").chance(KIND).quick
    for _ in range(20):
        returns.of("").open(KIND, None, 0.0)
    assert returns.of("").chance(KIND).quick == before


def test_what_is_forgotten_is_counted_nowhere_and_its_class_goes_on_counting():
    """An end is waited for longer than a small planner remembers the prefix below it."""
    kind, past, other = ReturnCounts(), ReturnCounts(), ReturnCounts()
    waiting = Observation((kind,), 0.0, past)
    past.forget()
    other.forget()
    waiting.outlived(0)
    assert (kind.misses[0], kind.waiting[1]) == (1.0, 1)
    assert past.counts is other.counts
    assert waiting.past is None
