"""LiteLLM's proxy with one line in its configuration: its three ways to Bedrock are planned and recorded."""

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from rockbottom.ledger import LedgerReader
from tests.programs.unmodified.prompt import SYSTEM

pytestmark = pytest.mark.slow

MASTER = "sk-of-a-test-3f9d2c7b"
CONFIG = f"""
model_list:
  - model_name: sonnet
    litellm_params:
      model: bedrock/us.anthropic.claude-sonnet-4-6
      aws_access_key_id: AKIDOFADEPLOYMENT000
      aws_secret_access_key: its-own
      aws_region_name: us-east-1
  - model_name: sonnet-invoke
    litellm_params:
      model: bedrock/invoke/us.anthropic.claude-sonnet-4-6
litellm_settings:
  callbacks: rockbottom.integrations.litellm.callback
general_settings:
  master_key: {MASTER}
"""


@pytest.fixture(scope="module")
def proxy(server, tmp_path_factory):
    """The proxy's address and the folder of its ledger."""
    if find_spec("litellm") is None or find_spec("fastapi") is None:
        pytest.skip("LiteLLM's proxy is not installed here: make sdks runs this")
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "config.yaml").write_text(CONFIG)
    port = _free_port()
    environment = {**_environment(server.url), "ROCKBOTTOM_LEDGER": str(folder / "ledger")}
    command = [str(Path(sys.executable).with_name("litellm")), "--config", "config.yaml", "--port", str(port)]
    with (folder / "log").open("w") as log:
        started = subprocess.Popen(
            [*command, "--host", "127.0.0.1"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/health/liveliness", started, folder / "log")
        yield address, folder / "ledger"
    finally:
        started.terminate()
        started.wait(30)


def _environment(url):
    import os

    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE000000000",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_REGION_NAME": "us-east-1",
        "AWS_BEDROCK_RUNTIME_ENDPOINT": url,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "ROCKBOTTOM_FACTS": "",
    }


def _free_port():
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _wait_for(url, process, log, patience_s=120):
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up and process.poll() is None:
        try:
            urlopen(url, timeout=2).read()
            return
        except (URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(log.read_text()[-3000:])


def _post(address, path, body, **headers):
    asked = Request(
        address + path,
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {MASTER}", **headers},
    )
    return urlopen(asked, timeout=60).read().decode()


def _converse(text, system):
    return {"system": [{"text": system}], "messages": [{"role": "user", "content": [{"text": text}]}]}


def _chat(text, system, **more):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return {"model": "sonnet", "messages": messages, "max_tokens": 50, **more}


def _messages(text, system, **more):
    return {
        "model": "sonnet",
        "system": system,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 50,
        **more,
    }


WAYS = {
    "chat completions": ("/chat/completions", _chat, {}),
    "chat completions, streamed": ("/chat/completions", _chat, {"stream": True}),
    "messages": ("/v1/messages", _messages, {}),
    "messages, streamed, over invoke": ("/v1/messages", _messages, {"stream": True, "model": "sonnet-invoke"}),
    "through to Bedrock": ("/bedrock/model/sonnet/converse", _converse, {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_through_the_proxy_is_planned_and_recorded(proxy, server, way):
    """Of three calls on one system prompt the last reads what was written, though the deployment has its own key."""
    address, ledger = proxy
    server.state.reset()
    path, body, more = WAYS[way]
    before = len(list(LedgerReader(ledger).calls())) if ledger.is_dir() else 0
    for number in range(3):
        _post(address, path, body(f"question {number}", f"{way}. {SYSTEM}", **more))
    give_up = time.monotonic() + 10
    while len(calls := list(LedgerReader(ledger).calls())[before:]) < 3 and time.monotonic() < give_up:
        time.sleep(0.1)
    assert [call.status for call in calls] == ["ok"] * 3
    assert calls[-1].cache_read > 5000
    assert {call.simulated for call in calls} == {True}


def test_a_record_says_whose_call_it_was(proxy):
    address, ledger = proxy
    _post(address, "/chat/completions", _chat("whose?", "short", user="somebody"))
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        calls = list(LedgerReader(ledger).calls()) if ledger.is_dir() else []
        if calls and calls[-1].tags.get("user") == "somebody":
            return
        time.sleep(0.1)
    raise AssertionError(calls)


def test_what_the_service_refuses_the_proxy_s_caller_sees(proxy):
    address, _ = proxy
    with pytest.raises(URLError):
        _post(address, "/chat/completions", {"model": "sonnet", "messages": "none"})
