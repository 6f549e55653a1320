"""Prompts of a hundred thousand tokens and more are written once and read, as points by hand would have it."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from rockbottom.catalog import load_catalog
from tests.replay.attached import START, Sent, attached_usd

SONNET = "us.anthropic.claude-sonnet-4-6"
INPUT, WRITE, READ, OUTPUT = (Decimal(price) for price in ("3.3", "4.125", "0.33", "16.5"))
"""US dollars a million tokens, as the price list has them for ``us.`` profiles."""


def clauses(count: int, name: str = "unit") -> str:
    return " ".join(
        f"Clause {number}: the tenant of {name} {number} pays by day {number % 28}." for number in range(count)
    )


def asked(system: str) -> Iterator[Sent]:
    """Ten questions on one long system text, fifteen seconds apart."""
    for number in range(10):
        message = {"role": "user", "content": [{"text": f"Question {number}: which day for unit {number}?"}]}
        yield Sent(START + 15 * number, {"system": [{"text": system}], "messages": [message]}, SONNET)


@pytest.mark.parametrize("count", [7_000, 20_000])  # some 120,000 and 350,000 tokens
def test_a_long_system_text_is_written_once_and_read_nine_times(count: int) -> None:
    """A write and nine reads of it; questions of a few tokens are what may be more, a hundredth at most."""
    counts, spent = attached_usd(asked(clauses(count)), load_catalog())
    by_hand = counts[0] * (WRITE + 9 * READ) / 10**6
    assert counts[0] > 100_000
    assert spent < by_hand * Decimal("1.01")


def test_a_conversation_of_150k_tokens_is_taken_up_by_a_new_process() -> None:
    """Whoever knows nothing of it yet pays what points behind system and tail cost: all of it written, then read."""
    step = clauses(250, "row")
    history: list[dict[str, Any]] = []
    for number in range(28):
        history.append({"role": "user", "content": [{"text": f"step {number}: {step}"}]})
        history.append({"role": "assistant", "content": [{"text": "done"}]})
    requests: list[Sent] = []
    for number in range(10):
        history.append({"role": "user", "content": [{"text": f"now {number}: {step[:6000]}"}]})
        requests.append(
            Sent(START + 20 * number, {"system": [{"text": clauses(100)}], "messages": list(history)}, SONNET)
        )
        history.append({"role": "assistant", "content": [{"text": "done"}]})
    counts, spent = attached_usd(requests, load_catalog())
    pairs = pairwise(counts)
    by_hand = (counts[0] * WRITE + sum(before * READ + (now - before) * WRITE for before, now in pairs)) / 10**6
    assert counts[0] > 100_000
    assert spent < by_hand * Decimal("1.02")
