"""Native bodies of vendors without caching: AWS's pages on model parameters, whole and streamed, cut at the limit."""

import json

import pytest
from botocore.exceptions import ClientError

FACT = "The gateway listens on port 8443."
QUESTION = "Which port does the gateway listen on?"
LLAMA = (
    f"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{FACT}<|eot_id|>"
    f"<|start_header_id|>user<|end_header_id|>\n\n{QUESTION}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
)
CHAT = {"messages": [{"role": "system", "content": FACT}, {"role": "user", "content": QUESTION}], "max_tokens": 200}
CASES = {
    "us.meta.llama3-3-70b-instruct-v1:0": ({"prompt": LLAMA, "max_gen_len": 200}, lambda one: one["generation"]),
    "mistral.mistral-large-2402-v1:0": (
        {"prompt": f"<s>[INST] {FACT}\n\n{QUESTION} [/INST]", "max_tokens": 200},
        lambda one: one["outputs"][0]["text"],
    ),
    "us.deepseek.r1-v1:0": (
        {"prompt": f"<｜begin▁of▁sentence｜><｜User｜>{FACT}\n\n{QUESTION}<｜Assistant｜>", "max_tokens": 200},
        lambda one: one["choices"][0]["text"],
    ),
    "cohere.command-text-v14": (
        {"prompt": f"{FACT}\n\n{QUESTION}", "max_tokens": 200},
        lambda one: one["generations"][0]["text"] if "generations" in one else one["text"],
    ),
    "amazon.titan-text-express-v1": (
        {"inputText": f"{FACT}\n\nUser: {QUESTION}\n\nBot:", "textGenerationConfig": {"maxTokenCount": 200}},
        lambda one: one["results"][0]["outputText"] if "results" in one else one["outputText"],
    ),
}
SPELLED_AS_CHAT = [
    "openai.gpt-oss-120b-1:0",
    "qwen.qwen3-32b-v1:0",
    "deepseek.v3-v1:0",
    "ai21.jamba-1-5-large-v1:0",
    "mistral.mistral-large-2407-v1:0",
]


def body_of(reply):
    """The JSON of a whole reply."""
    return json.loads(reply["body"].read())


def chunks_of(reply):
    """The JSON of each chunk of a stream."""
    return [json.loads(event["chunk"]["bytes"]) for event in reply["body"]]


@pytest.mark.parametrize("model", CASES)
def test_a_body_that_is_one_text_is_answered_in_its_vendors_shape(runtime, model):
    """The answer is out of the prompt; the stream says the same, with Bedrock's counts on the last chunk."""
    body, said = CASES[model]
    reply = runtime.invoke_model(modelId=model, body=json.dumps(body))
    counted = reply["ResponseMetadata"]["HTTPHeaders"]
    assert FACT in said(body_of(reply))
    chunks = chunks_of(runtime.invoke_model_with_response_stream(modelId=model, body=json.dumps(body)))
    assert FACT in "".join(map(said, chunks))
    metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["inputTokenCount"] == int(counted["x-amzn-bedrock-input-token-count"]) > 10
    assert not any("amazon-bedrock-invocationMetrics" in chunk for chunk in chunks[:-1])


def test_llama_counts_and_stops_in_its_own_words(runtime):
    """prompt_token_count, generation_token_count, and length at the limit."""
    model = "us.meta.llama3-3-70b-instruct-v1:0"
    whole = body_of(runtime.invoke_model(modelId=model, body=json.dumps({"prompt": LLAMA})))
    assert whole["stop_reason"] == "stop"
    assert whole["prompt_token_count"] > 10
    cut = body_of(runtime.invoke_model(modelId=model, body=json.dumps({"prompt": LLAMA, "max_gen_len": 3})))
    assert (cut["stop_reason"], cut["generation_token_count"]) == ("length", 3)


@pytest.mark.parametrize("model", SPELLED_AS_CHAT)
def test_chat_completions_are_a_native_body_too(runtime, model):
    """choices, finish_reason and usage; deltas in the stream."""
    reply = body_of(runtime.invoke_model(modelId=model, body=json.dumps(CHAT)))
    choice = reply["choices"][0]
    assert (choice["message"]["role"], choice["finish_reason"]) == ("assistant", "stop")
    assert FACT in choice["message"]["content"]
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + reply["usage"]["completion_tokens"]
    chunks = chunks_of(runtime.invoke_model_with_response_stream(modelId=model, body=json.dumps(CHAT)))
    texts = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]]
    assert FACT in "".join(texts)


def test_chat_completions_call_tools(runtime):
    """A call with the question's own words."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": schema}}
    body = {
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
        "tools": [tool],
        "max_tokens": 99,
    }
    reply = body_of(runtime.invoke_model(modelId="qwen.qwen3-32b-v1:0", body=json.dumps(body)))
    (call,) = reply["choices"][0]["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_weather", {"city": "Paris"})


@pytest.mark.parametrize(
    ("model", "member"),
    [
        ("us.meta.llama3-3-70b-instruct-v1:0", "prompt"),
        ("amazon.titan-text-express-v1", "inputText"),
        ("qwen.qwen3-32b-v1:0", "messages"),
    ],
)
def test_a_body_without_its_text_is_refused(runtime, model, member):
    """In the words of Bedrock's validator."""
    with pytest.raises(ClientError, match=rf"required key \[{member}\] not found"):
        runtime.invoke_model(modelId=model, body="{}")


def test_command_r_takes_a_message_with_history(runtime):
    """Its shape, on the model of that vendor that the catalogue has: text and finish_reason; documents are read."""
    body = {"message": QUESTION, "documents": [{"title": "manual", "snippet": FACT}], "max_tokens": 99}
    reply = body_of(runtime.invoke_model(modelId="cohere.command-text-v14", body=json.dumps(body)))
    assert reply["finish_reason"] == "COMPLETE"
    assert FACT in reply["text"]


def test_no_tokens_asked_for_write_the_prompt_and_answer_nothing(endpoint, kit):
    """Anthropic, Prompt caching: `max_tokens` 0 writes and bills no output; with a stream or a schema it is refused."""
    control = {"cache_control": {"type": "ephemeral"}}
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 0,
        "system": [{"type": "text", "text": "the parcel policy says so. " * 400, **control}],
        "messages": [{"role": "user", "content": "q"}],
    }
    path = "/model/us.anthropic.claude-sonnet-4-6/invoke"
    status, reply, _ = kit.http(endpoint, "POST", path, body)
    assert (status, reply["content"], reply["stop_reason"]) == (200, [], "max_tokens")
    assert reply["usage"]["output_tokens"] == 0
    written = reply["usage"]["cache_creation_input_tokens"]
    reply = kit.http(endpoint, "POST", path, {**body, "max_tokens": 9})[1]
    assert reply["usage"]["cache_read_input_tokens"] == written > 1024
    tool = {"name": "look", "input_schema": {"type": "object"}}
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    for more in (
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"output_config": {"format": schema}},
        {"tools": [tool], "tool_choice": {"type": "any"}},
    ):
        assert kit.http(endpoint, "POST", path, {**body, **more})[0] == 400
    assert kit.http(endpoint, "POST", f"{path}-with-response-stream", body)[0] == 400
    assert kit.http(endpoint, "POST", path, {**body, "tools": [tool]})[0] == 200
