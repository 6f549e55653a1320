"""Local runs in the shells that people have: a bearer key, a missing profile, a proxy, FIPS, a broken file."""

import pytest

from rockbottom.bench import LocalEndpoint
from rockbottom.local import running
from rockbottom.process import leads_here, local_client, opened
from rockbottom.testing.conversations import Conversation

TRAPS = {
    "nothing": {},
    "a bearer key": {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key-of-nobody"},
    "a proxy": dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:1"),
    "a profile that is not there": {"AWS_PROFILE": "work-sso"},
    "the old name of a profile": {"AWS_DEFAULT_PROFILE": "work-sso"},
    "a Region": {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_REGION": "eu-central-1"},
    "another endpoint": {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:1",
    },
    "a bundle that is not there": {"AWS_CA_BUNDLE": "/nonexistent.pem"},
    "FIPS": {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "modes": {"AWS_DEFAULTS_MODE": "auto", "AWS_RETRY_MODE": "none of these", "AWS_MAX_ATTEMPTS": "0"},
    "a session token": {"AWS_SESSION_TOKEN": "expired", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE"},
}


@pytest.fixture(scope="module")
def server():
    with running() as one:
        yield one


@pytest.fixture(params=TRAPS.values(), ids=TRAPS)
def shell(request, monkeypatch, tmp_path):
    """A shell with one of the traps, and a file of settings that no parser takes."""
    broken = tmp_path / "config"
    broken.write_text("[default\nregion")
    for name, value in {"AWS_CONFIG_FILE": str(broken), **request.param}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


QUESTION = {
    "modelId": "us.amazon.nova-micro-v1:0",
    "messages": [{"role": "user", "content": [{"text": "What does Basic cost?"}]}],
}


@pytest.mark.usefixtures("shell")
def test_a_bench_reaches_the_local_endpoint(server):
    endpoint = LocalEndpoint(server.url)
    assert endpoint.client(0).converse(**QUESTION)["usage"]["inputTokens"] > 0
    endpoint.script(0, [{"text": "Nothing."}])
    assert endpoint.client(0).converse(**QUESTION)["output"]["message"]["content"] == [{"text": "Nothing."}]
    assert endpoint.cloud(0).client("bedrock").list_inference_profiles()["inferenceProfileSummaries"] is not None


@pytest.mark.usefixtures("shell")
def test_a_test_s_client_reaches_the_local_endpoint(server):
    with Conversation(server) as talk:
        assert talk.client.converse(**QUESTION)["stopReason"] == "end_turn"


@pytest.mark.usefixtures("shell")
def test_a_question_to_the_control_api_goes_past_proxies(server):
    with opened(f"{server.url}/_rockbottom/health", 5) as answer:
        assert answer.status == 200


def test_what_leads_here_and_what_does_not():
    assert all(map(leads_here, ("http://127.0.0.1:4747", "http://localhost", "http://[::1]:1", "http://127.8.9.1")))
    assert not any(map(leads_here, (None, "", "http://10.0.0.1", "https://bedrock-runtime.us-east-1.amazonaws.com")))


def test_a_client_of_another_machine_keeps_its_proxies(monkeypatch):
    """A local endpoint may run elsewhere, behind a proxy that leads there."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert local_client("bedrock-runtime", "http://10.0.0.1:4747", "us-east-1").meta.config.proxies is None
    assert local_client("bedrock-runtime", "http://127.0.0.1:4747", "us-east-1").meta.config.proxies == {}
