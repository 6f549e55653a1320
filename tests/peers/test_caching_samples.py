"""What AWS's prompt-caching samples show, in tests of our own: one write, then reads, wherever the point stands.

The samples (aws-samples, amazon-bedrock-samples, prompt caching) ask several questions about one document, through
Converse and InvokeModel, streamed or not, with points behind the document, the system text or the tools, and in a
conversation that grows. Their counters are the claim: the first question writes, later ones read the same tokens.
"""

import json

import boto3
import pytest

from rockbottom.local import running

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
MODELS = (CLAUDE, "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.amazon.nova-lite-v1:0", "us.amazon.nova-pro-v1:0")
DOCUMENT = "\n".join(
    f"Section {number}: goods of class {number} are stored at {number} degrees." for number in range(500)
)
QUESTIONS = ("At what temperature is class 7 stored?", "And class 8?", "Which classes are there?")
POINT = {"cachePoint": {"type": "default"}}
MARK = {"cache_control": {"type": "ephemeral"}}
TOOLS = [
    {
        "toolSpec": {
            "name": f"report_{number}",
            "description": f"Writes report {number}. {DOCUMENT[:2000]}",
            "inputSchema": {"json": {"type": "object", "properties": {"day": {"type": "string"}}}},
        }
    }
    for number in range(12)
]


@pytest.fixture(scope="module")
def client():
    with running() as endpoint:
        yield boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **KEYS)


def user(*content):
    return {"role": "user", "content": [{"text": part} if isinstance(part, str) else part for part in content]}


def behind_document(question):
    return {"messages": [user(DOCUMENT, POINT, question)]}


def behind_system(question):
    return {"system": [{"text": DOCUMENT + " "}, POINT], "messages": [user(question)]}


def behind_tools(question):
    return {"toolConfig": {"tools": [*TOOLS, POINT]}, "messages": [user(question)]}


def whole(client, **body):
    return client.converse(**body)["usage"]


def streamed(client, **body):
    return next(event["metadata"]["usage"] for event in client.converse_stream(**body)["stream"] if "metadata" in event)


PLACES = {"document": behind_document, "system": behind_system, "tools": behind_tools}
CASES = [(m, p) for m in MODELS for p in PLACES if not (p == "tools" and "nova" in m)]


@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize(("model", "place"), CASES)
def test_the_first_question_writes_and_the_others_read(client, model, place, ask):
    """The same tokens each time; what is neither read nor written is the question."""
    body = PLACES[place]
    tag = f"{ask.__name__} {place}"  # of its own entries
    asked = [{**body(question), "modelId": model, "inferenceConfig": {"maxTokens": 60}} for question in QUESTIONS]
    for one in asked:
        if place == "tools":
            one["toolConfig"] = {"tools": [{"toolSpec": {**TOOLS[0]["toolSpec"], "name": tag.replace(" ", "_")}},
                                           *one["toolConfig"]["tools"]]}  # fmt: skip
        elif place == "system":
            one["system"] = [{"text": tag}, *one["system"]]
        else:
            one["messages"][0]["content"].insert(0, {"text": tag})
    told = [ask(client, **one) for one in asked]
    cached = told[0]["cacheWriteInputTokens"]
    assert cached > 2000
    assert [row["cacheReadInputTokens"] for row in told] == [0, cached, cached]
    assert [row["cacheWriteInputTokens"] for row in told] == [cached, 0, 0]
    assert all(0 < row["inputTokens"] < 60 for row in told)
    assert all(row["totalTokens"] == row["inputTokens"] + row["outputTokens"] + cached for row in told)


def test_a_conversation_that_grows_reads_what_the_turn_before_wrote(client):
    """A point at each turn's end: turn n reads all that turn n-1 had read and written."""
    messages, before = [], 0
    for question in QUESTIONS:
        text = question if messages else "Of this conversation. " + DOCUMENT + question
        messages.append(user(text, POINT))
        told = client.converse(modelId=CLAUDE, messages=messages, inferenceConfig={"maxTokens": 40})
        usage = told["usage"]
        assert usage["cacheReadInputTokens"] == before
        assert usage["cacheWriteInputTokens"] > 0
        before += usage["cacheWriteInputTokens"]
        messages[-1]["content"].pop()
        messages.append(told["output"]["message"])


@pytest.mark.parametrize("stream", [False, True])
def test_invoke_model_counts_in_anthropics_words(client, stream):
    """cache_control on the system text; usage in the body, of a stream in message_start."""
    document = f"Streamed: {stream}. {DOCUMENT}"
    seen = []
    for question in QUESTIONS[:2]:
        body = {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 60,
            "system": [{"type": "text", "text": document, **MARK}],
            "messages": [{"role": "user", "content": question}],
        }
        if not stream:
            seen.append(json.loads(client.invoke_model(modelId=CLAUDE, body=json.dumps(body))["body"].read())["usage"])
            continue
        reply = client.invoke_model_with_response_stream(modelId=CLAUDE, body=json.dumps(body))
        seen.append(json.loads(next(iter(reply["body"]))["chunk"]["bytes"])["message"]["usage"])
    assert seen[0]["cache_creation_input_tokens"] == seen[1]["cache_read_input_tokens"] > 2000
    assert seen[0]["cache_read_input_tokens"] == seen[1]["cache_creation_input_tokens"] == 0


def test_a_prompt_below_the_minimum_is_neither_written_nor_read(client):
    """1,024 tokens on Claude Sonnet 4.5 (AWS's page on prompt caching)."""
    body = {"modelId": CLAUDE, "messages": [user(DOCUMENT[:1500], POINT, "What is stored?")]}
    for _ in range(2):
        usage = client.converse(**body)["usage"]
        assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (0, 0)
