"""What is known of the surfaces beyond the recorded cases, statement by statement, over HTTP.

Each test names where the statement is from: AWS's user guide (responses: inference-responses-api; chat:
inference-chat-completions; messages: inference-messages-api; caching: prompt-caching; batch: inference-openai-batch),
sample-per-model-bedrock (aws-samples, notebooks of 2026-08-22), a provider survey of 2026-09-25, a field test of
2026-06-03, cassettes of pydantic-ai and rig (2026-07) and fixtures of vercel/ai (2026-09).
"""

import gzip
import json

import pytest

from rockbottom.local import running

RUNTIME = {"host": "bedrock-runtime.us-east-1.amazonaws.com"}
MANTLE = {"host": "bedrock-mantle.us-east-1.api.aws"}
SOL, LUNA, OSS, SONNET = "openai.gpt-5.6-sol", "openai.gpt-5.6-luna", "openai.gpt-oss-120b", "anthropic.claude-sonnet-5"
RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))
ASK = [{"role": "user", "content": "How long may a book be kept?"}]
EXPLICIT = {"mode": "explicit"}
UNKNOWN_ON_RUNTIME = {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "The weather in a city.", "parameters": CITY}


class Asked:
    """Sends requests to one endpoint, each to the host that it names."""

    def __init__(self, endpoint, kit):
        self.endpoint, self.kit = endpoint, kit

    def __call__(self, method, path, body=None, headers=MANTLE, **more):
        named = {name.replace("_", "-"): value for name, value in more.items()}
        given = {"content-type": "application/json", **headers, **named}
        return self.kit.http(self.endpoint, method, path, body, given)

    def responses(self, model, path="/openai/v1/responses", headers=MANTLE, named=None, **body):
        return self("POST", path, {"model": model, "input": ASK, **body}, {**headers, **(named or {})})

    def chat(self, model, path="/openai/v1/chat/completions", headers=MANTLE, named=None, **body):
        return self("POST", path, {"model": model, "messages": ASK, **body}, {**headers, **(named or {})})

    def messages(self, model, path="/anthropic/v1/messages", headers=MANTLE, named=None, **body):
        body = {"model": model, "max_tokens": 50, "messages": ASK, **body}
        return self("POST", path, body, {**headers, **(named or {})})


@pytest.fixture
def ask(endpoint, kit):
    return Asked(endpoint, kit)


def words(answer):
    return answer[1]["error"]["message"]


def usage(answer):
    status, told, _ = answer
    assert status == 200, told
    return told["usage"]


def cached(answer):
    """Tokens written and read of a reply on any surface."""
    counts = usage(answer)
    if "cache_read_input_tokens" in counts:
        return counts["cache_creation_input_tokens"], counts["cache_read_input_tokens"]
    details = counts.get("input_tokens_details") or counts["prompt_tokens_details"]
    return details["cache_write_tokens"], details["cached_tokens"]


def frames(answer):
    """Name and data of each frame of a stream."""
    status, raw, _ = answer
    assert status == 200, raw
    events = []
    for frame in raw.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in frame.splitlines())
        events.append((fields.get("event"), fields["data"]))
    return events


# -- hosts and paths (1.1) -----------------------------------------------------------------------------------


def test_responses_are_listed_on_bedrock_runtime(ask):
    """sample-per-model-bedrock: "GET list answers 200"."""
    first = ask.responses(f"us.{SOL}", headers=RUNTIME)[1]
    status, told, _ = ask("GET", "/openai/v1/responses", headers=RUNTIME)
    assert (status, told["object"], told["data"][0]["id"]) == (200, "list", first["id"])


@pytest.mark.parametrize("path", ["/openai/v1/models", "/v1/models", "/v2/models", "/"])
def test_bedrock_runtime_lists_no_models(ask, path):
    """chat, the later of two texts: no GET /models there; an unknown path is a 200 (vercel/ai 17523)."""
    assert ask("GET", path, headers=RUNTIME)[:2] == (200, UNKNOWN_ON_RUNTIME)


@pytest.mark.parametrize("path", [
    "/openai/v1/models", "/openai/v1/conversations", "/v1/conversations", "/v1/responses/resp_1/input_items",
    "/openai/v1/responses/resp_1/input_items",
])  # fmt: skip
def test_paths_that_bedrock_mantle_does_not_have_are_an_empty_404(ask, path):
    """sample-per-model-bedrock: models below /v1 alone, no input items, no Conversations API; field test: no body."""
    assert ask("GET", path)[:2] == (404, b"")
    assert ask("POST", path, {})[:2] == (404, b"")


def test_a_model_of_bedrock_mantle_tells_its_status_and_data_retention(ask):
    """sample-per-model-bedrock, 00-foundations."""
    row = ask("GET", f"/v1/models/{SOL}")[1]
    assert (row["id"], row["object"]) == (SOL, "model")
    assert {"status", "data_retention"} <= set(row)
    status, told, _ = ask("GET", "/v1/models/openai.gpt-9")
    assert (status, told["error"]["message"]) == (404, "The model 'openai.gpt-9' does not exist")


LISTED = [
    "deepseek.v3.1", "deepseek.v3.2", "google.gemma-3-12b-it", "google.gemma-3-27b-it", "google.gemma-3-4b-it",
    "google.gemma-4-26b-a4b", "google.gemma-4-31b", "google.gemma-4-e2b", "minimax.minimax-m2",
    "minimax.minimax-m2.1", "minimax.minimax-m2.5", "mistral.devstral-2-123b", "mistral.magistral-small-2509",
    "mistral.ministral-3-14b-instruct", "mistral.ministral-3-3b-instruct", "mistral.ministral-3-8b-instruct",
    "mistral.mistral-large-3-675b-instruct", "mistral.voxtral-mini-3b-2507", "mistral.voxtral-small-24b-2507",
    "moonshotai.kimi-k2-thinking", "moonshotai.kimi-k2.5", "nvidia.nemotron-nano-12b-v2",
    "nvidia.nemotron-nano-3-30b", "nvidia.nemotron-nano-9b-v2", "nvidia.nemotron-super-3-120b", "openai.gpt-5.4",
    "openai.gpt-5.5", "openai.gpt-5.6-luna", "openai.gpt-5.6-sol", "openai.gpt-5.6-terra", "openai.gpt-oss-120b",
    "openai.gpt-oss-20b", "openai.gpt-oss-safeguard-120b", "openai.gpt-oss-safeguard-20b",
    "qwen.qwen3-235b-a22b-2507", "qwen.qwen3-32b", "qwen.qwen3-coder-30b-a3b-instruct",
    "qwen.qwen3-coder-480b-a35b-instruct", "qwen.qwen3-coder-next", "qwen.qwen3-next-80b-a3b-instruct",
    "qwen.qwen3-vl-235b-a22b-instruct", "writer.palmyra-vision-7b", "xai.grok-4.3", "zai.glm-4.7",
    "zai.glm-4.7-flash", "zai.glm-5", "anthropic.claude-fable-5", "anthropic.claude-haiku-4-5",
    "anthropic.claude-opus-4-7", "anthropic.claude-opus-4-8", "anthropic.claude-opus-5",
    "anthropic.claude-sonnet-5",
]  # fmt: skip


def test_models_of_bedrock_mantle_have_the_ids_of_its_own_list(ask):
    """00-foundations/01 on 2026-08-22: 55, of which two are dated aliases and one, GLM 4.6, is in no price list."""
    names = {row["id"] for row in ask("GET", "/v1/models")[1]["data"]}
    assert set(LISTED) <= names
    vendors = {name.partition(".")[0] for name in names}
    assert vendors == {name.partition(".")[0] for name in LISTED}
    assert not {"ai21", "amazon", "cohere", "meta", "moonshot", "twelvelabs"} & vendors  # "families only on runtime"
    for name in LISTED:
        assert ask("GET", f"/v1/models/{name}")[1]["id"] == name
    for dated in ("openai.gpt-5.4-2026-03-05", "openai.gpt-5.5-2026-04-23"):
        assert ask.responses(dated)[0] == 200
        assert ask("GET", f"/v1/models/{dated}")[1]["id"] == dated
        assert dated in names
    assert ask.chat("qwen.qwen3-coder-30b-a3b-v1:0", "/v1/chat/completions")[0] == 404
    assert ask.chat("qwen.qwen3-coder-30b-a3b-v1:0", headers=RUNTIME)[0] == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/files", "/v1/fine_tuning/jobs", "/v1/organization/projects",
                                  "/v1/data_retention"])  # fmt: skip
def test_the_control_plane_of_bedrock_mantle_is_below_v1(ask, path):
    """sample-per-model-bedrock: "control plane only under /v1"."""
    assert ask("GET", path)[0] == 200
    assert ask("GET", f"/openai{path}")[:2] == (404, b"")


def test_batches_are_bedrock_runtimes_alone(ask):
    """batch: "runtime only"."""
    for path in ("/openai/v1/batches", "/v1/batches"):
        assert ask("POST", path, {})[:2] == (404, b"")
    assert ask("GET", "/openai/v1/batches", headers=RUNTIME)[0] == 200


# -- which API takes which model (1.2), and ids (1.3) --------------------------------------------------------


@pytest.mark.parametrize("model", [
    "openai.gpt-oss-20b", "qwen.qwen3-32b", "deepseek.v3.1", "moonshotai.kimi-k2-thinking", "google.gemma-3-27b-it",
    "zai.glm-4.7", "minimax.minimax-m2", "mistral.mistral-large-3-675b-instruct",
])  # fmt: skip
def test_models_without_a_path_family_of_openais_speak_chat_below_v1(ask, model):
    """sample-per-model-bedrock: every id but Claude's on Chat; "the rest" below /v1."""
    assert usage(ask.chat(model, "/v1/chat/completions"))["total_tokens"] > 0
    assert ask.chat(model)[0] == 400


@pytest.mark.parametrize("model", [SOL, "google.gemma-4-31b", "xai.grok-4.3", "openai.gpt-5.5"])
def test_models_of_the_path_family_of_openai_speak_chat_there_alone(ask, model):
    assert ask.chat(model)[0] == 200
    assert words(ask.chat(model, "/v1/chat/completions")) == f"model `{model}` isn't supported on this route"


@pytest.mark.parametrize("model", [f"us.{SOL}", "openai.gpt-oss-120b-1:0", "us.xai.grok-4.6", "qwen.qwen3-32b-v1:0",
                                   "moonshot.kimi-k2-thinking", "global.openai.gpt-5.6-luna"])  # fmt: skip
def test_bedrock_runtime_speaks_chat_with_its_own_ids(ask, model):
    """sample-per-model-bedrock; ids with a version, and profiles."""
    status, told, _ = ask.chat(model, headers=RUNTIME)
    assert (status, told["model"]) == (200, model)


def test_gemma_4_is_bedrock_mantles_alone(ask):
    """sample-per-model-bedrock: "Mantle-only in Aug: ... gemma-4"."""
    assert ask.chat("google.gemma-4-31b", headers=RUNTIME)[0] in (400, 404)
    assert ask.chat("google.gemma-4-31b")[0] == 200


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/openai/v1/responses", "/v1/chat/completions",
                                  "/v1/responses"])  # fmt: skip
def test_claude_speaks_neither_api_of_openais_on_either_host(ask, path):
    """sample-per-model-bedrock: "Claude never on Responses/Chat"."""
    body = {"messages": ASK, "input": "Hi"}
    status, told, _ = ask("POST", path, {"model": SONNET, **body})
    assert (status, told["error"]["message"]) == (400, f"The model '{SONNET}' does not support the '{path}' API")
    if path.startswith("/openai"):
        assert ask("POST", path, {"model": f"us.{SONNET}", **body}, RUNTIME)[0] in (400, 404)


def test_messages_is_claudes_alone(ask):
    """sample-per-model-bedrock: "/anthropic/v1/messages ...: anthropic.* only"; the error has Anthropic's shape."""
    status, told, _ = ask.messages(OSS)
    assert (status, told["type"], told["error"]["type"]) == (400, "error", "invalid_request_error")
    assert told["request_id"]


def test_bedrock_runtime_speaks_messages_by_profiles(ask):
    """sample-per-model-bedrock: "newest Claude, only by us.|eu.|au.|jp.|global. profile"."""
    for prefix in ("us", "global"):
        assert ask.messages(f"{prefix}.anthropic.claude-opus-5", headers=RUNTIME)[0] == 200
    status, told, _ = ask.messages("anthropic.claude-opus-5", headers=RUNTIME)
    assert (status, told["type"]) == (400, "error")


@pytest.mark.parametrize(("sent", "echoed"), [
    (SONNET, "claude-sonnet-5"), ("anthropic.claude-haiku-4-5", "claude-haiku-4-5-20251001"),
])  # fmt: skip
def test_messages_names_the_model_without_its_vendor(ask, sent, echoed):
    """sample-per-model-bedrock: echo without the vendor's prefix, ids of msg_bdrk_."""
    told = ask.messages(sent)[1]
    assert (told["model"], told["id"].startswith("msg_bdrk_"), told["type"]) == (echoed, True, "message")


def test_openais_shapes_name_the_model_as_it_was_asked_for(ask):
    assert ask.responses("openai.gpt-5.5-2026-04-23")[1]["model"] == "openai.gpt-5.5-2026-04-23"
    assert ask.chat(f"global.{SOL}", headers=RUNTIME)[1]["model"] == f"global.{SOL}"


# -- what fails (1.6) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [SOL, "openai.gpt-5.6-terra", "openai.gpt-6-luna"])
def test_gpt_5_6_takes_max_tokens_on_neither_api(ask, model):
    """sample-per-model-bedrock 01-openai-gpt/01: max_completion_tokens and max_output_tokens instead."""
    for answer in (ask.chat(model, max_tokens=20), ask.responses(model, max_tokens=20)):
        assert (answer[0], "'max_tokens' is not supported with this model" in words(answer)) == (400, True)
    assert ask.chat(model, max_completion_tokens=20)[0] == 200
    assert ask.responses(model, max_output_tokens=20)[0] == 200


@pytest.mark.parametrize(("model", "family"), [
    ("openai.gpt-5.5", "/openai/v1"), ("openai.gpt-5.4", "/openai/v1"), ("google.gemma-4-31b", "/openai/v1"),
    (OSS, "/v1"), ("moonshotai.kimi-k2.5", "/v1"), ("qwen.qwen3-32b", "/v1"),
])  # fmt: skip
def test_other_models_take_max_tokens(ask, model, family):
    """The same notebook for GPT-5.4 and 5.5, 03-google-gemma/01 for Gemma 4: 200 on 2026-08-22."""
    assert ask.chat(model, f"{family}/chat/completions", max_tokens=20)[0] == 200


def test_gpt_oss_chooses_its_tools_itself(ask):
    """01-openai-gpt/03: none and required are refused by name on Responses; GPT-5.6 takes all."""
    tools = [{"type": "function", **WEATHER}]
    for choice in ("none", "required"):
        answer = ask.responses(OSS, "/v1/responses", tools=tools, tool_choice=choice)
        words_told = f"The model '{OSS}' does not support tool_choice '\"{choice}\"' for /v1/responses API. Sup"
        assert (answer[0], words(answer).startswith(words_told)) == (400, True)
        assert ask.responses(SOL, tools=tools, tool_choice=choice)[0] == 200
    assert ask.responses(OSS, "/v1/responses", tools=tools, tool_choice="auto")[0] == 200


@pytest.mark.parametrize("model", ["google.gemma-4-31b", "xai.grok-4.3"])
def test_web_search_is_for_gpt_alone(ask, model):
    """01-openai-gpt/02."""
    answer = ask.responses(model, tools=[{"type": "web_search"}])
    assert (answer[0], words(answer)) == (400, f"Tool type 'web_search' is not supported for model `{model}`.")


def test_safeguard_models_speak_chat_alone(ask):
    """14-openai-gpt-oss/01."""
    assert ask.chat("openai.gpt-oss-safeguard-20b", "/v1/chat/completions")[0] == 200
    assert ask.responses("openai.gpt-oss-safeguard-20b", "/v1/responses")[0] == 400


def test_kinds_of_thinking_by_model(ask):
    """02-anthropic-claude/02: adaptive not on Haiku 4.5, a budget not on Sonnet 5, and what may stand beside it."""
    adaptive, budget = {"type": "adaptive"}, {"type": "enabled", "budget_tokens": 1024}
    for model, status in ((SONNET, 200), ("anthropic.claude-opus-4-8", 200), ("anthropic.claude-haiku-4-5", 400)):
        assert ask.messages(model, thinking=adaptive)[0] == status
    refused = {"thinking": adaptive}, {"thinking": budget, "max_tokens": 2000}
    assert words(ask.messages("anthropic.claude-haiku-4-5", **refused[0])) == (
        "adaptive thinking is not supported on this model"
    )
    told = '"thinking.type.enabled" is not supported for this model.'
    assert words(ask.messages(SONNET, **refused[1])).startswith(told)
    assert words(ask.messages(SONNET, thinking=adaptive, temperature=0.5)).startswith(
        "`temperature` may only be set to 1 when thinking is enabled or in adap"
    )
    assert words(ask.messages(SONNET, thinking=adaptive, top_p=0.9)).startswith(
        "`top_p` must be greater than or equal to 0.95 or unset when thinking i"
    )


def test_a_tool_of_a_beta_wants_its_header(ask):
    """02-anthropic-claude/03: the type without the header is a 400, the header without the type is passed over."""
    tools = [{"type": "computer_20251124", "name": "computer", "display_width_px": 1024, "display_height_px": 768}]
    answer = ask.messages("anthropic.claude-opus-4-8", tools=tools)
    told = "tools.0: Input tag 'computer_20251124' found using 'type' does not mat"
    assert (answer[0], words(answer).startswith(told)) == (400, True)
    header = {"anthropic-beta": "computer-use-2025-11-24"}
    assert ask.messages("anthropic.claude-opus-4-8", tools=tools, named=header)[0] == 200
    assert ask.messages("anthropic.claude-opus-4-8", named=header)[0] == 200


@pytest.mark.parametrize(("model", "status"), [
    ("openai.gpt-oss-120b-1:0", 404), ("qwen.qwen3-32b-v1:0", 404), ("zai.glm-5", 400), ("deepseek.v3.2", 400),
])  # fmt: skip
def test_models_that_do_not_speak_responses_on_bedrock_runtime(ask, model, status):
    """00-foundations/01 and 04: not found under an id of its own, refused under one that bedrock-mantle has too."""
    assert ask.responses(model, headers=RUNTIME)[0] == status


def test_a_bare_id_that_only_profiles_reach(ask):
    """11-xai-grok/02, on Responses of bedrock-runtime; a profile of another part of the world is no identifier."""
    answer = ask.responses("xai.grok-4.6", headers=RUNTIME)
    told = "Invocation of model ID xai.grok-4.6 with on-demand throughput "
    assert (answer[0], words(answer).startswith(told)) == (400, True)
    frankfurt = {"host": "bedrock-runtime.eu-central-1.amazonaws.com"}
    answer = ask.responses("us.xai.grok-4.6", headers=frankfurt)
    assert (answer[0], words(answer)) == (400, "The provided model identifier is invalid.")
    assert ask.responses("global.xai.grok-4.6", headers=frankfurt)[0] == 200


@pytest.mark.parametrize("more", [{"max_output_tokens": 15}, {"top_p": 0.9}, {"reasoning": {"effort": "minimal"}}])
def test_parameters_that_gpt_does_not_take_on_responses(ask, more):
    """sample-per-model-bedrock: max_output_tokens < 16, top_p, effort minimal: 400; on both hosts."""
    assert ask.responses(SOL, **more)[0] == 400
    assert ask.responses(f"us.{SOL}", headers=RUNTIME, **more)[0] == 400
    assert ask.responses(SOL, max_output_tokens=16)[0] == 200


def test_tools_on_chat_need_reasoning_to_be_off(ask):
    """sample-per-model-bedrock: "use /v1/responses or set reasoning_effort to 'none'"."""
    tools = [{"type": "function", "function": WEATHER}]
    for host, model in ((MANTLE, SOL), (RUNTIME, f"us.{SOL}")):
        refused = ask.chat(model, headers=host, tools=tools, reasoning_effort="high")
        assert (refused[0], "set reasoning_effort to 'none'" in words(refused)) == (400, True)
        assert ask.chat(model, headers=host, tools=tools, reasoning_effort="none")[0] == 200
        assert ask.chat(model, headers=host, reasoning_effort="high")[0] == 200


def test_temperature_is_refused_from_claude_4_7_on(ask):
    """sample-per-model-bedrock: "... is deprecated for this model"."""
    for model in (SONNET, "anthropic.claude-opus-4-7"):
        answer = ask.messages(model, temperature=0.2)
        assert (answer[0], words(answer).endswith("is deprecated for this model.")) == (400, True)
    assert ask.messages("anthropic.claude-haiku-4-5", temperature=0.2)[0] == 200


def test_betas_that_are_known_are_taken_and_others_refused(ask):
    """sample-per-model-bedrock: three betas seen working as a header; "unknown anthropic-beta 400"."""
    for beta in ("computer-use-2025-11-24", "context-management-2025-06-27", "thinking-binding-controls-2026-08-01"):
        assert ask.messages(SONNET, named={"anthropic-beta": beta})[0] == 200
    for named in ("no-such-beta-2026-01-01", "context-management-2025-06-27,no-such-beta-2026-01-01"):
        answer = ask.messages(SONNET, named={"anthropic-beta": named})
        assert (answer[0], "no-such-beta-2026-01-01" in words(answer)) == (400, True)


def test_fallbacks_are_refused(ask):
    """sample-per-model-bedrock: "fallbacks 400"."""
    assert ask.messages(SONNET, fallbacks=[{"model": "anthropic.claude-haiku-4-5"}])[0] == 400


@pytest.mark.parametrize(("kind", "runtime", "mantle"), [
    ("custom", 200, 200), ("namespace", 200, 200), ("tool_search", 200, 200), ("mcp", 200, 200),
    ("web_search", 400, 200), ("apply_patch", 200, 400), ("computer", 200, 400), ("file_search", 400, 400),
])  # fmt: skip
def test_types_of_tools_by_host(ask, kind, runtime, mantle):
    """responses: runtime has apply_patch and computer, mantle web_search; function, mcp and the others are on both."""
    tools = [{"type": kind, "name": "t", "server_label": "s", "server_url": "https://example.com/mcp"}]
    assert ask.responses(f"us.{SOL}", headers=RUNTIME, tools=tools)[0] == runtime
    assert ask.responses(SOL, tools=tools)[0] == mantle


def test_images_of_bedrock_runtime_are_data_or_s3(ask):
    """litellm 1.110.2: "Runtime images only data: or s3://"."""
    for url, status in (("https://example.com/a.png", 400), ("data:image/png;base64,iVBORw0KGgo=", 200)):
        content = [{"type": "input_image", "image_url": url}, {"type": "input_text", "text": "What is it?"}]
        told = ask.responses(f"us.{SOL}", headers=RUNTIME, input=[{"role": "user", "content": content}])
        assert told[0] == status


@pytest.mark.parametrize("kind", ["agent_message", "context_compaction", "local_shell_call"])
def test_items_of_codex_that_neither_host_reads(ask, kind):
    """litellm 38489."""
    items = [*ASK, {"type": kind, "id": "x"}]
    for host, model in ((MANTLE, SOL), (RUNTIME, f"us.{SOL}")):
        answer = ask.responses(model, headers=host, input=items)
        assert (answer[0], words(answer)) == (400, "Invalid 'input': value did not match any expected variant")


# -- what is kept (1.7) --------------------------------------------------------------------------------------


def test_replies_are_stored_unless_the_request_forbids_it(ask):
    """responses: "store defaults to true"; DELETE, then the reply is found no more."""
    for host, model in ((MANTLE, SOL), (RUNTIME, f"us.{SOL}")):
        told = ask.responses(model, headers=host)[1]
        place = f"/openai/v1/responses/{told['id']}"
        assert (told["store"], ask("GET", place, headers=host)[1]["id"]) == (True, told["id"])
        assert ask("DELETE", place, headers=host)[0] == 200
        gone = ask("GET", place, headers=host)
        assert (gone[0], words(gone)) == (404, "Response not found.")
        assert ask("DELETE", place, headers=host)[0] == 404
        assert words(ask.responses(model, headers=host, previous_response_id=told["id"])) == "Response not found."
        unkept = ask.responses(model, headers=host, store=False)[1]
        assert (unkept["store"], ask("GET", f"/openai/v1/responses/{unkept['id']}", headers=host)[0]) == (False, 404)


def test_gpt_oss_names_the_reply_that_is_not_found(ask):
    """14-openai-gpt-oss/01."""
    unkept = ask.responses(OSS, "/v1/responses", store=False)[1]
    gone = ask.responses(OSS, "/v1/responses", previous_response_id=unkept["id"])
    assert (gone[0], words(gone)) == (404, f"Response '{unkept['id']}' not found.")


def test_a_chain_of_three_goes_on_from_its_middle(ask):
    """What came before is counted each time; a branch does not see its sibling."""
    first = ask.responses(SOL, instructions="Be short.")[1]
    second = ask.responses(SOL, input="And a film?", previous_response_id=first["id"])[1]
    third = ask.responses(SOL, input="And a map?", previous_response_id=second["id"])[1]
    branch = ask.responses(SOL, input="And a map?", previous_response_id=first["id"])[1]
    sizes = [told["usage"]["input_tokens"] for told in (first, second, third, branch)]
    assert sizes[1] > sizes[0]
    assert sizes[2] > sizes[1]
    assert sizes[3] < sizes[2]


def test_a_follow_up_names_its_model_on_both_hosts(ask):
    """sample-per-model-bedrock: "Follow-up without model: 400 on both live"."""
    for host, model in ((MANTLE, SOL), (RUNTIME, f"us.{SOL}")):
        told = ask.responses(model, headers=host)[1]
        body = {"input": "Go on.", "previous_response_id": told["id"]}
        answer = ask("POST", "/openai/v1/responses", body, host)
        assert (answer[0], words(answer)) == (400, "Missing required parameter: 'model'.")


def test_background_is_bedrock_mantles(ask):
    """responses: "background: mantle yes; runtime 400"; only such a reply can be cancelled."""
    assert words(ask.responses(f"us.{SOL}", headers=RUNTIME, background=True)) == (
        "The background parameter is not supported."
    )
    told = ask.responses(SOL, background=True)[1]
    assert (told["background"], told["status"], told["usage"], told["output"]) == (True, "in_progress", None, [])
    done = ask("GET", f"/openai/v1/responses/{told['id']}")[1]
    assert (done["status"], done["usage"]["output_tokens"] > 0) == ("completed", True)
    assert ask("POST", f"/openai/v1/responses/{told['id']}/cancel", {})[1]["status"] == "completed"
    other = ask.responses(SOL, background=True)[1]
    assert ask("POST", f"/openai/v1/responses/{other['id']}/cancel", {})[1]["status"] == "cancelled"
    assert ask("GET", f"/openai/v1/responses/{other['id']}")[1]["status"] == "cancelled"
    plain = ask.responses(SOL)[1]
    assert ask("POST", f"/openai/v1/responses/{plain['id']}/cancel", {})[0] == 400
    assert ask("POST", "/openai/v1/responses/resp_none/cancel", {})[0] == 404


def test_encrypted_reasoning_is_replayed_without_anything_stored(ask):
    """pydantic-ai cassettes: ``rsn_`` blobs that go back in the input."""
    more = {"include": ["reasoning.encrypted_content"], "store": False, "reasoning": {"effort": "high"}}
    told = ask.responses(SOL, **more)[1]
    kinds = [item["type"] for item in told["output"]]
    assert kinds == ["reasoning", "message"]
    assert told["output"][0]["encrypted_content"].startswith("rsn_")
    again = ask.responses(SOL, input=[*ASK, *told["output"], *ASK], **more)
    assert usage(again)["input_tokens"] > told["usage"]["input_tokens"]


# -- tiers (1.8) and guardrails (1.9) ------------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["flex", "priority"])
def test_tiers_by_model(ask, tier):
    """sample-per-model-bedrock: gemma-4, gpt-oss, grok and qwen take them, commercial GPT-5 refuses; GPT-6 Luna too."""
    for model in ("google.gemma-4-31b", "xai.grok-4.3"):
        assert ask.chat(model, service_tier=tier)[1]["service_tier"] == tier
    for model in (OSS, "qwen.qwen3-32b"):
        assert ask.chat(model, "/v1/chat/completions", service_tier=tier)[1]["service_tier"] == tier
    for model in (SOL, "openai.gpt-5.5", "openai.gpt-6-luna"):
        assert ask.chat(model, service_tier=tier)[0] == 400
        assert ask.responses(model, service_tier=tier)[0] == 400


def test_a_tier_of_auto_is_resolved_in_the_reply(ask):
    """pydantic-ai cassettes: "auto" in response.created, resolved in response.completed; Claude's is "standard"."""
    told = [json.loads(data) for _, data in frames(ask.responses(SOL, stream=True))]
    assert (told[0]["response"]["service_tier"], told[-1]["response"]["service_tier"]) == ("auto", "default")
    assert usage(ask.messages(SONNET))["service_tier"] == "standard"


@pytest.fixture
def guarded(bedrock):
    """Headers of a guardrail that lets no lawsuit pass."""
    made = bedrock.create_guardrail(
        name="words", blockedInputMessaging="No.", blockedOutputsMessaging="No.",
        wordPolicyConfig={"wordsConfig": [{"text": "lawsuit"}]},
    )  # fmt: skip
    version = bedrock.create_guardrail_version(guardrailIdentifier=made["guardrailId"])["version"]
    named = {"GuardrailIdentifier": made["guardrailId"], "GuardrailVersion": version}
    return {f"X-Amzn-Bedrock-{name}": value for name, value in named.items()}


def test_guardrail_headers_hold_on_chat_and_messages_of_bedrock_runtime(ask, guarded):
    """sample-per-model-bedrock: enforced there."""
    sued = [{"role": "user", "content": "Tell me of the lawsuit."}]
    chat = ask.chat(f"us.{SOL}", headers=RUNTIME, named=guarded, messages=sued)[1]
    assert chat["choices"][0]["message"]["content"] == "No."
    claude = ask.messages(f"us.{SONNET}", headers=RUNTIME, named=guarded, messages=sued)[1]
    assert claude["content"][0]["text"] == "No."


def test_guardrail_headers_are_ignored_elsewhere(ask, guarded):
    """99-cross-cutting/03: "silently ignored, 200", on Responses of bedrock-runtime and all of bedrock-mantle."""
    sued = [{"role": "user", "content": "Tell me of the lawsuit."}]
    unknown = {**guarded, "X-Amzn-Bedrock-GuardrailIdentifier": "abcdefghijkl"}
    assert ask.responses(SOL, named=unknown)[0] == ask.messages(SONNET, named=unknown)[0] == 200
    assert ask.chat(f"us.{SOL}", headers=RUNTIME, named=unknown)[0] != 200
    assert ask.messages(f"us.{SONNET}", headers=RUNTIME, named=unknown)[0] != 200
    for answer in (
        ask.responses(f"us.{SOL}", headers=RUNTIME, named=guarded, input=sued),
        ask.responses(SOL, named=guarded, input=sued),
        ask.chat(SOL, named=guarded, messages=sued),
        ask.messages(SONNET, named=guarded, messages=sued),
    ):
        assert answer[0] == 200
        assert '"No."' not in json.dumps(answer[1])


def test_a_guardrail_in_the_body_is_no_parameter(ask, guarded):
    """sample-per-model-bedrock: "Responses 400 Unknown parameter, Messages 400"."""
    config = {"amazon-bedrock-guardrailConfig": {"guardrailIdentifier": "x", "guardrailVersion": "1"}}
    for host, model in ((MANTLE, SOL), (RUNTIME, f"us.{SOL}")):
        answer = ask.responses(model, headers=host, **config)
        assert (answer[0], words(answer)[:17]) == (400, "Unknown parameter")
    assert ask.messages(f"us.{SONNET}", headers=RUNTIME, **config)[0] == 400
    assert ask.messages(SONNET, **config)[0] == 400


# -- caching (2) ---------------------------------------------------------------------------------------------


def marked(text, kind="input_text"):
    return {"type": kind, "text": text, "prompt_cache_breakpoint": EXPLICIT}


def test_chat_takes_points_of_gpt(ask):
    """The card of GPT-6 Luna: the same field on text parts of Chat."""
    for model in (LUNA, "openai.gpt-6-luna"):
        content = [marked(f"{model} {RULES}", "text"), {"type": "text", "text": "Rule 7?"}]
        messages = [{"role": "user", "content": content}]
        asked = {"messages": messages, "prompt_cache_options": EXPLICIT}
        written, read = cached(ask.chat(model, **asked))
        assert (written > 1024, read) == (True, 0)
        messages[0]["content"][1]["text"] = "Rule 8?"
        assert cached(ask.chat(model, **asked)) == (0, written)


def test_invoke_model_takes_points_of_gpt(ask):
    """The card of GPT-6 Luna: the same field in a body of OpenAI's."""
    for model in ("us.openai.gpt-6-luna", "us.openai.gpt-5.6-luna"):
        content = [marked(RULES, "text"), {"type": "text", "text": "Rule 7?"}]
        body = {"messages": [{"role": "user", "content": content}], "prompt_cache_options": EXPLICIT}
        written, read = cached(ask("POST", f"/model/{model}/invoke", body, RUNTIME))
        assert (written > 1024, read) == (True, 0)
        assert cached(ask("POST", f"/model/{model}/invoke", body, RUNTIME)) == (0, written)


def test_implicit_caching_leaves_two_tokens_over(ask):
    """A field report of 2026-09-05: in = write + read + 2; append-only history matches the latest message of before."""
    first = ask.responses(SOL, input=RULES)
    counts = usage(first)
    assert counts["input_tokens"] - sum(cached(first)) == 2
    history = [{"role": "user", "content": RULES}, *first[1]["output"], {"role": "user", "content": "Rule 8?"}]
    second = ask.responses(SOL, input=history)
    written, read = cached(second)
    assert (read, written > 0) == (cached(first)[0], True)
    assert usage(second)["input_tokens"] - written - read == 2


def test_less_than_1024_tokens_are_neither_written_nor_read(ask):
    """caching: minimum 1,024; replies of August and September say 0 for small prompts."""
    for _ in range(2):
        assert cached(ask.responses(SOL, input="Short. " * 300)) == (0, 0)


def test_instructions_tools_and_model_are_part_of_what_is_cached(ask):
    """OpenAI's guide: model, instructions, tools and all text before the breakpoint are in the key."""
    asked = {"input": [{"role": "user", "content": [marked(RULES), {"type": "input_text", "text": "7?"}]}],
             "prompt_cache_options": EXPLICIT}  # fmt: skip
    assert cached(ask.responses(SOL, instructions="A", **asked))[1] == 0
    assert cached(ask.responses(SOL, instructions="A", **asked))[1] > 1024
    assert cached(ask.responses(SOL, instructions="B", **asked))[1] == 0
    assert cached(ask.responses(SOL, instructions="A", tools=[{"type": "function", **WEATHER}], **asked))[1] == 0
    assert cached(ask.responses(LUNA, instructions="A", **asked))[1] == 0


def test_implicit_and_explicit_points_stand_together(ask):
    """caching: mode implicit is a point on the latest message plus any explicit ones."""
    content = [marked(RULES), {"type": "input_text", "text": "Another page. " * 400}]
    written, _ = cached(ask.responses(SOL, input=[{"role": "user", "content": content}]))
    content = [marked(RULES), {"type": "input_text", "text": "A page of another kind. " * 400}]
    again, read = cached(ask.responses(SOL, input=[{"role": "user", "content": content}]))
    assert 1024 < read < written
    assert again > 1024


def test_a_30m_entry_lives_for_30_minutes(ask, endpoint, kit):
    """caching: ttl 30m, the only one."""
    for wait_s, is_read in ((0, False), (29 * 60, True), (31 * 60 + 30 * 60, False)):
        kit.control(endpoint, "POST", "clock", {"advance": wait_s})
        written, read = cached(ask.responses(SOL, input=RULES))
        assert (read > 1024) is is_read
        assert (written > 1024) is not is_read


def test_a_key_of_the_prompt_cache_is_taken_and_echoed_on_both_hosts(ask):
    """sample-per-model-bedrock and litellm 38489; hits come without one too."""
    for host, model in ((MANTLE, SOL), (RUNTIME, f"us.{SOL}")):
        told = ask.responses(model, headers=host, prompt_cache_key="k1")[1]
        assert told["prompt_cache_key"] == "k1"
        assert ask.chat(model, headers=host, prompt_cache_key="k1")[0] == 200


def test_gpt_5_4_and_gemma_count_in_memory_and_write_nothing(ask):
    """pydantic-ai, rig and vercel/ai: "in_memory" is echoed; gemma's counters are always 0."""
    for model in ("openai.gpt-5.4", "google.gemma-4-31b"):
        for _ in range(3):
            answer = ask.responses(model, input=RULES)
            assert answer[1]["prompt_cache_retention"] == "in_memory"
            assert cached(answer)[0] == 0
    assert cached(answer) == (0, 0)


def test_grok_caches_by_itself_and_writes_nothing(ask, endpoint, kit):
    """sample-per-model-bedrock: automatic, no write fee, no hit promised: a switch says whether there is one."""
    body = {"messages": [{"role": "user", "content": RULES}]}
    for side, is_read in (("never", False), ("always", True)):
        kit.control(endpoint, "PUT", "switches", {"best_effort_reads": side})
        answers = [ask.chat("us.xai.grok-4.6", headers=RUNTIME, **body) for _ in range(4)]
        assert [cached(answer)[0] for answer in answers] == [0] * 4
        assert (cached(answers[-1])[1] > 1024) is is_read


def test_gpt_oss_takes_the_options_and_has_no_counters(ask):
    """sample-per-model-bedrock: accepted and ignored; the field test: three members of usage."""
    answer = ask.chat(OSS, "/v1/chat/completions", prompt_cache_options=EXPLICIT)
    assert set(usage(answer)) == {"prompt_tokens", "completion_tokens", "total_tokens"}


def test_converse_of_gpt_takes_no_cache_point(ask):
    """A report of 2026-09-11 (idp 871): cachePoint refused, implicit caching works."""
    point = {"cachePoint": {"type": "default"}}
    body = {"messages": [{"role": "user", "content": [{"text": RULES}, point]}]}
    assert ask("POST", "/model/us.openai.gpt-6-astra/converse", body, RUNTIME)[0] == 403
    del body["messages"][0]["content"][1]
    assert ask("POST", "/model/us.openai.gpt-6-astra/converse", body, RUNTIME)[0] == 200


def test_an_hour_of_claude_is_counted_apart(ask):
    """sample-per-model-bedrock: a write of 1h on bedrock-mantle."""
    system = [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    counts = usage(ask.messages(SONNET, system=system))
    assert counts["cache_creation"]["ephemeral_1h_input_tokens"] == counts["cache_creation_input_tokens"] > 1024
    assert counts["cache_creation"]["ephemeral_5m_input_tokens"] == 0


def test_a_control_of_the_whole_body_caches_on_both_hosts(ask):
    """The provider survey: accepted and caching on Messages of both hosts."""
    body = {"system": RULES, "cache_control": {"type": "ephemeral"}}
    for host, model in ((MANTLE, SONNET), (RUNTIME, "us.anthropic.claude-opus-5")):
        written, _ = cached(ask.messages(model, headers=host, **body))
        assert (written > 1024, cached(ask.messages(model, headers=host, **body))) == (True, (0, written))


def test_count_tokens_counts_system_and_tools_and_is_no_charge(ask, endpoint):
    """caching and count-tokens: a reply of input_tokens alone."""
    body = {"model": SONNET, "messages": ASK}
    plain = ask("POST", "/anthropic/v1/messages/count_tokens", body)[1]
    assert set(plain) == {"input_tokens"}
    tool = {"name": "get_weather", "input_schema": WEATHER["parameters"]}
    more = ask("POST", "/anthropic/v1/messages/count_tokens", {**body, "system": RULES, "tools": [tool]})[1]
    assert more["input_tokens"] > plain["input_tokens"] + 1024
    real = usage(ask.messages(SONNET, system=RULES, tools=[tool]))
    assert real["input_tokens"] == more["input_tokens"]


# -- usage and streams (3) -----------------------------------------------------------------------------------


def test_the_usage_of_each_surface_has_these_members(ask):
    """Recorded: pydantic-ai and rig (Responses), vercel/ai (Chat), sample-per-model-bedrock (Messages)."""
    counts = usage(ask.responses(SOL))
    assert set(counts) == {
        "input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens",
    }  # fmt: skip
    assert counts["total_tokens"] == counts["input_tokens"] + counts["output_tokens"]
    counts = usage(ask.chat(SOL))
    assert set(counts["prompt_tokens_details"]) == {"audio_tokens", "cache_write_tokens", "cached_tokens"}
    assert set(counts["completion_tokens_details"]) == {
        "accepted_prediction_tokens", "audio_tokens", "reasoning_tokens", "rejected_prediction_tokens",
    }  # fmt: skip
    assert set(usage(ask.messages(SONNET))) == {
        "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "output_tokens",
        "output_tokens_details", "service_tier",
    }  # fmt: skip
    for model in (OSS, "moonshotai.kimi-k2.5", "google.gemma-3-27b-it"):
        assert not usage(ask.chat(model, "/v1/chat/completions")).get("prompt_tokens_details")


def test_gpt_oss_counts_no_reasoning_although_it_reasons(ask):
    """pydantic-ai: reasoning_tokens 0 beside a reasoning item; no cache_write_tokens."""
    told = ask.responses(OSS, "/v1/responses", reasoning={"effort": "high"})[1]
    assert told["output"][0]["type"] == "reasoning"
    assert told["usage"]["output_tokens_details"]["reasoning_tokens"] == 0
    assert set(told["usage"]["input_tokens_details"]) == {"cached_tokens"}


def test_replies_of_responses_repeat_what_they_repeat_on_bedrock_mantle(ask):
    """Cassettes of pydantic-ai (2026-07): the members of a reply of GPT-5.6, GPT-5.5 and gpt-oss."""
    of_all = {
        "background", "created_at", "error", "id", "incomplete_details", "instructions", "metadata", "model", "object",
        "output", "parallel_tool_calls", "service_tier", "status", "temperature", "text", "tool_choice", "tools",
        "top_p", "truncation", "usage",
    }  # fmt: skip
    of_gpt = {
        "billing", "completed_at", "frequency_penalty", "max_output_tokens", "max_tool_calls", "moderation",
        "presence_penalty", "previous_response_id", "prompt_cache_key", "prompt_cache_retention", "reasoning",
        "safety_identifier", "store", "top_logprobs", "user",
    }  # fmt: skip
    luna, older = ask.responses(LUNA)[1], ask.responses("openai.gpt-5.5")[1]
    assert set(luna) == set(older) == of_all | of_gpt
    assert luna["reasoning"] == {"context": "all_turns", "effort": "medium", "summary": None}
    assert older["reasoning"] == {"effort": "medium", "summary": None}
    assert (luna["top_p"], luna["text"]["verbosity"], luna["billing"]) == (0.98, "medium", {"payer": "developer"})
    assert luna["output"][-1]["phase"] == "final_answer"
    oss = ask.responses(OSS, "/v1/responses")[1]
    assert (set(oss), oss["top_p"]) == (of_all, 1.0)
    assert "phase" not in oss["output"][-1]
    again = ask.responses(OSS, "/v1/responses", previous_response_id=oss["id"])
    assert usage(again)["input_tokens"] > oss["usage"]["input_tokens"]


def test_a_call_is_numbered_by_its_place_in_the_output(ask):
    """The same cassettes: call_1 behind a reasoning item, call_0 without one."""
    more = {"tools": [{"type": "function", **WEATHER}], "input": "What is the weather in Paris?"}
    (call,) = ask.responses(SOL, reasoning={"effort": "none"}, **more)[1]["output"]
    assert (call["type"], call["call_id"]) == ("function_call", "call_0")
    thought, call = ask.responses(SOL, reasoning={"effort": "high"}, **more)[1]["output"]
    assert (thought["type"], call["call_id"]) == ("reasoning", "call_1")


def test_events_of_a_stream_of_responses_come_in_this_order(ask):
    """pydantic-ai and rig: usage in response.completed alone, null before; no [DONE]."""
    events = frames(ask.responses(SOL, stream=True))
    names = [name for name, _ in events]
    kinds = [kind for number, kind in enumerate(names) if number == 0 or names[number - 1] != kind]
    assert kinds == [f"response.{kind}" for kind in (
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done", "completed",
    )]  # fmt: skip
    payloads = [json.loads(data) for _, data in events]
    assert [payload["sequence_number"] for payload in payloads] == list(range(len(payloads)))
    assert payloads[0]["response"]["usage"] is payloads[1]["response"]["usage"] is None


def test_arguments_of_a_function_are_streamed_in_pieces(ask):
    events = frames(ask.responses(
        SOL, stream=True, tools=[{"type": "function", **WEATHER}],
        input=[{"role": "user", "content": "What is the weather in Paris?"}],
    ))  # fmt: skip
    pieces = [json.loads(data)["delta"] for name, data in events if name == "response.function_call_arguments.delta"]
    done = [json.loads(data) for name, data in events if name == "response.function_call_arguments.done"]
    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == json.loads(done[0]["arguments"]) == {"city": "Paris"}


def test_a_body_that_the_signature_leaves_out_is_for_bedrock_mantle_alone(ask):
    """The provider survey: "mantle accepts UNSIGNED-PAYLOAD; runtime does not (401 signature)"."""
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert ask.responses(SOL, named=unsigned)[0] == 200
    refused = ask.responses(f"us.{SOL}", headers=RUNTIME, named=unsigned)
    assert (refused[0], refused[1]["error"]["code"]) == (401, "invalid_api_key")


def test_a_reply_that_is_cut_short_is_incomplete_with_its_usage(ask):
    """response.incomplete is an end with usage, as response.completed is."""
    more = {"max_output_tokens": 16, "input": f"{RULES} Repeat all of it."}
    told = ask.responses(SOL, **more)[1]
    assert (told["status"], told["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    name, data = frames(ask.responses(SOL, stream=True, **more))[-1]
    assert (name, json.loads(data)["response"]["usage"]["output_tokens"]) == ("response.incomplete", 16)
    assert ask.chat(SOL, max_completion_tokens=3)[1]["choices"][0]["finish_reason"] == "length"
    assert ask.messages(SONNET, max_tokens=3)[1]["stop_reason"] == "max_tokens"


def test_the_end_of_a_stream_of_chat(ask):
    """A finish_reason with usage null, a chunk without choices with the usage, [DONE] (bifrost 7065, 2026-09-11)."""
    options = {"include_usage": True}
    *_, last, counts, done = frames(ask.chat(SOL, stream=True, stream_options=options))
    assert (done[1], json.loads(counts[1])["choices"]) == ("[DONE]", [])
    assert json.loads(counts[1])["usage"]["total_tokens"] > 0
    finish = json.loads(last[1])
    assert (finish["choices"][0]["finish_reason"], finish["usage"]) == ("stop", None)
    assert all(name is None for name, _ in frames(ask.chat(SOL, stream=True)))


def test_events_of_a_stream_of_messages_come_in_this_order_on_both_hosts(ask):
    """Named events: the input is counted in message_start, the output in message_delta."""
    for host, model in ((MANTLE, SONNET), (RUNTIME, "us.anthropic.claude-opus-5")):
        events = [(name, json.loads(data)) for name, data in frames(ask.messages(model, headers=host, stream=True))]
        names = [name for name, _ in events]
        assert names[:2] == ["message_start", "content_block_start"]
        assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
        assert all(payload["type"] == name for name, payload in events)
        assert events[0][1]["message"]["usage"]["input_tokens"] > 0
        assert events[-2][1]["usage"]["output_tokens"] > 0
        assert "amazon-bedrock-invocationMetrics" not in events[-1][1]


# -- headers, errors and logs (3.3, 5) -----------------------------------------------------------------------


def test_headers_of_either_host(ask):
    """pydantic-ai raw: no counts, no limits, no retry-after; x-request-id by AWS, x-amzn-RequestId by litellm."""
    mantle, runtime = ask.responses(SOL)[2], ask.responses(f"us.{SOL}", headers=RUNTIME)[2]
    assert mantle["content-type"].startswith("application/json")
    assert mantle["x-request-id"]
    assert runtime["x-amzn-requestid"]
    streamed = ask.responses(SOL, stream=True)[2]
    assert streamed["content-type"].startswith("text/event-stream")
    assert streamed["cache-control"] == "no-cache"
    for headers in (mantle, runtime, streamed):
        assert not [name for name in headers if "token" in name or "ratelimit" in name or name == "retry-after"]


@pytest.mark.parametrize(("code", "status", "kind", "of_anthropic"), [
    ("ThrottlingException", 429, "rate_limit_exceeded", "rate_limit_error"),
    ("ServiceUnavailableException", 503, "service_unavailable", "overloaded_error"),
    ("InternalServerException", 500, "internal_server_error", "api_error"),
])  # fmt: skip
def test_failures_of_the_service_in_either_shape(ask, endpoint, kit, code, status, kind, of_anthropic):
    kit.control(endpoint, "POST", "faults", {"kind": "error", "code": code, "count": 2})
    answered, told, headers = ask.chat(SOL)
    assert (answered, told["error"]["code"], headers["retry-after"]) == (status, kind, None)
    answered, told, _ = ask.messages(SONNET)
    assert (answered, told["type"], told["error"]["type"]) == (status, "error", of_anthropic)


def test_a_body_that_is_no_json_is_refused_in_the_shape_of_its_surface(ask):
    for path in ("/openai/v1/responses", "/openai/v1/chat/completions"):
        status, told, _ = ask("POST", path, b"{not json")
        assert (status, told["error"]["code"]) == (400, "validation_error")
    status, told, _ = ask("POST", "/anthropic/v1/messages", b"{not json")
    assert (status, told["type"]) == (400, "error")


def test_bedrock_runtime_logs_its_invocations(kit, tmp_path):
    """responses: "the same way" as Converse's, streams included."""
    with running(log_dir=tmp_path) as one:
        ask = Asked(one, kit)
        for more in ({}, {"stream": True}):
            assert ask.responses(f"us.{SOL}", headers=RUNTIME, **more)[0] == 200
            assert ask.chat(f"us.{SOL}", headers=RUNTIME, **more)[0] == 200
        kit.control(one, "POST", "logs/flush")
        files = [path for path in tmp_path.rglob("*.json.gz") if path.parent.name != "data"]
        records = [json.loads(line) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{SOL}"
    assert [record["modelId"] for record in records] == [profile] * 4
