"""Hashes of a conversation that goes on are those of hashing it whole, whatever was remembered."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.plan.chains import Chains
from rockbottom.prompt import BlockKind, Section, Segment, hashing, prefix_hashes

SEEDS = (b"tools", b"", b"messages")
SIZES = st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 30), st.integers(0, 40))


def segments(tools: int, system: int, messages: int, changed: int) -> tuple[Segment, ...]:
    """So many segments of each section; the one at ``changed``, if there is one, is another."""
    sections = [Section.TOOLS] * tools + [Section.SYSTEM] * system + [Section.MESSAGES] * messages
    return tuple(
        Segment(section, BlockKind.TEXT, bytes([number, number == changed]), 10)
        for number, section in enumerate(sections)
    )


@given(st.lists(SIZES, max_size=8))
def test_remembered_hashes_are_those_of_the_whole(prompts: list[tuple[int, int, int, int]]) -> None:
    """Prompts that grow, shrink, change in the middle or in front, one after the other."""
    chains = Chains()
    for tools, system, messages, changed in prompts:
        made = segments(tools, system, messages, changed)
        assert chains.hashes(made, SEEDS, tools + system) == prefix_hashes(made, SEEDS)


def test_only_what_is_new_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn of two segments on thirty costs two hashes."""
    chains, real, hashed = Chains(), hashing.blake2b, list[bytes]()

    def counting(data: bytes, *, digest_size: int) -> Any:
        hashed.append(data)
        return real(data, digest_size=digest_size)

    chains.hashes(segments(1, 1, 30, 99), SEEDS, 2)
    monkeypatch.setattr(hashing, "blake2b", counting)
    chains.hashes(segments(1, 1, 32, 99), SEEDS, 2)
    assert len(hashed) == 2


def test_a_block_that_the_service_drops_leaves_no_two_places_with_one_name() -> None:
    """Thoughts of earlier turns have no digest; a prompt that goes on from them does, and names them once."""
    dropped = Segment(Section.MESSAGES, BlockKind.REASONING, b"", 0)
    block = Segment(Section.MESSAGES, BlockKind.TEXT, b"a block", 10)
    conversation = [block, dropped, block, dropped, dropped, block] * 4
    chains, seeds = Chains(), (b"seed", b"", b"late")
    names = chains.hashes(conversation, seeds, 0)
    assert len(set(names)) == len(names) == 25
    assert chains.hashes([*conversation, dropped, block], seeds, 0)[:25] == names
