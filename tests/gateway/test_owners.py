"""Responses, batches and files belong to the key that made them."""

import json

import httpx
import pytest
from msgspec.structs import replace

from rockbottom.gateway import Upstream, new_key, running_gateway
from rockbottom.sharing import SqliteStore
from tests.gateway.conftest import configured, scripted

LUNA = "openai.gpt-5.6-luna"
ASKED = {"model": LUNA, "input": "Hello"}


def caller(gateway, table, key):
    """A client with the bearer token of a key."""
    headers = {"authorization": f"Bearer {key.id}.{table.secret(key)}"}
    return httpx.Client(base_url=gateway.url, timeout=20, headers=headers)


@pytest.fixture
def other(table):
    made = new_key("billing", 0.0)
    table.put(made)
    return made


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_there_for_the_key_that_made_it(endpoint, table, key, other, tmp_path, stream):
    """For another key it is as if it were not there, also after a restart of the gateway."""
    with running_gateway(configured(endpoint.url, tmp_path)) as gateway, caller(gateway, table, key) as ours:
        reply = ours.post("/openai/v1/responses", json={**ASKED, "stream": stream})
        line = next(line for line in reply.text.split("\n") if "resp" in line) if stream else reply.text
        made = json.loads(line.removeprefix("data:"))
        name = made["response"]["id"] if stream else made["id"]
    with running_gateway(configured(endpoint.url, tmp_path)) as gateway:
        with caller(gateway, table, other) as theirs:
            place = f"/openai/v1/responses/{name}"
            for refused in (
                theirs.get(place),
                theirs.delete(place),
                theirs.post(f"{place}/cancel"),
                theirs.post("/openai/v1/responses", json={**ASKED, "previous_response_id": name}),
            ):
                assert (refused.status_code, refused.json()["error"]["message"]) == (404, "Response not found.")
        with caller(gateway, table, key) as ours:
            assert ours.get(place).json()["id"] == name
            more = ours.post("/openai/v1/responses", json={**ASKED, "previous_response_id": name})
            assert more.json()["previous_response_id"] == name
            assert ours.delete(place).status_code == 200


def test_who_made_nothing_known_is_told_that_nothing_is_there(endpoint, gateway, table, key):
    """A response that was made past the gateway is nobody's."""
    direct = httpx.post(f"{endpoint.url}/openai/v1/responses", json=ASKED, timeout=20).json()
    with caller(gateway, table, key) as ours:
        assert ours.get(f"/openai/v1/responses/{direct['id']}").status_code == 404


def test_on_an_open_gateway_everything_is_everybodys(endpoint, tmp_path):
    direct = httpx.post(f"{endpoint.url}/openai/v1/responses", json=ASKED, timeout=20).json()
    with running_gateway(configured(endpoint.url, tmp_path, keys=None)) as gateway:
        assert httpx.get(f"{gateway.url}/openai/v1/responses/{direct['id']}").json()["id"] == direct["id"]


def test_a_response_is_asked_for_at_the_host_where_it_was_made(table, key, tmp_path):
    """A bare id is of bedrock-mantle; the path of what came of it names no model."""
    made = (200, b'{"object": "response", "id" : "resp_0a1b", "status": "completed"}')
    with scripted([made]) as runtime, scripted([made]) as mantle:
        upstream = Upstream("us-east-1", runtime=runtime.url, mantle=mantle.url)
        with (
            running_gateway(replace(configured("", tmp_path), upstream=upstream)) as gateway,
            caller(gateway, table, key) as ours,
        ):
            ours.post("/openai/v1/responses", json=ASKED)
            assert ours.get("/openai/v1/responses/resp_0a1b").status_code == 200
        assert [seen.path for seen in mantle.seen] == ["/openai/v1/responses", "/openai/v1/responses/resp_0a1b"]
        assert runtime.seen == []


def test_batches_and_files_are_for_keys_that_may_and_each_for_its_own(table, key, other, tmp_path):
    """They pass as they came; the files of a batch's results belong to who made the batch."""
    may = new_key("nightly", 0.0, batches=True, models=("openai.gpt-oss",))
    also = new_key("weekly", 0.0, batches=True)
    table.put(may)
    table.put(also)
    told = {"id": "batch_77", "object": "batch", "output_file_id": "file-88", "error_file_id": None}
    with (
        scripted([(200, json.dumps(told).encode())]) as service,
        running_gateway(configured(service.url, tmp_path)) as gateway,
    ):
        body = {"input_file_id": "s3://bucket/in.jsonl", "endpoint": "/v1/chat/completions"}
        headers = {
            "x-amzn-bedrock-modelid": "openai.gpt-oss-120b-1:0",
            "x-amzn-bedrock-rolearn": "arn:aws:iam::1:role/b",
        }
        with caller(gateway, table, key) as refused:
            assert refused.post("/openai/v1/batches", json=body, headers=headers).status_code == 403
        with caller(gateway, table, may) as ours:
            assert ours.post("/openai/v1/batches", json=body).status_code == 403  # it names no model
            assert ours.post("/openai/v1/batches", json=body, headers=headers).json() == told
            assert service.seen[-1].headers["x-amzn-bedrock-rolearn"] == "arn:aws:iam::1:role/b"
            assert json.loads(service.seen[-1].body) == body
            assert ours.get("/openai/v1/batches/batch_77").json() == told
            assert ours.get("/v1/files/file-88/content").status_code == 200
            assert ours.get("/openai/v1/batches").status_code == 404  # a list would show those of others
        with caller(gateway, table, also) as theirs:
            for refused in (
                theirs.get("/openai/v1/batches/batch_77"),
                theirs.post("/openai/v1/batches/batch_77/cancel"),
                theirs.get("/v1/files/file-88/content"),
                theirs.delete("/v1/files/file-88"),
                theirs.post("/openai/v1/batches", json={**body, "input_file_id": "file-88"}, headers=headers),
            ):
                assert refused.status_code == 404


def test_files_are_uploaded_read_and_deleted(endpoint, table, tmp_path):
    may = new_key("nightly", 0.0, batches=True)
    table.put(may)
    with running_gateway(configured(endpoint.url, tmp_path)) as gateway, caller(gateway, table, may) as ours:
        made = ours.post("/v1/files", data={"purpose": "fine-tune"}, files={"file": ("a.jsonl", b'{"a": 1}\n')}).json()
        assert ours.get(f"/v1/files/{made['id']}/content").content == b'{"a": 1}\n'
        assert ours.delete(f"/v1/files/{made['id']}").json()["deleted"] is True


def test_an_owner_outlives_what_lives_for_a_day(tmp_path):
    """Values of a month are not cleared away with those of a second that were put after them."""
    now = [0.0]
    store = SqliteStore(str(tmp_path / "store.db"), clock=lambda: now[0])
    store.put("long", b"owner", 30 * 86_400.0)
    now[0] = 2 * 86_400.0
    for number in range(2000):  # clearing away happens now and then
        store.put(f"short {number}", b"", 30 * 86_400.0)
    assert store.put_if_absent("long", b"", 0.001) == b"owner"
    store.close()
