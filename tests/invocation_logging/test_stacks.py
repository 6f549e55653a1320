"""What apply makes, as text for CloudFormation and for Terraform."""

import json
import re
from typing import Any

import pytest
import yaml

from rockbottom.cli import main
from rockbottom.invocation_logging import (
    AccountRegion,
    LoggingSettings,
    bucket_statement,
    cloudformation,
    role_policy,
    terraform,
    trust_policy,
)
from rockbottom.invocation_logging.settings import logging_config

WANTED = LoggingSettings(bucket="my-logs", prefix="bedrock", log_group="/bedrock/invocations")
PLACE = AccountRegion("123456789012", "eu-west-1")


def filled(value: Any) -> Any:
    """A template as CloudFormation fills it in."""
    if isinstance(value, dict):
        return (
            filled(value["Fn::Sub"]) if set(value) == {"Fn::Sub"} else {key: filled(one) for key, one in value.items()}
        )
    if isinstance(value, list):
        return [filled(one) for one in value]
    names = {"AccountId": PLACE.account, "Region": PLACE.region, "Partition": PLACE.partition}
    return re.sub(r"\$\{AWS::(\w+)\}", lambda found: names[found[1]], value) if isinstance(value, str) else value


def test_the_template_makes_what_the_plan_makes() -> None:
    """Names, policies, retention and tags; its output turns logging on as apply does."""
    made = filled(cloudformation(WANTED))
    bucket, policy, group, role = (made["Resources"][name] for name in ("Logs", "LogsPolicy", "LogGroup", "Role"))
    tags = [{"Key": "rockbottom:stack", "Value": "default"}]
    assert all(one["Properties"]["Tags"] == tags for one in (bucket, group, role))
    assert (bucket["Properties"]["BucketName"], group["Properties"]["LogGroupName"]) == (
        WANTED.bucket,
        WANTED.log_group,
    )
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert (rule["Prefix"], rule["ExpirationInDays"], group["Properties"]["RetentionInDays"]) == ("bedrock", 30, 30)
    assert policy["Properties"]["PolicyDocument"]["Statement"] == [bucket_statement(WANTED, PLACE)]
    assert role["Properties"]["AssumeRolePolicyDocument"] == trust_policy(PLACE)
    assert role["Properties"]["Policies"][0]["PolicyDocument"] == role_policy(WANTED, PLACE)
    command = made["Outputs"]["TurnLoggingOn"]["Value"]
    config = json.loads(re.search(r"--logging-config '(.*)'", command)[1])  # type: ignore[index]
    assert config == logging_config(WANTED, PLACE)


def test_terraform_has_the_policies_of_the_plan_and_turns_logging_on() -> None:
    """With the account's values in the place of the expressions."""
    text = terraform(WANTED)
    for expression, value in (
        ("data.aws_caller_identity.current.account_id", PLACE.account), ("data.aws_region.current.id", PLACE.region),
        ("data.aws_partition.current.partition", PLACE.partition),
    ):  # fmt: skip
        text = text.replace(f"${{{expression}}}", value)
    policies = [
        json.loads(json.loads(found)) for found in re.findall(r'^  (?:assume_role_)?policy += (".*")$', text, re.M)
    ]
    assert policies == [
        {"Version": "2012-10-17", "Statement": [bucket_statement(WANTED, PLACE)]}, trust_policy(PLACE),
        role_policy(WANTED, PLACE),
    ]  # fmt: skip
    assert "${" not in text
    on = text[text.index('resource "aws_bedrock_model_invocation_logging_configuration"') :]
    assert "text_data_delivery_enabled      = true" in on
    assert "image_data_delivery_enabled     = false" in on
    assert on.count('key_prefix  = "bedrock"') == 2


def test_the_commands_print_them(capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--bucket", "my-logs", "--prefix", "bedrock", "--log-group", "/bedrock/invocations"]
    assert main(["logging", "terraform", *where]) == 0
    assert capsys.readouterr().out == terraform(WANTED).rstrip() + "\n"
    assert main(["logging", "cloudformation", *where]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == json.loads(json.dumps(cloudformation(WANTED)))
    assert main(["logging", "terraform"]) == 2
