"""The page's server over real HTTP: what it answers, what it refuses, and to whom."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from threading import Thread

import pytest

from rockbottom.cli import main
from rockbottom.watch import CannotListen, View
from rockbottom.watch.server import Dash
from tests.watch.traffic import catalog, read


def view(folder):
    return View(folder, catalog(), time.time, time.monotonic)


@pytest.fixture
def dash(folder):
    """A page that is served."""
    made = Dash(view(folder), "127.0.0.1", 0)
    thread = Thread(target=made.serve)
    thread.start()
    yield made
    made.stop()
    thread.join(10)


def ask(dash, path="/", method="GET", **headers):
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", dash.server_address[1], timeout=20)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def until(dash, calls):
    """The snapshot once it holds so many calls."""
    while True:
        _, _, body = ask(dash, "/api/snapshot?period=1h")
        if (found := json.loads(body))["total"]["calls"] >= calls:
            return found
        time.sleep(0.1)


def test_the_page_loads_nothing_but_its_own(dash):
    """A strict policy on every answer, and no address of another machine in any file."""
    for path in ("/", "/page.css", "/page.js", "/icon.svg"):
        status, headers, body = ask(dash, path)
        assert status == 200
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in headers
        assert set(re.findall(rb"https?://[^\"' ]+", body)) <= {b"http://www.w3.org/2000/svg"}


def test_the_snapshot_is_that_of_watch_json(dash, record, folder, capsys):
    """Both faces show one view model."""
    record(read(time.time() - 4))
    found = until(dash, 1)
    assert main(["watch", "--json", "--ledger", str(folder)]) == 0
    other = json.loads(capsys.readouterr().out)
    assert found["total"] == other["total"]
    assert found.keys() == other.keys()


def test_what_did_not_change_is_not_sent_again(dash, record):
    """The tag of an answer stays while the figures stay."""
    record(read(time.time() - 4))
    until(dash, 1)
    _, headers, _ = ask(dash, "/api/snapshot?period=24h")
    status, _, body = ask(dash, "/api/snapshot?period=24h", If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4748", "", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_name_of_another_machine_is_refused(dash, host):
    """DNS rebinding: a page elsewhere points its own name at this machine."""
    for path in ("/", "/api/snapshot"):
        status, _, body = ask(dash, path, Host=host)
        assert status == 403
        assert b"total" not in body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4748", "[::1]:4748"])
def test_addresses_of_this_machine_are_answered(dash, host):
    """However a person spells it."""
    assert ask(dash, "/", Host=host)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_written(dash, method):
    """Only GET and HEAD are answered."""
    assert ask(dash, "/api/snapshot", method)[0] == 405


@pytest.mark.parametrize("path", ["/../server.py", "/page.html", "/api", "/%2e%2e/secret", "//evil.example/"])
def test_nothing_else_is_served(dash, path):
    """A closed list of files, no folder behind it."""
    assert ask(dash, path)[0] == 404


@pytest.mark.parametrize("query", ["period=2h", "side=both"])
def test_a_question_that_nobody_knows_is_answered_with_those_known(dash, query):
    """400, and what would work."""
    status, _, body = ask(dash, f"/api/snapshot?{query}")
    assert status == 400
    assert json.loads(body)["fix"].startswith("known are: ")


def test_head_has_the_headers_and_no_body(dash):
    """As HTTP wants it."""
    status, headers, body = ask(dash, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_an_address_that_others_reach_needs_a_word(folder):
    """0.0.0.0 is refused unless it is meant."""
    with pytest.raises(CannotListen, match="Other machines can reach") as caught:
        Dash(view(folder), "0.0.0.0", 0)
    assert "--expose" in caught.value.fix
    Dash(view(folder), "0.0.0.0", 0, expose=True).server_close()


def test_a_port_that_is_taken_is_one_message(dash, folder, capsys):
    """What was asked, and what would work."""
    port = dash.server_address[1]
    assert main(["dash", "--ledger", str(folder), "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"Cannot listen on 127.0.0.1:{port}" in said
    assert "--port" in said


def test_the_command_prints_its_address_and_ends_well(folder):
    """The address on stdout for a program, the rest on stderr; SIGINT ends it with 0."""
    argv = [sys.executable, "-m", "rockbottom", "dash", "--port", "0", "--ledger", str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as run:
        address = run.stdout.readline().strip()
        port = int(address.rstrip("/").rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0
        assert "Traceback" not in run.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_while_it_takes_a_ledger_in(folder, record, number):
    """It waited for a whole step of the intake; what is left of the ledger is as good as before."""
    record(*[read(time.time() - at / 100) for at in range(3000)])
    argv = [sys.executable, "-m", "rockbottom", "dash", "--port", "0", "--ledger", str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as run:
        assert run.stdout.readline().startswith("http://")
        run.send_signal(number)
        assert run.wait(15) == 0
        assert run.stderr.read().splitlines() == [f"The ledger in {folder}, as a page; ctrl-C stops it."]
