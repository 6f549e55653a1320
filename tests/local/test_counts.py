"""Token counts of the endpoint: they never fall when a text grows, and they meet what recorded replies counted."""

import gzip
import json
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.catalog import load_catalog
from rockbottom.dialects import CONVERSE
from rockbottom.dialects.media import pdf_of
from rockbottom.local import EndpointSettings
from rockbottom.local.state import state_of

DATA = Path(os.environ.get("ROCKBOTTOM_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
MOST_OFF, SHORT = 0.15, 12

WORDS = [
    "the",
    "Gateway",
    "8443",
    "PORTS",
    "naïve",
    "x",
    "--",
    "\n\n",
    '{"a": 1}',
    "über",
    "日本",
    "ÜBER",
    "MUST",
    "1,201",
]


@pytest.fixture(scope="module")
def state():
    """An endpoint's, not started."""
    return state_of(EndpointSettings())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40), st.integers(1, 120), st.sampled_from(WORDS))
def test_one_more_word_never_counts_less(state, words, times, word):
    """Also beyond the length from which texts were judged by slices."""
    catalog = load_catalog()
    text = " ".join(words * times)
    for model in ("anthropic.claude-sonnet-4-6", "amazon.nova-pro-v1:0", "qwen.qwen3-32b-v1:0"):
        count = state.reader.meter(catalog.model(model).model).tokens_of_text
        assert count(f"{text} {word}") >= count(text)


NOT_MET = {
    # Models of which nothing is measured but these calls.
    "test_bedrock_native_output_minimax.yaml",
    "test_bedrock_writer_tool_result_followed_by_text_accepted.yaml",
}


def recorded():
    """Recorded Converse calls that were answered, whose media travelled with them."""
    file = DATA / "recorded_calls.jsonl.gz"
    if not file.is_file():
        pytest.skip(f"no recordings at {file}: set ROCKBOTTOM_DATA")
    for line in gzip.decompress(file.read_bytes()).splitlines():
        row = json.loads(line)
        answered = row["operation"] == "converse" and row["status"] == 200 and row["request"] and row["reply"]
        if answered and row["cassette"] not in NOT_MET and "s3Location" not in line.decode():
            yield row


def test_recorded_totals_are_met(state, recorded_data):
    """Within 15% and a dozen tokens: texts, tools, schemas, images, documents, citations."""
    catalog, off, seen = load_catalog(), [], 0
    for row in recorded():
        try:
            model = catalog.model(row["model"]).model
        except Exception:  # a profile of the account that recorded it
            continue
        usage = row["reply"]["usage"]
        total = sum(usage.get(name, 0) for name in ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"))
        counted = CONVERSE.read(row["request"], state.reader.meter(model)).tokens
        seen += 1
        if abs(counted - total) > MOST_OFF * total + SHORT:
            off.append((row["cassette"], row["turn"], counted, total))
    assert seen > 100
    assert off == []


def pdf(*pages, packed=True):
    """A PDF of texts, a page each, its streams packed or not."""
    body = b"%PDF-1.4\n"
    for text in pages:
        stream = zlib.compress(f"BT ({text}) Tj ET".encode()) if packed else b"BT ET"
        body += b"1 0 obj<</Type /Page>>endobj\nstream\n" + stream + b"\nendstream\n"
    return body


def test_a_pdf_is_read_for_its_pages_and_text():
    """What is no PDF, or packed otherwise, has a page and no text."""
    assert pdf_of(pdf("one", "two"), b"1") == (2, "one\ntwo")
    assert pdf_of(b"nothing", b"2") == (1, "")
    assert pdf_of(pdf("x", packed=False), b"3").pages == 1


def test_a_pdf_counts_by_page_and_text_and_little_inside_a_result(runtime, kit):
    """Sonnet 4.5: about 1,640 tokens for a page, 60 inside a tool result (recorded)."""
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

    def tokens(*content):
        return runtime.converse(modelId=model, messages=[kit.user(*content, "q")])["usage"]["inputTokens"]

    def document(*pages):
        return {"document": {"name": "a", "format": "pdf", "source": {"bytes": pdf(*pages)}}}

    base = tokens()
    assert 1500 < tokens(document("word")) - base < 1800
    assert tokens(document("word", "word")) > 3000 + base
    assert tokens(document("many words of a page " * 50)) > tokens(document("word")) + 150
    body = {
        "messages": [
            kit.user("q"),
            kit.assistant({"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}),
            kit.user({"toolResult": {"toolUseId": "t", "content": [document("word")]}}),
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "n", "inputSchema": {"json": {"type": "object"}}}}]},
    }
    assert runtime.converse(modelId=model, **body)["usage"]["inputTokens"] < 900


def read(state, model, *messages):
    catalog = load_catalog()
    return CONVERSE.read({"messages": list(messages)}, state.reader.meter(catalog.model(model).model)).tokens


def test_thoughts_of_a_turn_that_was_answered_are_dropped_by_the_models_that_do_so(state, kit):
    """Anthropic, Extended thinking: kept from Opus 4.5 and Sonnet 4.6 on; in a loop of tools they stay with all."""
    thought = {"reasoningContent": {"reasoningText": {"text": "Let me think about it. " * 50, "signature": "s"}}}
    use = {"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}
    result = kit.user({"toolResult": {"toolUseId": "t", "content": [{"text": "ok"}]}})

    def added(model, answer, then):
        plain = read(state, model, kit.user("q"), kit.assistant(*answer), then)
        return read(state, model, kit.user("q"), kit.assistant(thought, *answer), then) - plain

    for model, dropped in (
        ("sonnet-4-5", True),
        ("haiku-4-5", True),
        ("3-7-sonnet", True),
        ("haiku-5-5", True),
        ("opus-4-5", False),
    ):
        name = next(one for one in load_catalog().models if f"claude-{model}-20" in f"{one}-20")
        assert (added(name, [{"text": "a"}], kit.user("next")) == 0) is dropped
        assert added(name, [use], result) > 200
    assert added("anthropic.claude-sonnet-4-6", [{"text": "a"}], kit.user("next")) > 200


def test_what_a_dropped_thought_carried_the_rest_of_its_message_carries(state, kit):
    """Sent or left out by the client, a prompt counts the same up to every block that stays."""
    thought = {"reasoningContent": {"reasoningText": {"text": "Let me think. " * 50, "signature": "s"}}}
    meter = state.reader.meter(load_catalog().model("anthropic.claude-sonnet-4-5-20250929-v1:0").model)
    answer = [{"text": "a"}, {"text": "b"}]

    def depths(*content):
        messages = [kit.user("q"), kit.assistant(*content), kit.user("next")]
        return CONVERSE.read({"messages": messages}, meter).depths

    plain, sent = depths(*answer), depths(thought, *answer)
    assert sent == (*plain[:2], plain[1], *plain[2:])


def image(width, height):
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return {"image": {"format": "png", "source": {"bytes": header}}}


def test_images_count_what_was_recorded(state, kit):
    """pydantic-ai: 540 x 360 and 3,008 x 2,000 counted about 1,815 each on Nova Pro; Pixtral 1,455 for 597 x 566."""
    for size in ((540, 360), (3008, 2000)):
        counted = read(state, "amazon.nova-pro-v1:0", kit.user("q", image(*size))) - read(
            state, "amazon.nova-pro-v1:0", kit.user("q")
        )
        assert abs(counted - 1815) < 20
    pixtral = "mistral.pixtral-large-2502-v1:0"
    counted = read(state, pixtral, kit.user("q", image(597, 566))) - read(state, pixtral, kit.user("q"))
    assert abs(counted - 1455) < 20


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["code", "cjk", "base64", "json", "run"]), st.integers(1, 4000), st.integers(1, 60))
def test_more_of_a_text_never_counts_less(state, kind, length, more):
    """Code, Chinese, base64, JSON and long runs of one character, cut anywhere, by characters."""
    texts = {
        "code": "def f(x):\n    return {k: v for k, v in x.items() if v is not None}\n\n",
        "cjk": "退货政策：商品须在三十日内退回，退款将于七个工作日内完成。",
        "base64": "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQ/AAECAwQFBgc+/w==",
        "json": '{"id": 17, "name": "parcel", "tags": ["A-1", "B_2"], "ok": true},',
        "run": "=",
    }
    text = (texts[kind] * (5000 // len(texts[kind]) + 1))[: length + more]
    catalog = load_catalog()
    for model in (
        "anthropic.claude-sonnet-4-6",
        "anthropic.claude-sonnet-5",
        "amazon.nova-2-lite-v1:0",
        "moonshotai.kimi-k2.5",
    ):
        count = state.reader.meter(catalog.model(model).model).tokens_of_text
        assert count(text) >= count(text[:length])


def test_a_short_video_counts_what_was_recorded_on_nova(state, kit):
    """2,326 on Nova Pro, of two clips (pydantic-ai; BerriAI/litellm issue 40681)."""
    video = {"video": {"format": "mp4", "source": {"bytes": b"AAAA"}}}
    model = "amazon.nova-pro-v1:0"
    assert read(state, model, kit.user("q", video)) - read(state, model, kit.user("q")) == 2326
