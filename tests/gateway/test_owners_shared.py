"""Two gateways that share one server know alike whose responses, batches and files are, whatever becomes of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from rockbottom.gateway import new_key, running_gateway
from tests.gateway.conftest import configured, scripted
from tests.sharing.conftest import serving, until

ASKED = {"model": "openai.gpt-5.6-luna", "input": "Hello"}
MADE = "/openai/v1/responses"


class Pair:
    """Gateways A and B before one service, of one table of keys and one server, each with a ledger of its own."""

    def __init__(self, first, second, table):
        self.a, self.b, self._table = first.url, second.url, table

    def ask(self, method, url, key, **more):
        headers = {"authorization": f"Bearer {key.id}.{self._table.secret(key)}", **more.pop("headers", {})}
        return httpx.request(method, url, headers=headers, timeout=30, **more)

    def make(self, key):
        """The id of a response made at A, and how many seconds that took."""
        begun = time.perf_counter()
        reply = self.ask("POST", self.a + MADE, key, json=ASKED)
        assert reply.status_code == 200
        return reply.json()["id"], time.perf_counter() - begun


@contextmanager
def pair(url, share, table, folder):
    with (
        running_gateway(configured(url, folder, share=share, ledger="a")) as first,
        running_gateway(configured(url, folder, share=share, ledger="b")) as second,
    ):
        yield Pair(first, second, table)


@pytest.fixture
def other(table):
    made = new_key("billing", 0.0)
    table.put(made)
    return made


def test_a_response_made_at_one_gateway_is_there_at_the_other_for_the_key_that_made_it(
    endpoint, table, key, other, tmp_path
):
    """Read, gone on from, cancelled and deleted; for another key it is at neither."""
    with serving(tmp_path) as server, pair(endpoint.url, server.url, table, tmp_path) as both:
        name, _ = both.make(key)
        for gateway in (both.b, both.a):
            assert both.ask("GET", f"{gateway}{MADE}/{name}", key).json()["id"] == name
            for refused in (
                both.ask("GET", f"{gateway}{MADE}/{name}", other),
                both.ask("POST", f"{gateway}{MADE}/{name}/cancel", other),
                both.ask("DELETE", f"{gateway}{MADE}/{name}", other),
                both.ask("POST", gateway + MADE, other, json={**ASKED, "previous_response_id": name}),
            ):
                assert (refused.status_code, refused.json()["error"]["message"]) == (404, "Response not found.")
        more = both.ask("POST", both.b + MADE, key, json={**ASKED, "previous_response_id": name})
        assert more.json()["previous_response_id"] == name
        assert both.ask("GET", f"{both.a}{MADE}/{more.json()['id']}", key).status_code == 200
        assert both.ask("DELETE", f"{both.b}{MADE}/{name}", key).status_code == 200


def test_batches_and_files_are_known_at_both(table, tmp_path):
    """The batch and the files of its results, made at A; another key may not have them at B."""
    ours, theirs = new_key("nightly", 0.0, batches=True), new_key("weekly", 0.0, batches=True)
    table.put(ours)
    table.put(theirs)
    told = b'{"id": "batch_77", "object": "batch", "output_file_id": "file-88", "error_file_id": null}'
    body = {"input_file_id": "s3://bucket/in.jsonl", "endpoint": "/v1/chat/completions"}
    headers = {"x-amzn-bedrock-modelid": "openai.gpt-oss-120b-1:0"}
    with (
        scripted([(200, told)]) as service,
        serving(tmp_path) as server,
        pair(service.url, server.url, table, tmp_path) as both,
    ):
        both.ask("POST", f"{both.a}/openai/v1/batches", ours, json=body, headers=headers)
        for path in ("/openai/v1/batches/batch_77", "/v1/files/file-88/content"):
            assert both.ask("GET", both.b + path, ours).status_code == 200
            assert both.ask("GET", both.b + path, theirs).status_code == 404


@pytest.mark.parametrize("fault", ["frozen", "gone"])
def test_no_call_waits_for_a_server_that_is_away_and_it_is_told_afterwards(endpoint, table, key, tmp_path, fault):
    """Twenty responses made at once do not wait for it one after the other. The gateway that made them knows whose they
    are; at the other the question cannot be answered (503, not "not found") until the server is back."""
    with serving(tmp_path) as server, pair(endpoint.url, server.url, table, tmp_path) as both:
        both.make(key)
        server.freeze() if fault == "frozen" else server.stop()
        with ThreadPoolExecutor(20) as pool:
            made = list(pool.map(lambda _: both.make(key), range(20)))
        assert sorted(seconds for _, seconds in made)[10] < 2.0
        name = made[-1][0]
        assert both.ask("GET", f"{both.a}{MADE}/{name}", key).status_code == 200
        unanswered = both.ask("GET", f"{both.b}{MADE}/{name}", key)
        assert (unanswered.status_code, unanswered.headers["retry-after"]) == (503, "1")
        assert "try again" in unanswered.json()["error"]["message"]
        server.thaw() if fault == "frozen" else server.start()
        until(lambda: both.ask("GET", f"{both.b}{MADE}/{name}", key).status_code == 200)


def test_a_gateway_that_ends_while_the_server_is_away_ends_all_the_same(endpoint, table, key, tmp_path):
    with serving(tmp_path) as server:
        with running_gateway(configured(endpoint.url, tmp_path, share=server.url)) as gateway:
            server.freeze()
            Pair(gateway, gateway, table).make(key)
            begun = time.monotonic()
        assert time.monotonic() - begun < 10
