"""Plans written back into bodies, without touching the caller's objects."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from rockbottom.dialects import ANTHROPIC, CONVERSE, NOVA
from rockbottom.prompt import Placement
from rockbottom.quantities import Ttl

CONVERSE_BODY = {
    "toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": {}}}}]},
    "system": [{"text": "be"}, {"text": "kind"}],
    "messages": [
        {"role": "user", "content": [{"text": "one"}, {"text": "two"}]},
        {"role": "assistant", "content": [{"text": "three"}]},
    ],
}
ANTHROPIC_BODY = {
    "tools": [{"name": "a", "input_schema": {}}],
    "system": "be kind",
    "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": [{"type": "text", "text": "x"}]}],
}
NOVA_BODY = {"system": [{"text": "be kind"}], "messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]}


@given(st.sets(st.integers(1, 6), max_size=4), st.sampled_from([None, Ttl.FIVE_MINUTES, Ttl.ONE_HOUR]))
def test_a_converse_plan_reads_back_as_planned(places, ttl):
    """Points come back at the segments they were planned after; the caller's body is as it was."""
    from rockbottom.catalog import load_catalog
    from rockbottom.prompt import Meter

    meter = Meter(load_catalog().token_weights["claude-4"])
    before = copy.deepcopy(CONVERSE_BODY)
    prompt = CONVERSE.read(CONVERSE_BODY, meter)
    planned = CONVERSE.with_points(CONVERSE_BODY, prompt, [Placement(p, ttl) for p in places])
    again = CONVERSE.read(planned, meter)
    assert [(point.after, point.ttl) for point in again.points] == [(p, ttl) for p in sorted(places)]
    assert [s.digest for s in again.segments] == [s.digest for s in CONVERSE.read(CONVERSE_BODY, meter).segments]
    assert before == CONVERSE_BODY
    assert CONVERSE.without_points(planned) == CONVERSE_BODY


def test_an_anthropic_plan_turns_strings_into_blocks(meter):
    """A string cannot carry cache_control, so it becomes a text block that means the same."""
    before = copy.deepcopy(ANTHROPIC_BODY)
    plan = [Placement(1), Placement(2, Ttl.ONE_HOUR), Placement(3)]
    planned = ANTHROPIC.with_points(ANTHROPIC_BODY, ANTHROPIC.read(ANTHROPIC_BODY, meter), plan)
    assert planned["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert planned["system"] == [
        {"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]
    assert [p.after for p in ANTHROPIC.read(planned, meter).points] == [1, 2, 3]
    assert before == ANTHROPIC_BODY


def test_a_nova_plan_sets_the_member_beside_the_text(meter):
    """And leaves the text alone."""
    before = copy.deepcopy(NOVA_BODY)
    planned = NOVA.with_points(NOVA_BODY, NOVA.read(NOVA_BODY, meter), [Placement(1), Placement(3)])
    assert planned["system"] == [{"text": "be kind", "cachePoint": {"type": "default"}}]
    assert planned["messages"][0]["content"][1] == {"text": "b", "cachePoint": {"type": "default"}}
    assert before == NOVA_BODY


def test_untouched_parts_are_shared_not_copied(meter):
    """Only the way to a change is copied, so a plan costs nothing for what it leaves alone."""
    planned = CONVERSE.with_points(CONVERSE_BODY, CONVERSE.read(CONVERSE_BODY, meter), [Placement(6)])
    assert planned["system"] is CONVERSE_BODY["system"]
    assert planned["messages"][0] is CONVERSE_BODY["messages"][0]
    assert planned["messages"][1] is not CONVERSE_BODY["messages"][1]
