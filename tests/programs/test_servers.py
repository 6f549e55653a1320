"""Servers that fork workers before or after they load the application, and workers that switch greenlets."""

import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.programs.conftest import RUN, UNMODIFIED
from tests.programs.totals import total_in

pytestmark = pytest.mark.slow


def _address(log, process, patience_s=60):
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up and process.poll() is None:
        found = re.search(r"Listening at: (http://\S+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize("options", [["--preload"], [], ["-k", "gevent"], ["-k", "gthread", "--threads", "4"]], ids=str)
def test_every_worker_of_gunicorn_is_reached(environment, tmp_path, options):
    """Of twelve requests in parallel two at most, one for each worker, find nothing to read."""
    if find_spec("gunicorn") is None:
        pytest.skip("gunicorn is not installed here: make sdks runs this")
    log = tmp_path / "log"
    command = [*RUN, "--", sys.executable, "-m", "gunicorn", "gunicorn_program:app", "-w", "2", "-b", "127.0.0.1:0"]
    with log.open("w") as file:
        server = subprocess.Popen(
            [*command, *options], env=environment, cwd=UNMODIFIED, stdout=file, stderr=file, start_new_session=True
        )
    try:
        address = _address(log, server)
        with ThreadPoolExecutor(12) as pool:
            usages = list(
                pool.map(lambda number: urlopen(f"{address}/{number}", timeout=60).read().decode(), range(12))
            )
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(60)
    assert code == 0, log.read_text()
    assert sum("'cacheReadInputTokens': 0" in usage for usage in usages) <= 2
    assert total_in(log.read_text()).calls == 12


PATCHED_LATE = """
import sys, rockbottom.client.attach, rockbottom.ledger.writing, rockbottom.client.keeping
from gevent import monkey, pool
monkey.patch_all()
import boto3, rockbottom
folder = sys.argv[1]
client = rockbottom.attach(boto3.client("bedrock-runtime"), ledger=folder + "/ledger", state=folder + "/state.db")
question = [{"role": "user", "content": [{"text": "What does Basic cost?"}]}]
usages = pool.Pool(20).map(lambda _: client.converse(modelId="us.amazon.nova-micro-v1:0", messages=question), range(40))
print(len(usages), rockbottom.report(client).total.calls)
"""


def test_gevent_may_be_put_in_after_us(environment, tmp_path):
    """Who hands work to a thread of ours waits in its greenlet, not in the whole program."""
    if find_spec("gevent") is None:
        pytest.skip("gevent is not installed here: make sdks runs this")
    done = subprocess.run(
        [sys.executable, "-c", PATCHED_LATE, str(tmp_path)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "40 40\n"), done.stderr
    assert (tmp_path / "ledger/calls-000001.ndjson").read_text().count("\n") == 40


@pytest.mark.parametrize("outside", [True, False])
def test_ddtrace_works_beside_us(run, environment, outside):
    """Its own sitecustomize imports the next one, so it may stand on either side."""
    ddtrace = Path(sys.executable).with_name("ddtrace-run")
    if not ddtrace.exists():
        pytest.skip("ddtrace is not installed here: make sdks runs this")
    quiet = {
        "DD_TRACE_ENABLED": "false",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    }
    shown = (
        "import boto3_program, botocore.client as c\n"
        "print('patched', hasattr(c.BaseClient._make_api_call, '__wrapped__'))"
    )
    if outside:
        ran = subprocess.run(
            [str(ddtrace), *RUN, "--", sys.executable, "-c", shown],
            env={**environment, **quiet}, cwd=UNMODIFIED, capture_output=True, text=True, check=False,
        )  # fmt: skip
    else:
        ran = run("--", str(ddtrace), sys.executable, "-c", shown, **quiet)
    assert ran.returncode == 0, ran.stderr
    assert "patched True" in ran.stdout
    assert total_in(ran.stderr).calls == 4
