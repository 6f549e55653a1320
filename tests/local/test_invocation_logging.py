"""The local endpoint keeps the configuration of model invocation logging, one for an account and Region."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rockbottom.local import ClockKind, running

CONFIG = {"s3Config": {"bucketName": "my-logs", "keyPrefix": "x"}, "textDataDeliveryEnabled": True}


def client(url: str, region: str = "us-east-1") -> Any:
    return boto3.client(
        "bedrock", endpoint_url=url, region_name=region, aws_access_key_id="AKIDEXAMPLE000000000",
        aws_secret_access_key="local",
    )  # fmt: skip


def test_put_get_and_delete() -> None:
    """What was put is given back in its Region, and is gone when it was deleted."""
    with running(clock=ClockKind.MANUAL) as server:
        bedrock = client(server.url)
        assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()
        bedrock.put_model_invocation_logging_configuration(loggingConfig=CONFIG)
        assert bedrock.get_model_invocation_logging_configuration()["loggingConfig"] == CONFIG
        assert "loggingConfig" not in client(server.url, "eu-west-1").get_model_invocation_logging_configuration()
        bedrock.delete_model_invocation_logging_configuration()
        assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()


def test_a_configuration_that_leads_nowhere_is_refused() -> None:
    with running(clock=ClockKind.MANUAL) as server, pytest.raises(ClientError, match="ValidationException"):
        client(server.url).put_model_invocation_logging_configuration(loggingConfig={"textDataDeliveryEnabled": True})
