"""boto3 as it comes from the package index, against the endpoint."""

import json

import pytest
from botocore.exceptions import ClientError, EventStreamError


def converse(runtime, kit, question="Which section does rule 7 cite?", model=None, **more):
    """A Converse call with a cached system text."""
    return runtime.converse(
        modelId=model or kit.SONNET, system=[{"text": kit.RULES}, kit.POINT], messages=[kit.user(question)], **more
    )


def test_converse_writes_once_then_reads(runtime, kit):
    """The first call writes the system text, the second reads the same tokens, and the totals agree."""
    first, second = converse(runtime, kit)["usage"], converse(runtime, kit)["usage"]
    assert (first["cacheReadInputTokens"], second["cacheWriteInputTokens"]) == (0, 0)
    assert first["cacheWriteInputTokens"] == second["cacheReadInputTokens"] > 1024
    assert first["cacheDetails"] == [{"ttl": "5m", "inputTokens": first["cacheWriteInputTokens"]}]
    assert "cacheDetails" not in second
    for usage in (first, second):
        assert usage["totalTokens"] == sum(
            usage[name] for name in ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        )


def test_the_answer_comes_from_the_prompt(runtime, kit):
    """The reply is the sentence of the system text that bears on the question."""
    reply = runtime.converse(
        modelId=kit.SONNET,
        system=[{"text": "Cats purr. The gateway listens on port 8443. Dogs bark."}],
        messages=[kit.user("Which port does the gateway use?")],
    )
    assert reply["output"]["message"] == {
        "role": "assistant",
        "content": [{"text": "The gateway listens on port 8443."}],
    }
    assert reply["stopReason"] == "end_turn"


def test_converse_stream_gives_the_same_reply_and_usage(runtime, kit):
    """The deltas add up to Converse's text; usage comes once, in the last event."""
    whole = converse(runtime, kit)
    events = list(
        runtime.converse_stream(
            modelId=kit.SONNET,
            system=[{"text": kit.RULES}, kit.POINT],
            messages=[kit.user("Which section does rule 7 cite?")],
        )["stream"]
    )
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert text == whole["output"]["message"]["content"][0]["text"]
    assert [name for event in events for name in event][-2:] == ["messageStop", "metadata"]
    usage = events[-1]["metadata"]["usage"]
    assert usage["cacheReadInputTokens"] == whole["usage"]["cacheWriteInputTokens"]


def test_max_tokens_and_stop_sequences_end_the_answer(runtime, kit):
    """maxTokens cuts with max_tokens and that many tokens; a stop sequence cuts before itself."""
    cut = converse(runtime, kit, inferenceConfig={"maxTokens": 3})
    assert (cut["stopReason"], cut["usage"]["outputTokens"]) == ("max_tokens", 3)
    stopped = converse(
        runtime, kit, inferenceConfig={"stopSequences": ["cite"]}, additionalModelResponseFieldPaths=["/stop_sequence"]
    )
    assert stopped["stopReason"] == "stop_sequence"
    assert "cite" not in stopped["output"]["message"]["content"][0]["text"]
    assert stopped["additionalModelResponseFields"] == {"stop_sequence": "cite"}


def test_a_forced_tool_is_called_with_arguments_of_its_schema(runtime, kit):
    """toolChoice tool gives one toolUse of that name with required arguments of the right types."""
    schema = {
        "type": "object",
        "required": ["city", "days"],
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 2},
            "unit": {"enum": ["C", "F"]},
        },
    }
    tools = [{"toolSpec": {"name": name, "inputSchema": {"json": schema}}} for name in ("other", "weather")]
    reply = runtime.converse(
        modelId=kit.SONNET,
        messages=[kit.user("Weather in Paris?")],
        toolConfig={"tools": tools, "toolChoice": {"tool": {"name": "weather"}}},
    )
    (block,) = reply["output"]["message"]["content"]
    assert reply["stopReason"] == "tool_use"
    assert (block["toolUse"]["name"], block["toolUse"]["input"]) == (
        "weather",
        {"city": "Paris", "days": 2},
    )


def test_invoke_model_counts_in_body_and_headers(runtime, kit):
    """InvokeModel with cache_control: snake_case counters, their 5m/1h split, and the same numbers in the headers."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [kit.user("hello")],
        "system": [{"type": "text", "text": kit.RULES, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    }
    body["messages"][0]["content"][0]["type"] = "text"
    reply = runtime.invoke_model(modelId=kit.SONNET, body=json.dumps(body))
    usage, headers = json.loads(reply["body"].read())["usage"], reply["ResponseMetadata"]["HTTPHeaders"]
    written = usage["cache_creation_input_tokens"]
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written}
    assert written > 1024
    assert headers["x-amzn-bedrock-cache-write-input-token-count"] == str(written)
    assert headers["x-amzn-bedrock-input-token-count"] == str(usage["input_tokens"])
    assert headers["x-amzn-bedrock-output-token-count"] == str(usage["output_tokens"])


def test_invoke_model_stream_repeats_usage_and_ends_with_metrics(runtime, kit):
    """Usage is in message_start and message_delta; message_stop carries amazon-bedrock-invocationMetrics."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "hello"}],
    }
    stream = runtime.invoke_model_with_response_stream(modelId=kit.SONNET, body=json.dumps(body))["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert [chunks[0]["type"], chunks[-2]["type"], chunks[-1]["type"]] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    tokens = chunks[0]["message"]["usage"]["input_tokens"]
    assert chunks[-2]["usage"]["input_tokens"] == tokens
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == tokens


def test_nova_reads_and_names_its_counters_its_own_way(runtime, kit):
    """A native Nova body with cachePoint beside the text: ...TokenCount fields, and no cacheDetails on Converse."""
    body = {"system": [{"text": kit.RULES, "cachePoint": {"type": "default"}}], "messages": [kit.user("hello")]}
    first, second = (
        json.loads(runtime.invoke_model(modelId=kit.NOVA, body=json.dumps(body))["body"].read())["usage"]
        for _ in range(2)
    )
    assert first["cacheWriteInputTokenCount"] == second["cacheReadInputTokenCount"] > 1024
    usage = converse(runtime, kit, model=kit.NOVA)["usage"]
    assert "cacheDetails" not in usage
    assert "cacheReadInputTokens" not in runtime.converse(modelId=kit.NOVA, messages=[kit.user("hello")])["usage"]


def test_count_tokens_is_what_converse_then_charges(runtime, kit):
    """CountTokens of a body equals its inputTokens; a profile id and a model without it are refused."""
    body = {"system": [{"text": kit.RULES}], "messages": [kit.user("hello")]}
    counted = runtime.count_tokens(modelId=kit.SONNET.removeprefix("us."), input={"converse": body})["inputTokens"]
    assert counted == runtime.converse(modelId=kit.SONNET, **body)["usage"]["inputTokens"]
    for model in (kit.SONNET, "amazon.nova-pro-v1:0"):
        with pytest.raises(ClientError, match="support counting tokens"):
            runtime.count_tokens(modelId=model, input={"converse": body})


def test_entries_expire_when_the_clock_says_so(runtime, endpoint, kit):
    """An entry read within five minutes lives on; idle for longer it is written again. Nobody waits."""
    converse(runtime, kit)
    kit.control(endpoint, "POST", "clock", {"advance": 299})
    assert converse(runtime, kit)["usage"]["cacheReadInputTokens"] > 0
    kit.control(endpoint, "POST", "clock", {"advance": 299})
    assert converse(runtime, kit)["usage"]["cacheReadInputTokens"] > 0
    kit.control(endpoint, "POST", "clock", {"advance": 301})
    assert converse(runtime, kit)["usage"]["cacheReadInputTokens"] == 0


def test_accounts_and_regions_keep_their_own_entries(endpoint, runtime, kit):
    """The access key (when it is an account number) and the signed Region decide whose entries are read."""
    converse(runtime, kit)
    for changed in ({"aws_access_key_id": "999988887777"}, {"region_name": "eu-west-1"}):
        import boto3

        other = boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **{**kit.CREDENTIALS, **changed})
        model = "eu." + kit.SONNET.removeprefix("us.") if "region_name" in changed else kit.SONNET
        assert converse(other, kit, model=model)["usage"]["cacheReadInputTokens"] == 0
    assert converse(runtime, kit)["usage"]["cacheReadInputTokens"] > 0


@pytest.mark.parametrize(
    "call, message",
    [
        ({"messages": []}, "A conversation must start with a user message"),
        (
            {"messages": [{"role": "user", "content": []}]},
            "The content field in the Message object at messages.0 is empty",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": ""}]}]},
            "The text field in the ContentBlock object at messages.0.content.0 is blank",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"document": {"name": "a", "format": "txt", "source": {"bytes": b"x"}}}],
                    }
                ]
            },
            "A text block must be included when using documents",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"text": "a"}]},
                    {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}]},
                ]
            },
            "The toolConfig field must be defined",
        ),
    ],
)
def test_conversations_that_bedrock_refuses_are_refused(runtime, kit, call, message):
    """Roles, empty content, documents alone, tools without toolConfig: ValidationException in AWS's words."""
    with pytest.raises(ClientError, match=message) as caught:
        runtime.converse(modelId=kit.SONNET, **call)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_two_messages_of_one_role_are_one_turn_unless_the_switch_says_that_they_are_refused(endpoint, runtime, kit):
    """Combined since 2025-11 (strands 1223, agentcore-sdk 547): two results in two messages answer two calls, and a
    question may stand behind them. The refusal is of 2024 and 2025 (semantic-kernel 10281)."""
    calls = [{"toolUse": {"toolUseId": name, "name": "look", "input": {}}} for name in ("a", "b")]
    results = [{"toolResult": {"toolUseId": name, "content": [{"text": f"{name} is blue"}]}} for name in ("a", "b")]
    messages = [kit.user("Look."), {"role": "assistant", "content": calls}]
    messages += [{"role": "user", "content": [block]} for block in (*results, {"text": "Which of them is blue?"})]
    tool = {"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}
    call = {"modelId": kit.SONNET, "messages": messages, "toolConfig": {"tools": [tool]}}
    assert runtime.converse(**call)["stopReason"] == "end_turn"
    assert runtime.converse(modelId=kit.SONNET, messages=[kit.user("a"), kit.assistant("b"), kit.assistant("c")])
    call["messages"] = [*messages[:2], *messages[3:]]
    with pytest.raises(
        ClientError, match=r"Expected toolResult blocks at messages\.2\.content for the following Ids: a"
    ):
        runtime.converse(**call)
    kit.control(endpoint, "PUT", "switches", {"same_role_in_a_row": "refused"})
    with pytest.raises(ClientError, match="must alternate between user and assistant roles"):
        runtime.converse(modelId=kit.SONNET, messages=[kit.user("a")] * 2)


@pytest.mark.parametrize("model", ["us.anthropic.claude-opus-4-8", "eu.anthropic.claude-sonnet-5"])
def test_words_put_into_the_mouth_of_a_model_are_refused_where_it_takes_none(runtime, kit, model):
    """agentcore-sdk 547: refused by Claude Opus 4.8, taken by Sonnet 4.6; hermes-agent 101401: by Sonnet 5, on Converse
    behind the words of another model's refusals."""
    says = "This model does not support assistant message prefill. The conversation must end with a user message."
    messages = [kit.user("Name a colour."), kit.assistant("The colour is")]
    with pytest.raises(ClientError) as caught:
        runtime.converse(modelId=model, messages=messages)
    assert caught.value.response["Error"]["Message"] == f"The model returned the following errors: {says}"
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 20}
    body["messages"] = [{"role": "user", "content": "Name a colour."}, {"role": "assistant", "content": "Blue"}]
    with pytest.raises(ClientError, match=says):
        runtime.invoke_model(modelId=model, body=json.dumps(body))
    assert runtime.converse(modelId=kit.SONNET, messages=messages)
    assert runtime.invoke_model(modelId=kit.SONNET, body=json.dumps(body))


def test_unknown_models_are_refused_with_a_hint(runtime, kit):
    """AWS's text for the SDK; the nearest known ids in a header for the person."""
    with pytest.raises(ClientError, match="model identifier is invalid") as caught:
        runtime.converse(modelId="anthropic.claude-sonet-4-6", messages=[kit.user("hi")])
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert "anthropic.claude-sonnet-4-6" in headers["x-rockbottom-hint"]


def test_what_a_model_takes_is_listed_where_a_source_says_it(bedrock):
    """Nova Micro reads text alone, GPT-5.5 images too, as AWS lists them; of Kimi K3.1 no source says it."""
    told = {row["modelId"]: row.get("inputModalities") for row in bedrock.list_foundation_models()["modelSummaries"]}
    assert told["amazon.nova-micro-v1:0"] == ["TEXT"]
    assert told["amazon.nova-pro-v1:0"] == ["TEXT", "IMAGE", "VIDEO"]
    assert told["openai.gpt-5.5"] == told["anthropic.claude-sonnet-4-6"] == ["TEXT", "IMAGE"]
    assert told["moonshotai.kimi-k3.1"] is None


def test_the_control_plane_lists_creates_and_deletes(bedrock, runtime, kit):
    """Models and profiles are those of the catalogue; a created profile answers and caches like its model."""
    models = {row["modelId"] for row in bedrock.list_foundation_models(byProvider="Anthropic")["modelSummaries"]}
    assert "anthropic.claude-sonnet-4-6" in models
    details = bedrock.get_foundation_model(modelIdentifier="amazon.nova-pro-v1:0")["modelDetails"]
    assert details["providerName"] == "Amazon"
    listed = {row["modelId"]: row for row in bedrock.list_foundation_models()["modelSummaries"]}
    assert [listed[name]["providerName"] for name in ("zai.glm-5", "moonshotai.kimi-k3", "cohere.embed-v4:0")] == [
        "Z.AI", "Moonshot AI", "Cohere",
    ]  # fmt: skip  # as AWS listed them on 2026-09-27
    assert listed["mistral.ministral-3-8b-instruct"]["inputModalities"] == ["TEXT", "IMAGE"]  # 2026-10-27
    system = bedrock.get_inference_profile(inferenceProfileIdentifier=kit.SONNET)
    assert (system["type"], len(system["models"])) == ("SYSTEM_DEFINED", 3)
    arn = bedrock.create_inference_profile(
        inferenceProfileName="team-a",
        modelSource={"copyFrom": system["inferenceProfileArn"]},
        tags=[{"key": "team", "value": "a"}],
    )["inferenceProfileArn"]
    assert [
        row["inferenceProfileArn"]
        for row in bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
    ] == [arn]
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "team", "value": "a"}]
    converse(runtime, kit, model=arn)
    assert converse(runtime, kit, model=arn)["usage"]["cacheReadInputTokens"] > 0
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_inference_profile(inferenceProfileIdentifier=arn)


def test_profiles_come_in_pages(bedrock):
    """maxResults and nextToken walk through all of them once."""
    pages = bedrock.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 7})
    found = [row["inferenceProfileId"] for page in pages for row in page["inferenceProfileSummaries"]]
    assert len(found) == len(set(found)) > 20


def test_a_stream_cut_by_an_exception_raises_in_the_loop(runtime, endpoint, kit):
    """A cut with a code is an exception event: botocore raises EventStreamError while iterating."""
    kit.control(
        endpoint, "POST", "faults", {"kind": "cut", "after_events": 2, "code": "ThrottlingException", "count": 1}
    )
    stream = runtime.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])["stream"]
    with pytest.raises(EventStreamError, match="throttlingException"):
        list(stream)
    assert list(runtime.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])["stream"])
