"""What one request reads, writes and leaves uncached; timelines with every number worked out by hand."""

from dataclasses import replace

import pytest

from rockbottom.cache import Namespace, PointFate, PrefixCache, step
from rockbottom.prompt import Api, Parameters


@pytest.fixture
def play(prompt_from, rules, behaviour, namespace):
    """Plays lines ``(instant, prompt)`` and gives (read, written 5m, written 1h, uncached) for each."""

    def run(*lines, **overrides):
        chosen_rules = overrides.pop("rules", rules)
        chosen = replace(behaviour, **overrides)
        state, told = PrefixCache(), []
        for now, prompt, *where in lines:
            prompt = prompt_from(prompt) if isinstance(prompt, str) else prompt
            state, result = step(state, prompt, now, chosen_rules, chosen, where[0] if where else namespace)
            usage = result.usage()
            told.append((usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.input))
        return told

    return run


def test_first_request_writes_and_the_second_reads(play):
    """A prefix above the minimum is written once, then read; what follows the point stays uncached."""
    assert play((0, "s:rules=2000 | u:q1=50"), (10, "s:rules=2000 | u:q2=60")) == [
        (0, 2000, 0, 50),
        (2000, 0, 0, 60),
    ]


def test_no_point_means_no_caching(play):
    """Entries exist only at cachePoints."""
    assert play((0, "s:rules=2000 u:q=50"), (1, "s:rules=2000 u:q=50")) == [(0, 0, 0, 2050)] * 2


def test_below_the_minimum_nothing_happens_silently(play):
    """999 tokens before the point are one too few; 1,000 are enough."""
    assert play((0, "s:rules=999 | u:q=50")) == [(0, 0, 0, 1049)]
    assert play((0, "s:rules=1000 | u:q=50")) == [(0, 1000, 0, 50)]


def test_the_minimum_counts_tools_and_system_and_messages_together(play):
    """Tools 600 and system 500 together clear 1,000 though neither does alone (polish-log)."""
    assert play((0, "t:lookup=600 | s:rules=500 | u:q=50")) == [(0, 1100, 0, 50)]


def test_a_five_minute_entry_is_gone_at_five_minutes(play):
    """Alive at 299.9 s, refreshed by that read, gone 300 s after it."""
    prompt = "s:rules=2000 | u:q=10"
    assert play((0, prompt), (299.9, prompt), (599.9, prompt)) == [(0, 2000, 0, 10), (2000, 0, 0, 10), (0, 2000, 0, 10)]


def test_an_hour_entry_survives_what_kills_a_five_minute_one(play):
    """After 403 s idle the 5m arm rewrites and the 1h arm reads (strands issue 3677)."""
    assert play((0, "s:a=3639 | u:q=1"), (403, "s:a=3639 | u:q=1"))[1] == (0, 3639, 0, 1)
    assert play((0, "s:a=3642 |1h u:q=1"), (403, "s:a=3642 |1h u:q=1"))[1] == (3642, 0, 0, 1)


def test_a_growing_conversation_reads_its_history(play):
    """Each turn's point at the tail finds the last turn's entry two blocks back and writes only what is new."""
    assert play(
        (0, "s:rules=2000 u:q1=100 |"),
        (20, "s:rules=2000 u:q1=100 a:r1=300 u:q2=100 |"),
        (40, "s:rules=2000 u:q1=100 a:r1=300 u:q2=100 a:r2=200 u:q3=100 |"),
    ) == [(0, 2100, 0, 0), (2100, 400, 0, 0), (2500, 300, 0, 0)]


@pytest.mark.parametrize(("added", "hits"), [(20, True), (21, True), (22, False), (24, False)])
def test_lookback_reaches_twenty_one_added_blocks(play, added, hits):
    """A hit with at most 21 blocks added after the old marked block, always a miss with 22 (cachecanary-lookback)."""
    first, second = "s:rules=2000 u:q=100 |", f"s:rules=2000 u:q=100 c:call=1*{added} |"
    assert play((0, first), (1, second))[1] == ((2100, added, 0, 0) if hits else (0, 2100 + added, 0, 0))


def test_beyond_the_lookback_a_second_point_bridges(play):
    """A point at the end of the newest tool calls keeps the read: 21 calls, then 21 results (cachecanary-lookback)."""
    history = "s:rules=2000 | u:q=100 |"
    turn = "s:rules=2000 | u:q=100 c:call=1*21 | r:result=2*21 |"
    assert play((0, history), (1, turn))[1] == (2100, 21 + 42, 0, 0)


def test_without_lookback_only_the_exact_position_reads(play, with_rules):
    """Nova looks only where the point stands, so a moved point reads nothing unless the old one is kept."""
    nova = with_rules(lookback_blocks=0)
    moved = [(0, "s:r=2000 u:q=10 |"), (1, "s:r=2000 u:q=10 a:b=5 u:c=5 |")]
    kept = [(0, "s:r=2000 u:q=10 |"), (1, "s:r=2000 u:q=10 | a:b=5 u:c=5 |")]
    assert play(*moved, rules=nova)[1] == (0, 2020, 0, 0)
    assert play(*kept, rules=nova)[1] == (2010, 10, 0, 0)


def test_mixed_lifetimes_split_the_write_by_the_abc_rule(play):
    """A is read, up to the 1h point is written for an hour, the rest for five minutes (anthropic-prompt-caching)."""
    turn1 = "s:rules=2000 |1h u:q1=500 |"
    turn2 = "s:rules=2000 |1h u:q1=500 a:r1=100 u:q2=100 |"
    assert play((0, turn1), (400, turn2), (401, turn2)) == [(0, 500, 2000, 0), (2000, 700, 0, 0), (2700, 0, 0, 0)]


def test_a_read_keeps_the_shallower_entry_alive_by_default(play):
    """Reading the tail at 200 and 400 s keeps the system entry for a new conversation at 600 s."""
    deep = "s:rules=2000 u:q=500 |"
    lines = [(0, "s:rules=2000 | u:q=500 |"), (200, deep), (400, deep), (600, "s:rules=2000 | u:z=7")]
    assert play(*lines)[3] == (2000, 0, 0, 7)
    assert play(*lines, refresh_on_hit="entry", entry_lifetime="whole_prefix")[1:] == [
        (2500, 0, 0, 0),
        (2500, 0, 0, 0),
        (0, 2000, 0, 7),
    ]


def test_ttl_in_key_makes_a_changed_ttl_a_miss(play):
    """5m then 1h on the same prefix: a miss where entries are keyed by TTL (cachecanary-diff), else a read."""
    lines = [(0, "s:a=2000 | u:q=1"), (1, "s:a=2000 |1h u:q=1")]
    assert play(*lines)[1] == (0, 0, 2000, 1)
    assert play(*lines, ttl_in_key="no")[1] == (2000, 0, 0, 1)


def test_tail_insurance_pays_only_where_an_entry_is_a_whole_prefix(play):
    """A 1h tail over a 5m prefix survives the prefix only if entries live by themselves (design/policy.md probe)."""
    lines = [(0, "s:p=2000 |"), (20, "s:p=2000 u:t=1000 |1h"), (500, "s:p=2000 u:t=1000 |1h")]
    assert play(*lines, ttl_in_key="no")[1:] == [(2000, 0, 1000, 0), (0, 0, 3000, 0)]
    assert play(*lines, ttl_in_key="no", entry_lifetime="whole_prefix")[1:] == [(2000, 0, 1000, 0), (3000, 0, 0, 0)]


def test_changing_an_earlier_section_invalidates_the_later_ones(play):
    """A changed tool misses system and messages too; a changed message leaves tools and system readable."""
    first = "t:tool=1500 | s:rules=500 | u:q=100 |"
    assert play((0, first), (1, "t:other=1500 | s:rules=500 | u:q=100 |"))[1] == (0, 2100, 0, 0)
    assert play((0, first), (1, "t:tool=1500 | s:rules=500 | u:z=100 |"))[1] == (2000, 100, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "read"),
    [
        ({}, {"thinking": '{"type":"enabled"}'}, 0),
        ({}, {"effort": "low"}, 0),
        ({}, {"output_schema": "{}"}, 0),
        ({"tool_choice": "auto"}, {"tool_choice": "any"}, 2000),
        ({"tool_choice": "any"}, {"tool_choice": "tool"}, 2100),
        ({"tool_choice": "auto"}, {"tool_choice": "none"}, 2100),
        ({}, {"images": True}, 2000),
    ],
)
def test_parameters_that_are_part_of_the_key(play, prompt_from, before, after, read):
    """Thinking, effort and schema miss everything; tool_choice groups and images miss only the messages."""
    text = "t:tool=1500 | s:rules=500 | u:q=100 |"
    first, second = prompt_from(text, Parameters(**before)), prompt_from(text, Parameters(**after))
    assert play((0, first), (1, second))[1][0] == read


def test_documented_side_of_the_thinking_switch_keeps_tools_and_system(play, prompt_from):
    """Anthropic's documentation says that a thinking change invalidates the messages only."""
    text = "t:tool=1500 | s:rules=500 | u:q=100 |"
    lines = [(0, prompt_from(text)), (1, prompt_from(text, Parameters(thinking="on")))]
    assert play(*lines, thinking_scope="messages")[1] == (2000, 100, 0, 0)


def test_regions_models_accounts_and_apis_do_not_share(play, prompt_from):
    """An entry belongs to one account, Region, model and family of operations."""
    text, home = "s:a=2000 | u:q=1", Namespace("1", "us-east-1", "m")
    for other in (Namespace("2", "us-east-1", "m"), Namespace("1", "us-west-2", "m"), Namespace("1", "us-east-1", "n")):
        assert play((0, text, home), (1, text, other), (2, text, home))[1:] == [(0, 2000, 0, 1), (2000, 0, 0, 1)]
    lines = [(0, prompt_from(text)), (1, prompt_from(text, api=Api.INVOKE))]
    assert play(*lines)[1] == (0, 2000, 0, 1)
    assert play(*lines, api_in_key="no")[1] == (2000, 0, 0, 1)


def test_parallel_requests_each_write_until_the_first_response_starts(prompt_from, rules, behaviour, namespace):
    """Three requests at 0, 0.1 and 0.9 s, responses starting at 0.8 s: the first two write, the third reads."""
    state, told = PrefixCache(), []
    for now in (0.0, 0.1, 0.9):
        prompt = prompt_from("s:a=2000 | u:q=1")
        state, result = step(state, prompt, now, rules, behaviour, namespace, visible_at=0.8 if now < 0.8 else now)
        told.append((result.read, result.written))
    assert told == [(0, 2000), (0, 2000), (2000, 0)]


def test_old_thinking_is_dropped_where_the_model_drops_it(play, with_rules):
    """A new user text strips earlier thinking on older models, so what was cached behind it is missed."""
    loop = "s:r=2000 | u:q=10 k:thought=50 c:call=5 r:result=20 |"
    spoken = "s:r=2000 | u:q=10 k:thought=50 c:call=5 r:result=20 a:answer=5 u:more=5 |"
    assert play((0, loop), (1, spoken))[1] == (2085, 10, 0, 0)
    assert play((0, loop), (1, spoken), rules=with_rules(keeps_thinking=False))[1][0] == 2000


def test_dropped_thinking_is_as_if_it_had_not_been_sent(play, with_rules, prompt_from):
    """A client that leaves earlier thinking out reads what one that sends it wrote, and the other way round."""
    rules = with_rules(keeps_thinking=False)
    sent = "s:r=2000 | u:q=10 | k:thought=0 a:answer=5 u:more=5 |"
    left_out = "s:r=2000 | u:q=10 | a:answer=5 u:more=5 |"
    assert play((0, sent), (1, left_out), rules=rules)[1] == (2020, 0, 0, 0)
    assert play((0, left_out), (1, sent), rules=rules)[1] == (2020, 0, 0, 0)
    assert play((0, sent), (1, left_out))[1][0] == 2010


def test_a_point_before_dropped_thinking_is_read_as_itself(prompt_from, with_rules, behaviour, namespace):
    """The point of the turn before, behind which a thought was dropped since, is the one that is read."""
    rules = with_rules(keeps_thinking=False)
    state, _ = step(PrefixCache(), prompt_from("s:r=2000 u:q=10 |"), 0, rules, behaviour, namespace)
    grown = prompt_from("s:r=2000 u:q=10 | k:thought=0 a:answer=5 u:more=5 |")
    _, result = step(state, grown, 1, rules, behaviour, namespace)
    assert (result.read, result.points) == (2010, (PointFate.READ, PointFate.WRITTEN))


def test_residual_tokens_are_never_cached(play, with_rules):
    """With a point at the very end Claude still reports 3 uncached tokens, 2 with tools (pydantic-ai-cassettes)."""
    rules = with_rules(residual_tokens=3, residual_tokens_with_tools=2)
    assert play((0, "s:r=2000 u:q=100 |"), rules=rules) == [(0, 2100, 0, 3)]
    assert play((0, "t:t=500 s:r=2000 u:q=100 |"), rules=rules) == [(0, 2600, 0, 2)]


def test_a_text_document_behind_the_last_point_is_written_too(play):
    """Recorded: [text, point, txt document] wrote the document as well; the other side leaves it out."""
    lines = [(0, "u:text=1500 | d:doc=200")]
    assert play(*lines) == [(0, 1700, 0, 0)]
    assert play(*lines, trailing_text_document="excluded") == [(0, 1500, 0, 200)]


def test_the_fate_of_every_point_is_told(prompt_from, rules, behaviour, namespace):
    """Below the minimum, covered, read and written, in the order of the prompt."""
    state, _ = step(PrefixCache(), prompt_from("t:t=500 | s:r=1500 | u:q=10 |"), 0, rules, behaviour, namespace)
    again = prompt_from("t:t=500 | s:r=1500 | u:q=10 | a:b=5 u:c=5 |")
    _, result = step(state, again, 1, rules, behaviour, namespace)
    assert result.points == (PointFate.BELOW_MINIMUM, PointFate.COVERED, PointFate.READ, PointFate.WRITTEN)


def test_a_model_without_caching_reads_and_writes_nothing(play, with_rules):
    """Whether such a request is refused is another question; it never caches."""
    assert play((0, "s:r=2000 | u:q=1"), rules=with_rules(explicit=False)) == [(0, 0, 0, 2001)]


def test_a_lifetime_is_part_of_the_key_by_surface(play, prompt_from):
    """Recorded on bedrock-mantle (sample-per-model-bedrock): an hour's point read the live entry of five minutes."""
    texts = "s:a=2000 | u:q=1", "s:a=2000 |1h u:q=1"
    lines = [(at, prompt_from(text, api=Api.MESSAGES)) for at, text in enumerate(texts)]
    assert play(*lines)[1] == (2000, 0, 0, 1)
    assert play(*lines, ttl_in_key_messages="yes")[1] == (0, 0, 2000, 1)
    assert play(*lines, ttl_in_key="no", ttl_in_key_messages="yes")[1] == (0, 0, 2000, 1)
