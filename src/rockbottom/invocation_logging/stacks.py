"""What ``logging apply`` makes, as text for Terraform and CloudFormation. Pure.

Arguments are those of the AWS provider's resources, among them aws_bedrock_model_invocation_logging_configuration
(https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/bedrock_model_invocation_logging_configuration).
CloudFormation has no resource that turns logging on: AWS's own pattern calls the API from a Lambda function
(https://docs.aws.amazon.com/prescriptive-guidance/latest/patterns/configure-bedrock-invocation-logging-cloudformation.html);
the template has the call as an output instead.
"""

import json
from collections.abc import Iterator
from typing import Any

from rockbottom.changes import Reference, Template, TerraformBlock, lines_of
from rockbottom.invocation_logging.policies import Json, bucket_statement, role_policy, trust_policy
from rockbottom.invocation_logging.settings import (
    DATA_KINDS,
    EXPIRY_RULE,
    POLICY,
    STACK_TAG,
    AccountRegion,
    LoggingSettings,
    logging_config,
)
from rockbottom.quantities import is_list, is_object

_TERRAFORM = AccountRegion(
    "${data.aws_caller_identity.current.account_id}", "${data.aws_region.current.id}",
    "${data.aws_partition.current.partition}",
)  # fmt: skip
_CLOUDFORMATION = AccountRegion("${AWS::AccountId}", "${AWS::Region}", "${AWS::Partition}")


def terraform(settings: LoggingSettings) -> str:
    """The text of a .tf file. Raises InvalidLogging."""
    blocks = (*_head(), *_bucket(settings.checked()), *_log_group(settings), _configuration(settings))
    return "\n".join(line for block in blocks for line in (*lines_of(block), ""))


def _head() -> Iterator[TerraformBlock]:
    aws = {"source": "hashicorp/aws", "version": ">= 5.0"}
    yield TerraformBlock("terraform", {}, (TerraformBlock("required_providers", {"aws": aws}),))
    for name in ("aws_caller_identity", "aws_region", "aws_partition"):
        yield TerraformBlock(f'data "{name}" "current"', {})


def _bucket(settings: LoggingSettings) -> Iterator[TerraformBlock]:
    if not settings.bucket:
        return
    bucket = Reference("aws_s3_bucket.logs.id")
    yield TerraformBlock(
        'resource "aws_s3_bucket" "logs"', {"bucket": settings.bucket, "tags": {STACK_TAG: settings.stack}}
    )
    closed = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    yield TerraformBlock(
        'resource "aws_s3_bucket_public_access_block" "logs"', {"bucket": bucket, **dict.fromkeys(closed, True)}
    )
    policy = {"Version": "2012-10-17", "Statement": [bucket_statement(settings, _TERRAFORM)]}
    yield TerraformBlock('resource "aws_s3_bucket_policy" "logs"', {"bucket": bucket, "policy": _text(policy)})
    if settings.retention_days is not None:
        expiry = (
            TerraformBlock("filter", {"prefix": settings.prefix}),
            TerraformBlock("expiration", {"days": settings.retention_days}),
        )
        rule = TerraformBlock("rule", {"id": EXPIRY_RULE, "status": "Enabled"}, expiry)
        yield TerraformBlock('resource "aws_s3_bucket_lifecycle_configuration" "logs"', {"bucket": bucket}, (rule,))


def _log_group(settings: LoggingSettings) -> Iterator[TerraformBlock]:
    if not settings.log_group:
        return
    days = {} if settings.retention_days is None else {"retention_in_days": settings.retention_days}
    tags = {STACK_TAG: settings.stack}
    yield TerraformBlock(
        'resource "aws_cloudwatch_log_group" "logs"', {"name": settings.log_group, **days, "tags": tags}
    )
    trust = {"name": settings.role, "assume_role_policy": _text(trust_policy(_TERRAFORM)), "tags": tags}
    yield TerraformBlock('resource "aws_iam_role" "logs"', trust)
    role = Reference("aws_iam_role.logs.name")
    permissions = {"name": POLICY, "role": role, "policy": _text(role_policy(settings, _TERRAFORM))}
    yield TerraformBlock('resource "aws_iam_role_policy" "logs"', permissions)


def _configuration(settings: LoggingSettings) -> TerraformBlock:
    """What turns logging on, after everything that it needs."""
    kinds = {f"{kind}_data_delivery_enabled": kind in settings.kinds for kind in DATA_KINDS}
    s3 = {
        "bucket_name": Reference("aws_s3_bucket.logs.id"),
        **({"key_prefix": settings.prefix} if settings.prefix else {}),
    }
    inner: list[TerraformBlock] = []
    needs: list[str] = []
    if settings.bucket:
        inner.append(TerraformBlock("s3_config", s3))
        needs.append("aws_s3_bucket_policy.logs")
    if settings.log_group:
        large = (TerraformBlock("large_data_delivery_s3_config", s3),) if settings.bucket else ()
        to = {
            "log_group_name": Reference("aws_cloudwatch_log_group.logs.name"),
            "role_arn": Reference("aws_iam_role.logs.arn"),
        }
        inner.append(TerraformBlock("cloudwatch_config", to, large))
        needs.append("aws_iam_role_policy.logs")
    return TerraformBlock(
        'resource "aws_bedrock_model_invocation_logging_configuration" "this"',
        {"depends_on": [Reference(name) for name in needs]}, (TerraformBlock("logging_config", kinds, tuple(inner)),),
    )  # fmt: skip


def _text(policy: Json) -> Template:
    return Template(json.dumps(policy))


def cloudformation(settings: LoggingSettings) -> Json:
    """The template, with the command that turns logging on as an output. Raises InvalidLogging."""
    resources: Json = {**_bucket_resources(settings.checked()), **_log_group_resources(settings)}
    config = json.dumps(logging_config(settings, _CLOUDFORMATION))
    command = f"aws bedrock put-model-invocation-logging-configuration --logging-config '{config}'"
    says = "CloudFormation has no resource for this: run it once the stack exists."
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Where Bedrock's model invocation logs go, stack {settings.stack} (rockbottom)",
        "Resources": resources,
        "Outputs": {"TurnLoggingOn": {"Description": says, "Value": {"Fn::Sub": command}}},
    }


def _bucket_resources(settings: LoggingSettings) -> Json:
    if not settings.bucket:
        return {}
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    properties: Json = {
        "BucketName": settings.bucket, "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
        "Tags": _tags(settings),
    }  # fmt: skip
    if settings.retention_days is not None:
        rule: Json = {"Id": EXPIRY_RULE, "Status": "Enabled", "ExpirationInDays": settings.retention_days}
        properties["LifecycleConfiguration"] = {
            "Rules": [{**rule, **({"Prefix": settings.prefix} if settings.prefix else {})}]
        }
    policy = {"Version": "2012-10-17", "Statement": [_placed(bucket_statement(settings, _CLOUDFORMATION))]}
    return {
        "Logs": {
            "Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        },
        "LogsPolicy": {
            "Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Logs"}, "PolicyDocument": policy},
        },
    }  # fmt: skip


def _log_group_resources(settings: LoggingSettings) -> Json:
    if not settings.log_group:
        return {}
    days = {} if settings.retention_days is None else {"RetentionInDays": settings.retention_days}
    group = {"LogGroupName": settings.log_group, **days, "Tags": _tags(settings)}
    permissions = _placed(role_policy(settings, _CLOUDFORMATION))
    role = {
        "RoleName": settings.role, "AssumeRolePolicyDocument": _placed(trust_policy(_CLOUDFORMATION)),
        "Policies": [{"PolicyName": POLICY, "PolicyDocument": permissions}], "Tags": _tags(settings),
    }  # fmt: skip
    return {
        "LogGroup": {
            "Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
            "Properties": group,
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
    }  # fmt: skip


def _placed(value: Any) -> Any:
    """A document in which CloudFormation fills in the account, the Region and the partition."""
    if is_object(value):
        return {name: _placed(inner) for name, inner in value.items()}
    if is_list(value):
        return [_placed(inner) for inner in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value


def _tags(settings: LoggingSettings) -> list[Json]:
    return [{"Key": STACK_TAG, "Value": settings.stack}]
