"""The embedded metric format: documents as the specification describes them, and where they go."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rockbottom.cloudwatch import emf_limits
from rockbottom.sinks import CannotPublish, EmbeddedMetrics
from rockbottom.sinks.emf import documents_of
from rockbottom.sinks.minutes import MinuteTable
from tests.monitor.calls import NOON, SONNET, call

SRC = Path(__file__).resolve().parents[2] / "src"
WANTED = ["CacheHitTokens", "CacheHitRate"]


def at_noon(to, **options):
    """A sink without a thread whose clock stands ten minutes after noon."""
    one = EmbeddedMetrics(to, clock=lambda: NOON + 600, **({"heartbeat_s": None} | options))
    one._start = lambda: None
    return one


def test_a_minute_is_one_document_with_these_numbers(tmp_path):
    """Two reads of 2,000 tokens beside 10 uncached: the line, field by field."""
    one = at_noon(tmp_path / "emf.log", metrics=WANTED)
    one.record(call(NOON + 1))
    one.record(call(NOON + 2))
    one.flush()
    assert (tmp_path / "emf.log").stat().st_mode & 0o777 == 0o600  # tags may name tenants
    (line,) = (tmp_path / "emf.log").read_text().splitlines()
    rate = 200_000 / 2010
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": NOON * 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "BedrockLLMOps",
                    "Dimensions": [["ModelId"]],
                    "Metrics": [
                        {"Name": "CacheHitTokens", "Unit": "Count"},
                        {"Name": "CacheHitRate", "Unit": "Percent"},
                    ],
                }
            ],
        },
        "ModelId": SONNET,
        "CacheHitTokens": {"Min": 2000.0, "Max": 2000.0, "Count": 2.0, "Sum": 4000.0},
        "CacheHitRate": {"Min": rate, "Max": rate, "Count": 4020.0, "Sum": 400_000.0},
    }


def test_documents_stay_within_the_format():
    """250 first tokens: arrays of at most 100 values, every document below 256 KB, every value told once."""
    table = MinuteTable()
    for number in range(250):
        table.add(call(first_ms=float(number % 125)))
    (minute,) = table.take(float("inf"))
    lines = list(documents_of(minute, "BedrockLLMOps"))
    documents = [json.loads(line) for line in lines]
    arrays = [document["TimeToFirstToken"] for document in documents]
    assert [len(array) for array in arrays] == [100, 100, 50]
    assert sorted(value for array in arrays for value in array) == sorted(2 * list(range(125)))
    assert sum("CacheHitTokens" in document for document in documents) == 1
    assert max(len(line) for line in lines) <= emf_limits().most_bytes
    for document in documents:
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        assert all(metric["Name"] in document for metric in directive["Metrics"])
        assert all(name in document for names in directive["Dimensions"] for name in names)


def test_on_lambda_every_call_is_written_before_it_returns():
    """A process that stands still between calls: a line on stdout for each, however soon it stands still."""
    program = (
        "from tests.monitor.calls import call; from rockbottom.sinks import EmbeddedMetrics;"
        "sink = EmbeddedMetrics(every_call=True, clock=lambda: call().at);"
        "sink.record(call()); print('between', flush=True); sink.record(call())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SRC), str(SRC.parent)])},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    first, between, second = run.stdout.splitlines()
    assert json.loads(first) == json.loads(second)
    assert between == "between"


def test_an_agent_gets_the_documents_and_those_of_its_absence_later():
    """Over TCP to an agent on loopback; while nobody listens they are kept."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    server.close()
    one = at_noon(f"tcp://127.0.0.1:{port}", metrics=WANTED)
    one.record(call())
    assert one.flush() is False
    assert one.stats.waiting == 1
    got = []
    with socket.create_server(("127.0.0.1", port)) as server:

        def listen():
            connection, _ = server.accept()
            with connection, connection.makefile() as file:
                got.extend(file)

        thread = threading.Thread(target=listen)
        thread.start()
        assert one.flush() is True
        thread.join(10)
    assert [json.loads(line)["ModelId"] for line in got] == [SONNET]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_costs_a_warning():
    """Nothing raises; the documents wait."""
    one = at_noon("/dev/full")
    one.record(call())
    assert one.flush() is False
    assert one.stats.last_failure == "/dev/full: No space left on device"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"to": "tcp://nowhere"}, "is not HOST:PORT"),
        ({"to": 1}, "to is of type int, not stdout"),
        ({"to": "tcp://127.0.0.1:25888", "every_call": True}, "may be slow"),
        ({"dimensions": [["Cost"]]}, "a metric and a dimension"),
    ],
)
def test_what_cannot_work_is_refused_at_once(options, says):
    """With what would work."""
    with pytest.raises(CannotPublish, match=says) as caught:
        EmbeddedMetrics(**options)
    assert caught.value.fix
