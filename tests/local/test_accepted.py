"""What models accept and refuse beyond the service model; the recorded calls of others replayed by their status.

Wordings: pydantic-ai and langchain-aws cassettes (Claude Sonnet 4.5, Nova 2 Lite), public issue threads.
"""

import base64
import gzip
import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

DATA = Path(os.environ.get("ROCKBOTTOM_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
S3 = {"s3Location": {"uri": "s3://bucket/key"}}
NOVA2 = "us.amazon.nova-2-lite-v1:0"
IMAGE, VIDEO = {"image": {"format": "jpeg", "source": S3}}, {"video": {"format": "mp4", "source": S3}}
DOCUMENT = {"document": {"name": "a", "format": "pdf", "source": S3}}
SCHEMA = {"json": {"type": "object", "properties": {}}}
TOOL = {"tools": [{"toolSpec": {"name": "get_file", "inputSchema": SCHEMA}}]}


def converse(endpoint, kit, model, body):
    """Status and message of a Converse call."""
    status, reply, _ = kit.http(endpoint, "POST", f"/model/{model}/converse", body)
    return status, reply.get("message", "")


def with_result(kit, *content, beside=()):
    """A conversation whose last message holds a tool result."""
    use = {"toolUse": {"toolUseId": "t", "name": "get_file", "input": {}}}
    result = {"toolResult": {"toolUseId": "t", "content": list(content) or [{"text": "attached"}]}}
    return {"messages": [kit.user("q"), kit.assistant(use), kit.user(result, *beside)], "toolConfig": TOOL}


NO_VIDEO = (
    "This model doesn't support the video content block that you provided. Update the content block and try again."
)
NO_S3 = "This model doesn't support the s3Uri field. Remove s3Uri and try again."
NOVA_SAYS = (
    "The model returned the following errors: Malformed input request: #/messages/2/content/0: extraneous key "
    "[toolResult] is not permitted, please reformat your input and try again."
)


@pytest.mark.parametrize(
    ("model", "content", "beside", "said"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", [VIDEO], (), NO_VIDEO),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", [], (VIDEO,), NO_VIDEO),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", [IMAGE], (), NO_S3),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", [], (IMAGE,), NO_S3),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", [DOCUMENT], (), None),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            [],
            ("text", DOCUMENT),
            "The model returned the following errors: messages.2.content.2.document.source.type: Field required",
        ),
        (NOVA2, [DOCUMENT], (), NOVA_SAYS),
        (NOVA2, [VIDEO], (), NOVA_SAYS),
        (NOVA2, [IMAGE], (), None),
        (NOVA2, [], ("text", DOCUMENT), None),
        (NOVA2, [], (VIDEO,), None),
    ],
)
def test_media_are_refused_where_they_were(endpoint, kit, model, content, beside, said):
    """By model, place and source; what was accepted is accepted."""
    status, message = converse(endpoint, kit, model, with_result(kit, *content, beside=beside))
    assert (status, message) == ((200, "") if said is None else (400, said))


@pytest.mark.parametrize(
    "model", ["us.anthropic.claude-opus-4-7", "us.anthropic.claude-opus-4-8", "us.anthropic.claude-opus-5"]
)
def test_a_temperature_is_refused_where_claude_takes_none(endpoint, kit, model):
    """Converse: https://github.com/cline/cline/issues/10572; InvokeModel: https://github.com/promptfoo/promptfoo/issues/10307.

    Beside thinking 1 is taken (https://github.com/logancyang/obsidian-copilot/issues/2600), as it is by Sonnet 4.6.
    """
    said = "`temperature` is deprecated for this model."
    asked = {"messages": [kit.user("q")], "inferenceConfig": {"maxTokens": 50}}
    warm = {"inferenceConfig": {"maxTokens": 50, "temperature": 0.5}}
    at_one = {"inferenceConfig": {"maxTokens": 50, "temperature": 1}}
    thinking = {"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}}
    assert converse(endpoint, kit, model, asked) == (200, "")
    assert converse(endpoint, kit, model, {**asked, **warm}) == (
        400,
        f"The model returned the following errors: {said}",
    )
    assert converse(endpoint, kit, model, {**asked, **at_one}) == (
        400,
        f"The model returned the following errors: {said}",
    )
    assert converse(endpoint, kit, model, {**asked, **at_one, **thinking}) == (200, "")
    assert converse(endpoint, kit, "us.anthropic.claude-sonnet-4-6", {**asked, **warm}) == (200, "")
    native = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "q"}],
    }
    status, reply, _ = kit.http(endpoint, "POST", f"/model/{model}/invoke", {**native, "temperature": 0.5})
    assert (status, reply.get("message")) == (400, said)


@pytest.mark.parametrize(
    ("tier", "said"),
    [
        ("default", None),
        ("flex", None),
        ("priority", None),
        ("reserved", "Reservation not found."),
        ("cheapest", "service tier provided is invalid"),
    ],
)
def test_service_tiers_are_taken_and_refused_as_they_were(endpoint, kit, tier, said):
    """A table of live calls of May 2026 (https://github.com/NousResearch/hermes-agent/pull/34476), of Converse."""
    model = "us.amazon.nova-pro-v1:0"
    body = {"messages": [kit.user("q")], "serviceTier": {"type": tier}}
    status, reply, _ = kit.http(endpoint, "POST", f"/model/{model}/converse", body)
    assert (status, reply.get("message")) == (400 if said else 200, said)
    assert said or reply["serviceTier"] == {"type": tier}
    headers = {"x-amzn-bedrock-service-tier": tier}
    status, reply, _ = kit.http(endpoint, "POST", f"/model/{model}/invoke", {"messages": [kit.user("q")]}, headers)
    assert (status, reply.get("message")) == (400 if said else 200, said)


def test_a_format_of_a_video_is_no_media_type(endpoint, kit):
    """AWS names the formats when it is given a type (https://github.com/aws-samples/generative-ai-use-cases/issues/927).

    Two recordings with `video/mp4` and status 200 are not taken for more: the bytes of one are a PNG and of the other a
    JPEG, one body is no JSON, and both replies are the same to the letter (pydantic-ai).
    """
    for given, status in (("mp4", 200), ("three_gp", 200), ("video/mp4", 400), ("video/quicktime", 400)):
        video = {"video": {"format": given, "source": {"bytes": "AAAA"}}}
        answer = converse(endpoint, kit, "us.amazon.nova-pro-v1:0", {"messages": [kit.user("q", video)]})
        assert answer[0] == status
        assert status == 200 or "'messages.1.member.content.2.member.video.format' failed to satisfy" in answer[1]


def test_claude_may_begin_and_nova_may_not(endpoint, kit):
    """A conversation that begins with the assistant."""
    body = {"messages": [kit.assistant("Hello there!"), kit.user("Now say goodbye.")]}
    assert converse(endpoint, kit, kit.SONNET, body)[0] == 200
    status, message = converse(endpoint, kit, kit.NOVA, body)
    assert (status, "must start with a user message" in message) == (400, True)


def test_names_of_documents_may_have_underscores(endpoint, kit):
    """And still no dots."""
    named = lambda name: {"document": {"name": name, "format": "txt", "source": {"text": "Some policy of a company."}}}  # noqa: E731
    assert converse(endpoint, kit, kit.SONNET, {"messages": [kit.user(named("company_policy"), "q")]})[0] == 200
    assert converse(endpoint, kit, kit.SONNET, {"messages": [kit.user(named("policy.txt"), "q")]})[0] == 400


def test_what_the_service_ran_itself_needs_no_pair(endpoint, kit):
    """The history of a code interpreter: use and result with a type, both of the assistant."""
    use = {"toolUse": {"toolUseId": "s", "name": "nova_code_interpreter", "input": {}, "type": "server_tool_use"}}
    result = {
        "toolResult": {
            "toolUseId": "s",
            "content": [{"json": {"stdOut": "7006652"}}],
            "type": "nova_code_interpreter_result",
        }
    }
    body = {"messages": [kit.user("q"), kit.assistant(use, result, "It is 7006652."), kit.user("Thanks")]}
    assert converse(endpoint, kit, NOVA2, body)[0] == 200
    assert (
        converse(
            endpoint, kit, NOVA2, {**body, "toolConfig": {"tools": [{"systemTool": {"name": "nova_code_interpreter"}}]}}
        )[0]
        == 200
    )


def test_a_schema_of_a_tool_is_one_of_an_object(endpoint, kit):
    """The value at ...inputSchema.json.type must be one of the following: object."""
    tool = {"tools": [{"toolSpec": {"name": "n", "inputSchema": {"json": {"type": "string"}}}}]}
    status, message = converse(endpoint, kit, kit.SONNET, {"messages": [kit.user("q")], "toolConfig": tool})
    assert (status, message) == (
        400,
        "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
    )


def anthropic(**more):
    """A Messages body."""
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "q"}],
        **more,
    }


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (anthropic(model="claude"), "model"),
        (anthropic(stream=True), "stream"),
        (anthropic(context_management={}), "context_management"),
        (anthropic(messages=[{"role": "user", "content": "q", "name": "x"}]), "messages.0.name"),
        (
            anthropic(messages=[{"role": "user", "content": [{"type": "text", "text": "q", "x": 1}]}]),
            "messages.0.content.0.text.x",
        ),
        (anthropic(tools=[{"name": "n", "input_schema": {}, "parameters": {}}]), "tools.0.custom.parameters"),
        (
            anthropic(
                system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "scope": "global"}}]
            ),
            "system.0.cache_control.ephemeral.scope",
        ),
    ],
)
def test_members_that_the_api_does_not_know_are_extra_inputs(endpoint, kit, body, place):
    """At every level of Anthropic's body."""
    status, reply, _ = kit.http(endpoint, "POST", f"/model/{kit.SONNET}/invoke", body)
    assert (status, reply["message"]) == (400, f"{place}: Extra inputs are not permitted")


def test_with_a_beta_its_members_are_taken(endpoint, kit):
    """context_management, as Claude Code sends it."""
    body = anthropic(context_management={}, anthropic_beta=["context-management-2025-06-27"])
    assert kit.http(endpoint, "POST", f"/model/{kit.SONNET}/invoke", body)[0] == 200


def test_fields_handed_through_converse_reach_the_same_validator(endpoint, kit):
    """With Converse's preface."""
    body = {"messages": [kit.user("q")], "additionalModelRequestFields": {"top_k": 20}}
    assert converse(endpoint, kit, kit.SONNET, body)[0] == 200
    body["additionalModelRequestFields"] = {"frequency_penalty": 1}
    status, message = converse(endpoint, kit, kit.SONNET, body)
    assert (status, message) == (
        400,
        "The model returned the following errors: frequency_penalty: Extra inputs are not permitted",
    )


def test_tools_that_only_anthropics_own_api_runs_are_refused(endpoint, kit):
    """CountTokens in the recorded words, and a call alike."""
    body = anthropic(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    said = (
        "tools.0: Input tag 'web_search_20250305' found using 'type' does not match any of the expected tags: "
        "'bash_20250124', 'custom', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728'"
    )
    raw = base64.b64encode(json.dumps(body).encode()).decode()
    count = f"/model/{kit.SONNET.removeprefix('us.')}/count-tokens"
    status, reply, _ = kit.http(endpoint, "POST", count, {"input": {"invokeModel": {"body": raw}}})
    assert (status, reply["message"]) == (400, said)
    assert kit.http(endpoint, "POST", f"/model/{kit.SONNET}/invoke", body)[1]["message"] == said


def test_novas_minimum_and_lag_can_be_chosen(endpoint, runtime, kit):
    """Documented: 1,024 tokens; five_seconds: what was written is read six seconds later, and not at once."""

    def usage(text):
        body = {"system": [{"text": text}, kit.POINT], "messages": [kit.user("q")]}
        told = runtime.converse(modelId=kit.NOVA, **body)["usage"]
        return told["cacheWriteInputTokens"] > 0, told["cacheReadInputTokens"] > 0

    short, long = "Answer politely. " * 20, kit.RULES
    assert usage(short) == (True, False)
    kit.control(endpoint, "PUT", "switches", {"nova_minimum": "documented", "nova_propagation_lag": "five_seconds"})
    assert usage(short + "x") == (False, False)
    assert [usage(long), usage(long)] == [(True, False)] * 2
    kit.control(endpoint, "POST", "clock", {"advance": 6})
    assert usage(long) == (False, True)
    assert kit.http(endpoint, "PUT", "/_rockbottom/switches", {"nova_minimum": "some"})[0] == 400


NOT_AGREED = {
    "test_bedrock_inference_profile_converse.yaml": "a profile of the account that recorded it",
    "test_bedrock_model_guardrail_config.yaml": "a guardrail of the account that recorded it",
    "test_document_url_input.yaml": "anthropic.claude-v2, which is retired",
}
"""Recorded calls whose status the endpoint does not give, and why."""


def test_recorded_calls_have_their_recorded_status(endpoint, kit, recorded_data):
    """Every recorded call of Converse, CountTokens and InvokeModel, but for those that say why not."""
    file = DATA / "recorded_calls.jsonl.gz"
    if not file.is_file():
        pytest.skip(f"no recordings at {file}: set ROCKBOTTOM_DATA")
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    differing = []
    for row in rows:
        if row["request"] is None or row["cassette"] in NOT_AGREED:
            continue
        path = f"/model/{quote(row['model'], safe='')}/{row['operation']}"
        status, reply, _ = kit.http(endpoint, "POST", path, row["request"])
        if status != row["status"]:
            differing.append((row["cassette"], row["turn"], status, reply))
        elif status != 200:
            assert reply["message"] == row["reply"]["message"]
    assert differing == []
