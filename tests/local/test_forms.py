"""The form of an answer that was asked for: a document of a schema, thinking, citations; whole and streamed."""

import base64
import json
import zlib

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockbottom.local.asked import asked_of
from rockbottom.local.requested import cited_of, thinking_of

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "port": {"type": "integer"},
        "kind": {"type": "string", "enum": ["proxy", "gateway"]},
    },
    "required": ["name", "port", "kind"],
    "additionalProperties": False,
}
CLAUDE = "us.anthropic.claude-sonnet-4-6"
MANUAL = "The gateway is called Heimdall. It listens on port 8443. It was made in Bergen."
QUESTION = "Which name and port does the gateway have?"
FORMAT = {
    "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "x", "schema": json.dumps(SCHEMA)}}}
}


def content_of(events):
    """The content blocks of a Converse stream, by the kind of their deltas."""
    blocks = {}
    for event in events:
        if "contentBlockDelta" in event:
            place, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
            blocks.setdefault(place, []).append(delta)
    return [blocks[place] for place in sorted(blocks)]


@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-4-6", "qwen.qwen3-32b-v1:0"])
def test_converse_answers_with_a_document_of_the_schema_out_of_the_prompt(runtime, kit, model):
    """The text is JSON that fits, with what the system text says."""
    reply = runtime.converse(
        modelId=model, system=[{"text": MANUAL}], messages=[kit.user(QUESTION)], outputConfig=FORMAT
    )
    (block,) = reply["output"]["message"]["content"]
    document = json.loads(block["text"])
    jsonschema.validate(document, SCHEMA)
    assert (document["port"], document["kind"]) == (8443, "gateway")
    assert reply["stopReason"] == "end_turn"


def test_invoke_model_answers_with_a_document_too(runtime, kit):
    """Anthropic's output_config.format."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 200,
        "system": MANUAL,
        "messages": [{"role": "user", "content": QUESTION}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    }
    reply = json.loads(runtime.invoke_model(modelId=kit.SONNET, body=json.dumps(body))["body"].read())
    jsonschema.validate(json.loads(reply["content"][0]["text"]), SCHEMA)


def test_the_schema_is_billed_on_claude_and_not_on_qwen(runtime, kit):
    """Claude Sonnet 4.6 counted 211 tokens for a question of 24 and a schema of 206 characters, Qwen 3 none for it
    (pydantic-ai, tests/models/cassettes/test_bedrock, native_output)."""

    def tokens(model, **more):
        return runtime.converse(modelId=model, messages=[kit.user(QUESTION)], **more)["usage"]["inputTokens"]

    added = tokens(kit.SONNET, outputConfig=FORMAT) - tokens(kit.SONNET)
    assert 150 < added < 300
    qwen = "qwen.qwen3-32b-v1:0"
    assert tokens(qwen, outputConfig=FORMAT) == tokens(qwen)


def test_a_schema_that_is_no_json_is_refused(endpoint, kit):
    """400, in our words."""
    body = {"messages": [kit.user("q")], "outputConfig": json.loads(json.dumps(FORMAT))}
    body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"] = "{no"
    assert kit.http(endpoint, "POST", f"/model/{kit.SONNET}/converse", body)[0] == 400


BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def test_thinking_comes_first_and_is_billed_as_output(runtime, kit):
    """A signed reasoning block, then the answer; both counted; without asking there is none."""
    call = {"modelId": kit.SONNET, "system": [{"text": MANUAL}], "messages": [kit.user(QUESTION)]}
    plain = runtime.converse(**call)
    reply = runtime.converse(**call, additionalModelRequestFields=BUDGET)
    thought, answer = reply["output"]["message"]["content"]
    text = thought["reasoningContent"]["reasoningText"]
    assert text["signature"]
    assert QUESTION in text["text"]
    assert [answer] == plain["output"]["message"]["content"]
    assert reply["usage"]["outputTokens"] > plain["usage"]["outputTokens"] + 10


def test_thinking_streams_and_its_signature_last(runtime, kit):
    """The deltas of the first block join to the thought of the whole reply."""
    call = {
        "modelId": kit.SONNET,
        "messages": [kit.user(QUESTION)],
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
    }
    whole = runtime.converse(**call)["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    thought, _ = content_of(runtime.converse_stream(**call)["stream"])
    deltas = [delta["reasoningContent"] for delta in thought]
    assert "".join(delta.get("text", "") for delta in deltas) == whole["text"]
    assert deltas[-1] == {"signature": whole["signature"]}


def test_a_tool_is_called_after_a_thought(runtime, kit):
    """reasoningContent, then toolUse, as recorded for Claude 3.7 with thinking and a tool."""
    tool = {"toolSpec": {"name": "gateway_port", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    reply = runtime.converse(
        modelId=kit.SONNET,
        messages=[kit.user(QUESTION)],
        toolConfig={"tools": [tool]},
        additionalModelRequestFields=BUDGET,
    )
    assert [next(iter(block)) for block in reply["output"]["message"]["content"]] == ["reasoningContent", "toolUse"]


def test_native_bodies_think(runtime, kit):
    """Claude: a thinking block; Nova 2: reasoning without a signature."""
    messages = [{"role": "user", "content": QUESTION}]
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 2000, "messages": messages, **BUDGET}
    reply = json.loads(runtime.invoke_model(modelId=kit.SONNET, body=json.dumps(body))["body"].read())
    assert [block["type"] for block in reply["content"]] == ["thinking", "text"]
    body = {
        "messages": [kit.user(QUESTION)],
        "inferenceConfig": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
    }
    model = "us.amazon.nova-2-lite-v1:0"
    reply = json.loads(runtime.invoke_model(modelId=model, body=json.dumps(body))["body"].read())
    assert list(reply["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]) == ["text"]


def test_a_thought_counts_against_the_most_tokens(runtime, kit):
    """Nothing but the beginning of the thought fits."""
    reply = runtime.converse(
        modelId=kit.SONNET,
        messages=[kit.user(QUESTION)],
        additionalModelRequestFields={"thinking": {"type": "adaptive"}},
        inferenceConfig={"maxTokens": 5},
    )
    assert (reply["stopReason"], reply["usage"]["outputTokens"]) == ("max_tokens", 5)
    assert [next(iter(block)) for block in reply["output"]["message"]["content"]] == ["reasoningContent"]


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"thinking": {"type": "disabled"}}, False),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, True),
        ({"reasoningConfig": {"type": "enabled"}}, True),
        ({"reasoningConfig": {"type": "disabled"}}, False),
        ({"reasoning_config": "high"}, True),
        ({"reasoning_effort": "low"}, True),
        ({"reasoning_effort": "none"}, False),
        ({}, False),
    ],
)
def test_thinking_is_asked_for_in_many_ways(fields, asked):
    """As Claude, Nova, Qwen and gpt-oss take it."""
    assert (thinking_of({"additionalModelRequestFields": fields}) is not None) is asked


TEXT = {"document": {"name": "manual", "format": "txt", "source": {"text": MANUAL}, "citations": {"enabled": True}}}


def test_citations_say_where_a_sentence_stands(runtime, kit):
    """The characters from start to end are the source, the blank behind the sentence included (as recorded)."""
    reply = runtime.converse(modelId=kit.SONNET, messages=[kit.user(TEXT, "Which port does it listen on?")])
    said, block = reply["output"]["message"]["content"]
    assert said == {"text": "The document says: "}
    assert block["citationsContent"]["content"] == [{"text": "It listens on port 8443."}]
    (told,) = block["citationsContent"]["citations"]
    place = told["location"]["documentChar"]
    assert (told["title"], place["documentIndex"]) == ("manual", 0)
    assert MANUAL[place["start"] : place["end"]] == told["sourceContent"][0]["text"] == "It listens on port 8443. "


def test_a_document_in_parts_is_cited_by_the_part(runtime, kit):
    """documentChunk: the number of the part and the next; the second document is number 1."""
    parts = {
        "content": [{"text": "Employees get 20 days of leave."}, {"text": "Consult with your manager for details."}]
    }
    document = {"document": {"name": "policy", "format": "txt", "source": parts, "citations": {"enabled": True}}}
    other = {"document": {"name": "other", "format": "txt", "source": {"text": "Nothing of interest stands here."}}}
    reply = runtime.converse(modelId=kit.SONNET, messages=[kit.user(other, document, "Who is to consult for details?")])
    _, block = reply["output"]["message"]["content"]
    (told,) = block["citationsContent"]["citations"]
    assert told["location"] == {"documentChunk": {"documentIndex": 1, "start": 1, "end": 2}}
    assert told["sourceContent"] == [{"text": "Consult with your manager for details."}]


def test_citations_stream(runtime, kit):
    """Text, then the citation, in the deltas of one block; the same place as in the whole reply."""
    call = {"modelId": kit.SONNET, "messages": [kit.user(TEXT, "Which port does it listen on?")]}
    _, whole = runtime.converse(**call)["output"]["message"]["content"]
    _, deltas = content_of(runtime.converse_stream(**call)["stream"])
    assert "".join(delta.get("text", "") for delta in deltas) == "It listens on port 8443."
    assert deltas[-1]["citation"] == whole["citationsContent"]["citations"][0]


def test_claudes_own_body_cites(runtime, kit):
    """char_location, and citations_delta in the stream."""
    document = {
        "type": "document",
        "title": "manual",
        "source": {"type": "text", "media_type": "text/plain", "data": MANUAL},
        "citations": {"enabled": True},
    }
    content = [document, {"type": "text", "text": "Which port does it listen on?"}]
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": content}],
    }
    call = {"modelId": kit.SONNET, "body": json.dumps(body)}
    _, block = json.loads(runtime.invoke_model(**call)["body"].read())["content"]
    (told,) = block["citations"]
    assert (told["type"], told["document_title"], told["document_index"]) == ("char_location", "manual", 0)
    assert MANUAL[told["start_char_index"] : told["end_char_index"]] == told["cited_text"]
    events = [json.loads(one["chunk"]["bytes"]) for one in runtime.invoke_model_with_response_stream(**call)["body"]]
    assert [
        event["delta"]["citation"] for event in events if event.get("delta", {}).get("type") == "citations_delta"
    ] == [told]


def test_without_citations_the_same_sentence_is_plain_text(runtime, kit):
    """Nothing is cited that was not asked to be."""
    plain = {"document": {**TEXT["document"], "citations": {"enabled": False}}}
    reply = runtime.converse(modelId=kit.SONNET, messages=[kit.user(plain, "Which port does it listen on?")])
    assert reply["output"]["message"]["content"] == [{"text": "It listens on port 8443."}]


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5))
def test_parts_begin_where_their_text_stands(texts):
    """Each start in the joined text is that of its part."""
    source = {"content": [{"text": text} for text in texts]}
    message = {"content": [{"document": {"name": "d", "source": source, "citations": {"enabled": True}}}]}
    (document,) = cited_of([message])
    assert [document.text[start:][: len(text)] for start, text in zip(document.chunks, texts, strict=True)] == texts


def test_latency_is_at_least_a_millisecond(runtime, kit):
    """AWS never reports 0."""
    assert runtime.converse(modelId=kit.SONNET, messages=[kit.user("hi")])["metrics"]["latencyMs"] >= 1


def test_what_is_asked_is_read_from_either_spelling():
    """Converse's outputConfig, and Claude's own member handed through."""
    native = {"additionalModelRequestFields": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}}
    assert asked_of({"messages": [], "outputConfig": FORMAT}).schema == SCHEMA
    assert asked_of({"messages": [], **native}).schema == SCHEMA


def a_pdf(*pages):
    """A PDF of texts, each page a packed stream of its own."""
    body = b"%PDF-1.4\n"
    for text in pages:
        stream = zlib.compress(f"BT ({text}) Tj ET".encode())
        body += b"1 0 obj<</Type /Page>>endobj\nstream\n" + stream + b"\nendstream\n"
    return body


def cited_in(reply):
    """The citations of a reply of Converse."""
    blocks = [
        block["citationsContent"] for block in reply["output"]["message"]["content"] if "citationsContent" in block
    ]
    return [citation for block in blocks for citation in block["citations"]]


def test_a_pdf_is_read_and_cited_by_its_page(runtime, kit):
    """Recorded of one page: from 1 to 2 (pydantic-ai, test_pdf_citations); on InvokeModel the same place."""
    data = a_pdf("Parcels arrive on Monday.", "Refunds take seven days.")
    source = {"format": "pdf", "name": "Policy", "source": {"bytes": data}}
    question = "How long do refunds take?"
    document = {"document": {**source, "citations": {"enabled": True}}}
    reply = runtime.converse(modelId=CLAUDE, messages=[kit.user(document, question)])
    (cited,) = cited_in(reply)
    assert cited["location"] == {"documentPage": {"documentIndex": 0, "start": 2, "end": 3}}
    assert cited["sourceContent"] == [{"text": "Refunds take seven days."}]
    reply = runtime.converse(modelId=CLAUDE, messages=[kit.user({"document": source}, question)])
    assert reply["output"]["message"]["content"] == [{"text": "Refunds take seven days."}]
    native = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(data).decode()}
    blocks = [
        {"type": "document", "source": native, "citations": {"enabled": True}},
        {"type": "text", "text": question},
    ]
    body = {"anthropic_version": "x", "max_tokens": 99, "messages": [{"role": "user", "content": blocks}]}
    told = json.loads(runtime.invoke_model(modelId=CLAUDE, body=json.dumps(body))["body"].read())
    (told,) = [citation for block in told["content"] for citation in block.get("citations") or ()]
    assert (told["type"], told["start_page_number"], told["end_page_number"]) == ("page_location", 2, 3)


def test_a_text_that_travels_as_bytes_is_cited_too(runtime, kit):
    """As boto3 sends a file."""
    text = b"Parcels arrive on Monday. Refunds take seven days."
    document = {"format": "txt", "name": "Policy", "source": {"bytes": text}, "citations": {"enabled": True}}
    question = "How long do refunds take?"
    reply = runtime.converse(modelId=CLAUDE, messages=[kit.user({"document": document}, question)])
    (cited,) = cited_in(reply)
    assert cited["location"] == {"documentChar": {"documentIndex": 0, "start": 26, "end": 50}}


@pytest.mark.parametrize(
    ("thinking", "limits", "said"),
    [
        (
            {"type": "enabled", "budget_tokens": 1000},
            {},
            "budget_tokens: Input should be greater than or equal to 1024",
        ),
        ({"type": "enabled"}, {}, "thinking.enabled.budget_tokens: Field required"),
        ({"type": "enabled", "budget_tokens": 2000}, {"maxTokens": 2000}, "`max_tokens` must be greater than"),
        (
            {"type": "enabled", "budget_tokens": 1024},
            {"temperature": 0.5},
            "may only be set to 1 when thinking is enabled",
        ),
        ({"type": "adaptive"}, {"temperature": 0.5}, "when thinking is enabled or in adaptive mode"),
        ({"type": "enabled", "budget_tokens": 1024}, {"temperature": 1, "maxTokens": 1100}, None),
        ({"type": "disabled"}, {"temperature": 0.5}, None),
    ],
)
def test_budgets_and_temperatures_that_claude_does_not_take_beside_thinking(endpoint, kit, thinking, limits, said):
    """Wordings of public issues: LibreChat 8346, claude-code 8756, sample-voice-of-customer-datalake 323."""
    body = {
        "messages": [kit.user("q")],
        "inferenceConfig": limits,
        "additionalModelRequestFields": {"thinking": thinking},
    }
    status, reply, _ = kit.http(endpoint, "POST", f"/model/{CLAUDE}/converse", body)
    assert status == (400 if said else 200)
    assert said is None or said in reply["message"]
    assert said is None or reply["message"].startswith("The model returned the following errors: ")
