"""The admin page: that of ``rockbottom dash``, on an address of its own, for as long as the gateway lives."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.gateway.conftest import asking, client_of

pytest.importorskip("duckdb")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(found, seconds=60.0):
    """What is found once it is; fails where it is not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if got := found():
                return got
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("not in time")


@pytest.fixture
def started(endpoint, key, tmp_path):
    """A gateway in a process, its address and that of its page."""
    gateway, page = free_port(), free_port()
    (tmp_path / "gateway.yaml").write_text(
        f"upstream: {{region: us-east-1, runtime: '{endpoint.url}', mantle: '{endpoint.url}'}}\n"
        f"listen: 127.0.0.1:{gateway}\nkeys: keys.json\nledger: ledger\nadmin: 127.0.0.1:{page}\n"
    )
    command = (sys.executable, "-m", "rockbottom", "gateway", "--config", str(tmp_path / "gateway.yaml"))
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ})
    try:
        yield process, f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{page}"
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def gone(url):
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return True
    return False


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_page_shows_the_ledger_to_this_machine_and_ends_with_the_gateway(started, key, table, end):
    process, url, page = started
    until(lambda: httpx.get(f"{url}/ready").status_code == 200)
    until(lambda: "<html" in httpx.get(page).text)

    class Running:
        pass

    Running.url = url
    client_of(Running, key.id, table.secret(key)).converse(**asking())
    shown = until(lambda: [row for row in [httpx.get(f"{page}/api/snapshot").json()] if row["total"]["calls"] == 1])
    assert shown[0]["total"]["calls"] == 1
    for headers in ({"host": "evil.example.com"}, {"origin": "https://evil.example.com"}):
        assert httpx.get(f"{page}/api/snapshot", headers=headers).status_code == 403
    assert httpx.post(page).status_code == 405
    process.send_signal(end)
    process.wait(30)
    until(lambda: gone(page), 20)


def test_an_address_that_is_taken_stops_no_call_and_another_one_takes_a_restart(endpoint, key, table, tmp_path):
    """The gateway says that the page did not start, and at SIGHUP that `admin` is read at a start alone."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = (
            f"upstream: {{region: us-east-1, runtime: '{endpoint.url}'}}\nlisten: 127.0.0.1:0\nkeys: keys.json\n"
            "ledger: ledger\nadmin: 127.0.0.1:"
        )
        file = tmp_path / "gateway.yaml"
        file.write_text(f"{text}{taken.getsockname()[1]}\n")
        command = (sys.executable, "-m", "rockbottom", "gateway", "--config", str(file))
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ})

            class Running:
                url = process.stdout.readline().decode().strip()

            try:
                client_of(Running, key.id, table.secret(key)).converse(**asking())
                until(lambda: "the admin page did not start" in (tmp_path / "log").read_text())
                file.write_text(f"{text}{free_port()}\n")
                process.send_signal(signal.SIGHUP)
                until(lambda: "again; admin takes a restart" in (tmp_path / "log").read_text())
                client_of(Running, key.id, table.secret(key)).converse(**asking())
            finally:
                process.terminate()
                process.wait(30)
                process.stdout.close()
    hints = (tmp_path / "log").read_text()
    assert f"AWS_BEARER_TOKEN_BEDROCK=KEY ANTHROPIC_BEDROCK_BASE_URL={Running.url}" in hints
