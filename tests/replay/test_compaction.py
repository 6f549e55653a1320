"""Conversations compacted, each figure worked out by hand; tokens of a summary are assumed to be 1,000 here."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.quantities import Unit
from rockbottom.replay import Turns, compactions

WRITE = list(Unit).index(Unit.CACHE_WRITE_5M)


def turns(rows, minimum=1024):
    """One conversation; a row is front, kept, whole, read, written, output."""
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    count = len(rows)
    return Turns(
        np.arange(count) - 1, np.arange(count) + 1, *columns, np.full(count, WRITE), np.zeros(count, np.int64),
        np.full(count, minimum),
    )  # fmt: skip


def at(turn, found):
    return next(row for row in found if row.turn == turn)


def test_without_a_cache_later_requests_pay_less_input_and_the_summary_is_asked_for():
    """Front 500, prompts of 5,000, 10,000, 15,000 and 20,000 tokens, nothing cached, replies of 100.

    Before turn 3 the history ends where the second prompt ended, at 10,000: 9,500 tokens. Turn 3 pays 10,000 less
    (front and history) and front and summary anew, 1,500; turn 4 pays 9,500 - 1,000 less. Asking costs 10,000 + 100 +
    200 of input and 1,000 of output.
    """
    row = at(3, compactions(turns([(500, 0, 5_000 * n, 0, 0, 100) for n in (1, 2, 3, 4)]), 1_000))
    assert row.conversations == 1
    assert row.less == {(0, Unit.INPUT): 10_000 + 8_500}
    assert row.more == {(0, Unit.INPUT): 1_500 + 10_300, (0, Unit.OUTPUT): 1_000}


def test_the_cache_that_it_breaks_is_written_again_but_for_a_front_that_has_an_entry():
    """Front 2,000 with a point behind it; each prompt is read up to the last one's end, its rest written.

    Turn 3 read 10,000 and wrote 5,000: it no longer reads 8,000 of history, and writes a summary of 1,000. Turn 4 reads
    8,000 - 1,000 less. Asking reads the 10,000 that turn 2 left in the cache.
    """
    rows = [(2_000, 2_000, 5_000 * n, 5_000 * (n - 1), 5_000, 0) for n in (1, 2, 3, 4)]
    row = at(3, compactions(turns(rows), 1_000))
    assert row.less == {(0, Unit.CACHE_READ): 8_000 + 7_000}
    assert row.more == {
        (0, Unit.CACHE_WRITE_5M): 1_000, (0, Unit.CACHE_READ): 10_000, (0, Unit.INPUT): 200, (0, Unit.OUTPUT): 1_000,
    }  # fmt: skip


def test_a_front_without_an_entry_of_its_own_is_written_again():
    """The same with points at the ends of prompts only: turn 3 reads nothing and writes its front as well."""
    rows = [(2_000, 0, 5_000 * n, 5_000 * (n - 1), 5_000, 0) for n in (1, 2, 3, 4)]
    row = at(3, compactions(turns(rows), 1_000))
    assert row.less == {(0, Unit.CACHE_READ): 10_000 + 7_000}
    assert row.more[0, Unit.CACHE_WRITE_5M] == 2_000 + 1_000


def test_after_a_pause_the_history_is_written_anyway_and_compaction_spares_that():
    """Turn 3 comes when all is forgotten: it read nothing and wrote 15,000. Compacted it writes 1,000 for 8,000."""
    rows = [(2_000, 2_000, 5_000 * n, 5_000 * (n - 1), 5_000, 0) for n in (1, 2)]
    row = at(3, compactions(turns([*rows, (2_000, 2_000, 15_000, 0, 15_000, 0)]), 1_000))
    assert row.less == {(0, Unit.CACHE_WRITE_5M): 8_000}
    assert row.more[0, Unit.CACHE_WRITE_5M] == 1_000


def test_what_is_left_too_short_to_be_cached_is_paid_as_input():
    """Of 6,000 read and 1,000 written tokens 5,000 go at turn 4; 2,000 are left, and the model caches from 4,096 on."""
    rows = [(0, 0, 6_000, 0, 6_000, 0)] * 3 + [(0, 0, 7_000, 6_000, 1_000, 0)]
    row = at(3, compactions(turns(rows, minimum=4_096), 1_000))
    assert row.less[0, Unit.CACHE_READ] == 5_000 + 1_000
    assert row.less[0, Unit.CACHE_WRITE_5M] == 6_000 + 1_000
    assert row.more[0, Unit.INPUT] == 2_000 + (1_000 + 200)


def test_conversations_that_end_before_or_have_no_history_to_speak_of_are_left_alone():
    assert not list(compactions(turns([(0, 0, 5_000 * n, 0, 0, 0) for n in (1, 2)]), 1_000))
    assert not list(compactions(turns([(4_000, 0, 4_000 + 100 * n, 0, 0, 0) for n in (1, 2, 3, 4)]), 1_000))
