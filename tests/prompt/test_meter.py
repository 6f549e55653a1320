"""Estimates of tokens, their memory, and their correction by what the service counted."""

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.prompt import BlockKind, Calibration, Meter, Section, Segment

FACTS = Path(os.environ.get("ROCKBOTTOM_DATA", Path(__file__).parents[2] / "../shared/data")).parent / "facts"

# Texts that Bedrock counted, as pydantic-ai-cassettes and boise-probe give them: model, text, tokens of the text.
CAPITALS = (
    "YOU MUST RESPONSE ONLY WITH SINGLE NUMBER\n" * 50
    + "ONLY SINGLE NUMBER IN RESPONSE\n" * 100
    + "Response only number What is 2 + 3"
)
HARNESS = "You are a helpful assistant operating inside a controlled test harness. " * 600 + "Say OK."
COUNTED = [
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", CAPITALS, 1517 - 7),
    ("us.amazon.nova-lite-v1:0", CAPITALS, 1308),
    ("us.amazon.nova-micro-v1:0", HARNESS, 7203),
]


def meter_of(model: str) -> Meter:
    """The meter of a model's tokenizer generation."""
    catalog = load_catalog()
    return Meter(catalog.token_weights[catalog.model(model).model.tokenizer])


@pytest.mark.parametrize(("model", "text", "tokens"), COUNTED)
def test_estimates_of_recorded_texts_lie_within_the_stated_error(model, text, tokens):
    """What the service counted for long texts is met within the error that the weights state."""
    meter = meter_of(model)
    assert abs(meter.tokens_of_text(text) - tokens) <= meter.weights.error * tokens


@pytest.mark.skipif(not FACTS.exists(), reason="needs the recorded facts (ROCKBOTTOM_DATA)")
def test_short_recorded_texts_are_met_within_six_tokens():
    """Very short prompts are mostly overhead: text, 4 a message and the 3 of the answer's header."""
    checked = 0
    for line in (FACTS / "live_cases.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case["kind"] != "calibration" or not isinstance(case["text"], str) or len(case["text"]) > 60:
            continue
        described = case["text"].startswith("same as") or "excerpt" in case["text"]  # not the text itself
        if "claude" not in case["model"] or described:
            continue
        meter = meter_of(case["model"])
        estimate = meter.tokens_of_text(case["text"]) + meter.weights.message_tokens + 3
        assert abs(estimate - case["tokens"]) <= 6, case["id"]
        checked += 1
    assert checked >= 3


def test_one_generation_counts_more_than_the_one_before():
    """Claude 4.7 and later give about 30% more tokens for the same text."""
    old, new = meter_of("anthropic.claude-sonnet-4-6"), meter_of("anthropic.claude-opus-4-7")
    assert new.tokens_of_text(HARNESS) == pytest.approx(1.3 * old.tokens_of_text(HARNESS), rel=0.001)


def test_a_long_text_is_judged_by_slices_of_it():
    """A repeated sentence gives the same density whether all of it is looked at or slices only."""
    meter = meter_of("amazon.nova-lite-v1:0")
    sentence = "The quick brown fox jumps over the lazy dog, twice. "
    assert meter.tokens_of_text(sentence * 900) == pytest.approx(100 * meter.tokens_of_text(sentence * 9), rel=0.05)


def test_the_memory_of_texts_is_bounded():
    """Ten texts do not fit a memory of three names of 250 bytes; every answer stays the same."""
    meter = Meter(load_catalog().token_weights["claude-4"], capacity=3 * 250)
    texts = [str(n) * 1000 for n in range(10)]
    first = [meter.text(text) for text in texts]
    assert [meter.text(text) for text in texts] == first
    assert len(meter._seen) <= 3


def test_a_text_and_bytes_that_read_the_same_are_told_apart():
    """JSON's "1" is one byte, as is the text: their hashes are the same, and what they weigh as blocks is not."""
    meter = meter_of("anthropic.claude-sonnet-4-6")
    assert hash("1") == hash(b"1")
    one, other = (Segment(Section.MESSAGES, BlockKind.TEXT, digest, 1) for digest in (b"a", b"b"))
    meter.keep_segments(("1", 0, "user", 0), (one,))
    meter.keep_segments((b"1", 0, "user", 0), (other,))
    assert meter.segments(("1", 0, "user", 0)) == (one,)
    assert meter.segments((b"1", 0, "user", 0)) == (other,)


def test_text_outside_ascii_and_lone_surrogates_are_weighed():
    """No text makes the meter fail."""
    meter = meter_of("anthropic.claude-sonnet-4-6")
    assert meter.text("日本語のテキスト")[1] > 4
    assert meter.text("\ud800")[1] >= 1
    assert meter.text("")[1] == 0


def test_a_calibration_is_the_ratio_of_totals():
    """900 counted for 1,000 estimated, then 2,000 for 2,000: factor 2,900 / 3,000."""
    calibration = Calibration().learned(1000, 900).learned(2000, 2000)
    assert calibration.factor == Fraction(2900, 3000)
    # first off by 100; then 2,000 estimated at a factor of 0.9 is 1,800, off by 200: 300 of 2,900
    assert calibration.error(Fraction(1, 2)) == Fraction(300, 2900)


def test_a_calibration_waits_for_enough_tokens():
    """499 counted tokens correct nothing yet, and the stated error still holds."""
    calibration = Calibration().learned(400, 499)
    assert calibration.factor == 1
    assert calibration.error(Fraction(1, 8)) == Fraction(1, 8)
    assert calibration.learned(0, 5) == calibration
