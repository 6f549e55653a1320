"""Messages, Chat Completions and Responses through the gateway: their paths, hosts, shapes of errors."""

import json
import re

import httpx
import pytest

from rockbottom.gateway import BudgetRow, Upstream, new_key, running_gateway
from tests.gateway.conftest import RULES, configured, records, scripted

LUNA, SONNET = "openai.gpt-5.6-luna", "anthropic.claude-sonnet-5"
GLOBAL = "us.anthropic.claude-opus-5"
HELLO = [{"role": "user", "content": "Hello"}]
BODIES = {
    "/openai/v1/responses": {"model": LUNA, "input": [{"role": "user", "content": RULES}]},
    "/openai/v1/chat/completions": {"model": LUNA, "messages": [{"role": "system", "content": RULES}, *HELLO]},
    "/v1/chat/completions": {"model": "openai.gpt-oss-120b", "messages": HELLO},
    "/anthropic/v1/messages": {"model": SONNET, "max_tokens": 50, "system": RULES, "messages": HELLO},
}


@pytest.fixture
def token(table, key):
    return f"{key.id}.{table.secret(key)}"


@pytest.fixture
def caller(gateway, token):
    """A client with a bearer key of the gateway."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    with httpx.Client(base_url=gateway.url, timeout=20, headers=headers) as one:
        yield one


def plainly(raw):
    """A reply without names, instants, usage, and what Responses repeats of options that the plan adds."""
    text = re.sub(rb'"(id|created|created_at|completed_at|item_id|response_id)":\s*("[^"]*"|[\d.]+)', b"", raw)
    text = re.sub(rb'"prompt_cache_options":\s*\{[^}]*\},?', b"", text)
    return re.sub(rb'"usage":\s*\{[^}]*(\{[^}]*\}[^}]*)*\}', b"", text)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_is_that_of_a_direct_call(caller, endpoint, path, stream):
    """The same bytes, whole and streamed, but for names, instants and what was read and written."""
    body = {**BODIES[path], **({"stream": True} if stream else {})}
    through = caller.post(path, json=body)
    direct = httpx.post(endpoint.url + path, json=body, timeout=20)
    assert (through.status_code, direct.status_code) == (200, 200), through.text
    assert plainly(through.content) == plainly(direct.content)
    assert through.headers["content-type"] == direct.headers["content-type"]


def test_marks_are_put_in_counted_and_booked(caller, endpoint, gateway, tmp_path):
    """Every call is in the ledger by its operation, with the tags of the key; Messages writes and then reads."""
    for path, body in BODIES.items():
        for more in ({}, {"stream": True}):
            assert caller.post(path, json={**body, **more}).status_code == 200
    told = caller.post("/anthropic/v1/messages", json=BODIES["/anthropic/v1/messages"]).json()["usage"]
    assert told["cache_read_input_tokens"] > 1024
    lines = records(gateway, tmp_path, 9)
    assert [line["operation"] for line in lines] == [
        *("Responses", "ResponsesStream", "ChatCompletions", "ChatCompletionsStream"),
        *("ChatCompletions", "ChatCompletionsStream", "Messages", "MessagesStream", "Messages"),
    ]
    assert {tuple(line["tags"].items()) for line in lines} == {(("team", "search"),)}
    assert gateway.gateway.reports()[0].without_usage == 0


def test_of_a_body_only_the_mark_is_new(key, table, token, tmp_path):
    """The rest are the bytes that came; on bedrock-mantle the signature is for it."""
    body = json.dumps(BODIES["/anthropic/v1/messages"] | {"system": [{"type": "text", "text": RULES}]}, indent=1)
    reply = b'{"type":"message","content":[],"usage":{"input_tokens":9,"output_tokens":1}}'
    headers = {"x-api-key": token, "anthropic-workspace": "w", "OpenAI-Project": "proj_1", "anthropic-beta": "a,b"}
    with scripted([(200, reply)]) as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        assert httpx.post(f"{gateway.url}/anthropic/v1/messages?beta=true", content=body, headers=headers).is_success
    (seen,) = service.seen
    assert re.sub(rb', ?"cache_control":\{"type":"ephemeral"(,"ttl":"..")?\}', b"", seen.body) == body.encode()
    assert len(seen.body) > len(body)
    assert seen.path == "/anthropic/v1/messages?beta=true"
    assert {seen.headers[name] for name in ("anthropic-workspace", "openai-project", "anthropic-beta")} == {
        *("w", "proj_1", "a,b")
    }
    assert "/bedrock-mantle/aws4_request" in seen.headers["authorization"]
    assert "x-api-key" not in seen.headers


@pytest.mark.parametrize(
    ("path", "model", "surfaces", "service"),
    [
        ("/anthropic/v1/messages", SONNET, "by-model", "bedrock-mantle"),
        ("/anthropic/v1/messages", GLOBAL, "by-model", "bedrock"),
        ("/bedrock-runtime/anthropic/v1/messages", SONNET, "by-model", "bedrock"),
        ("/openai/v1/responses", LUNA, "by-model", "bedrock-mantle"),
        ("/openai/v1/responses", f"us.{LUNA}", "by-model", "bedrock"),
        ("/openai/v1/responses", LUNA, "runtime", "bedrock"),
        ("/openai/v1/responses", f"us.{LUNA}", "mantle", "bedrock-mantle"),
        ("/bedrock-mantle/openai/v1/chat/completions", f"us.{LUNA}", "by-model", "bedrock-mantle"),
        ("/v1/chat/completions", "qwen.qwen3-32b", "runtime", "bedrock-mantle"),
    ],
)
def test_the_host_is_told_by_configuration_caller_or_model(token, tmp_path, path, model, surfaces, service):
    """Of two hosts of the configuration; the path goes on without what names the host."""
    with scripted() as runtime, scripted() as mantle:
        upstream = Upstream("us-east-1", runtime=runtime.url, mantle=mantle.url, surfaces=surfaces)
        given = configured(runtime.url, tmp_path)
        with running_gateway(type(given)(upstream, keys=given.keys, folder=given.folder, listen=given.listen)) as one:
            body = {"model": model, "max_tokens": 9, "messages": HELLO, "input": "Hello"}
            assert httpx.post(one.url + path, json=body, headers={"x-api-key": token}).status_code == 200
    seen = mantle.seen if service == "bedrock-mantle" else runtime.seen
    assert len(mantle.seen) + len(runtime.seen) == 1
    assert f"/us-east-1/{service}/aws4_request" in seen[0].headers["authorization"]
    assert seen[0].path == path.removeprefix("/bedrock-mantle").removeprefix("/bedrock-runtime")


def test_responses_are_kept_got_and_deleted(caller):
    """By their id; a list of them is not carried: it would show the callers each other's."""
    made = caller.post("/openai/v1/responses", json={"model": LUNA, "input": "Hello"}).json()
    assert caller.get(f"/openai/v1/responses/{made['id']}").json() == made
    more = {"model": LUNA, "input": "And then?", "previous_response_id": made["id"]}
    assert caller.post("/openai/v1/responses", json=more).json()["previous_response_id"] == made["id"]
    assert caller.get("/openai/v1/responses").status_code == 404
    assert caller.delete(f"/openai/v1/responses/{made['id']}").status_code == 200
    gone = caller.get(f"/openai/v1/responses/{made['id']}")
    assert (gone.status_code, gone.json()["error"]["message"]) == (404, "Response not found.")


def test_models_are_listed_and_messages_counted(caller, endpoint):
    """The paths that bedrock-mantle alone has."""
    assert caller.get("/v1/models").json() == httpx.get(f"{endpoint.url}/v1/models").json()
    assert caller.get("/v1/models/openai.gpt-oss-120b").json()["id"] == "openai.gpt-oss-120b"
    counted = caller.post("/anthropic/v1/messages/count_tokens", json={"model": SONNET, "messages": HELLO})
    assert counted.json()["input_tokens"] > 0
    assert caller.post("/v1/files", json={}).status_code == 403  # carried for keys that may make batches


def test_usage_that_nobody_asked_for_is_not_shown(caller, gateway):
    """Chat Completions, streamed: the gateway asks for it, and keeps the chunk that holds it."""
    body = {**BODIES["/openai/v1/chat/completions"], "stream": True}
    quiet = caller.post("/openai/v1/chat/completions", json=body)
    assert b'"choices":[]' not in quiet.content.replace(b": ", b":")
    assert quiet.content.rstrip().endswith(b"data: [DONE]")
    asking = caller.post("/openai/v1/chat/completions", json={**body, "stream_options": {"include_usage": True}})
    assert b'"choices":[]' in asking.content.replace(b": ", b":")
    report = gateway.gateway.reports()[0]
    assert (report.total.calls, report.without_usage) == (2, 0)
    assert report.total.usage.total_input > 2 * 1024


def test_a_service_that_knows_no_stream_options_is_sent_what_came(token, tmp_path):
    """One resend of the bytes that came."""
    body = json.dumps({"model": "openai.gpt-oss-120b", "messages": HELLO, "stream": True}).encode()
    refusal = b'{"error":{"message":"Unsupported parameter: stream_options"}}'
    with (
        scripted([(400, refusal), (200, b"data: [DONE]\n\n")]) as service,
        running_gateway(configured(service.url, tmp_path)) as gateway,
    ):
        url = f"{gateway.url}/v1/chat/completions"
        assert httpx.post(url, content=body, headers={"x-api-key": token}).content == b"data: [DONE]\n\n"
    assert b"stream_options" in service.seen[0].body
    assert service.seen[1].body == body


@pytest.mark.parametrize("path", BODIES)
def test_errors_have_the_shape_of_their_surface(gateway, table, path):
    """401 without a key, 403 with a wrong one or another's model, 429 over the rate: as the SDKs read them."""
    url, body = gateway.url + path, BODIES[path]
    narrow = new_key("narrow", 0.0, models=("nobody",))
    hasty = new_key("hasty", 0.0, per_minute=1)
    for made in (narrow, hasty):
        table.put(made)
    gateway.gateway.reload(gateway.gateway.configuration)

    def told(**headers):
        reply = httpx.post(url, json=body, headers=headers, timeout=20)
        error = reply.json()["error"]
        if path.startswith("/anthropic/"):
            assert reply.json()["type"] == "error"
        else:
            assert set(error) == {"code", "message", "param", "type"}
        return reply.status_code, error["type"], reply.headers.get("retry-after")

    of_anthropic = path.startswith("/anthropic/")
    assert told()[:2] == (401, "authentication_error" if of_anthropic else "invalid_request_error")
    assert told(authorization="Bearer no.key")[:2] == (403, "permission_error")
    assert told(**{"x-api-key": f"{narrow.id}.{table.secret(narrow)}"})[:2] == (403, "permission_error")
    in_time = {"x-api-key": f"{hasty.id}.{table.secret(hasty)}"}
    assert httpx.post(url, json=body, headers=in_time, timeout=20).status_code == 200
    status, kind, wait = told(**in_time)
    assert (status, kind) == (429, "rate_limit_error")
    assert 1 <= int(wait) <= 60


@pytest.mark.parametrize("path", ["/openai/v1/responses", "/anthropic/v1/messages"])
def test_a_spent_budget_is_429_with_its_reason(endpoint, token, tmp_path, path):
    """And SDKs are told not to try again."""
    body = {**BODIES[path], "model": GLOBAL} if "messages" in path else BODIES[path]  # one that has a price
    with running_gateway(configured(endpoint.url, tmp_path, budgets=[BudgetRow("0.00001", "day")])) as gateway:
        for _ in range(3):
            reply = httpx.post(gateway.url + path, json=body, headers={"x-api-key": token}, timeout=20)
    assert (reply.status_code, reply.json()["error"]["type"]) == (429, "rate_limit_error")
    assert "$0.000010 spent" in reply.json()["error"]["message"]
    assert reply.headers["x-should-retry"] == "false"


def test_a_key_of_some_models_cannot_name_two(endpoint, table, tmp_path):
    """A member that is there twice, or none: the service might take the other, or the one of an earlier response."""
    narrow = new_key("narrow", 0.0, models=("openai.gpt-oss",))
    table.put(narrow)
    headers = {"x-api-key": f"{narrow.id}.{table.secret(narrow)}"}
    twice = '{"model": "openai.gpt-5.6-luna", "model": "openai.gpt-oss-120b", "messages": []}'
    escaped = '{"mod\\u0065l": "openai.gpt-5.6-luna", "model": "openai.gpt-oss-120b", "messages": []}'
    nothing = '{"input": "Hello", "previous_response_id": "resp_1"}'
    with scripted() as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        for body in (twice, escaped, nothing, "[]", "", "{"):
            for path in ("/v1/chat/completions", "/openai/v1/responses"):
                assert httpx.post(gateway.url + path, content=body, headers=headers).status_code == 403
        allowed = {"model": "openai.gpt-oss-120b", "messages": HELLO}
        assert httpx.post(f"{gateway.url}/v1/chat/completions", json=allowed, headers=headers).status_code == 200
    assert len(service.seen) == 1
