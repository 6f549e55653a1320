"""InvokeModel bodies: Anthropic Messages and native Nova."""

from rockbottom.dialects import ANTHROPIC, CONVERSE, NOVA
from rockbottom.prompt import Api, BlockKind
from rockbottom.quantities import Ttl

CONTROL = {"cache_control": {"type": "ephemeral"}}


def test_cache_control_closes_the_block_it_stands_on(meter):
    """On a tool, a system block and a message block; the ttl is kept."""
    body = {
        "tools": [{"name": "a", "input_schema": {}, **CONTROL}],
        "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **CONTROL}]}],
    }
    prompt = ANTHROPIC.read(body, meter)
    assert [(p.after, p.ttl) for p in prompt.points] == [(1, None), (2, Ttl.ONE_HOUR), (3, None)]
    assert prompt.api is Api.INVOKE


def test_strings_are_one_text_block(meter):
    """``system`` and ``content`` may be plain strings."""
    short = {"system": "be kind", "messages": [{"role": "user", "content": "hi"}]}
    long = {
        "system": [{"type": "text", "text": "be kind"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    assert ANTHROPIC.read(short, meter) == ANTHROPIC.read(long, meter)


def test_cache_control_inside_a_tool_result_closes_the_tool_result(meter):
    """InvokeModel caches up to it; Converse ignores a point nested there (cachecanary-live)."""
    nested = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "42", **CONTROL}]}
    prompt = ANTHROPIC.read({"messages": [{"role": "user", "content": [nested]}]}, meter)
    assert [(p.after, p.follows) for p in prompt.points] == [(1, BlockKind.TOOL_RESULT)]
    converse = {"toolResult": {"toolUseId": "1", "content": [{"text": "42"}, {"cachePoint": {"type": "default"}}]}}
    assert CONVERSE.read({"messages": [{"role": "user", "content": [converse]}]}, meter).points == ()


def test_the_mark_is_not_part_of_the_content(meter):
    """With and without cache_control a block has the same digest."""
    marked = ANTHROPIC.read(
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **CONTROL}]}]}, meter
    )
    plain = ANTHROPIC.read({"messages": [{"role": "user", "content": "hi"}]}, meter)
    assert marked.segments == plain.segments


def test_thinking_tool_choice_and_schema_are_read_from_the_native_names(meter):
    """thinking, tool_choice, output_config."""
    body = {
        "messages": [],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tool_choice": {"type": "any"},
        "output_config": {"effort": "low", "format": {"type": "json_schema"}},
    }
    parameters = ANTHROPIC.read(body, meter).parameters
    assert (parameters.tool_choice_group, parameters.effort) == ("any", "low")
    assert parameters.thinking == '{"budget_tokens":2000,"type":"enabled"}'
    assert parameters.output_schema == '{"type":"json_schema"}'


def test_nova_points_stand_beside_the_text(meter):
    """``cachePoint`` is a member of the block it closes, and the block's text is unchanged by it."""
    body = {
        "system": [{"text": "be kind", "cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
    }
    prompt = NOVA.read(body, meter)
    assert [point.after for point in prompt.points] == [1]
    plain = NOVA.read({**body, "system": [{"text": "be kind"}]}, meter)
    assert prompt.segments == plain.segments
