"""The least policies: for Bedrock to write logs, for whoever sets logging up, for whoever reads them. Pure.

Trust, role and bucket follow AWS's page "Monitor model invocation using CloudWatch Logs and Amazon S3"
(https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html).
"""

from collections.abc import Sequence
from typing import Any

from rockbottom.invocation_logging.settings import AccountRegion, LoggingSettings, delivery, role_arn

Json = dict[str, Any]
STATEMENT = "RockbottomInvocationLogging"
"""The Sid by which a statement that was put into a bucket's policy is known again."""


def _policy(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _of_bedrock(place: AccountRegion) -> Json:
    """Only Bedrock in this account and Region: nobody else's Bedrock may write here."""
    return {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:bedrock:{place.region}:{place.account}:*"},
    }


def trust_policy(place: AccountRegion) -> Json:
    """Who may assume the role that writes to the log group."""
    statement = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return _policy({**statement, "Condition": _of_bedrock(place)})


def role_policy(settings: LoggingSettings, place: AccountRegion) -> Json:
    """What the role may do: write to one stream of one log group."""
    group = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:{settings.log_group}"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return _policy({"Effect": "Allow", "Action": actions, "Resource": f"{group}:log-stream:{delivery().log_stream}"})


def bucket_statement(settings: LoggingSettings, place: AccountRegion) -> Json:
    """What the bucket's policy must say: Bedrock may put objects below the prefix of the logs."""
    prefix = f"{settings.prefix.strip('/')}/" if settings.prefix else ""
    below = f"{prefix}AWSLogs/{place.account}/{delivery().folder}/*"
    return {
        "Sid": STATEMENT,
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:{place.partition}:s3:::{settings.bucket}/{below}",
        "Condition": _of_bedrock(place),
    }


def _allow(sid: str, actions: Sequence[str], resource: str | list[str], **more: Any) -> Json:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def apply_policy(settings: LoggingSettings, place: AccountRegion) -> Json:
    """For whoever runs ``logging plan``, ``apply`` and ``destroy``."""
    verbs = [f"bedrock:{verb}ModelInvocationLoggingConfiguration" for verb in ("Get", "Put", "Delete")]
    statements = [_allow("Logging", verbs, "*")]
    if settings.bucket:
        actions = [
            "s3:CreateBucket", "s3:GetBucketPolicy", "s3:GetBucketTagging", "s3:GetLifecycleConfiguration",
            "s3:ListBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging", "s3:PutLifecycleConfiguration",
        ]  # fmt: skip
        statements.append(_allow("Bucket", actions, f"arn:{place.partition}:s3:::{settings.bucket}"))
    if settings.log_group:
        group = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:{settings.log_group}"
        actions = [
            "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy", "logs:ListTagsForResource",
            "logs:PutRetentionPolicy", "logs:TagResource",
        ]  # fmt: skip
        role = [
            f"iam:{verb}"
            for verb in (
                "CreateRole", "DeleteRole", "DeleteRolePolicy", "GetRole", "GetRolePolicy", "PutRolePolicy", "TagRole",
                "UpdateAssumeRolePolicy",
            )
        ]  # fmt: skip
        to_bedrock = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
        statements += [
            _allow("Look", ["logs:DescribeLogGroups"], "*"),
            _allow("LogGroup", actions, [group, f"{group}:*"]),
            _allow("Role", role, role_arn(settings, place)),
            _allow("PassRole", ["iam:PassRole"], role_arn(settings, place), Condition=to_bedrock),
        ]
    return _policy(*statements)


def read_policy(settings: LoggingSettings, place: AccountRegion) -> Json:
    """For whoever reads the logs: replay, explain, advise, watch."""
    statements: list[Json] = []
    if settings.bucket:
        bucket = f"arn:{place.partition}:s3:::{settings.bucket}"
        prefix = f"{settings.prefix.strip('/')}/" if settings.prefix else ""
        statements += [
            _allow("List", ["s3:ListBucket"], bucket),
            _allow("Read", ["s3:GetObject"], f"{bucket}/{prefix}AWSLogs/{place.account}/*"),
        ]
    if settings.log_group:
        group = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:{settings.log_group}:*"
        statements.append(_allow("Logs", ["logs:FilterLogEvents"], group))
    return _policy(*statements)
