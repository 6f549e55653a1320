"""Whole replies cut into stream events and assembled again, and the events botocore sees."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.dialects import ANTHROPIC, CONVERSE, METRICS, NOVA
from rockbottom.wire import (
    CorruptFrame,
    Decoder,
    StreamFailed,
    TruncatedStream,
    chunk_frame,
    chunks,
    event_frame,
    events,
    exception_frame,
)

USAGE = {"inputTokens": 3, "outputTokens": 9, "totalTokens": 12}
METRIC = {"inputTokenCount": 3, "outputTokenCount": 9}

_texts = st.text(min_size=1, max_size=80)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9999, 9999) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_arguments = st.dictionaries(st.text(max_size=5), _json, max_size=3)
_converse_block = st.one_of(
    st.builds(lambda text: {"text": text}, _texts),
    st.builds(lambda text: {"reasoningContent": {"reasoningText": {"text": text, "signature": "s"}}}, _texts),
    st.builds(lambda arguments: {"toolUse": {"toolUseId": "t1", "name": "look", "input": arguments}}, _arguments),
)
_anthropic_block = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, _texts),
    st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "s"}, _texts),
    st.builds(lambda arguments: {"type": "tool_use", "id": "t1", "name": "look", "input": arguments}, _arguments),
)


def converse(content):
    """A Converse reply around content blocks."""
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": USAGE,
        "metrics": {"latencyMs": 5},
    }


@given(st.lists(_converse_block, max_size=3), st.integers(1, 30))
def test_a_converse_reply_survives_its_stream(content, size):
    """Cut into events and assembled, a Converse reply is the same reply."""
    assert CONVERSE.assembled(CONVERSE.cut(converse(content), {}, size)) == converse(content)


@given(st.lists(_converse_block, max_size=3), st.integers(1, 30))
def test_a_nova_reply_survives_its_stream(content, size):
    """The same for Nova's own body, which has no metrics."""
    reply = {key: value for key, value in converse(content).items() if key != "metrics"}
    assert NOVA.assembled(NOVA.cut(reply, METRIC, size)) == reply


@given(st.lists(_anthropic_block, max_size=3), st.integers(1, 30))
def test_an_anthropic_reply_survives_its_stream(content, size):
    """The same for Anthropic Messages."""
    reply = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "c",
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 9},
    }
    assert ANTHROPIC.assembled(ANTHROPIC.cut(reply, METRIC, size)) == reply


def test_the_events_of_a_text_reply_are_those_of_bedrock():
    """Start, deltas, stop, message stop, metadata; text blocks have no contentBlockStart."""
    names = [name for name, _ in CONVERSE.cut(converse([{"text": "abcd"}]), {}, 2)]
    assert names == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]


def test_metrics_ride_on_the_last_native_chunk():
    """amazon-bedrock-invocationMetrics is on message_stop (Anthropic) and on metadata (Nova)."""
    reply = {"content": [], "stop_reason": "end_turn", "stop_sequence": None, "usage": {"output_tokens": 9}}
    assert list(ANTHROPIC.cut(reply, METRIC))[-1] == ("chunk", {"type": "message_stop", METRICS: METRIC})
    assert list(NOVA.cut(converse([]), METRIC))[-1][1][METRICS] == METRIC


def test_botocore_parses_our_converse_stream():
    """botocore's own parser, on our frames, yields the events in its model's shape."""
    loaders = pytest.importorskip("botocore.loaders")
    from botocore.eventstream import EventStream
    from botocore.model import ServiceModel
    from botocore.parsers import EventStreamJSONParser

    model = ServiceModel(loaders.Loader().load_service_model("bedrock-runtime", "service-2"))
    shape = model.operation_model("ConverseStream").output_shape.members["stream"]
    import msgspec

    raw = b"".join(
        event_frame(name, msgspec.json.encode(payload))
        for name, payload in CONVERSE.cut(converse([{"text": "hello"}]), {}, 3)
    )

    class Source:
        """A raw response body in two pieces."""

        def stream(self):
            """The pieces."""
            return iter([raw[:50], raw[50:]])

    found = list(EventStream(Source(), shape, EventStreamJSONParser(), "ConverseStream"))
    assert CONVERSE.assembled((name, payload) for event in found for name, payload in event.items()) == converse(
        [{"text": "hello"}]
    )


def test_chunks_are_base64_json_and_read_back():
    """A native chunk is {"bytes": base64 of the model's JSON}, and chunks() undoes it."""
    raw = chunk_frame(b'{"type":"ping"}')
    (frame,) = Decoder().feed(raw)
    assert frame.payload == b'{"bytes":"' + base64.b64encode(b'{"type":"ping"}') + b'"}'
    assert list(chunks([frame])) == [{"type": "ping"}]


@pytest.mark.parametrize("code, retry", [("throttlingException", True), ("validationException", False)])
def test_an_exception_event_ends_the_stream(code, retry):
    """An exception message raises StreamFailed with its code, and says whether a retry is safe."""
    frames = Decoder().feed(event_frame("messageStart", b'{"role":"assistant"}') + exception_frame(code, "no"))
    with pytest.raises(StreamFailed, match="no") as caught:
        list(events(frames))
    assert (caught.value.code, caught.value.retry_safe) == (code, retry)


@pytest.mark.parametrize("payload", [b"[1]", b"{", b'"text"'])
def test_an_event_that_is_no_object_is_corrupt(payload):
    """Event payloads are JSON objects; anything else is CorruptFrame."""
    with pytest.raises(CorruptFrame):
        list(events(Decoder().feed(event_frame("metadata", payload))))


@pytest.mark.parametrize("kept, missing", [(1, "messageStop"), (5, "metadata")])
def test_a_stream_without_its_end_has_no_usage(kept, missing):
    """A stream cut before messageStop or metadata is TruncatedStream, never a reply with invented usage."""
    cut = list(CONVERSE.cut(converse([{"text": "abcd"}]), {}, 2))[:kept]
    with pytest.raises(TruncatedStream, match=missing):
        CONVERSE.assembled(cut)


def test_a_native_stream_without_its_end_has_no_usage():
    """The same for Anthropic chunks."""
    with pytest.raises(TruncatedStream, match="message_stop"):
        ANTHROPIC.assembled([("chunk", {"type": "message_start", "message": {"usage": {}}})])
