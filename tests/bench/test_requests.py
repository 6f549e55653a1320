"""What is sent down each lane, in each dialect."""

from datetime import date

import pytest

from rockbottom.bench.lanes import LANES, UnknownLane, lane_named, lanes_of, why_not
from rockbottom.bench.requests import parts_of, request_of
from rockbottom.bench.workload import read_workload
from rockbottom.catalog import load_catalog

ON = date(2026, 11, 21)
_TEXT = """\
name: W
api: {api}
system: the rules
documents: [{{name: d, text: the document}}, {{name: e, text: the annex}}]
layers: [{layers}]
tools:
  - toolSpec: {{name: look, description: Look., inputSchema: {{json: {{type: object}}}}}}
conversations:
  - turns:
      - {{user: a, answer: wait, uses: [{{name: look}}]}}
      - {{results: [{{found: 1}}], answer: so}}
"""
_POINT = {"cachePoint": {"type": "default"}}


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def _body(
    catalog, lane, *, model="us.anthropic.claude-sonnet-5-5", api="converse", layers="documents", turn=0, nonce=""
):
    workload = read_workload(_TEXT.format(api=api, layers=layers))
    found = catalog.model(model)
    conversation = workload.conversations[0]
    messages = []
    for step in conversation.turns[: turn + 1]:
        messages.extend(step.messages)
        messages.append({"role": "assistant", "content": list(step.answer)})
    parts = parts_of(workload, conversation, messages[:-1], nonce)
    return request_of(parts, LANES[lane], workload, found.model, catalog.rules(found, ON)).body


@pytest.mark.parametrize("api, holder", [("converse", "inferenceConfig"), ("invoke", None)])
def test_a_temperature_is_sent_to_whom_it_is_not_refused_by(catalog, api, holder):
    """Claude from Opus 4.7 on answers 400 (sample-per-model-bedrock; https://github.com/cline/cline/issues/10572)."""
    workload = read_workload(_TEXT.format(api=api, layers="documents") + "inference: {temperature: 0.2, top_p: 0.9}\n")
    parts = parts_of(workload, workload.conversations[0], workload.conversations[0].turns[0].messages)
    sent = {}
    for name in ("us.anthropic.claude-sonnet-5-5", "us.anthropic.claude-sonnet-4-6"):
        found = catalog.model(name)
        body = request_of(parts, LANES["baseline"], workload, found.model, catalog.rules(found, ON)).body
        settings = body if holder is None else body[holder]
        sent[name] = settings.get("temperature"), settings.get("topP", settings.get("top_p"))
    assert sent == {"us.anthropic.claude-sonnet-5-5": (None, 0.9), "us.anthropic.claude-sonnet-4-6": (0.2, 0.9)}


def test_the_baseline_carries_no_point_anywhere(catalog):
    """No cachePoint in tools, system or messages."""
    assert "cachePoint" not in str(_body(catalog, "baseline"))


def test_cached_closes_the_last_layer(catalog):
    """By default once, after everything that stays the same."""
    assert _body(catalog, "cached")["system"] == [
        {"text": "the rules"},
        {"text": "the document"},
        {"text": "the annex"},
        _POINT,
    ]


def test_two_layers_close_twice(catalog):
    """After the instructions and after the documents."""
    system = _body(catalog, "cached", layers="system, documents")["system"]
    assert [index for index, block in enumerate(system) if "cachePoint" in block] == [1, 4]


def test_tools_and_tail_get_their_points(catalog):
    """After the last tool definition; after the last block of the last message."""
    assert _body(catalog, "cached-tools")["toolConfig"]["tools"][-1] == _POINT
    assert _body(catalog, "cached-tail")["messages"][-1]["content"] == [{"text": "a"}, _POINT]


def test_one_hour_is_written_into_the_point(catalog):
    """The lane's ttl goes into its points, and five minutes leave the field out."""
    assert _body(catalog, "cached-1h")["system"][-1] == {"cachePoint": {"type": "default", "ttl": "1h"}}


def test_nova_takes_no_point_after_a_tool_result(catalog):
    """Nova refuses it, so the tail lane leaves it out on that turn and keeps the others."""
    body = _body(catalog, "cached-tail", model="amazon.nova-pro-v1:0", turn=1)
    assert "cachePoint" not in str(body["messages"])
    assert body["system"][-1] == _POINT
    claude = _body(catalog, "cached-tail", turn=1)
    assert claude["messages"][-1]["content"][-1] == _POINT


def test_claude_over_invoke_model_marks_blocks_with_cache_control(catalog):
    """An Anthropic body: the mark stands on the block that ends the prefix."""
    body = _body(catalog, "cached-tools", api="invoke", layers="system, documents", turn=1)
    control = {"type": "ephemeral"}
    assert [block.get("cache_control") for block in body["system"]] == [control, None, control]
    assert body["tools"] == [
        {"name": "look", "description": "Look.", "input_schema": {"type": "object"}, "cache_control": control}
    ]
    assert [block["type"] for block in body["messages"][1]["content"]] == ["text", "tool_use"]
    assert body["messages"][2]["content"][0]["content"] == [{"type": "text", "text": '{"found":1}'}]


def test_nova_over_invoke_model_has_the_point_beside_the_text(catalog):
    """A key of the block, not a block of its own."""
    body = _body(catalog, "cached-tail", model="amazon.nova-pro-v1:0", api="invoke")
    assert body["system"][-1] == {"text": "the annex", **_POINT}
    assert body["messages"][-1]["content"][-1] == {"text": "a", **_POINT}
    assert body["schemaVersion"] == "messages-v1"


def test_a_nonce_stands_before_everything_that_can_be_cached(catalog):
    """At the start of the first tool's description and of the system text, as long in every lane."""
    body = _body(catalog, "cached-tools", nonce="ab12")
    assert body["toolConfig"]["tools"][0]["toolSpec"]["description"] == "Run ab12. Look."
    assert body["system"][0] == {"text": "Run ab12.\nthe rules"}


def test_building_a_request_leaves_the_workload_alone(catalog):
    """Two lanes built from the same parts do not see each other's points."""
    workload = read_workload(_TEXT.format(api="converse", layers="documents"))
    found = catalog.model("us.anthropic.claude-sonnet-5-5")
    parts = parts_of(workload, workload.conversations[0], workload.conversations[0].turns[0].messages)
    rules = catalog.rules(found, ON)
    before = request_of(parts, LANES["baseline"], workload, found.model, rules).body
    request_of(parts, LANES["cached-tail"], workload, found.model, rules)
    assert request_of(parts, LANES["baseline"], workload, found.model, rules).body == before


@pytest.mark.parametrize(
    ("lane", "model", "layers", "why"),
    [
        ("cached-1h", "amazon.nova-pro-v1:0", "documents", "not offered by Nova (5 minutes only)"),
        ("cached-tools", "amazon.nova-pro-v1:0", "documents", "not offered by Nova (refuses cachePoints in tools)"),
        ("cached", "openai.gpt-oss-120b-1:0", "documents", "not offered by gpt-oss-120b (no cachePoint on this API)"),
        ("cached-1h", "us.anthropic.claude-sonnet-5-5", "documents", None),
        ("cached-tail", "us.anthropic.claude-sonnet-5-5", "system, each-document", None),
    ],
)
def test_a_lane_that_a_model_does_not_offer_says_why(catalog, lane, model, layers, why):
    """The reason is taken from the catalogue's cache rules."""
    workload = read_workload(_TEXT.format(api="converse", layers=layers))
    found = catalog.model(model)
    assert why_not(LANES[lane], found.model, catalog.rules(found, ON), workload) == why


def test_more_than_four_points_are_refused_before_anything_is_sent(catalog):
    """Four documents and the system text make five points."""
    text = _TEXT.format(api="converse", layers="system, each-document").replace(
        "{name: e, text: the annex}", "{name: e, text: e}, {name: f, text: f}, {name: g, text: g}"
    )
    found = catalog.model("us.anthropic.claude-sonnet-5-5")
    why = why_not(LANES["cached"], found.model, catalog.rules(found, ON), read_workload(text))
    assert why == "5 cachePoints, and Claude Sonnet 5.5 takes at most 4"


def test_an_unknown_lane_names_the_nearest():
    """`cached-tial` is answered with `cached-tail`."""
    with pytest.raises(UnknownLane, match="did you mean cached-tail"):
        lane_named("cached-tial")


def test_the_baseline_is_always_measured_and_always_first():
    """Savings are measured against it."""
    assert [lane.name for lane in lanes_of(["cached-tail", "cached"])] == ["baseline", "cached-tail", "cached"]
