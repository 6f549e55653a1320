"""How deep prefixes are in the service's tokens: counted places stand, estimates share out the rest."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.prompt import note_counted, share_out

TURNS = [0, 2, 5]  # one request of two blocks, and the next turn, which begins with the same two
NAMES = [0, 1, 0, 1, 2]
SUMS = [0, 100, 200, 300, 400, 450]  # estimates: 100 and 100, then 100, 100 and 50


def depths(whole: list[int], last: list[int], cached: list[int]) -> list[int]:
    known, deep = [0, 0, 0], [0] * 5
    note_counted(TURNS, NAMES, whole, last, cached, known)
    share_out(TURNS, NAMES, SUMS, whole, known, deep)
    return deep


def test_what_one_turn_counted_lies_as_deep_in_the_next() -> None:
    assert depths([300, 400], [0, 0], [0, 0]) == [150, 300, 150, 300, 400]


def test_what_was_read_and_written_is_all_up_to_the_last_point() -> None:
    assert depths([300, 400], [1, 0], [120, 0]) == [120, 300, 120, 300, 400]


def test_a_later_request_tells_of_an_earlier_one() -> None:
    assert depths([300, 400], [0, 1], [0, 120]) == [120, 300, 120, 300, 400]


def test_without_counts_the_estimates_stand() -> None:
    assert depths([0, 0], [0, 0], [0, 0]) == [100, 200, 100, 200, 250]


def test_a_count_that_cannot_be_of_this_prefix_is_left_out() -> None:
    """290 of 300 before a point in the middle would leave ten tokens for half of the prompt."""
    assert depths([300, 400], [1, 0], [290, 0]) == [150, 300, 150, 300, 400]


def test_a_count_a_fiftieth_off_stands_however_small_the_rest_is() -> None:
    """Of 408 tokens 400 up to the point; the rest was estimated at one: eight times that, but seven of 408."""
    known, deep = [0, 0], [0, 0]
    note_counted([0, 2], [0, 1], [408], [1], [400], known)
    share_out([0, 2], [0, 1], [0, 400, 401], [408], known, deep)
    assert deep == [400, 408]


def test_a_prompt_counted_shorter_than_its_own_beginning_is_shared_out_by_itself() -> None:
    assert depths([300, 250], [0, 0], [0, 0]) == [150, 300, 100, 200, 250]


@given(
    st.lists(st.lists(st.integers(1, 5000), min_size=1, max_size=12), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 12), st.integers(0, 60_000)), min_size=8, max_size=8),
    st.integers(1, 5),
)
def test_depths_never_fall_and_end_at_what_was_counted(
    estimates: list[list[int]], counts: list[tuple[int, int, int]], kinds: int
) -> None:
    offsets = [0, *np.cumsum([len(one) for one in estimates]).tolist()]
    sums = [0, *np.cumsum([tokens for one in estimates for tokens in one]).tolist()]
    names = [number % kinds * 20 + place for number, one in enumerate(estimates) for place in range(len(one))]
    counts = counts[: len(estimates)]
    whole = [count[0] for count in counts]
    last = [min(count[1], len(one)) for count, one in zip(counts, estimates, strict=True)]
    known, deep = [0] * 120, [0] * len(names)
    note_counted(offsets, names, whole, last, [count[2] for count in counts], known)
    share_out(offsets, names, sums, whole, known, deep)
    for number, (start, end) in enumerate(pairwise(offsets)):
        own = deep[start:end]
        assert own == sorted(own)
        assert own[0] >= 0
        assert own[-1] == (whole[number] or sums[end] - sums[start])


@pytest.mark.parametrize("kind", [np.int64, np.int32])
def test_arrays_give_what_lists_give(kind: type) -> None:
    known, deep = np.zeros(3, np.int64), np.zeros(5, np.int64)
    arguments = (np.array([300, 400], kind), np.array([1, 0], kind), np.array([120, 0], kind))
    note_counted(np.array(TURNS), np.array(NAMES), *arguments, known)
    share_out(np.array(TURNS), np.array(NAMES), np.array(SUMS), arguments[0], known, deep)
    assert deep.tolist() == [120, 300, 120, 300, 400]
