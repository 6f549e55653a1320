"""`rockbottom serve` as a program: what it prints, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_well_when_told_to(tmp_path, number):
    """The address alone on stdout, how to use it on stderr; after a signal the logs are written and the code is 0."""
    command = [sys.executable, "-m", "rockbottom", "serve", "--port", "0", "--log-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as program:
        url = program.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        body = b'{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}'
        call = urllib.request.Request(f"{url}/model/us.anthropic.claude-sonnet-4-6/converse", body, method="POST")
        with urllib.request.urlopen(call, timeout=20) as reply:
            assert reply.status == 200
        program.send_signal(number)
        out, said = program.communicate(timeout=20)
    assert (program.returncode, out) == (0, "")
    assert f"AWS_ENDPOINT_URL_BEDROCK_RUNTIME={url}" in said
    assert len(list(tmp_path.rglob("*Z_*.json.gz"))) == 1
