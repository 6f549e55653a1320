"""Points of the caller's own, fronts that change with every call, and a configuration that is read again."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from rockbottom.gateway import BudgetRow, GatewayLimits, Upstream, new_key, running_gateway
from rockbottom.gateway.splicing import without_elements
from tests.gateway.conftest import MODEL, OK, RULES, configured, scripted

PATH = f"/model/{MODEL}/invoke"
POINT = {"type": "ephemeral"}
BILLING = "x-anthropic-billing-header: cc_version=2.1.36.{}; cc_entrypoint=cli; cch={};"
REPLY = (200, b'{"type":"message","content":[],"usage":{"input_tokens":9,"output_tokens":1}}')


def body_of(number, *, marked=False):
    """A request of Claude Code's shape: a first text of the system that is another in every call."""
    rules = {"type": "text", "text": RULES, **({"cache_control": POINT} if marked else {})}
    system = [{"type": "text", "text": BILLING.format(f"{number:03x}", f"{number * 7919:05x}")}, rules]
    messages = [{"role": "user", "content": f"Question {number}: what does Basic cost?"}]
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 20, "system": system, "messages": messages}


def headers_of(table, key):
    return {"authorization": f"Bearer {key.id}.{table.secret(key)}", "content-type": "application/json"}


@pytest.mark.parametrize(("marks", "rest"), [("keep", True), ("complete", True), ("replace", False)])
def test_points_of_the_callers_own(table, tmp_path, marks, rest):
    """Kept as they are, kept with more beside them, or taken out for better ones."""
    key = new_key("team", 0.0, marks=marks)
    table.put(key)
    body = body_of(1, marked=True)
    body["system"].reverse()  # a point in front of what changes
    body["system"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    with scripted([REPLY]) as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        assert httpx.post(gateway.url + PATH, json=body, headers=headers_of(table, key)).status_code == 200
    sent = json.loads(service.seen[0].body)
    kept = sent["system"][0].get("cache_control") == {"type": "ephemeral", "ttl": "1h"}
    assert kept == rest
    if marks == "keep":
        assert sent == body


@pytest.mark.parametrize("settings", [{"strip": ("x-anthropic-billing-header",)}, {"move_volatile": True}])
def test_a_changing_front_is_taken_out_or_moved_where_the_key_allows_it(endpoint, table, tmp_path, settings):
    """What follows it is read again; without leave it is written with every call, and named."""
    free, bound = new_key("free", 0.0, **settings), new_key("bound", 0.0)
    table.put(free)
    table.put(bound)

    def reads(gateway, key):
        replies = [
            httpx.post(gateway.url + PATH, json=body_of(number), headers=headers_of(table, key), timeout=20).json()
            for number in range(8)
        ]
        return [reply["usage"]["cache_read_input_tokens"] for reply in replies]

    with running_gateway(configured(endpoint.url, tmp_path)) as gateway:
        assert min(reads(gateway, free)[3:]) > 1024
        endpoint.state.reset()
        assert max(reads(gateway, bound)) == 0
        notices = [notice for report in gateway.gateway.reports() for notice in report.notices]
    assert any("system[0]" in notice and "changes from call to call" in notice for notice in notices)


def test_what_is_taken_out_leaves_the_other_bytes(table, tmp_path):
    """And the service is sent the caller's own where it refuses what is left."""
    key = new_key("free", 0.0, strip=("x-anthropic-billing-header",))
    table.put(key)
    system = [body_of(1)["system"][0], {"type": "text", "text": "short"}]
    data = json.dumps(body_of(1) | {"system": system}, indent=1)
    refusal = (400, b'{"message":"system: Field required for cache"}')
    with scripted([refusal, REPLY]) as service, running_gateway(configured(service.url, tmp_path)) as gateway:
        assert httpx.post(gateway.url + PATH, content=data, headers=headers_of(table, key)).status_code == 200
    first, second = (seen.body for seen in service.seen)
    assert json.loads(first) == json.loads(data) | {"system": [{"type": "text", "text": "short"}]}
    assert first.split(b'"short"')[1] == data.encode().split(b'"short"')[1]
    assert second == data.encode()


@pytest.mark.parametrize(
    ("numbers", "left"),
    [([0], b'{"a": [ 2,{"b":3} ], "c": 1}'), ([2], b'{"a": [ 1,2 ], "c": 1}'), ([0, 1], b'{"a": [ {"b":3} ], "c": 1}')],
)
def test_elements_are_cut_out_of_bytes(numbers, left):
    """Of a list in a member; those that stay keep theirs."""
    assert without_elements(b'{"a": [ 1, 2 , {"b":3} ], "c": 1}', "a", numbers) == left


def test_a_configuration_is_taken_over_whole(table, key, tmp_path):
    """Upstream, limits, tags, budgets, keys: for what comes next; what was learned and counted stays."""
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "hi"}]}]})
    url = f"/model/{MODEL}/converse"
    with scripted([OK]) as first, scripted([OK]) as second:
        before = configured(first.url, tmp_path)
        with running_gateway(before) as running:
            post = lambda text: httpx.post(running.url + url, content=text, headers=headers_of(table, key))  # noqa: E731
            assert post(body).status_code == 200
            narrow = new_key("narrow", 0.0, models=("nobody",))
            table.put(narrow)
            after = msgspec.structs.replace(
                before,
                upstream=Upstream("us-east-1", runtime=second.url),
                limits=GatewayLimits(body_mb=0.001),
                tags={"stage": "test"},
                listen="127.0.0.1:1",
            )
            assert running.gateway.reload(after) == ("listen",)
            assert post(body).status_code == 200
            assert post(body + " " * 2000).status_code == 413
            assert httpx.post(running.url + url, content=body, headers=headers_of(table, narrow)).status_code == 403
            assert (len(first.seen), len(second.seen)) == (1, 1)
            spent = msgspec.structs.replace(after, limits=GatewayLimits(), budgets=[BudgetRow("0.00000001", "day")])
            assert running.gateway.reload(spent) == ()
            assert [post(body).status_code for _ in range(2)][-1] == 429
        for attachment in running.gateway.attachments:
            attachment.recorder.sinks[0].close()
    files = sorted((tmp_path / "ledger").glob("*.ndjson"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert [line["tags"].get("stage") for line in lines][:2] == [None, "test"]


def test_sighup_reads_the_file_again_or_says_which_line_is_wrong(key, table, tmp_path):
    """A process of its own: a body limit that shrinks; a mistake changes nothing and names its line and field."""
    config = tmp_path / "gateway.yaml"
    with scripted([OK]) as service:
        text = f"listen: 127.0.0.1:0\nupstream: {{region: us-east-1, runtime: '{service.url}'}}\nkeys: keys.json\n"
        config.write_text(text)
        command = [sys.executable, "-m", "rockbottom", "gateway", "--config", str(config)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=(tmp_path / "log").open("wb"), text=True, env=os.environ
        )
        try:
            address = process.stdout.readline().strip()
            ask = lambda: httpx.post(  # noqa: E731
                f"{address}/model/{MODEL}/converse", content=b"{}" + b" " * 2000, headers=headers_of(table, key)
            )
            assert ask().status_code == 200
            config.write_text(text + "limits:\n  body_mb: none\n")
            said = told(process, tmp_path / "log", "stays as it was")
            assert "line 5: limits.body_mb: expected a number, found text (none)" in said
            assert ask().status_code == 200
            config.write_text(text + "limits:\n  body_mb: 0.001\n")
            told(process, tmp_path / "log", "again")
            assert ask().status_code == 413
            assert urllib.request.urlopen(f"http://{urlsplit(address).netloc}/ready").status == 200
        finally:
            process.kill()
            process.wait()


def told(process, log, word):
    """What a gateway says after SIGHUP."""
    process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while word not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return log.read_text()
