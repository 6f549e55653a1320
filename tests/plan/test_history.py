"""What is known of prefixes, held to a plain set of them."""

import random
from hashlib import blake2b

import pytest

from rockbottom.plan.alive import Sending, note
from rockbottom.plan.entries import Writing
from rockbottom.plan.history import History
from rockbottom.quantities import Ttl


def keys_of(blocks: list[int]) -> list[bytes]:
    """Chained hashes, one for each number of blocks."""
    keys = [b""]
    for block in blocks:
        keys.append(blake2b(keys[-1] + bytes([block]), digest_size=16).digest())
    return keys


def sent(history: History, blocks: list[int], at: float) -> int:
    """Send a prompt, its last block and its end each the end of a run; how many blocks of it were known."""
    keys, depths = keys_of(blocks), [100 * number for number in range(len(blocks) + 1)]
    visit = history.visit(b"".join(keys), depths, 1, at)
    history.add(visit, b"".join(keys), depths, (1, len(blocks) - 1, len(blocks)), at)
    return visit.seen


@pytest.mark.parametrize("seed", range(8))
def test_the_deepest_known_prefix_is_found_wherever_a_prompt_leaves_what_is_known(seed: int) -> None:
    """Prompts that go on, turn back and branch off near their end and far from it."""
    rng, history = random.Random(seed), History(1_000_000)
    known: set[bytes] = set()
    prompts: list[list[int]] = [[0]]
    for number in range(400):
        earlier = rng.choice(prompts)
        blocks = [
            *earlier[: rng.randint(1, len(earlier))],
            *[rng.randrange(3) for _ in range(rng.choice((1, 2, 5, 20)))],
        ]
        keys = keys_of(blocks)
        deepest = max((place for place in range(1, len(keys)) if keys[place] in known), default=0)
        assert sent(history, blocks, float(number)) == deepest
        known.update(keys[1:])
        prompts.append(blocks)
        assert history.prefixes == len(known)


@pytest.mark.parametrize("seed", range(8))
def test_one_name_at_two_places_ends_in_no_search_without_end(seed: int) -> None:
    """Names are chained and never equal; where they were (a block without a digest), a search went on for ever."""
    rng, history = random.Random(seed), History(60)
    for number in range(600):
        keys = [b""]
        for block in [rng.choice((0, 0, 1, None, None)) for _ in range(rng.randint(1, 14))]:
            added = blake2b(keys[-1] + bytes([block or 0]), digest_size=16).digest()
            keys.append(keys[-1] if block is None and keys[-1] else added)
        joined, depths = b"".join(keys), list(range(len(keys)))
        visit = history.visit(joined, depths, 1, float(number))
        assert 0 <= visit.seen < len(keys)
        history.add(visit, joined, depths, (max(1, len(keys) - 2), len(keys) - 1), float(number))


def test_what_was_unused_for_longest_is_forgotten_whole() -> None:
    """Five prompts of 21 blocks, the first in common: 1 and 20 each; a run weighs two more. Three of them fit."""
    history = History(1 + 2 + 3 * (20 + 4))
    for number in range(5):
        sent(history, [9, *[number] * 20], float(number))
    assert history.size <= history.capacity
    assert [sent(history, [9, *[number] * 20], 10.0) for number in (4, 3)] == [21, 21]
    assert sent(history, [9, *[0] * 20], 11.0) == 1


def test_entries_that_ended_are_dropped_though_nobody_comes_by() -> None:
    """Two of them, one for five minutes and one for an hour; a prompt of others passes ten and eighty minutes later."""
    history = History(1000)
    keys = b"".join(keys_of([1, 2, 3]))
    visit = history.visit(keys, [0, 1, 2, 3], 1, 0.0)
    added = history.add(visit, keys, [0, 1, 2, 3], (1, 3), 0.0)
    note(visit, added, Sending(((2, Ttl.ONE_HOUR), (3, Ttl.FIVE_MINUTES)), 0, 0, False, False), 0.0, Writing())
    run = added[-1]
    assert [(entry.position, entry.until) for entry in run.entries] == [(2, 3600.0), (3, 300.0)]
    sent(history, [7, 8, 9], 650.0)
    assert [entry.position for entry in run.entries] == [2]
    sent(history, [7, 8, 9], 4800.0)
    assert not run.entries


def test_a_run_that_nothing_goes_on_from_any_more_was_last_used_with_what_went_on() -> None:
    """Two conversations of 3 turns each, a turn of 4 blocks a run of its own (weight 6), and 3 of them fit. What was
    sent last stays whole; of the other the end went first, then what was below it."""
    history = History(3 * 6)
    for at, blocks in enumerate(([1] * 4, [1] * 8, [1] * 12, [2] * 4, [2] * 8)):
        keys, depths = b"".join(keys_of(blocks)), list(range(len(blocks) + 1))
        history.add(history.visit(keys, depths, 0, float(at)), keys, depths, (len(blocks),), float(at))
    assert history.size == 18
    assert [sent(history, blocks, 10.0) for blocks in ([2] * 8, [1] * 12)] == [8, 4]


def test_a_run_used_again_after_what_went_on_from_it_outlives_another() -> None:
    """A prompt and what goes on from it, another prompt, then the first one again: the other one goes before it."""
    history = History(2 * 6)
    for at, blocks in enumerate(([1] * 4, [1] * 8, [2] * 4, [1] * 4, [3] * 4)):
        keys, depths = b"".join(keys_of(blocks)), list(range(len(blocks) + 1))
        history.add(history.visit(keys, depths, 0, float(at)), keys, depths, (len(blocks),), float(at))
    known = {blocks[0] for blocks in ([1], [2], [3]) if keys_of(blocks * 4)[4] in history.runs}
    assert known == {1, 3}
