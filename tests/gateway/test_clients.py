"""Clients as they come from the package index, unmodified, through the gateway: each says what it says to the service.

`make sdks` runs them where they are installed; elsewhere they skip.
"""

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from rockbottom.gateway import running_gateway
from tests.gateway.conftest import MODEL, RULES, asking, client_of, configured, scripted

LUNA, CLAUDE = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"
TOOL = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TALK = [{"role": "system", "content": RULES}, {"role": "user", "content": "What does Basic cost?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]


@pytest.fixture
def token(table, key):
    return f"{key.id}.{table.secret(key)}"


@pytest.fixture
def places(endpoint, gateway, token):
    """The service with any key, and the gateway with one of its own."""
    return [(endpoint.url, "any"), (gateway.url, token)]


def calls(gateway):
    """How many calls the gateway counted, all with their usage."""
    (report,) = gateway.gateway.reports()
    assert report.without_usage == 0
    return report.total.calls


def test_openai_on_chat_completions_and_responses(places, gateway):
    """Plain, streamed and with a tool."""
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")

    def said(url, token):
        client = openai.OpenAI(base_url=f"{url}/openai/v1", api_key=token, max_retries=0)
        made = client.chat.completions.create
        plain = made(model=LUNA, messages=TALK).choices[0].message.content
        pieces = [chunk.choices[0].delta.content or "" for chunk in made(model=LUNA, messages=TALK, stream=True)]
        tool = {"type": "function", "function": TOOL}
        (call,) = (
            made(model=LUNA, messages=WEATHER, tools=[tool], reasoning_effort="none").choices[0].message.tool_calls
        )
        told = client.responses.create(model=LUNA, input=TALK)
        events = [event.type for event in client.responses.create(model=LUNA, input=TALK, stream=True)]
        again = client.responses.retrieve(told.id).output_text
        client.responses.delete(told.id)
        return plain, "".join(pieces), call.function.arguments, told.output_text, events, again

    direct, through = (said(*place) for place in places)
    assert direct == through
    assert through[0] == through[1]
    assert calls(gateway) == 5


def test_the_bedrock_client_of_openai(gateway, key, table):
    """BedrockOpenAI with a base_url of its own signs for bedrock-mantle, or sends its bearer key."""
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    if not hasattr(openai, "BedrockOpenAI"):
        pytest.skip("this openai has no BedrockOpenAI")
    token = f"{key.id}.{table.secret(key)}"
    client = openai.BedrockOpenAI(
        base_url=f"{gateway.url}/openai/v1", api_key=token, aws_region="us-east-1", max_retries=0
    )
    assert client.responses.create(model=LUNA, input="Hello").output_text
    assert calls(gateway) == 1


def test_anthropic_on_invoke_model_and_messages(places, gateway, key, table):
    """AnthropicBedrock signs, AnthropicBedrockMantle and Anthropic bring keys: plain, streamed and with a tool."""
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    asked = {
        "max_tokens": 50,
        "system": [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "What does Basic cost?"}],
    }
    tool = {"name": TOOL["name"], "description": TOOL["description"], "input_schema": TOOL["parameters"]}

    def said(client, model):
        plain = client.messages.create(model=model, **asked).content[0].text
        with client.messages.stream(model=model, **asked) as stream:
            streamed = "".join(stream.text_stream)
        reply = client.messages.create(model=model, max_tokens=90, messages=WEATHER, tools=[tool])
        uses = [block.input for block in reply.content if block.type == "tool_use"]
        return plain, streamed, uses

    secrets = {"any": ("any", "any"), f"{key.id}.{table.secret(key)}": (key.id, table.secret(key))}
    for kind in ("AnthropicBedrock", "AnthropicBedrockMantle", "Anthropic"):
        if not hasattr(anthropic, kind):
            continue
        results = []
        for url, token in places:
            identity, secret = secrets[token]
            if kind == "AnthropicBedrock":
                client = anthropic.AnthropicBedrock(
                    base_url=url, aws_access_key=identity, aws_secret_key=secret, aws_region="us-east-1", max_retries=0
                )
            elif kind == "AnthropicBedrockMantle":
                client = anthropic.AnthropicBedrockMantle(
                    base_url=f"{url}/anthropic", api_key=token, aws_region="us-east-1", max_retries=0
                )
            else:
                client = anthropic.Anthropic(base_url=f"{url}/anthropic", api_key=token, max_retries=0)
            results.append(said(client, MODEL if kind == "AnthropicBedrock" else CLAUDE))
        assert results[0] == results[1], kind
        assert results[0][0] == results[0][1]
        assert results[0][2] == [{"city": "Paris"}]
    assert calls(gateway) >= 6


def test_the_aws_cli(gateway, key, table, tmp_path):
    """`aws bedrock-runtime converse` and `invoke-model` with a key of the gateway, its file of configuration unread."""
    pytest.importorskip("awscli", reason="needs the group sdks: make sdks runs this")
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": gateway.url,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": table.secret(key),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    (tmp_path / "body.json").write_text(json.dumps(body))
    messages = json.dumps([{"role": "user", "content": [{"text": "hi"}]}])
    for arguments in (
        ("converse", "--messages", messages, "--system", json.dumps([{"text": RULES}])),
        ("invoke-model", "--body", f"fileb://{tmp_path / 'body.json'}", str(tmp_path / "out.json")),
    ):
        command = [sys.executable, "-m", "awscli", "bedrock-runtime", *arguments, "--model-id", MODEL]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, env=environment, check=False)
        assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text())["content"]
    assert calls(gateway) == 2


def test_litellm(places, gateway, key, table, monkeypatch):
    """Its ways to Converse and InvokeModel, streamed and not, and Responses by its client of OpenAI."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm", reason="needs the group frameworks: make sdks runs this")

    def said(url, token):
        identity, secret = ("any", "any") if token == "any" else (key.id, table.secret(key))
        given = {
            "aws_access_key_id": identity,
            "aws_secret_access_key": secret,
            "aws_region_name": "us-east-1",
            "aws_bedrock_runtime_endpoint": url,
            "messages": TALK,
            "max_tokens": 50,
            "num_retries": 0,
        }
        texts = [
            litellm.completion(model=f"bedrock/{way}{MODEL}", **given).choices[0].message.content
            for way in ("converse/", "invoke/")
        ]
        chunks = litellm.completion(model=f"bedrock/converse/{MODEL}", stream=True, **given)
        texts.append("".join(chunk.choices[0].delta.content or "" for chunk in chunks))
        openai = {"api_base": f"{url}/openai/v1", "api_key": token, "num_retries": 0}
        told = litellm.completion(model=f"openai/{LUNA}", messages=TALK, **openai)
        return [*texts, told.choices[0].message.content]

    direct, through = (said(*place) for place in places)
    assert direct == through
    assert calls(gateway) == 4


def test_boto3_says_the_same(endpoint, gateway, key, table):
    """Every event of a stream, the arguments of a tool, an ARN with slashes."""
    spec = {"name": TOOL["name"], "description": TOOL["description"], "inputSchema": {"json": TOOL["parameters"]}}
    tools = {"tools": [{"toolSpec": spec}]}
    messages = [{"role": "user", "content": [{"text": WEATHER[0]["content"]}]}]
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{MODEL}"

    def said(client):
        events = [event for event in client.converse_stream(**asking())["stream"] if "metadata" not in event]
        used = client.converse(modelId=arn, messages=messages, toolConfig=tools)["output"]["message"]["content"]
        inputs = [block["toolUse"]["input"] for block in used if "toolUse" in block]
        return events, inputs, client.converse(**asking())["output"]

    direct = said(client_of(endpoint, "any", "any"))
    assert said(client_of(gateway, key.id, table.secret(key))) == direct
    assert direct[1] == [{"city": "Paris"}]


def test_bytes_and_frames_are_those_of_a_direct_call(endpoint, gateway, token):
    """Heads and bodies of every surface, but for names, instants and what was read and written."""
    body = {name: value for name, value in asking().items() if name != "modelId"}
    for path in (f"/model/{MODEL}/converse", f"/model/{MODEL}/converse-stream"):
        direct, through = (raw(url, path, json.dumps(body).encode(), token) for url in (endpoint.url, gateway.url))
        assert direct[0] == through[0] == 200
        assert direct[1] == through[1]
        assert len(direct[2].split(b":event-type")) == len(through[2].split(b":event-type"))
        assert re.findall(rb'"text":\s*"[^"]*"', direct[2]) == re.findall(rb'"text":\s*"[^"]*"', through[2])


def raw(url, path, body, token):
    """Status, the headers that are no name or instant, and the body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("POST", path, body, {"x-api-key": token, "content-type": "application/json"})
    reply = connection.getresponse()
    own = {"x-amzn-requestid", "date", "content-length", "server"}
    return reply.status, sorted(pair for pair in reply.getheaders() if pair[0].lower() not in own), reply.read()


def test_a_body_of_25_mb_arrives_byte_for_byte(token, tmp_path):
    """One that is planned as well: its point is all that is new."""
    block = {"document": {"name": "book", "format": "txt", "source": {"bytes": "QUJD" * 6_250_000}}}
    content = [block, {"text": RULES}, {"text": "What does Basic cost?"}]
    body = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    assert len(body) > 25_000_000
    with scripted() as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        assert raw(gateway.url, f"/model/{MODEL}/converse", body, token)[0] == 200
    sent = re.sub(rb',\{"cachePoint":\{"type":"default"(,"ttl":"..")?\}\}', b"", service.seen[0].body)
    assert sent == body


def test_aborted_callers_and_slow_readers_cost_the_others_nothing(endpoint, gateway, token, key, table):
    """Half of twenty leave before or after the first byte, some read a byte at a time; the rest have their replies."""
    body = json.dumps({name: value for name, value in asking().items() if name != "modelId"}).encode()
    head = f"POST /model/{MODEL}/converse-stream HTTP/1.1\r\nhost: gateway\r\nx-api-key: {token}\r\n"
    request = f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body

    async def one(number):
        place = urlsplit(gateway.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(request)
        await writer.drain()
        kind = number % 4
        read = b""
        if kind == 1:
            read = await reader.read(1)
        elif kind == 2:
            while b"\r\n0\r\n\r\n" not in read:
                read += await reader.read(7)
        elif kind == 3:
            while b"\r\n0\r\n\r\n" not in read:
                read += await reader.read(65536)
        writer.close()
        return kind, read

    async def all_of_them():
        return await asyncio.gather(*(one(number) for number in range(20)))

    whole = [read for kind, read in asyncio.run(all_of_them()) if kind in (2, 3)]
    assert len(whole) == 10
    assert all(read.startswith(b"HTTP/1.1 200") and b"metadata" in read for read in whole)
    deadline = time.monotonic() + 10
    while gateway.gateway.under_way and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gateway.gateway.under_way == 0
    assert client_of(gateway, key.id, table.secret(key)).converse(**asking())["stopReason"]
