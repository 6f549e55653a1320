"""SIGHUP while calls are under way: a file that cannot be used changes nothing and is named, a good one takes over."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.gateway.conftest import MODEL, asking, scripted

BODY = json.dumps({name: value for name, value in asking("hi").items() if name != "modelId"}).encode()
PATH = f"/model/{MODEL}/converse"
BROKEN = [
    ("upstream: {region: us-east-1\nkeys: keys.json\n", "line 3: not YAML: "),
    ("upstream: {region: us-east-1}\nkeys: keys.json\nlimit: 3\n", "line 4: limit: unknown field; did you mean"),
    ("upstream: {region: us-east-1}\nkeys: keys.json\nlimits: {body_mb: many}\n", "line 4: limits.body_mb: "),
    ("upstream: {region: us-east-1}\nkeys: ${NO_SUCH_VARIABLE}\n", "line 3: keys: ${NO_SUCH_VARIABLE} is not set"),
    ("\x00", "gateway.yaml"),
    ("", "line 1: the file is empty"),
    ("keys: keys.json\n", "line 1: the field 'upstream' is missing"),
]


@pytest.fixture
def headers(table, key):
    return {"x-api-key": f"{key.id}.{table.secret(key)}", "content-type": "application/json"}


class Load:
    """Calls from four threads, one behind the other, until it is over; ``statuses`` of all."""

    def __init__(self, url, headers):
        self.statuses, self._over = [], threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url + PATH, headers)) for _ in range(4)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, url, headers):
        with httpx.Client(timeout=20) as client:
            while not self._over.is_set():
                try:
                    self.statuses.append(client.post(url, content=BODY, headers=headers).status_code)
                except httpx.HTTPError as error:
                    self.statuses.append(type(error).__name__)

    def go_on(self, more=20):
        """Wait until so many more calls are answered."""
        until, deadline = len(self.statuses) + more, time.monotonic() + 60
        while len(self.statuses) < until and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.statuses) >= until


def test_a_file_that_cannot_be_used_changes_nothing_under_load(headers, tmp_path):
    """Each fault is named with what the file is; no call is lost; the good file after them all is taken over."""
    config, talk = tmp_path / "gateway.yaml", tmp_path / "talk"
    with scripted() as service, scripted() as other, talk.open("w") as out:
        good = "listen: 127.0.0.1:0\nupstream: {{region: us-east-1, runtime: '{}'}}\nkeys: keys.json\nledger: ledger\n"
        config.write_text(good.format(service.url))
        command = [sys.executable, "-m", "rockbottom", "gateway", "--config", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True, env=os.environ)
        try:
            with Load(process.stdout.readline().strip(), headers) as load:
                load.go_on()
                for number, (text, named) in enumerate(BROKEN, 1):
                    config.write_text("listen: 127.0.0.1:0\n" + text if text.strip("\x00") else text)
                    process.send_signal(signal.SIGHUP)
                    load.go_on()
                    said = [line for line in talk.read_text().splitlines() if "stays as it was" in line]
                    assert len(said) == number, talk.read_text()
                    assert named in said[-1]
                config.write_text(good.format(other.url))
                process.send_signal(signal.SIGHUP)
                load.go_on(40)
        finally:
            process.terminate()
            process.wait(60)
            process.stdout.close()
    assert set(load.statuses) == {200}
    assert len(other.seen) >= 20
    assert len(service.seen) + len(other.seen) == len(load.statuses)
    lines = [line for file in (tmp_path / "ledger").glob("*.ndjson") for line in file.read_text().splitlines()]
    assert len([line for line in lines if '"input' in line or "usage" in line]) >= len(load.statuses)
