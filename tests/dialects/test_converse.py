"""Converse bodies read into canonical order."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.catalog import load_catalog
from rockbottom.dialects import CONVERSE, BodyReader
from rockbottom.prompt import BlockKind, MalformedBody, Section, prefix_hashes, seeds_of
from rockbottom.quantities import Ttl

POINT = {"cachePoint": {"type": "default"}}
TOOL = {"toolSpec": {"name": "lookup", "description": "finds orders", "inputSchema": {"json": {"type": "object"}}}}


def user(*content):
    return {"role": "user", "content": list(content)}


def test_order_is_tools_then_system_then_messages_whatever_the_body_says(meter):
    """The members of the body may come in any order; the prompt does not."""
    body = {
        "messages": [user({"text": "hello"})],
        "system": [{"text": "be kind"}],
        "toolConfig": {"tools": [TOOL]},
    }
    sections = [segment.section for segment in CONVERSE.read(body, meter).segments]
    assert sections == [Section.TOOLS, Section.SYSTEM, Section.MESSAGES]


def test_points_close_the_segments_before_them_and_are_no_segments(meter):
    """A point after the system and one after the first of two texts close 1 and 2 segments."""
    body = {
        "system": [{"text": "be kind"}, POINT],
        "messages": [user({"text": "one"}, {"cachePoint": {"type": "default", "ttl": "1h"}}, {"text": "two"})],
    }
    prompt = CONVERSE.read(body, meter)
    assert [(point.after, point.ttl, point.follows) for point in prompt.points] == [
        (1, None, BlockKind.TEXT),
        (2, Ttl.ONE_HOUR, BlockKind.TEXT),
    ]
    assert [prompt.place(point) for point in prompt.points] == ["system[1]", "messages[0].content[1]"]
    assert len(prompt.segments) == 3


def test_a_point_first_in_its_list_follows_nothing(meter):
    """An earlier list that ends in a block does not count as being before it (cachecanary-live)."""
    body = {"system": [{"text": "x"}], "messages": [user(POINT, {"text": "one"})]}
    assert CONVERSE.read(body, meter).points[0].follows is None


def test_tokens_are_of_the_text_and_the_overheads(meter):
    """'be kind' 2; first tool 100 plus its JSON; message 4 plus 'hello world' 2."""
    body = {"system": [{"text": "be kind"}], "messages": [user({"text": "hello world"}, {"text": "again"})]}
    assert [segment.tokens for segment in CONVERSE.read(body, meter).segments] == [2, 6, 1]
    with_tool = CONVERSE.read({**body, "toolConfig": {"tools": [TOOL]}}, meter)
    assert with_tool.segments[0].tokens > 100
    assert with_tool.depths[-1] == sum(segment.tokens for segment in with_tool.segments)


def test_a_text_document_counts_as_two_blocks_and_a_pdf_as_one(meter):
    """Bedrock sends a text-like document to Claude as two blocks (strands-2001)."""
    document = {"document": {"name": "notes", "format": "txt", "source": {"bytes": b"one two three"}}}
    pdf = {"document": {"name": "paper", "format": "pdf", "source": {"bytes": b"%PDF /Type /Page /Type /Pages"}}}
    segments = CONVERSE.read({"messages": [user({"text": "read"}, document, pdf)]}, meter).segments
    assert [(s.kind, s.blocks) for s in segments[1:]] == [(BlockKind.TEXT_DOCUMENT, 2), (BlockKind.DOCUMENT, 1)]
    assert segments[1].tokens == 4  # three words and the name
    assert segments[2].tokens == 1600  # one page


def test_an_image_is_charged_by_its_pixels_when_its_header_tells_them(meter):
    """597 x 597 pixels / 750 = 475.2, rounded up to 476 (pydantic-ai-cassettes); else the flat charge."""
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 597, 597)
    known = {"image": {"format": "png", "source": {"bytes": png}}}
    unknown = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k"}}}}
    segments = CONVERSE.read({"messages": [user(known, unknown)]}, meter).segments
    assert [segment.tokens for segment in segments] == [4 + 476, 1600]


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [
        # Claude scales an image to 1,568 pixels on its long edge and to about 1,600 tokens; from 4.7 on to 2,576 and
        # 4,784. 4032 x 3024 at 1,568 is 1568 x 1176 / 750 = 2,458.6, above the ceiling; 3136 x 400 halved is 1568 x 200
        # / 750 = 418.1. Nova 1: one of 3,008 x 2,000 counted 1,815 (pydantic-ai-cassettes), where ~2,600 is the most in
        # AWS's table.
        ("anthropic.claude-sonnet-4-6", (200, 200), 54),
        ("anthropic.claude-sonnet-4-6", (4032, 3024), 1600),
        ("anthropic.claude-sonnet-4-6", (3136, 400), 419),
        ("anthropic.claude-sonnet-4-6", (8000, 8000), 1600),
        ("anthropic.claude-opus-4-8", (8000, 8000), 4784),
        ("amazon.nova-pro-v1:0", (8000, 8000), 1815),
        ("amazon.nova-2-lite-v1:0", (8000, 8000), 2600),
    ],
)
def test_a_large_image_counts_what_the_model_scales_it_to(model, size, tokens):
    """A photo of 12 megapixels is not 16,000 tokens."""
    catalog = load_catalog()
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", *size)
    image = {"image": {"format": "png", "source": {"bytes": png}}}
    prompt = CONVERSE.read(
        {"messages": [user({"text": "q"}, image)]}, BodyReader.of(catalog).meter(catalog.models[model])
    )
    assert prompt.segments[1].tokens == tokens


def test_parameters_that_are_part_of_the_key_have_one_spelling(meter):
    """Absent thinking equals disabled, absent effort equals high; the budget and the schema are kept."""
    plain = CONVERSE.read({"messages": []}, meter).parameters
    spelled = {"additionalModelRequestFields": {"thinking": {"type": "disabled"}}, "outputConfig": {"effort": "high"}}
    assert CONVERSE.read({"messages": [], **spelled}, meter).parameters == plain
    thinking = {"additionalModelRequestFields": {"thinking": {"budget_tokens": 1024, "type": "enabled"}}}
    assert CONVERSE.read(thinking, meter).parameters.thinking == '{"budget_tokens":1024,"type":"enabled"}'
    forced = {"toolConfig": {"tools": [TOOL], "toolChoice": {"tool": {"name": "lookup"}}}}
    assert CONVERSE.read(forced, meter).parameters.tool_choice_group == "any"


def test_sampling_parameters_are_not_part_of_the_prompt(meter):
    """temperature, topP and maxTokens change nothing (cachecanary-live)."""
    body = {"messages": [user({"text": "hi"})]}
    assert CONVERSE.read(body, meter) == CONVERSE.read({**body, "inferenceConfig": {"temperature": 1.0}}, meter)


def test_key_order_inside_a_schema_is_a_different_prompt(meter):
    """What is sent is what is compared; the members of AWS's own structures have no order."""
    one = {"toolSpec": {"name": "a", "inputSchema": {"json": {"x": 1, "y": 2}}}}
    other = {"toolSpec": {"name": "a", "inputSchema": {"json": {"y": 2, "x": 1}}}}
    swapped = {"toolSpec": {"inputSchema": {"json": {"x": 1, "y": 2}}, "name": "a"}}
    digests = [
        CONVERSE.read({"toolConfig": {"tools": [tool]}}, meter).segments[0].digest for tool in (one, other, swapped)
    ]
    assert digests[0] == digests[2] != digests[1]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": [{"text": 3}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"text": "a", **POINT}]}]}, "messages[0].content[0]"),
        ({"system": [{"text": "x"}, {"cachePoint": {"type": "default", "ttl": "2h"}}]}, "system"),
        (
            {"messages": [user({"toolUse": {"toolUseId": "1", "name": "n", "input": object()}})]},
            "messages[0].content[0]",
        ),
    ],
)
def test_a_body_that_cannot_be_read_says_where(meter, body, place):
    """One clear error with the path of the offending part."""
    with pytest.raises(MalformedBody, match="expected") as caught:
        CONVERSE.read(body, meter)
    assert caught.value.place.startswith(place)


def test_a_schema_that_contains_itself_is_malformed_and_not_a_crash(meter):
    """A cyclic tool schema raises the same clear error."""
    schema: dict = {"type": "object"}
    schema["properties"] = {"again": schema}
    with pytest.raises(MalformedBody):
        CONVERSE.read({"toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": schema}}}]}}, meter)


def test_an_unknown_block_keeps_its_identity(meter):
    """A block type from the future is weighed as its JSON."""
    segments = CONVERSE.read({"messages": [user({"hologram": {"a": 1}}, {"hologram": {"a": 2}})]}, meter).segments
    assert segments[0].kind is BlockKind.UNKNOWN
    assert segments[0].digest != segments[1].digest


TEXTS = st.lists(st.text(max_size=20), min_size=1, max_size=8)


@given(TEXTS, st.data())
def test_prefix_hashes_are_equal_exactly_as_far_as_the_texts_are(texts, data):
    """Two conversations share the hashes of their common leading blocks, and none after the first difference."""
    from rockbottom.catalog import load_catalog
    from rockbottom.prompt import Meter

    meter = Meter(load_catalog().token_weights["claude-4"])
    at = data.draw(st.integers(0, len(texts) - 1))
    changed = [*texts[:at], texts[at] + "!", *texts[at + 1 :]]
    hashes = [
        prefix_hashes(prompt.segments, seeds_of(("here",), prompt.parameters, "all"))
        for prompt in (
            CONVERSE.read({"messages": [user(*({"text": t} for t in told))]}, meter) for told in (texts, changed)
        )
    ]
    equal = [one == other for one, other in zip(*hashes, strict=True)]
    assert equal == [True] * (at + 1) + [False] * (len(texts) - at)


def test_a_message_read_before_is_the_same_at_its_place_and_another_once_changed(meter):
    """Remembering whole messages changes nothing: not their place, not their overhead, not what was edited since."""
    message = {"role": "user", "content": [{"text": "hello"}, {"text": "there"}]}
    body = {"messages": [message, {"role": "assistant", "content": [{"text": "yes"}]}, message]}
    first, again = CONVERSE.read(body, meter), CONVERSE.read(body, meter)
    assert again == first
    assert [again.place(segment) for segment in again.segments[3:]] == [
        "messages[2].content[0]",
        "messages[2].content[1]",
    ]
    message["content"][1]["text"] = "you"
    assert CONVERSE.read(body, meter).segments[1].digest != first.segments[1].digest
    message["content"].append({"cachePoint": {"type": "default"}})
    assert [point.after for point in CONVERSE.read(body, meter).points] == [2, 5]
