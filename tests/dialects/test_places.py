"""Where a block stands in a body, in the words of its surface, and the block that stands there."""

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.dialects import RequestReader, block_of

CATALOG = load_catalog()
FUNCTION = {"name": "look", "parameters": {}}
LUNA, PART = "openai.gpt-5.6-luna", {"type": "input_text", "text": "A"}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "So."}]}
BODIES = {
    "responses": (
        {"model": LUNA, "instructions": "Be brief.", "tools": [{"type": "function", **FUNCTION}],
         "input": [{"role": "system", "content": "Be kind."},
                   {"role": "user", "content": [PART, {**PART, "text": "B"}]},
                   SAID, {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
                   {"type": "function_call_output", "call_id": "c", "output": "seen"}]},
        ["tools[0]", "instructions", "input[0].content[0]", "input[1].content[0]", "input[1].content[1]",
         "input[2].content[0]", "input[3]", "input[4]"],
    ),
    "chat": (
        {"model": LUNA, "tools": [{"type": "function", "function": FUNCTION}],
         "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "A"},
                      {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]},
                      {"role": "tool", "tool_call_id": "c", "content": "seen"}]},
        ["tools[0]", "messages[0].content[0]", "messages[1].content[0]", "messages[2].tool_calls",
         "messages[3].content[0]"],
    ),
    "messages": (
        {"model": "anthropic.claude-sonnet-5", "max_tokens": 9, "tools": [{"name": "look", "input_schema": {}}],
         "system": [{"type": "text", "text": "Be kind."}], "messages": [{"role": "user", "content": "A"}]},
        ["tools[0]", "system[0]", "messages[0].content[0]"],
    ),
    "converse": (
        {"modelId": "us.anthropic.claude-sonnet-4-6", "system": [{"text": "Be kind."}],
         "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {}}}}]},
         "messages": [{"role": "user", "content": [{"text": "A"}]}]},
        ["toolConfig.tools[0]", "system[0]", "messages[0].content[0]"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("surface", BODIES)
def test_every_block_is_called_by_its_path_in_the_body(surface):
    body, places = BODIES[surface]
    prompt = RequestReader(CATALOG).read(body).prompt
    assert [prompt.place(segment) for segment in prompt.segments] == places


@pytest.mark.parametrize(("surface", "place", "text"), [
    ("responses", "instructions", "Be brief."), ("responses", "input[1].content[1]", "B"),
    ("chat", "messages[0].content[0]", "Be kind."), ("messages", "system[0]", "Be kind."),
    ("converse", "system[0]", "Be kind."),
])  # fmt: skip
def test_the_block_of_a_place_is_found_in_the_body(surface, place, text):
    body, _ = BODIES[surface]
    request = RequestReader(CATALOG).read(body)
    prompt, vendor = request.prompt, request.model.model.vendor
    (segment,) = [segment for segment in prompt.segments if prompt.place(segment) == place]
    assert block_of(request.body, prompt.api, vendor, segment)["text"] == text


def test_a_point_is_called_by_the_part_that_it_stands_on():
    mark = {"type": "input_text", "text": "A", "prompt_cache_breakpoint": {"mode": "explicit"}}
    prompt = RequestReader(CATALOG).read({"model": LUNA, "input": [{"role": "user", "content": [mark]}]}).prompt
    assert [prompt.place(point) for point in prompt.points] == ["input[0].content[0]"]
