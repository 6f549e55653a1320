"""`rockbottom serve` as a program: what it prints, and how it ends."""

import json
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


def said_by(*arguments):
    """What a command prints."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "rockbottom", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True).stdout


def test_each_kind_of_client_is_told_what_it_needs():
    """By variables where it reads them, else by a setting; over TLS also whom to trust."""
    printed = said_by("serve", "--env", "--port", "4747")
    for line in (
        "export AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:4747",
        "export AWS_BEDROCK_RUNTIME_ENDPOINT=http://127.0.0.1:4747",
        "export ANTHROPIC_BEDROCK_BASE_URL=http://127.0.0.1:4747",
    ):
        assert line in printed.splitlines()
    assert "createAmazonBedrock({ baseURL: 'http://127.0.0.1:4747' })" in printed
    assert "opencode" in printed
    assert "BUNDLE" not in printed
    assert "AWS_ENDPOINT_URL_S3" not in printed
    with_s3 = said_by("serve", "--env", "--region", "eu-west-1", "--s3", "moto", "--s3-port", "4750").splitlines()
    assert "export AWS_ENDPOINT_URL_S3=http://127.0.0.1:4750" in with_s3
    assert "export AWS_DEFAULT_REGION=eu-west-1" in with_s3  # what boto3 and the AWS CLI read
    over_tls = said_by("serve", "--env", "--tls")
    assert "export AWS_BEDROCK_RUNTIME_ENDPOINT=https://127.0.0.1:4747" in over_tls.splitlines()
    assert "export NODE_EXTRA_CA_CERTS=BUNDLE" in over_tls.splitlines()


def test_the_switches_that_serve_takes_are_listed():
    """Question, sides with who states them, the default marked; as JSON the same."""
    printed = said_by("models", "--switches")
    question = "nova_propagation_lag: Is a Nova entry readable only some seconds after it was written?"
    assert question in " ".join(printed.split())  # however it is wrapped
    assert "  * none:" in printed
    told = json.loads(said_by("models", "--switches", "nova", "--json"))["switches"]
    assert {"nova_minimum", "nova_propagation_lag"} <= {switch["name"] for switch in told}
    assert "unsupported_ttl" not in {switch["name"] for switch in told}
