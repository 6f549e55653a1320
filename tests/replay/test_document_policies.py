"""A point behind each document, and placement at second sight, on traces small enough to see through."""

from datetime import date
from itertools import accumulate, pairwise

import pytest

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Tier, load_catalog
from rockbottom.replay import FIXED, PlacedPoints, Rates, Stage
from rockbottom.replay.sightings import second_sighting
from rockbottom.trace import SectionCode
from rockbottom.trace.gathering import Gathered


def stage_of(*requests: list[tuple[str, int, int]]) -> Stage:
    """Requests a second apart, each a list of blocks: a name, its tokens, its section."""
    gathered, catalog = Gathered(), load_catalog()
    for at, blocks in enumerate(requests):
        depth = list(accumulate(tokens for _, tokens, _ in blocks))
        names = ["/".join(name for name, _, _ in blocks[: place + 1]) for place in range(len(blocks))]
        prefix = [hash(name) & (2**64 - 1) for name in names]
        sections = [section for _, _, section in blocks]
        numbers = {"at": float(at), "tokens_in": depth[-1]}
        gathered.add(numbers, {"model": "m"}, prefix, depth, sections, [1] * len(blocks), [1] * len(blocks))
    model, on = catalog.model("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), date(2026, 11, 1)
    rates = Rates(model, Tier.DEFAULT, on, catalog.price_book)
    return Stage.of(gathered.trace(), catalog.rules(model, on), behaviour_of(catalog.switches), rates)


def points(placed: PlacedPoints) -> list[list[int]]:
    """The positions of each request's points."""
    return [placed.after[start:end].tolist() for start, end in pairwise(placed.offsets.tolist())]


SYSTEM, TALK = SectionCode.SYSTEM, SectionCode.MESSAGES


def test_a_point_stands_behind_each_document_and_none_behind_the_question() -> None:
    """Behind the system text too; a block under 256 tokens is none, and the last block has nothing behind it."""
    stage = stage_of(
        [("s", 50, SYSTEM), ("contract", 3000, TALK), ("question", 40, TALK)],
        [("contract", 3000, TALK), ("annex", 256, TALK), ("note", 255, TALK), ("report", 900, TALK)],
    )
    assert points(FIXED["documents"](stage.trace, stage.rules)) == [[1, 2], [1, 2]]


def test_of_many_documents_the_last_three_are_marked() -> None:
    """A request takes four cachePoints."""
    stage = stage_of([("s", 50, SYSTEM), *((f"d{number}", 500, TALK) for number in range(6)), ("q", 10, TALK)])
    assert points(FIXED["documents"](stage.trace, stage.rules)) == [[1, 5, 6, 7]]


def test_only_what_was_sent_before_is_marked() -> None:
    """At first sight nothing; then what is shared, and the system text where it is."""
    first = [("s", 500, SYSTEM), ("a", 500, TALK), ("b", 500, TALK)]
    stage = stage_of(first, [*first[:2], ("c", 500, TALK)], first, [("other", 500, SYSTEM), ("a", 500, TALK)])
    assert points(second_sighting(stage)) == [[], [1, 2], [1, 3], []]
