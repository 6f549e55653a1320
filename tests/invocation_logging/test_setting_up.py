"""Model invocation logging set up in an account, kept as it should be, and taken down.

The account is moto's; what moto keeps of Bedrock is the configuration as it was sent. Policies are those of AWS's page
"Monitor model invocation using CloudWatch Logs and Amazon S3".
"""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from moto import mock_aws

from rockbottom.changes import StepKind
from rockbottom.cli.logging_setup import command
from rockbottom.invocation_logging import (
    InvalidLogging,
    LoggingClients,
    LoggingSettings,
    RoleTaken,
    apply,
    plan,
    removal,
)

ACCOUNT = "123456789012"  # moto's
GROUP = "/bedrock/invocations"
WANTED = LoggingSettings(bucket="my-logs", prefix="bedrock", log_group=GROUP)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoggingClients]:
    """Clients of an empty account in eu-west-1."""
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        made = [boto3.client(name) for name in ("bedrock", "s3", "iam", "logs", "sts")]
        yield LoggingClients(*made, "eu-west-1")


def carried_out(wanted: LoggingSettings, clients: LoggingClients) -> list[str]:
    """What applying did, in order."""
    done: list[str] = []
    apply(
        plan(wanted, clients).steps,
        clients,
        lambda step: done.append(f"{step.kind.value} {step.thing}"),
        lambda _: None,
    )
    return done


def kinds(steps: object) -> dict[str, str]:
    return {step.thing: step.kind.value for step in steps}  # type: ignore[attr-defined]


def test_everything_is_made_once(clients: LoggingClients) -> None:
    """Bucket, its policy and retention, log group, role, and last what turns logging on; then nothing is to be done."""
    assert carried_out(WANTED, clients) == [
        "create bucket", "create bucket policy", "create retention", "create log group", "create role",
        "create configuration",
    ]  # fmt: skip
    assert set(kinds(plan(WANTED, clients).steps).values()) == {"unchanged"}
    assert not plan(WANTED, clients).changes


def test_what_is_made_is_what_aws_asks_for(clients: LoggingClients) -> None:
    """Bedrock of this account and Region alone may write, below one prefix and to one stream."""
    carried_out(WANTED, clients)
    config = clients.bedrock.get_model_invocation_logging_configuration()["loggingConfig"]
    s3 = {"bucketName": "my-logs", "keyPrefix": "bedrock"}
    role = f"arn:aws:iam::{ACCOUNT}:role/rockbottom-invocation-logging"
    assert config["s3Config"] == s3
    assert config["cloudWatchConfig"] == {"logGroupName": GROUP, "roleArn": role, "largeDataDeliveryS3Config": s3}
    assert (config["textDataDeliveryEnabled"], config["imageDataDeliveryEnabled"]) == (True, False)
    only = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:*"},
    }
    (statement,) = json.loads(clients.s3.get_bucket_policy(Bucket="my-logs")["Policy"])["Statement"]
    assert statement["Resource"] == (
        f"arn:aws:s3:::my-logs/bedrock/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/*"
    )  # fmt: skip
    assert (statement["Principal"], statement["Condition"]) == ({"Service": "bedrock.amazonaws.com"}, only)
    found = clients.iam.get_role(RoleName="rockbottom-invocation-logging")["Role"]
    assert found["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] == only
    permissions = clients.iam.get_role_policy(RoleName=found["RoleName"], PolicyName="write-invocation-logs")
    assert permissions["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{GROUP}:log-stream:aws/bedrock/modelinvocations",
        }
    ]
    (group,) = clients.logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    (rule,) = clients.s3.get_bucket_lifecycle_configuration(Bucket="my-logs")["Rules"]
    assert (group["retentionInDays"], rule["Expiration"]) == (30, {"Days": 30})
    closed = clients.s3.get_public_access_block(Bucket="my-logs")["PublicAccessBlockConfiguration"]
    assert all(closed.values())


def test_what_drifted_is_shown_and_mended(clients: LoggingClients) -> None:
    """A longer retention and images turned on by hand; both settings are named with what they are and should be."""
    carried_out(WANTED, clients)
    clients.logs.put_retention_policy(logGroupName=GROUP, retentionInDays=365)
    config = clients.bedrock.get_model_invocation_logging_configuration()["loggingConfig"]
    clients.bedrock.put_model_invocation_logging_configuration(
        loggingConfig={**config, "imageDataDeliveryEnabled": True}
    )
    told = {
        (one.setting, one.found, one.wanted)
        for step in plan(WANTED, clients).steps
        for one in step.differences
    }  # fmt: skip
    assert told == {("days", 365, 30), ("imageDataDeliveryEnabled", True, None)}
    assert carried_out(WANTED, clients) == ["update log group", "update configuration"]
    assert not plan(WANTED, clients).changes


def test_a_bucket_of_somebody_else_gains_one_statement_and_keeps_the_rest(clients: LoggingClients) -> None:
    """Its own policy stays; its retention is not ours to set; destroying takes our statement back."""
    clients.s3.create_bucket(Bucket="my-logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    own = {"Sid": "Own", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::my-logs/*"}
    clients.s3.put_bucket_policy(Bucket="my-logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))
    wanted = LoggingSettings(bucket="my-logs")
    assert kinds(plan(wanted, clients).steps) == {
        "bucket": "foreign", "bucket policy": "create", "configuration": "create",
    }  # fmt: skip
    carried_out(wanted, clients)
    assert len(json.loads(clients.s3.get_bucket_policy(Bucket="my-logs")["Policy"])["Statement"]) == 2
    apply(removal(LoggingSettings(), clients).steps, clients, lambda step: None, lambda _: None)
    assert json.loads(clients.s3.get_bucket_policy(Bucket="my-logs")["Policy"])["Statement"] == [own]


def test_a_configuration_of_somebody_else_is_left_alone_unless_replaced(clients: LoggingClients) -> None:
    theirs = {"s3Config": {"bucketName": "theirs", "keyPrefix": "x"}, "textDataDeliveryEnabled": True}
    clients.bedrock.put_model_invocation_logging_configuration(loggingConfig=theirs)
    todo = plan(WANTED, clients)
    assert todo.is_foreign
    assert kinds(todo.steps)["configuration"] == "foreign"
    replaced = LoggingSettings(bucket="my-logs", prefix="bedrock", log_group=GROUP, replaces=True)
    assert "update configuration" in carried_out(replaced, clients)
    assert not plan(WANTED, clients).is_foreign


def test_a_role_of_somebody_else_is_not_touched(clients: LoggingClients) -> None:
    clients.iam.create_role(RoleName="rockbottom-invocation-logging", AssumeRolePolicyDocument="{}")
    with pytest.raises(RoleTaken, match="rockbottom did not make it"):
        plan(WANTED, clients)


def test_what_was_logged_stays_when_logging_goes(clients: LoggingClients) -> None:
    """Configuration, role and statement go; bucket and log group stay until their deletion is asked for."""
    carried_out(WANTED, clients)
    todo = removal(LoggingSettings(), clients)
    assert kinds(todo.steps) == {
        "configuration": "delete", "role": "delete", "bucket policy": "delete", "log group": "unchanged",
        "bucket": "unchanged",
    }  # fmt: skip
    apply(todo.steps, clients, lambda step: None, lambda _: None)
    assert not clients.bedrock.get_model_invocation_logging_configuration().get("loggingConfig")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        clients.iam.get_role(RoleName="rockbottom-invocation-logging")
    last = removal(LoggingSettings(bucket="my-logs", log_group=GROUP), clients, with_logs=True)
    assert kinds(last.steps) == {"log group": "delete", "bucket": "unchanged"}


def test_a_role_that_is_not_known_yet_is_waited_for(clients: LoggingClients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bedrock refuses a role that was made a moment ago; twice, and then takes it."""
    waits: list[float] = []
    real, refusals = clients.bedrock.put_model_invocation_logging_configuration, [1, 1]

    def put(**request: object) -> object:
        if refusals:
            refusals.pop()
            answer = {"Error": {"Code": "ValidationException", "Message": "Failed to validate permissions"}}
            raise ClientError(answer, "PutModelInvocationLoggingConfiguration")
        return real(**request)

    monkeypatch.setattr(clients.bedrock, "put_model_invocation_logging_configuration", put)
    apply(plan(WANTED, clients).steps, clients, lambda step: None, waits.append)
    assert waits == [5.0, 5.0]


@pytest.mark.parametrize(
    "wanted",
    [
        LoggingSettings(), LoggingSettings(bucket="Capital_Letters"), LoggingSettings(log_group="with space"),
        LoggingSettings(bucket="my-logs", kinds=("tea",)),
        LoggingSettings(log_group=GROUP, retention_days=31),
    ],
)  # fmt: skip
def test_what_aws_would_refuse_is_refused_first(wanted: LoggingSettings) -> None:
    with pytest.raises(InvalidLogging):
        wanted.checked()


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_the_command_shows_asks_and_does(clients: LoggingClients) -> None:
    """Without a person to agree nothing is made; with --yes it is, and how to read it is said."""
    to = ("--bucket", "my-logs", "--log-group", GROUP)
    shown = ran("plan", *to, "--check")
    assert shown.exit_code == 1
    assert f"account {ACCOUNT}, eu-west-1" in shown.stdout
    assert "+ create    log group" in shown.stdout
    # 1,000 requests of 10,000 tokens of 4 bytes are 40 MB: 0.04 GB at $0.50 taken in and $0.03 kept are $0.0212.
    assert "$0.0212" in " ".join(shown.stdout.split())
    refused = ran("apply", *to)
    assert (refused.exit_code, "add --yes to agree" in refused.stderr) == (2, True)
    assert plan(LoggingSettings(bucket="my-logs", log_group=GROUP), clients).steps[0].kind is StepKind.CREATE
    done = ran("apply", *to, "--yes")
    assert done.exit_code == 0, done.stderr
    assert f"s3://my-logs/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/eu-west-1/" in done.stderr
    assert ran("plan", *to, "--check").exit_code == 0
    gone = ran("destroy", "--yes", "--json")
    assert [step["kind"] for step in json.loads(gone.stdout)["steps"]][:3] == ["delete", "delete", "delete"]


def test_the_least_policies_are_printed() -> None:
    """To set it up: nothing but the named bucket, log group and role, and the switch that knows no resource."""
    place = ("--account", ACCOUNT, "--region", "eu-west-1", "--bucket", "my-logs", "--log-group", GROUP)
    statements = json.loads(ran("policy", "apply", *place).stdout)["Statement"]
    anywhere = [action for one in statements if one["Resource"] == "*" for action in one["Action"]]
    assert anywhere == [
        "bedrock:GetModelInvocationLoggingConfiguration", "bedrock:PutModelInvocationLoggingConfiguration",
        "bedrock:DeleteModelInvocationLoggingConfiguration", "logs:DescribeLogGroups",
    ]  # fmt: skip
    reading = json.loads(ran("policy", "read", *place).stdout)["Statement"]
    assert [one["Action"] for one in reading] == [["s3:ListBucket"], ["s3:GetObject"], ["logs:FilterLogEvents"]]
    assert set(json.loads(ran("policy", "bedrock", *place).stdout)) == {
        "bucket policy statement", "role trust", "role permissions",
    }  # fmt: skip


def test_somebody_elses_configuration_is_the_commands_verdict(clients: LoggingClients) -> None:
    theirs = {"s3Config": {"bucketName": "theirs"}, "textDataDeliveryEnabled": True}
    clients.bedrock.put_model_invocation_logging_configuration(loggingConfig=theirs)
    done = ran("apply", "--bucket", "my-logs", "--yes")
    assert done.exit_code == 1
    assert "--replace" in done.stdout
    assert clients.bedrock.get_model_invocation_logging_configuration()["loggingConfig"]["s3Config"] == {
        "bucketName": "theirs"
    }
