"""Members of another type than they must have are 400 on every surface, whatever they hold."""

import copy
import json
import random

import pytest

from rockbottom.local import running

TOOL = {"name": "look", "description": "Looks at q", "parameters": {"type": "object", "properties": {"q": {}}}}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"q": "a"}'}}
BODIES = {
    "/openai/v1/chat/completions": {
        "model": "openai.gpt-5.6-sol",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look at q"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c", "content": "seen"},
        ],
        "tools": [{"type": "function", "function": TOOL}],
        "max_completion_tokens": 50,
        "stop": ["x"],
    },
    "/openai/v1/responses": {
        "model": "openai.gpt-5.6-luna",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "look at q"}]},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "seen"},
        ],
        "tools": [{"type": "function", **TOOL}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    },
    "/anthropic/v1/messages": {
        "model": "anthropic.claude-sonnet-5",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look at q"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "seen"}]},
        ],
        "tools": [{"name": "look", "description": "d", "input_schema": {"type": "object"}}],
        "stop_sequences": ["x"],
    },
    "/model/us.meta.llama3-3-70b-instruct-v1:0/invoke": {"prompt": "hi", "max_gen_len": 20},
    "/model/us.amazon.nova-lite-v1:0/invoke": {
        "messages": [{"role": "user", "content": [{"text": "look"}]}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}]},
        "inferenceConfig": {"maxTokens": 50},
    },
}
STRANGE = [None, 0, -1, 10**30, 1.5, True, "", "x", [], {}, [None], {"a": None}, [[1]], {"type": "x"}, "9" * 300]


@pytest.fixture(scope="module")
def endpoint():
    with running() as server:
        yield server


def places(value, place=()):
    """Every place in a body."""
    yield place
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from places(member, (*place, name))


def strange(body, rng):
    """The body with something strange at one place, the model's name left alone."""
    changed = copy.deepcopy(body)
    *way, last = rng.choice([place for place in places(changed) if place and place != ("model",)])
    holder = changed
    for name in way:
        holder = holder[name]
    holder[last] = copy.deepcopy(rng.choice(STRANGE))
    return changed


@pytest.mark.parametrize("path", BODIES)
def test_whatever_stands_in_a_body_no_request_fails_inside_the_endpoint(endpoint, kit, path):
    rng = random.Random(path)
    for _ in range(150):
        body = strange(BODIES[path], rng)
        status, reply, _ = kit.http(endpoint, "POST", path, body)
        assert status in (200, 400, 404), (json.dumps(body), reply)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/openai/v1/chat/completions", {"max_completion_tokens": [1]}),
        ("/openai/v1/chat/completions", {"stop": [5]}),
        ("/anthropic/v1/messages", {"tools": [{"name": 5, "input_schema": {}}]}),
        ("/anthropic/v1/messages", {"tools": [{"name": "look", "description": {}, "input_schema": {}}]}),
        ("/model/us.meta.llama3-3-70b-instruct-v1:0/invoke", {"max_gen_len": {"a": 1}}),
    ],
)
def test_limits_and_names_of_another_type_are_refused(endpoint, kit, path, changes):
    assert kit.http(endpoint, "POST", path, {**BODIES[path], **changes})[0] == 400
