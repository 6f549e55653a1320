"""What was seen on the surfaces and is in no recorded case (surfaces of Amazon Bedrock: 1.1 to 3.3), over HTTP."""

import pytest

RUNTIME, MANTLE = "/bedrock-runtime", "/bedrock-mantle"
SOL, ASKED = "us.openai.gpt-5.6-sol", [{"role": "user", "content": "Say ok."}]


def responses(kit, endpoint, model, *, host=MANTLE, family="/openai/v1", headers=None, **more):
    body = {"model": model, "input": "Say ok.", **more}
    return kit.http(endpoint, "POST", f"{host}{family}/responses", body, headers)


def chat(kit, endpoint, model, *, host=MANTLE, family="/openai/v1", headers=None, **more):
    body = {"model": model, "messages": ASKED, **more}
    return kit.http(endpoint, "POST", f"{host}{family}/chat/completions", body, headers)


def messages(kit, endpoint, model, *, headers=None, path="", **more):
    body = {"model": model, "messages": ASKED, "max_tokens": 20, **more}
    return kit.http(endpoint, "POST", f"{MANTLE}/anthropic/v1/messages{path}", body, headers)


def said(answer):
    return answer[1]["error"]["message"]


def test_gpt_oss_is_not_found_on_responses_of_bedrock_runtime(endpoint, kit):
    """ "runtime gpt-5.6, grok-4.6 (gpt-oss 404)"; on bedrock-mantle a wrong API is a 400."""
    assert responses(kit, endpoint, "openai.gpt-oss-120b-1:0", host=RUNTIME)[0] == 404
    assert responses(kit, endpoint, "anthropic.claude-sonnet-5", family="/v1")[0] == 400


def test_deepseek_has_an_id_of_its_own_on_bedrock_mantle(endpoint, kit):
    assert chat(kit, endpoint, "deepseek.v3.1", family="/v1")[0] == 200
    assert chat(kit, endpoint, "deepseek.v3", family="/v1")[0] == 404


def test_an_application_profile_is_refused_on_openais_surfaces_whether_it_exists_or_not(endpoint, kit):
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    assert chat(kit, endpoint, arn, host=RUNTIME)[0] == 400
    assert responses(kit, endpoint, arn, host=RUNTIME)[0] == 400


@pytest.mark.parametrize(("project", "status"), [
    ("default", 200), ("arn:aws:bedrock:us-east-1:123456789012:project/default", 200), ("proj_other", 400),
])  # fmt: skip
def test_bedrock_runtime_takes_the_default_project_alone(endpoint, kit, project, status):
    """Under either API; bedrock-mantle takes any."""
    headers = {"OpenAI-Project": project}
    assert responses(kit, endpoint, SOL, host=RUNTIME, headers=headers)[0] == status
    assert chat(kit, endpoint, SOL, host=RUNTIME, headers=headers)[0] == status
    assert responses(kit, endpoint, "openai.gpt-5.6-sol", headers=headers)[0] == 200


def test_a_member_without_its_beta_is_an_extra_input(endpoint, kit):
    edits = {"context_management": {"edits": []}}
    answer = messages(kit, endpoint, "anthropic.claude-sonnet-5", **edits)
    assert (answer[0], said(answer)) == (400, "context_management: Extra inputs are not permitted")
    beta = {"anthropic-beta": "context-management-2025-06-27"}
    assert messages(kit, endpoint, "anthropic.claude-sonnet-5", headers=beta, **edits)[0] == 200


def test_a_top_level_cache_control_is_taken_by_messages_and_not_by_invoke_model(endpoint, kit):
    """vercel/ai#13992 and inspect_ai#3851 for InvokeModel; a provider survey of 2026-09-25 for Messages."""
    point = {"cache_control": {"type": "ephemeral"}}
    assert messages(kit, endpoint, "anthropic.claude-sonnet-5", **point)[0] == 200
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": ASKED, **point}
    status, told, _ = kit.http(endpoint, "POST", "/model/us.anthropic.claude-opus-5/invoke", body)
    assert (status, told["message"]) == (400, "cache_control: Extra inputs are not permitted")


@pytest.mark.parametrize(("model", "status"), [
    ("anthropic.claude-opus-4-7", 200), ("anthropic.claude-sonnet-5", 200), ("anthropic.claude-haiku-4-5", 400),
])  # fmt: skip
def test_bedrock_mantle_counts_tokens_for_claude_4_7_and_later(endpoint, kit, model, status):
    assert messages(kit, endpoint, model, path="/count_tokens")[0] == status


def test_reasoning_that_is_asked_for_is_an_item_and_replays_encrypted(endpoint, kit):
    more = {"reasoning": {"effort": "high"}, "include": ["reasoning.encrypted_content"], "store": False}
    told = responses(kit, endpoint, "openai.gpt-5.6-sol", **more)[1]
    item, answer = told["output"]
    assert (item["type"], answer["type"]) == ("reasoning", "message")
    assert item["encrypted_content"].startswith("rsn_")
    assert 0 < told["usage"]["output_tokens_details"]["reasoning_tokens"] < told["usage"]["output_tokens"]
    again = {**more, "input": [*ASKED, item, answer, *ASKED]}
    assert responses(kit, endpoint, "openai.gpt-5.6-sol", **again)[0] == 200
    assert (
        responses(kit, endpoint, "openai.gpt-5.6-sol", reasoning={"effort": "none"})[1]["output"][0]["type"]
        == "message"
    )


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_of_gpt_oss_stands_beside_the_text_on_one_host_and_in_it_on_the_other(endpoint, kit, stream):
    """ "Runtime Chat of gpt-oss puts <reasoning>...</reasoning> inside content; mantle Chat has message.reasoning"."""
    more = {"reasoning_effort": "low", "stream": stream}
    here = chat(kit, endpoint, "openai.gpt-oss-20b-1:0", host=RUNTIME, **more)[1]
    there = chat(kit, endpoint, "openai.gpt-oss-20b", family="/v1", **more)[1]
    if stream:
        assert b"<reasoning>" in here.replace(b'"', b"").split(b"content:", 2)[-1] or b"reasoning" in here
        assert b'"reasoning"' in there
        assert b'"reasoning"' not in here
        return
    assert here["choices"][0]["message"]["content"].startswith("<reasoning>")
    assert "reasoning" not in here["choices"][0]["message"]
    assert there["choices"][0]["message"]["reasoning"]
    assert "<reasoning>" not in there["choices"][0]["message"]["content"]


def test_bedrock_mantle_names_the_headers_that_a_page_may_read(endpoint, kit):
    exposed = responses(kit, endpoint, "openai.gpt-5.6-sol")[2]["access-control-expose-headers"]
    assert "x-amzn-usage-reservation-quota" in exposed
    assert responses(kit, endpoint, SOL, host=RUNTIME)[2]["access-control-expose-headers"] is None
