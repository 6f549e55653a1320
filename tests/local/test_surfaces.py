"""The OpenAI-shaped and Anthropic-shaped surfaces over HTTP: routes, errors, what is kept, streams.

Errors are those recorded on Bedrock (aws-samples/sample-per-model-bedrock, 2026-08-22; vercel/ai fixtures, 2026-09-23),
named in each test.
"""

import json

import pytest

RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))
MANTLE = {"host": "bedrock-mantle.us-east-1.api.aws"}
RUNTIME = {"host": "bedrock-runtime.us-east-1.amazonaws.com"}


@pytest.fixture
def post(endpoint, kit):
    """Sends a body; status and JSON (bytes of a stream)."""

    def send(path, body, **headers):
        given = {"content-type": "application/json", **{name.replace("_", "-"): told for name, told in headers.items()}}
        status, told, _ = kit.http(endpoint, "POST", path, body, given)
        return status, told

    return send


def responses(**body):
    return {"model": "openai.gpt-5.6-luna", "input": "How long may a book be kept?", **body}


def frames_of(raw):
    """The data of server-sent events, in order."""
    lines = [line[6:] for line in raw.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def error_of(answer):
    status, told = answer
    return status, told["error"]["message"]


# -- where a request goes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "model", "headers", "status", "message"),
    [
        # vercel/ai, gemma-4 on the wrong path family
        (
            "/v1/chat/completions",
            "google.gemma-4-31b",
            MANTLE,
            400,
            "model `google.gemma-4-31b` isn't supported on this route",
        ),
        # sample-per-model-bedrock: Claude speaks neither API of OpenAI's
        (
            "/openai/v1/responses",
            "anthropic.claude-sonnet-5",
            MANTLE,
            400,
            "The model 'anthropic.claude-sonnet-5' does not support the '/openai/v1/responses' API",
        ),
        # sample-per-model-bedrock: ids of each host are unknown to the other
        (
            "/openai/v1/responses",
            "us.openai.gpt-5.6-sol",
            MANTLE,
            404,
            "The model 'us.openai.gpt-5.6-sol' does not exist",
        ),
        ("/openai/v1/responses", "openai.gpt-9", MANTLE, 404, "The model 'openai.gpt-9' does not exist"),
        # 11-xai-grok/02 on xai.grok-4.6: a bare id that bedrock-runtime has, by profiles alone
        (
            "/openai/v1/responses",
            "openai.gpt-5.6-sol",
            RUNTIME,
            400,
            "Invocation of model ID openai.gpt-5.6-sol with on-demand throughput isn’t supported. Retry your request "
            "with the ID or ARN of an inference profile that contains this model.",
        ),
        (
            "/openai/v1/chat/completions",
            "openai.gpt-oss-120b",
            RUNTIME,
            400,
            "The provided model identifier is invalid.",
        ),
        # sample-per-model-bedrock: on Responses of bedrock-runtime "gpt-oss 404"; the words are those of a wrong API
        (
            "/openai/v1/responses",
            "openai.gpt-oss-120b-1:0",
            RUNTIME,
            404,
            "The model 'openai.gpt-oss-120b-1:0' does not support the '/openai/v1/responses' API",
        ),
    ],
)
def test_a_model_is_served_on_its_own_host_path_and_api(post, path, model, headers, status, message):
    asked = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}
    assert error_of(post(path, asked, **headers)) == (status, message)


@pytest.mark.parametrize(
    ("path", "model", "headers", "host"),
    [
        ("/openai/v1/responses", "openai.gpt-5.6-luna", {}, "bedrock-mantle"),
        ("/openai/v1/responses", "us.openai.gpt-5.6-luna", {}, "bedrock-runtime"),
        ("/bedrock-runtime/openai/v1/responses", "global.openai.gpt-5.6-luna", {}, "bedrock-runtime"),
        ("/openai/v1/chat/completions", "openai.gpt-oss-120b-1:0", {}, "bedrock-runtime"),
        ("/v1/chat/completions", "openai.gpt-oss-120b", {}, "bedrock-mantle"),
        ("/v1/responses", "openai.gpt-oss-20b", MANTLE, "bedrock-mantle"),
        ("/openai/v1/responses", "openai.gpt-5.5-2026-04-23", MANTLE, "bedrock-mantle"),
        ("/anthropic/v1/messages", "us.anthropic.claude-sonnet-5", {}, "bedrock-runtime"),
        ("/anthropic/v1/messages", "anthropic.claude-haiku-4-5", {}, "bedrock-mantle"),
    ],
)
def test_host_path_or_model_tell_the_hosts_apart(endpoint, post, path, model, headers, host):
    asked = {"model": model, "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]}
    if path.endswith("responses"):
        asked = {"model": model, "input": "Hi"}
    elif "claude" not in model:
        asked = {"model": model, "messages": asked["messages"]}
    assert post(path, asked, **headers)[0] == 200
    assert endpoint.state.requests[-1]["host"] == host


def test_a_signature_for_bedrock_mantle_tells_the_host(endpoint, post):
    scope = "AKID/20260921/eu-west-1/bedrock-mantle/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    assert (
        error_of(post("/openai/v1/responses", responses(model="us.openai.gpt-5.6-sol"), authorization=signed))[0] == 404
    )
    assert post("/openai/v1/responses", responses(), authorization=signed)[0] == 200
    assert endpoint.state.requests[-1]["region"] == "eu-west-1"


def test_any_credentials_do_and_projects_are_written_down(endpoint, post):
    for headers in ({"authorization": "Bearer key"}, {"x_api_key": "key"}, {}):
        assert post("/openai/v1/responses", responses(), openai_project="proj_1", **headers)[0] == 200
    assert [line["project"] for line in list(endpoint.state.requests)[-3:]] == ["proj_1"] * 3
    body = {"model": "anthropic.claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    post("/anthropic/v1/messages", body, anthropic_workspace="team-a")
    assert endpoint.state.requests[-1]["project"] == "team-a"


def test_a_path_that_a_host_does_not_have(endpoint, kit, post):
    """bedrock-mantle: 404 without a body; bedrock-runtime: 200 with UnknownOperationException (vercel/ai 17523)."""
    assert post("/v1/nothing", {}, **MANTLE) == (404, b"")
    unknown = {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}
    assert post("/v1/chat/completions", responses(), **RUNTIME) == (200, unknown)
    assert kit.http(endpoint, "GET", "/openai/v1/models", None, MANTLE)[0] == 404
    assert kit.http(endpoint, "GET", "/v1/responses/resp_1/input_items", None, MANTLE)[0] == 404


def test_models_are_listed_by_bare_names(endpoint, kit):
    names = [row["id"] for row in kit.http(endpoint, "GET", "/v1/models")[1]["data"]]
    assert {"openai.gpt-oss-120b", "anthropic.claude-haiku-4-5", "openai.gpt-5.6-sol", "qwen.qwen3-32b"} <= set(names)
    assert not [name for name in names if ":" in name or name.startswith("amazon.")]
    assert kit.http(endpoint, "GET", "/v1/models/openai.gpt-5.6-sol")[1]["owned_by"] == "openai"


# -- what is refused ----------------------------------------------------------------------------------------

CHAT = {"messages": [{"role": "user", "content": "Hi"}]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            "/openai/v1/responses",
            {"prompt_cache_options": {"ttl": "1h"}},
            "Invalid value: '1h'. Supported values are: '30m'.",
        ),
        (
            "/openai/v1/responses",
            {"prompt_cache_options": {"ttl": "5m"}},
            "Invalid value: '5m'. Supported values are: '30m'.",
        ),
        (
            "/openai/v1/responses",
            {"model": "openai.gpt-5.5", "prompt_cache_options": {"mode": "explicit"}},
            "prompt_cache_options is not supported on this model",
        ),
        ("/openai/v1/responses", {"model": None}, "Missing required parameter: 'model'."),
        (
            "/openai/v1/responses",
            {"model": "us.openai.gpt-5.6-sol", "background": True},
            "The background parameter is not supported.",
        ),
        (
            "/openai/v1/responses",
            {"input": [{"type": "agent_message", "text": "x"}]},
            "Invalid 'input': value did not match any expected variant",
        ),
    ],
)
def test_recorded_refusals_of_responses(post, path, body, message):
    """sample-per-model-bedrock notebooks 01 and 04; litellm 38489 for the items of Codex."""
    assert error_of(post(path, {**responses(), **body})) == (400, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"max_tokens": 5}, "Unsupported parameter: 'max_tokens' is not supported with this model"),
        ({"reasoning_effort": "minimal"}, "'minimal'"),
        ({"tools": [TOOL], "reasoning_effort": "low"}, "Function tools with reasoning_effort are not supported"),
        ({"service_tier": "flex"}, "flex"),
    ],
)
def test_recorded_refusals_of_chat(post, body, message):
    status, told = error_of(post("/openai/v1/chat/completions", {"model": "openai.gpt-5.6-luna", **CHAT, **body}))
    assert (status, message in told) == (400, True)


@pytest.mark.parametrize(
    ("model", "taken", "refused"),
    [
        ("openai.gpt-5.6-sol", ("none", "low", "medium", "high"), ("minimal", "xhigh", "max")),
        ("openai.gpt-5.5", ("none", "high"), ("minimal", "xhigh")),
        ("openai.gpt-6-luna", ("none", "high", "xhigh", "max"), ("minimal",)),
        ("google.gemma-4-31b", ("none", "high"), ("minimal", "xhigh")),
        ("xai.grok-4.3", ("none", "high"), ("minimal", "xhigh")),
        ("us.xai.grok-4.6", ("none", "high", "xhigh"), ("minimal", "max")),
    ],
)
def test_efforts_of_reasoning_by_model(post, model, taken, refused):
    """sample-per-model-bedrock 01-openai-gpt/01, 03-google-gemma/01 and 11-xai-grok; the card of GPT-6 Luna."""
    told = {}
    for effort in (*taken, *refused):
        asked = {"model": model, "input": "Hi", "reasoning": {"effort": effort}}
        told[effort] = post("/openai/v1/responses", asked)
    assert [effort for effort, (status, _) in told.items() if status == 200] == list(taken)
    words = f"Unsupported value: '{refused[0]}' is not supported with the '{model}' model"
    assert error_of(told[refused[0]])[1].startswith(words)


def test_recorded_refusals_of_messages(post):
    body = {"model": "anthropic.claude-sonnet-5", "max_tokens": 9, **CHAT}
    status, told = post("/anthropic/v1/messages", {**body, "temperature": 0.5})
    assert (status, told["type"]) == (400, "error")
    assert told["error"] == {"type": "invalid_request_error", "message": "`temperature` is deprecated for this model."}
    assert told["request_id"]
    del body["max_tokens"]
    assert error_of(post("/anthropic/v1/messages", body)) == (400, "max_tokens: Field required")
    form = {**body, "max_tokens": 9, "output_config": {"format": {"type": "json_schema"}}}
    assert error_of(post("/anthropic/v1/messages", form, **MANTLE))[1].endswith("Extra inputs are not permitted")


def test_a_tier_that_no_request_may_name(post):
    """sample-per-model-bedrock 00-foundations/03, whose output was cut off after the beginning of 'flex'."""
    asked = {"model": "google.gemma-4-31b", "input": "Hi", "service_tier": "reserved"}
    status, told = error_of(post("/openai/v1/responses", asked))
    assert (status, told[:70]) == (400, "Invalid value: 'reserved'. Supported values are: 'auto', 'default', 'f")


def test_an_error_of_openais_shape_is_whole(post):
    """As vercel/ai recorded it."""
    told = post("/v1/chat/completions", {"model": "google.gemma-4-31b", **CHAT})[1]
    assert told == {
        "error": {
            "code": "validation_error",
            "message": "model `google.gemma-4-31b` isn't supported on this route",
            "param": None,
            "type": "invalid_request_error",
        }
    }


def test_faults_and_quotas_have_the_surfaces_shape(endpoint, kit, post):
    kit.control(endpoint, "POST", "faults", {"kind": "error", "code": "ThrottlingException", "count": 1})
    status, told = post("/openai/v1/responses", responses())
    assert (status, told["error"]["code"]) == (429, "rate_limit_exceeded")
    assert post("/openai/v1/responses", responses())[0] == 200


# -- what is kept -------------------------------------------------------------------------------------------


def test_a_reply_is_kept_and_gone_on_from(endpoint, kit, post):
    """The next request is counted with all that came before, and reads it; unkept and unknown ones are not found."""
    first = post("/openai/v1/responses", responses(input=f"{RULES}\n\nHow long for Rule 7?"))[1]
    assert first["usage"]["input_tokens_details"]["cache_write_tokens"] > 1024
    assert kit.http(endpoint, "GET", f"/openai/v1/responses/{first['id']}")[1] == first
    second = post("/openai/v1/responses", responses(input="And Rule 8?", previous_response_id=first["id"]))[1]
    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    assert second["usage"]["input_tokens_details"]["cached_tokens"] == first["usage"]["input_tokens"] - 2
    third = post("/openai/v1/responses", responses(input="And 9?", previous_response_id=second["id"], store=False))[1]
    gone = post("/openai/v1/responses", responses(previous_response_id=third["id"]))
    assert error_of(gone) == (404, "Response not found.")
    assert kit.http(endpoint, "DELETE", f"/openai/v1/responses/{first['id']}")[1]["deleted"] is True
    assert kit.http(endpoint, "GET", f"/openai/v1/responses/{first['id']}")[0] == 404


def test_a_reply_in_the_background_can_be_fetched_and_cancelled(endpoint, kit, post):
    status, told = post("/openai/v1/responses", responses(background=True), **MANTLE)
    assert status == 200
    assert kit.http(endpoint, "POST", f"/openai/v1/responses/{told['id']}/cancel", {})[0] == 200
    plain = post("/openai/v1/responses", responses())[1]
    assert kit.http(endpoint, "POST", f"/openai/v1/responses/{plain['id']}/cancel", {})[0] == 400


# -- what is answered ---------------------------------------------------------------------------------------


def test_every_surface_answers_from_the_prompt(post):
    question = "What does the lighthouse cost?"
    known = f"{RULES} The lighthouse costs 700 crowns."
    said = post("/openai/v1/responses", responses(instructions=known, input=question))[1]
    assert "700 crowns" in said["output"][0]["content"][0]["text"]
    messages = [{"role": "system", "content": known}, {"role": "user", "content": question}]
    chat = post("/openai/v1/chat/completions", {"model": "openai.gpt-5.6-luna", "messages": messages})[1]
    assert "700 crowns" in chat["choices"][0]["message"]["content"]
    body = {"model": "anthropic.claude-sonnet-5", "max_tokens": 99, "system": known}
    claude = post("/anthropic/v1/messages", {**body, "messages": messages[1:]})[1]
    assert "700 crowns" in claude["content"][0]["text"]
    assert (claude["model"], claude["id"][:9]) == ("claude-sonnet-5", "msg_bdrk_")


def test_a_tool_loop_on_responses(post):
    tool = {
        "type": "function",
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    told = post("/openai/v1/responses", responses(input=asked, tools=[tool], tool_choice="required"))[1]
    call = told["output"][0]
    assert (call["type"], call["call_id"], call["name"]) == ("function_call", "call_0", "get_weather")
    json.loads(call["arguments"])
    answered = [*asked, call, {"type": "function_call_output", "call_id": "call_0", "output": "It rains in Paris."}]
    last = post("/openai/v1/responses", responses(input=answered, tools=[tool]))[1]
    assert "rains" in last["output"][0]["content"][0]["text"]


def test_encrypted_reasoning_comes_and_is_taken_again(post):
    thought = {"reasoningContent": {"reasoningText": {"text": "Let me see."}}}
    script = json.dumps({"content": [thought, {"text": "Yes."}]})
    asked = responses(include=["reasoning.encrypted_content"], store=False)
    told = post("/openai/v1/responses", asked, x_rockbottom_reply=script)[1]
    assert [item["type"] for item in told["output"]] == ["reasoning", "message"]
    assert told["output"][0]["encrypted_content"].startswith("rsn_")
    assert told["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    history = [{"role": "user", "content": "So?"}, *told["output"], {"role": "user", "content": "Sure?"}]
    assert post("/openai/v1/responses", responses(input=history, store=False))[0] == 200


def test_streams_say_what_whole_replies_say(post):
    whole = post("/openai/v1/responses", responses())[1]
    events = frames_of(post("/openai/v1/responses", responses(stream=True))[1])
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["usage"] == whole["usage"]
    assert events[0]["response"]["service_tier"] == "auto"
    assert events[-1]["response"]["service_tier"] == "default"
    chat = {"model": "openai.gpt-5.6-luna", **CHAT}
    chunks = frames_of(post("/openai/v1/chat/completions", {**chat, "stream": True})[1])
    assert not [chunk for chunk in chunks if chunk["usage"]]
    asked = {**chat, "stream": True, "stream_options": {"include_usage": True}}
    last = frames_of(post("/openai/v1/chat/completions", asked)[1])[-1]
    assert (last["choices"], last["usage"]) == ([], post("/openai/v1/chat/completions", chat)[1]["usage"])


def test_tokens_are_counted_for_messages_on_mantle(post):
    """sample-per-model-bedrock: "Hi" is 9 tokens for Sonnet 5; bedrock-runtime has no such path."""
    body = {"model": "anthropic.claude-sonnet-5", "messages": [{"role": "user", "content": "Hi"}]}
    assert post("/anthropic/v1/messages/count_tokens", body) == (200, {"input_tokens": 9})
    profile = {**body, "model": "us.anthropic.claude-sonnet-5"}
    assert post("/anthropic/v1/messages/count_tokens", profile)[1]["Version"] == "1.0"


def test_a_stream_that_breaks_ends_in_the_surfaces_own_words(endpoint, kit, post):
    fault = {"kind": "cut", "code": "InternalServerException", "after_events": 2, "count": 1}
    kit.control(endpoint, "POST", "faults", fault)
    events = frames_of(post("/openai/v1/responses", responses(stream=True))[1])
    assert events[-1]["error"]["type"] == "server_error"


def test_points_that_claude_does_not_take_are_refused(post):
    marked = [{"type": "text", "text": f"part {n}", "cache_control": {"type": "ephemeral"}} for n in range(5)]
    body = {"model": "anthropic.claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": marked}]}
    status, told = post("/anthropic/v1/messages", body)
    assert (status, told["type"]) == (400, "error")


def test_members_that_messages_takes_and_invoke_model_does_not(endpoint, post, kit):
    """vercel/ai 13992: cache_control of a whole body is refused on InvokeModel; a beta's member wants its header."""
    body = {"max_tokens": 9, "cache_control": {"type": "ephemeral"}, **CHAT}
    invoked = {"anthropic_version": "bedrock-2023-05-31", **body}
    status, told, _ = kit.http(endpoint, "POST", f"/model/{kit.SONNET}/invoke", invoked)
    assert (status, told["message"]) == (400, "cache_control: Extra inputs are not permitted")
    asked = {"model": "anthropic.claude-sonnet-5", **body}
    assert post("/anthropic/v1/messages", asked)[0] == 200
    managed = {**asked, "context_management": {}}
    refused = (400, "context_management: Extra inputs are not permitted")
    assert error_of(post("/anthropic/v1/messages", managed)) == refused
    assert post("/anthropic/v1/messages", managed, **{"anthropic-beta": "context-management-2025-06-27"})[0] == 200
