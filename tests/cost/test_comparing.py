"""Two arms set side by side: figures worked out by hand, and the sentence that says there is not enough to say."""

from decimal import Decimal
from math import sqrt

import pytest

from rockbottom.cost import Arm, ArmSums, compared


def _arms(planned, held_out):
    groups = {Arm(False, number): group for number, group in enumerate(planned)}
    return groups | {Arm(True, number): group for number, group in enumerate(held_out)}


def _text(comparison):
    return str(comparison).replace("\n", " ")


def _group(cost, uncached="2", calls=1, streams=0, first_ms=0.0):
    return ArmSums(calls, Decimal(cost), Decimal(uncached), streams, first_ms)


def test_shares_and_their_intervals_are_those_worked_out_by_hand():
    """Twenty groups that cost 2 without caching; half of them paid 0.5, half 1.5, so the share is 0.5.

    The squares: 20 x 0.5² = 5, times 20/19, is 5.263; its root 2.294, by 40 is 0.05735; times 2.1 is 0.1204.
    """
    found = compared(_arms([_group("0.5")] * 10 + [_group("1.5")] * 10, [_group("2")] * 20))
    assert found.planned.paid.value == 0.5
    assert (
        found.planned.paid.high - 0.5 == pytest.approx(2.1 * sqrt(5 * 20 / 19) / 40) == pytest.approx(0.1204, abs=1e-4)
    )
    assert (found.held_out.paid.low, found.held_out.paid.value, found.held_out.paid.high) == (1, 1, 1)
    assert found.saved.value == 0.5
    assert found.saved.low == pytest.approx(0.5 - 0.1204, abs=1e-4)
    assert "planning saved 50% (38% to 62%)" in _text(found)
    assert "no difference" not in _text(found)


def test_times_are_means_over_streams():
    """Ten groups of one stream each after 100 ms, ten of three each after 300 ms: (10 x 100 + 30 x 300) / 40 = 250."""
    planned = [_group("1", streams=1, first_ms=100.0)] * 10 + [_group("1", calls=3, streams=3, first_ms=900.0)] * 10
    held_out = [_group("2", streams=1, first_ms=400.0)] * 20
    found = compared(_arms(planned, held_out))
    assert found.planned.first_ms.value == 250
    assert found.sooner_ms.value == 150
    assert found.planned.calls == 40
    assert "first token after 400 (400 to 400) ms held out, 250 (" in _text(found)


def test_of_nineteen_groups_there_is_not_enough_to_say():
    found = compared(_arms([_group("1")] * 32, [_group("2")] * 19))
    assert found.saved is found.sooner_ms is found.held_out.paid is None
    said = "not enough to say what planning saves: 19 of 32 groups of conversations have calls, 20 are needed"
    assert said in _text(found)
    assert found.to_dict()["saved"] is None
    assert found.to_dict()["planned"]["paid"]["value"] == 0.5


def test_an_interval_over_nothing_is_no_difference_to_be_seen():
    mixed = [_group("1")] * 10 + [_group("3")] * 10
    assert "no difference is visible" in _text(compared(_arms(mixed, mixed)))


def test_calls_without_a_price_are_counted_and_say_nothing_of_cost():
    found = compared(_arms([_group("0", "0")] * 32, [_group("1")] * 32))
    assert found.planned.calls == 32
    assert found.planned.paid is None


def test_an_arm_is_kept_as_text():
    assert str(Arm(True, 17)) == "held out:17"
    assert Arm.of("planned:3") == Arm(False, 3)
    assert [Arm.of(text) for text in ("", "planned", "planned:32", "planned:-1", "other:1", "held out:x")] == [None] * 6
    assert compared({}) is None
