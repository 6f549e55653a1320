"""Chat Completions, Responses and Messages: bodies read, points put and taken, usage, streams.

Shapes and counters are those recorded on bedrock-mantle (rig, pydantic-ai and Vercel AI SDK cassettes, 2026-07 to
2026-09; notebooks of aws-samples/sample-per-model-bedrock, 2026-08-22).
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.catalog import load_catalog
from rockbottom.dialects import CHAT, CONVERSE, MESSAGES, RESPONSES, Exchange, RequestReader, counts_of, usage_of
from rockbottom.prompt import BlockKind, MalformedBody, Placement, Section
from rockbottom.quantities import Ttl, Usage
from rockbottom.wire import SseDecoder, StreamFailed, TruncatedStream

CATALOG = load_catalog()
LUNA = CATALOG.model("openai.gpt-5.6-luna").model
OSS = CATALOG.model("openai.gpt-oss-20b").model
SONNET = CATALOG.model("anthropic.claude-sonnet-5").model
MARKED = {"mode": "explicit"}


def read(body):
    """A body as ``RequestReader`` reads it."""
    return RequestReader(CATALOG).read(body)


def kinds(request):
    return [(segment.section, segment.kind) for segment in request.prompt.segments]


# -- reading ------------------------------------------------------------------------------------------------


def test_a_responses_body_is_tools_then_instructions_then_input():
    """What the model is given first stands first; what it said itself is told from what it was told."""
    request = read(
        {
            "model": "openai.gpt-5.6-luna",
            "instructions": "Be brief.",
            "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
            "input": [
                {"role": "developer", "content": "Rules."},
                {"role": "user", "content": [{"type": "input_text", "text": "Look."}]},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "rsn_x"},
                {"type": "function_call", "call_id": "call_0", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_0", "output": "Nothing."},
                {"role": "assistant", "content": [{"type": "output_text", "text": "Nothing there."}]},
            ],
        }
    )
    assert request.dialect is RESPONSES
    assert kinds(request) == [
        (Section.TOOLS, BlockKind.TOOL),
        (Section.SYSTEM, BlockKind.INSTRUCTIONS),
        (Section.SYSTEM, BlockKind.TEXT),
        (Section.MESSAGES, BlockKind.TEXT),
        (Section.MESSAGES, BlockKind.REASONING),
        (Section.MESSAGES, BlockKind.TOOL_USE),
        (Section.MESSAGES, BlockKind.TOOL_RESULT),
        (Section.MESSAGES, BlockKind.OUTPUT_TEXT),
    ]


@pytest.mark.parametrize("parts_of", [
    lambda parts: {"input": [{"role": "user", "content": "Look."},
                             {"type": "function_call_output", "call_id": "c", "output": parts}]},
    lambda parts: {"messages": [{"role": "user", "content": "Look."},
                                {"role": "tool", "tool_call_id": "c", "content": parts}]},
])  # fmt: skip
def test_a_mark_on_a_part_of_a_tools_answer_is_a_point_and_no_part_of_the_text(parts_of):
    """openai-python 3.57 has the field there (``ResponseInputTextContentParam``); a client moves it every turn."""
    kind = "input_text" if "input" in parts_of([]) else "text"
    bare = parts_of([{"type": kind, "text": "Nothing."}])
    marked = parts_of([{"type": kind, "text": "Nothing.", "prompt_cache_breakpoint": MARKED}])
    requests = RequestReader(CATALOG)
    first, second = (requests.read({"model": "openai.gpt-5.6-luna", **body}) for body in (bare, marked))
    assert first.prompt.segments == second.prompt.segments
    assert not first.prompt.points
    (point,) = second.prompt.points
    assert (point.after, point.follows) == (2, BlockKind.TOOL_RESULT)
    again = requests.read({"model": "openai.gpt-5.6-luna", **marked})  # read from memory
    assert len(again.prompt.points) == 1
    assert second.dialect.without_points(second.body) == first.body


def test_a_chat_body_is_tools_then_system_then_messages():
    request = read(
        {
            "model": "openai.gpt-5.6-luna",
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
            "messages": [
                {"role": "system", "content": "Rules."},
                {"role": "user", "content": [{"type": "text", "text": "Look."}]},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "look"}}]},
                {"role": "tool", "tool_call_id": "c", "content": "Nothing."},
            ],
        }
    )
    assert request.dialect is CHAT
    assert kinds(request) == [
        (Section.TOOLS, BlockKind.TOOL),
        (Section.SYSTEM, BlockKind.TEXT),
        (Section.MESSAGES, BlockKind.TEXT),
        (Section.MESSAGES, BlockKind.TOOL_USE),
        (Section.MESSAGES, BlockKind.TOOL_RESULT),
    ]


def test_messages_of_a_claude_model_are_the_messages_api():
    body = {
        "model": "anthropic.claude-sonnet-5",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Rules.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [{"role": "user", "content": "Hi"}],
    }
    request = read(body)
    assert request.dialect is MESSAGES
    assert [(point.after, point.ttl) for point in request.prompt.points] == [(1, Ttl.ONE_HOUR)]
    whole = read({**body, "cache_control": {"type": "ephemeral"}})
    assert [(point.after, point.ttl) for point in whole.prompt.points] == [(1, Ttl.ONE_HOUR), (2, None)]


def test_a_text_as_input_is_one_message_of_the_user():
    one = read({"model": "openai.gpt-5.6-luna", "input": "Hello there"})
    listed = [{"role": "user", "content": [{"type": "input_text", "text": "Hello there"}]}]
    assert one.hashes == read({"model": "openai.gpt-5.6-luna", "input": listed}).hashes


def test_a_reply_that_the_service_keeps_cannot_be_read():
    with pytest.raises(MalformedBody, match="previous_response_id"):
        read({"model": "openai.gpt-5.6-luna", "input": "and then?", "previous_response_id": "resp_1"})


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"model": "openai.gpt-5.6-luna", "input": 3}, "input"),
        ({"model": "openai.gpt-5.6-luna", "input": [3]}, r"input\[0\]"),
        ({"model": "openai.gpt-5.6-luna", "input": [{"role": "user", "content": [3]}]}, r"input\[0\].content\[0\]"),
        ({"model": "openai.gpt-5.6-luna", "messages": [{"role": "user", "content": 3}]}, r"messages\[0\].content"),
        ({"model": "openai.gpt-5.6-luna", "messages": [], "tools": ["look"]}, r"tools\[0\]"),
    ],
)
def test_a_shape_that_cannot_be_read_is_named(body, place):
    with pytest.raises(MalformedBody, match=place):
        read(body)


# -- points -------------------------------------------------------------------------------------------------


def test_a_point_goes_onto_a_part_and_comes_off_again():
    """A text becomes a part; the caller's body stays as it is; read again, the point is where it was put."""
    body = {"model": "openai.gpt-5.6-luna", "input": [{"role": "system", "content": "Rules."}]}
    body["input"].append({"role": "user", "content": "Question?"})
    before = json.dumps(body)
    request = read(body)
    placed = request.with_points([Placement(1)], explicit_only=True)
    assert json.dumps(body) == before
    assert placed["input"][0]["content"] == [
        {"type": "input_text", "text": "Rules.", "prompt_cache_breakpoint": MARKED}
    ]
    assert placed["prompt_cache_options"] == {"mode": "explicit"}
    again = read(dict(placed))
    assert ([point.after for point in again.prompt.points], again.prompt.implicit) == ([1], False)
    assert again.hashes == request.hashes
    assert placed.prompt.implicit is False
    bare = RESPONSES.without_points(dict(placed))
    assert "prompt_cache_options" not in bare
    assert "prompt_cache_breakpoint" not in json.dumps(bare)


def test_a_point_in_chat_goes_onto_a_text_part():
    body = {"model": "openai.gpt-5.6-luna", "messages": [{"role": "user", "content": "Long document"}]}
    placed = read(body).with_points([Placement(1)])
    assert placed["messages"][0]["content"] == [
        {"type": "text", "text": "Long document", "prompt_cache_breakpoint": MARKED}
    ]
    assert read(dict(placed)).prompt.implicit is None


# -- usage --------------------------------------------------------------------------------------------------


def test_inclusive_counters_become_disjoint_ones():
    """sfc-01: 1,916 tokens of input of which 1,895 were read leave 21."""
    said = {
        "input_tokens": 1916,
        "input_tokens_details": {"cached_tokens": 1895, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1920,
    }
    assert usage_of(said) == Usage(21, 4, 1895)
    assert RESPONSES.counters.counts(said).usage(Ttl.THIRTY_MINUTES) == Usage(21, 4, 1895)


def test_a_write_that_names_no_lifetime_is_one_of_the_lifetime_asked_for():
    said = {
        "prompt_tokens": 1915,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 1895},
        "completion_tokens": 4,
        "total_tokens": 1919,
    }
    assert CHAT.counters.counts(said).usage(Ttl.THIRTY_MINUTES) == Usage(20, 4, 0, cache_write_30m=1895)


def test_exclusive_counters_stay_as_they_are():
    """sfc-18: what was written is not in the input."""
    said = {
        "input_tokens": 17,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 1947,
        "cache_creation": {"ephemeral_5m_input_tokens": 1947, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 9,
    }
    assert usage_of(said) == Usage(17, 9, 0, 1947)


def test_models_without_cache_counters_give_none():
    """sfc-11 and sfc-13: gpt-oss counts no writes in Responses, and gives no details in Chat Completions."""
    usage = Usage(85, 260)
    assert RESPONSES.counted(usage, OSS, points=False, stream=False)["input_tokens_details"] == {"cached_tokens": 0}
    told = CHAT.counted(usage, OSS, points=False, stream=False)
    assert told == {"prompt_tokens": 85, "completion_tokens": 260, "total_tokens": 345}
    assert counts_of(told).usage() == usage


# -- replies ------------------------------------------------------------------------------------------------

_json = st.dictionaries(st.text(max_size=5), st.integers(-9, 9) | st.text(max_size=9), max_size=3)
_block = st.one_of(
    st.builds(lambda text: {"text": text}, st.text(min_size=1, max_size=60)),
    st.builds(lambda text: {"reasoningContent": {"reasoningText": {"text": text}}}, st.text(min_size=1, max_size=60)),
    st.builds(lambda given: {"toolUse": {"toolUseId": "tooluse_1", "name": "look", "input": given}}, _json),
)


def answered(dialect, model, content, stop="end_turn", **body):
    """A reply of one surface to a body of it."""
    usage = dialect.counted(Usage(20, 4, 1895), model, points=False, stream=False)
    reply = {"output": {"message": {"content": content}}, "stopReason": stop, "usage": usage}
    return dialect.answered(reply, model, Exchange(model, "0" * 24, {"model": model.id, **body}, 5.0))


@given(st.lists(_block, max_size=3), st.integers(1, 30))
def test_a_responses_reply_survives_its_stream(content, size):
    reply = answered(RESPONSES, LUNA, content)
    assert RESPONSES.assembled(RESPONSES.cut(reply, {}, size)) == reply


@given(st.lists(_block, max_size=3), st.integers(1, 30))
def test_a_messages_reply_survives_its_stream(content, size):
    reply = answered(MESSAGES, SONNET, content)
    assert MESSAGES.assembled(MESSAGES.cut(reply, {}, size)) == reply


@given(st.lists(_block, max_size=3), st.integers(1, 30))
def test_a_chat_reply_tells_the_same_after_its_stream(content, size):
    reply = answered(CHAT, LUNA, content)
    again = CHAT.assembled(CHAT.cut(reply, {}, size))
    assert CHAT.told(again) == CHAT.told(reply)
    assert again["usage"] == reply["usage"]


def test_calls_of_responses_are_numbered_by_position():
    """As bedrock-mantle names them: call_0, call_1 in each reply (sfc-23)."""
    uses = [{"toolUse": {"toolUseId": f"tooluse_{n}", "name": "look", "input": {"n": n}}} for n in range(2)]
    reply = answered(RESPONSES, LUNA, uses, "tool_use")
    assert [item["call_id"] for item in reply["output"]] == ["call_0", "call_1"]
    assert RESPONSES.told(reply)[1] == "tool_use"


def test_encrypted_reasoning_is_given_where_it_is_included():
    thought = [{"reasoningContent": {"reasoningText": {"text": "hm"}}}]
    plain = answered(RESPONSES, LUNA, thought)["output"][0]
    assert plain["content"] == [{"type": "reasoning_text", "text": "hm"}]
    sealed = answered(RESPONSES, LUNA, thought, include=["reasoning.encrypted_content"])["output"][0]
    assert sealed["encrypted_content"].startswith("rsn_")
    assert "content" not in sealed


# -- streams ------------------------------------------------------------------------------------------------


def frames(dialect, model, reply, **body):
    return b"".join(dialect.framed(dialect.cut(reply, {}, 5), model, body))


def counted(dialect, data, size=7):
    """What a client counts of a stream that comes in pieces."""
    counting, decoder = dialect.counting(), SseDecoder()
    for at in range(0, len(data), size):
        for name, frame in decoder.feed(data[at : at + size]):
            counting.frame(name, frame)
    return counting


def test_the_usage_of_responses_is_in_the_last_event_alone():
    data = frames(RESPONSES, LUNA, answered(RESPONSES, LUNA, [{"text": "Hello there."}]))
    assert data.startswith(b"data: ")  # and the name behind it
    assert data.count(b'"usage":{') == 1
    assert b"[DONE]" not in data
    assert counted(RESPONSES, data).counts.usage() == Usage(20, 4, 1895)


def test_gpt_oss_sends_data_without_names():
    data = frames(RESPONSES, OSS, answered(RESPONSES, OSS, [{"text": "Hello"}]))
    assert b"event:" not in data


def test_chat_counts_only_where_usage_was_asked_for():
    reply = answered(CHAT, LUNA, [{"text": "Hello there."}])
    plain = frames(CHAT, LUNA, reply)
    assert counted(CHAT, plain).counts is None
    asked = frames(CHAT, LUNA, reply, stream_options={"include_usage": True})
    assert asked.endswith(b"data: [DONE]\n\n")
    counting = counted(CHAT, asked)
    assert (counting.begun, counting.counts.usage()) == (True, Usage(20, 4, 1895))


def test_messages_counts_input_at_the_start_and_output_at_the_end():
    start = b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":17,'
    start += b'"cache_read_input_tokens":1947,"cache_creation_input_tokens":0,"output_tokens":1}}}\n\n'
    delta = b'event: message_delta\ndata: {"type":"message_delta","delta":{},"usage":{"output_tokens":129}}\n\n'
    assert counted(MESSAGES, start + delta).counts.usage() == Usage(17, 129, 1947)
    whole = frames(MESSAGES, SONNET, answered(MESSAGES, SONNET, [{"text": "Hello"}]))
    assert counted(MESSAGES, whole).counts.usage() == Usage(20, 4, 1895)


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"x"},"usage":null}}\n\n',
        b'data: {"message":"too busy"}\n\n',
        b'data: {"Message":"too busy","Code":"x"}\n\n',
        b'data: {"errorMessage":"too busy"}\n\n',
        b'data: {"error":"{\\"message\\":\\"too busy\\"}"}\n\n',
    ],
)
def test_a_stream_that_fails_inside_a_good_status_has_no_usage(frame):
    """Frames as the AI SDK has met them: a type is not always given."""
    counting = counted(RESPONSES, frame)
    assert (counting.failed, counting.counts) == (True, None)
    (event,) = SseDecoder().feed(frame)
    with pytest.raises(StreamFailed):
        RESPONSES.assembled([(event[0], json.loads(event[1]))])


def test_a_stream_without_its_end_is_truncated():
    for dialect, model in ((RESPONSES, LUNA), (CHAT, LUNA), (MESSAGES, SONNET)):
        events = list(dialect.cut(answered(dialect, model, [{"text": "Hello"}]), {}, 2))
        with pytest.raises(TruncatedStream):
            dialect.assembled(events[:3])


@given(st.integers(1, 9), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_server_sent_events_come_whole_from_any_pieces(size, end):
    """Comments and unknown fields are passed over, data of several lines joined, whatever ends a line."""
    told = b": hi|data: one|event: a||id: 3|data: two|data: three||event: b||data:x||"
    text = end.join(told.split(b"|"))
    decoder = SseDecoder()
    found = [event for at in range(0, len(text), size) for event in decoder.feed(text[at : at + size])]
    found += decoder.feed(b"\n")
    assert found == [("a", b"one"), ("", b"two\nthree"), ("", b"x")]


# -- between surfaces ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, MESSAGES])
def test_a_converse_body_says_the_same_on_every_surface(dialect):
    """What an answer depends on survives: texts, tools, tool use, limits. Points stand on the texts they close."""
    converse = {
        "system": [{"text": "Rules."}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [{"text": "Look."}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "look", "input": {"at": 3}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "Nothing."}]}}]},
        ],
        "inferenceConfig": {"maxTokens": 50},
        "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}]},
    }
    body = dialect.spelled(converse)
    assert json.dumps(body).count('"mode": "explicit"') + json.dumps(body).count("cache_control") == 1
    again = dialect.unspelled(body)
    assert again["system"] == [{"text": "Rules."}]
    assert again["messages"] == converse["messages"]
    assert again["inferenceConfig"]["maxTokens"] == 50
    assert again["toolConfig"]["tools"] == converse["toolConfig"]["tools"]
    assert CONVERSE.explicit_only(converse) is converse


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
def test_a_schema_for_the_answer_is_converses_output_config(dialect):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    form = {"type": "json_schema", "name": "City", "strict": True, "schema": schema}
    if dialect is RESPONSES:
        body = {"input": "Where?", "text": {"format": form}}
    else:
        inner = {key: value for key, value in form.items() if key != "type"}
        body = {"messages": [], "response_format": {"type": "json_schema", "json_schema": inner}}
    structure = dialect.unspelled(body)["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert (json.loads(structure["schema"]), structure["name"]) == (schema, "City")


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
@given(st.lists(st.sampled_from(["a", "bb", "ccc", "d" * 200]), min_size=1, max_size=12), st.integers(0, 2))
def test_a_talk_read_turn_by_turn_is_the_talk_read_at_once(dialect, texts, system):
    """What is known from the turn before gives the same prompt as a reader that has never seen it."""
    requests = RequestReader(CATALOG)
    messages = [{"role": "system", "content": "Rules."}] * system
    messages += [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(texts)]
    member = "messages" if dialect is CHAT else "input"
    for _ in range(2):  # the second time what was seen once is kept
        for end in range(1, len(messages) + 1):
            body = {"model": "openai.gpt-5.6-luna", member: messages[:end]}
            assert requests.read(body).prompt == read(body).prompt
