"""Counters of replies as usage: every spelling, what is split by lifetime, what is left to who asked."""

import pytest

from rockbottom.dialects import INVOKED, Counts, header_counts, usage_of
from rockbottom.dialects.usage import NO_SPLIT, Counters, no_split
from rockbottom.quantities import Ttl, Usage

CONVERSE = {"inputTokens": 7, "outputTokens": 5, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 40}
ANTHROPIC = {
    "input_tokens": 7, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 40,
}  # fmt: skip
NOVA = {"inputTokens": 7, "outputTokens": 5, "cacheReadInputTokenCount": 100, "cacheWriteInputTokenCount": 40}
METRICS = {
    "inputTokenCount": 7, "outputTokenCount": 5, "cacheReadInputTokenCount": 100, "cacheWriteInputTokenCount": 40,
}  # fmt: skip


@pytest.mark.parametrize("said", [CONVERSE, ANTHROPIC, NOVA, METRICS])
def test_every_spelling_gives_the_same_usage(said):
    assert usage_of(said) == Usage(input=7, output=5, cache_read=100, cache_write_5m=40)
    assert usage_of(said, Ttl.ONE_HOUR) == Usage(input=7, output=5, cache_read=100, cache_write_1h=40)


def test_what_the_reply_splits_is_not_left_to_the_request():
    details = [{"ttl": "1h", "inputTokens": 30}, {"ttl": "5m", "inputTokens": 10}]
    creation = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 30}
    split = Usage(input=7, output=5, cache_read=100, cache_write_5m=10, cache_write_1h=30)
    assert usage_of({**CONVERSE, "cacheDetails": details}, Ttl.ONE_HOUR) == split
    assert usage_of({**ANTHROPIC, "cache_creation": creation}, Ttl.THIRTY_MINUTES) == split


def test_the_rest_of_a_partial_split_is_of_the_lifetime_asked_for():
    told = {**CONVERSE, "cacheDetails": [{"ttl": "5m", "inputTokens": 10}]}
    assert usage_of(told, Ttl.ONE_HOUR) == Usage(7, 5, 100, cache_write_5m=10, cache_write_1h=30)


def test_a_split_of_more_than_was_written_and_lifetimes_unheard_of_count_as_no_split():
    for ttl, tokens in (("1h", 41), ("7d", 40), (None, 40)):
        told = {**CONVERSE, "cacheDetails": [{"ttl": ttl, "inputTokens": tokens}]}
        assert usage_of(told) == Usage(7, 5, 100, cache_write_5m=40), ttl


def test_a_share_of_an_unsplit_write_is_of_the_hour_and_the_rest_of_five_minutes():
    assert usage_of(CONVERSE, Ttl.ONE_HOUR, 0.25) == Usage(7, 5, 100, cache_write_5m=30, cache_write_1h=10)


@pytest.mark.parametrize(
    "said",
    [None, {}, 7, {"inputTokens": None}, {"inputTokens": -1}, {"inputTokens": True}, {"input_tokens": "7.5"}],
)
def test_what_counts_no_input_is_no_usage(said):
    assert usage_of(said) is None


def test_counters_that_are_no_numbers_are_left_out():
    assert usage_of({**CONVERSE, "outputTokens": "many", "cacheReadInputTokens": None}) == Usage(7, cache_write_5m=40)


def test_counts_as_exports_of_logs_spell_them_are_read():
    assert usage_of({"inputTokens": "6137", "outputTokens": 41.0}) == Usage(input=6137, output=41)


def test_an_inclusive_input_gives_up_what_was_read_and_written():
    """GPT-5.6 counts all of a prompt as input: of 1,905 tokens 1,903 were written (recorded in August 2026)."""
    counters = Counters("input", "output", ("cached",), ("written",), no_split, inclusive=True)
    told = {"input": 1905, "output": 9, "cached": 0, "written": 1903}
    assert counters.counts(told) == Counts(2, 9, 0, 1903, NO_SPLIT)


def test_counters_inside_members_are_read_and_told_from_others_of_the_same_name():
    """The Responses API of Bedrock counts inclusively, with what was read and written one deeper (recorded in 2026)."""
    counters = Counters(
        "input_tokens", "output_tokens", ("input_tokens_details.cached_tokens",),
        ("input_tokens_details.cache_write_tokens",), no_split, inclusive=True, tells="input_tokens_details",
    )  # fmt: skip
    details = {"cached_tokens": 1903, "cache_write_tokens": 40}
    told = {"input_tokens": 1950, "input_tokens_details": details, "output_tokens": 9}
    assert counters.counts(told) == Counts(7, 9, 1903, 40, NO_SPLIT)
    assert counters.counts({**told, "input_tokens_details": None}) == Counts(1950, 9, 0, 0, NO_SPLIT)
    assert counters.counts({**told, "input_tokens_details": 7}) == Counts(1950, 9, 0, 0, NO_SPLIT)
    assert counters.counts(ANTHROPIC) is None


def test_headers_tell_the_counts_of_invoke_model_or_nothing():
    names = ("input", "output", "cache-read-input", "cache-write-input")
    headers = {f"x-amzn-bedrock-{name}-token-count": count for name, count in zip(names, "1234", strict=True)}
    assert header_counts(headers) == Counts(1, 2, 3, 4)
    del headers["x-amzn-bedrock-output-token-count"]
    assert header_counts(headers) is None


def test_the_split_of_a_streams_first_event_is_put_on_the_counts_of_its_last():
    counts = INVOKED.counts(METRICS)
    assert counts is not None
    split = {Ttl.ONE_HOUR: 40}
    assert counts._replace(split=split).usage() == Usage(7, 5, 100, cache_write_1h=40)
