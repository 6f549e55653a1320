"""What is known of prefixes, held to a plain set of them."""

import random
from hashlib import blake2b

import pytest

from rockbottom.plan.history import History


def keys_of(blocks: list[int]) -> tuple[bytes, ...]:
    """Chained hashes, one for each number of blocks."""
    keys = [b""]
    for block in blocks:
        keys.append(blake2b(keys[-1] + bytes([block]), digest_size=16).digest())
    return tuple(keys)


def sent(history: History, blocks: list[int], at: float) -> int:
    """Send a prompt, its last block and its end each the end of a run; how many blocks of it were known."""
    keys, depths = keys_of(blocks), [100 * number for number in range(len(blocks) + 1)]
    visit = history.visit(keys, depths, 1, at)
    history.add(visit, keys, depths, (1, len(blocks) - 1, len(blocks)), at)
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
        visit = history.visit(keys, list(range(len(keys))), 1, float(number))
        assert 0 <= visit.seen < len(keys)
        history.add(visit, keys, list(range(len(keys))), (max(1, len(keys) - 2), len(keys) - 1), float(number))


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
    sent(history, [1, 2, 3], 0.0)
    (run,) = {history.runs[key] for key in keys_of([1, 2, 3])[3:]}
    run.entry(3).five_until = 300.0
    run.entry(2).hour_until = 3600.0
    sent(history, [7, 8, 9], 650.0)
    assert [entry.position for entry in run.entries] == [2]
    sent(history, [7, 8, 9], 4800.0)
    assert not run.entries
