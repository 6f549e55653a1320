"""attach on clients of Messages, Chat Completions and Responses: planned where it pays, counted, streams untouched."""

import asyncio
import json
from decimal import Decimal

import pytest
from click.testing import CliRunner

import rockbottom
from rockbottom.cli.ledger_summary import summary as summary_command
from rockbottom.client.httpx_hooks import reaches_bedrock
from rockbottom.ledger import LedgerReader
from rockbottom.local import running
from rockbottom.quantities import Usage

RULES = " ".join(f"Rule {number}: a book may be kept for {number} days." for number in range(300))
LUNA, SONNET = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def endpoint():
    with running() as one:
        yield one


@pytest.fixture
def client(endpoint):
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")
    with httpx.Client(base_url=endpoint.url, timeout=20) as one:
        yield rockbottom.attach(one)


def total(client):
    return rockbottom.report(client).total


def sent_to(endpoint):
    return list(endpoint.state.requests)


def test_what_every_surface_counts_is_booked(client, endpoint):
    """Inclusive and exclusive counters become the same disjoint usage, whole and streamed."""
    bodies = {
        "/openai/v1/responses": {"model": LUNA, "input": RULES},
        "/openai/v1/chat/completions": {"model": LUNA, "messages": HELLO},
        "/anthropic/v1/messages": {"model": SONNET, "max_tokens": 50, "messages": HELLO},
    }
    for path, body in bodies.items():
        for more in ({}, {"stream": True}):
            before = total(client).usage
            assert client.post(path, json={**body, **more}).status_code == 200
            told = sent_to(endpoint)[-1]["usage"]
            said = rockbottom.report(client)
            used = said.total.usage
            assert used.total_input - before.total_input == _input_of(told)
            assert used.output - before.output == told.get("output_tokens", told.get("completion_tokens"))
    assert said.total.calls == 6
    assert not said.without_usage


def _input_of(told):
    if "cache_read_input_tokens" in told:
        return told["input_tokens"] + told["cache_read_input_tokens"] + told["cache_creation_input_tokens"]
    return told.get("input_tokens", told.get("prompt_tokens"))


def test_a_write_of_gpt_is_one_of_thirty_minutes(client):
    asked = {"model": LUNA, "input": RULES, "prompt_cache_options": {"mode": "implicit"}}
    client.post("/openai/v1/responses", json=asked)
    usage = total(client).usage
    assert usage.cache_write_30m > 1024
    assert (usage.cache_write_5m, usage.cache_write_1h) == (0, 0)


def test_claude_on_messages_is_planned_like_claude_elsewhere(client, endpoint):
    for number in range(3):
        messages = [{"role": "user", "content": f"Question {number}"}]
        body = {"model": SONNET, "max_tokens": 50, "system": RULES, "messages": messages}
        client.post("/anthropic/v1/messages", json=body)
    told = [line["usage"] for line in sent_to(endpoint)]
    assert told[-1]["cache_read_input_tokens"] > 1024


def test_marks_and_modes_of_the_callers_own_go_out_as_they_are(client, endpoint):
    """Explicit without a mark is a choice too: nothing is written."""
    mark = {"type": "input_text", "text": RULES, "prompt_cache_breakpoint": {"mode": "explicit"}}
    bodies = [
        {"model": LUNA, "input": RULES, "prompt_cache_options": {"mode": "explicit"}},
        {"model": LUNA, "input": [{"role": "user", "content": [mark]}]},
    ]
    seen = _sent(client, bodies)
    assert seen == bodies


def _sent(client, bodies):
    """The bodies as they travelled."""
    seen = []
    client.event_hooks["request"] = []
    transport = client._transport
    send = type(transport).__mro__[1].handle_request

    def keep(self, request):
        seen.append(json.loads(request.read()))
        return send(self, request)

    type(transport).__mro__[1].handle_request = keep
    try:
        for body in bodies:
            client.post("/openai/v1/responses", json=body)
    finally:
        type(transport).__mro__[1].handle_request = send
    return seen


def test_a_stream_of_chat_shows_its_usage_only_to_who_asked(client):
    """It is asked for and taken out again; what is left is what the caller would have got, to the byte."""
    body = {"model": LUNA, "messages": HELLO, "stream": True}
    shown = client.post("/openai/v1/chat/completions", json=body).text
    assert '"choices":[]' not in shown
    assert shown.endswith("data: [DONE]\n\n")
    assert total(client).usage.total_input > 0
    asked = client.post("/openai/v1/chat/completions", json={**body, "stream_options": {"include_usage": True}}).text
    assert asked.count('"choices":[]') == 1


def test_requests_of_other_services_are_not_even_read(client):
    """The same paths belong to many: only Bedrock's hosts, and endpoints of this machine, are looked at."""
    ours = ("bedrock-mantle.us-east-1.api.aws", "bedrock-runtime.us-gov-west-1.amazonaws.com", "127.0.0.1", "localhost")
    assert all(reaches_bedrock(host) for host in ours)
    others = ("api.openai.com", "api.anthropic.com", "api.groq.com", "x.openai.azure.com", "evil-bedrock-mantle.com")
    assert not any(reaches_bedrock(host) for host in others)


def test_a_stream_that_fails_inside_a_good_status_is_a_failure_and_no_call(endpoint, client):
    endpoint.state.faults.add({"kind": "cut", "code": "InternalServerException", "after_events": 3, "count": 1})
    reply = client.post("/openai/v1/responses", json={"model": LUNA, "input": "Hello", "stream": True})
    assert reply.status_code == 200
    assert total(client).usage == Usage()
    assert rockbottom.report(client).without_usage == 1


def test_openai_python(endpoint):
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")
    client = rockbottom.attach(openai.OpenAI(base_url=f"{endpoint.url}/openai/v1", api_key="any"))
    told = client.responses.create(model=LUNA, instructions="Be brief.", input="Hello")
    with client.responses.stream(model=LUNA, input="Hello") as stream:
        list(stream)
        streamed = stream.get_final_response()
    chunks = list(client.chat.completions.create(model=LUNA, messages=HELLO, stream=True))
    assert [chunk.usage for chunk in chunks if chunk.usage] == []
    used = total(client)
    assert used.calls == 3
    assert used.usage.total_input > told.usage.input_tokens + streamed.usage.input_tokens


def test_openai_python_asynchronous(endpoint):
    openai = pytest.importorskip("openai", reason="needs the group frameworks: make sdks runs this")

    async def ask():
        client = rockbottom.attach(openai.AsyncOpenAI(base_url=f"{endpoint.url}/openai/v1", api_key="any"))
        await client.responses.create(model=LUNA, input="Hello")
        stream = await client.chat.completions.create(model=LUNA, messages=HELLO, stream=True)
        assert [chunk.usage async for chunk in stream if chunk.usage] == []
        return total(client)

    assert asyncio.run(ask()).calls == 2


def test_anthropic_on_mantle(endpoint):
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    if not hasattr(anthropic, "AnthropicBedrockMantle"):
        pytest.skip("this anthropic has no AnthropicBedrockMantle")
    made = anthropic.AnthropicBedrockMantle(
        base_url=f"{endpoint.url}/anthropic", aws_region="us-east-1", aws_access_key="AKID", aws_secret_key="secret"
    )
    client = rockbottom.attach(made)
    read = []
    for number in range(3):
        messages = [{"role": "user", "content": f"Question {number}"}]
        said = client.messages.create(model=SONNET, max_tokens=50, system=RULES, messages=messages)
        read.append(said.usage.cache_read_input_tokens)
    assert read[-1] > 1024
    assert sent_to(endpoint)[-1]["host"] == "bedrock-mantle"
    with client.messages.stream(model=SONNET, max_tokens=50, messages=HELLO) as stream:
        assert "".join(stream.text_stream)
    assert total(client).calls == 4


def test_anthropic_with_a_base_url_of_bedrock(endpoint):
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    client = rockbottom.attach(anthropic.Anthropic(base_url=f"{endpoint.url}/anthropic", api_key="any"))
    client.messages.create(model=f"us.{SONNET}", max_tokens=50, messages=HELLO)
    assert total(client).calls == 1
    assert sent_to(endpoint)[-1]["host"] == "bedrock-runtime"


def test_a_record_names_the_host_and_the_project_of_the_call(endpoint, tmp_path):
    """bedrock-mantle by its path, by a bare id, or not; the project is the header's, unless a tag says one."""
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")
    with httpx.Client(base_url=endpoint.url, timeout=20) as client:
        rockbottom.attach(client, ledger=tmp_path)
        project = {"openai-project": "proj_shop"}
        client.post("/openai/v1/responses", json={"model": LUNA, "input": "Hi"}, headers=project)
        client.post("/bedrock-mantle/openai/v1/responses", json={"model": LUNA, "input": "Hi"})
        with rockbottom.tagged(project="mine"):
            client.post("/openai/v1/responses", json={"model": f"us.{LUNA}", "input": "Hi"}, headers=project)
        workspace = {"anthropic-workspace": "wrk_a"}
        body = {"model": SONNET, "max_tokens": 50, "messages": HELLO}
        client.post("/bedrock-mantle/anthropic/v1/messages", json=body, headers=workspace)
        rockbottom.detach(client)
    found = [(call.host, call.tags) for call in LedgerReader(tmp_path).calls()]
    mantle = "bedrock-mantle"
    assert found == [
        (mantle, {"project": "proj_shop"}), (mantle, {}), ("", {"project": "mine"}), (mantle, {"project": "wrk_a"}),
    ]  # fmt: skip


def test_a_talk_that_the_service_keeps_is_not_planned_and_is_counted_and_priced(endpoint, tmp_path):
    """What it repeats is not in the body. Luna on bedrock-mantle: input 0.22, read 0.022, write 0.275, output 1.32."""
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")
    kept = None
    with httpx.Client(base_url=endpoint.url, timeout=20) as client:
        rockbottom.attach(client, ledger=tmp_path)
        for turn in range(4):
            body = {"model": LUNA, "input": f"And {turn}?", "previous_response_id": kept} if kept else {}
            told = client.post("/openai/v1/responses", json=body or {"model": LUNA, "input": RULES}).json()
            kept = told["id"]
        report = rockbottom.report(client)
        rockbottom.detach(client)
    why = "they continue a conversation that the service stores (previous_response_id), so what they repeat is not seen"
    assert dict(report.unplanned) == {why: 3}
    calls = list(LedgerReader(tmp_path).calls())
    used = [line["usage"] for line in sent_to(endpoint)]
    assert [call.total_input for call in calls] == [usage["input_tokens"] for usage in used]
    assert calls[-1].cache_read == used[-1]["input_tokens_details"]["cached_tokens"] > 1024
    for call in calls:
        parts = (call.input, "0.22"), (call.cache_read, "0.022"), (call.cache_write_30m, "0.275"), (call.output, "1.32")
        assert Decimal(call.cost_usd) == sum(count * Decimal(price) for count, price in parts) / 1_000_000


def test_what_a_model_saves_that_caches_by_itself_is_said_in_every_report(endpoint, tmp_path):
    """Savings are counted against no caching, which is not what such a model costs as it comes."""
    pytest.importorskip("duckdb", reason="needs the group sdks: make sdks runs this")
    httpx = pytest.importorskip("httpx", reason="needs the group sdks: make sdks runs this")
    items = [{"role": "user", "content": RULES}]
    with httpx.Client(base_url=endpoint.url, timeout=20) as client:
        rockbottom.attach(client, ledger=tmp_path)
        for turn in range(3):
            answer = client.post("/openai/v1/responses", json={"model": LUNA, "input": items})
            assert answer.status_code == 200
            items = [*items, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": f"And {turn}?"}]
        noted = rockbottom.report(client).notices
        rockbottom.detach(client)
    sentence = "GPT-5.6 Luna caches by itself: part of the saving against no caching comes without rockbottom."
    assert any(note.startswith(sentence) for note in noted)
    summary = CliRunner().invoke(summary_command, [str(tmp_path), "--side", "local"])
    assert sentence in " ".join(summary.output.split())
