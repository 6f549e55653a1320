"""A variable AWS_ENDPOINT_URL... that is empty is not set: no client is told an invalid endpoint."""

import os

import pytest

from rockbottom.cli import main


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_endpoint_is_forgotten_before_anything_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
):
    """boto3 says of it: Invalid endpoint."""
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:4747")
    assert main(["models"]) == 0
    assert name not in os.environ
    assert os.environ["AWS_ENDPOINT_URL_STS"] == "http://127.0.0.1:4747"
    capsys.readouterr()


def test_clients_that_a_command_makes_are_those_of_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With empty endpoints, as a shell leaves them that was told to forget the local one; nothing is sent."""
    boto3 = pytest.importorskip("boto3")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "")
    assert main(["models"]) == 0
    client = boto3.client("s3", region_name="us-east-1")
    assert client.meta.endpoint_url.endswith("amazonaws.com")
    capsys.readouterr()
