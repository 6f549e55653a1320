"""What batch inference needs in an account: a bucket, a role that Bedrock may assume, and the least permissions.

Trust and permissions follow AWS's page "Create a custom service role for batch inference"
(https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html); with an inference profile the role needs the
profile and every foundation model behind it, else a job fails with "Customer doesn't have permissions to invokeModel".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from rockbottom.batch.cloud import Cloud, code_of
from rockbottom.batch.errors import InvalidSettings
from rockbottom.batch.sources import check_bucket_name
from rockbottom.catalog import ModelId, Scope
from rockbottom.quantities import is_key_arn, is_role

Json = dict[str, Any]
DEFAULT_ROLE = "rockbottom-batch"
POLICY = "rockbottom-batch"
ABOUT = "Bedrock batch inference: reads and writes one bucket, invokes the models named."
"""The description by which a role that was made here is known again."""
_VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True)
class SetUpSettings:
    """What a set-up is for. ``input_at`` and ``output_at`` are the S3 URIs of one job; empty: those of any run."""

    account: str
    region: str
    bucket: str
    role: str
    models: tuple[str, ...]  # ARNs of profiles and foundation models
    partition: str = "aws"
    kms_key: str | None = None
    input_at: str = ""
    output_at: str = ""

    @property
    def role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role}"

    def checked(self) -> "SetUpSettings":
        """The set-up itself, before anything is written or made for it. Raises InvalidSettings."""
        check_bucket_name(self.bucket)
        if not is_role(self.role):
            raise InvalidSettings(f"{self.role!r} is not the name of a role.", fix="give the name, not the ARN")
        if self.kms_key is not None and not is_key_arn(self.kms_key):
            raise InvalidSettings(
                f"{self.kms_key!r} is not the ARN of a KMS key, by which a policy names it.",
                fix="give it as arn:aws:kms:us-east-1:123456789012:key/ID",
            )
        return self


def model_arns(model: ModelId, account: str, region: str, behind: Sequence[str] = ()) -> tuple[str, ...]:
    """The ARNs a role must be allowed to invoke: the model, or the profile and every model behind it.

    ``behind`` are the modelArns that GetInferenceProfile gives; without them every Region is named by ``*``.
    """
    bare = f"foundation-model/{model.model.id}"
    if model.application_profile is not None:
        return (model.application_profile, *(behind or (f"arn:aws:bedrock:*::{bare}",)))
    if model.scope is Scope.IN_REGION:
        return (f"arn:aws:bedrock:{model.region or region}::{bare}",)
    profile = f"arn:aws:bedrock:{region}:{account}:inference-profile/{model.scope.value}.{model.model.id}"
    without = (f"arn:aws:bedrock:::{bare}",) if model.scope is Scope.GLOBAL else ()
    return tuple(dict.fromkeys((profile, *(behind or (f"arn:aws:bedrock:*::{bare}",)), *without)))


def trust_policy(resources: SetUpSettings) -> Json:
    """Who may assume the role: Bedrock, for batch jobs of this account and Region."""
    jobs = f"arn:{resources.partition}:bedrock:{resources.region}:{resources.account}:model-invocation-job/*"
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "bedrock.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": resources.account},
                    "ArnEquals": {"aws:SourceArn": jobs},
                },
            }
        ],
    }


def role_policy(resources: SetUpSettings) -> Json:
    """What the role may do: read and write the bucket, invoke the models, use the key."""
    bucket = f"arn:{resources.partition}:s3:::{resources.bucket}"
    statements: list[Json] = [
        {
            "Sid": "Files",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            "Resource": [bucket, f"{bucket}/*"],
            "Condition": {"StringEquals": {"aws:ResourceAccount": resources.account}},
        },
        {"Sid": "Models", "Effect": "Allow", "Action": ["bedrock:InvokeModel"], "Resource": list(resources.models)},
    ]
    if resources.kms_key:
        actions = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
        statements.append({"Sid": "Key", "Effect": "Allow", "Action": actions, "Resource": [resources.kms_key]})
    return {"Version": _VERSION, "Statement": statements}


def caller_policy(resources: SetUpSettings) -> Json:
    """What the person or program that starts runs may do."""
    bucket = f"arn:{resources.partition}:s3:::{resources.bucket}"
    jobs = f"arn:{resources.partition}:bedrock:{resources.region}:{resources.account}:model-invocation-job/*"
    look = ["bedrock:ListModelInvocationJobs", "bedrock:GetInferenceProfile", "servicequotas:ListServiceQuotas"]
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": "Jobs",
                "Effect": "Allow",
                "Action": [
                    "bedrock:CreateModelInvocationJob",
                    "bedrock:GetModelInvocationJob",
                    "bedrock:StopModelInvocationJob",
                ],
                "Resource": [jobs, *resources.models],
            },
            {"Sid": "Look", "Effect": "Allow", "Action": look, "Resource": "*"},
            {
                "Sid": "Role",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": resources.role_arn,
                "Condition": {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
            },
            {
                "Sid": "Files",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:AbortMultipartUpload"],
                "Resource": [bucket, f"{bucket}/*"],
            },
        ],
    }


def documents(resources: SetUpSettings) -> dict[str, Json]:
    """Every document by name, to be printed or applied."""
    return {
        "trust": trust_policy(resources),
        "rolePermissions": role_policy(resources),
        "callerPermissions": caller_policy(resources),
    }


def wanted_for(
    cloud: Cloud, model: ModelId, bucket: str, role: str, kms_key: str | None = None, folder: str = "",
    *, of_openai: bool = False,
) -> SetUpSettings:  # fmt: skip
    """What to set up for a model in the account of the credentials; ``folder`` is that of a run in the bucket.

    ``of_openai``: its jobs are batches of the OpenAI Batch API, which write beside their input.

    Raises BatchError.
    """
    who = cloud.call("sts", "get_caller_identity")
    account, partition = who["Account"], who["Arn"].split(":")[1]
    arns = model_arns(model, account, cloud.region, behind_profile(cloud, model))
    at = f"s3://{bucket}/{folder}"
    places = (f"{at}/in/", f"{at}/in/" if of_openai else f"{at}/out/") if folder else ("", "")
    return SetUpSettings(account, cloud.region, bucket, role, arns, partition, kms_key, *places)


def behind_profile(cloud: Cloud, model: ModelId) -> tuple[str, ...]:
    """The foundation models behind a profile, asked of Bedrock; empty when it cannot be asked or is no profile."""
    from botocore.exceptions import ClientError

    if model.scope is Scope.IN_REGION and model.application_profile is None:
        return ()
    identifier = model.application_profile or f"{model.scope.value}.{model.model.id}"
    try:
        profile = cloud.call("bedrock", "get_inference_profile", inferenceProfileIdentifier=identifier)
    except ClientError:
        return ()
    return tuple(behind["modelArn"] for behind in profile["models"])


def apply(cloud: Cloud, resources: SetUpSettings, note: Callable[[str], None]) -> None:
    """Make what is not there, and bring what is there up to date; may be run again. Raises BatchError."""
    _make_bucket(cloud, resources, note)
    _make_role(cloud, resources, note)


def _make_bucket(cloud: Cloud, resources: SetUpSettings, note: Callable[[str], None]) -> None:
    from botocore.exceptions import ClientError

    place: Mapping[str, Any] = (
        {}
        if resources.region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": resources.region}}
    )
    try:
        cloud.call("s3", "create_bucket", Bucket=resources.bucket, **place)
        note(f"bucket {resources.bucket} made")
    except ClientError as error:
        if code_of(error) == "BucketAlreadyExists":
            raise InvalidSettings(
                f"The bucket {resources.bucket} belongs to somebody else.", fix="choose another name: --bucket NAME"
            ) from error
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise
        note(f"bucket {resources.bucket} is there")
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    cloud.call("s3", "put_public_access_block", Bucket=resources.bucket, PublicAccessBlockConfiguration=closed)


def _make_role(cloud: Cloud, resources: SetUpSettings, note: Callable[[str], None]) -> None:
    from botocore.exceptions import ClientError

    trust = _text(trust_policy(resources))
    try:
        cloud.call("iam", "create_role", RoleName=resources.role, AssumeRolePolicyDocument=trust, Description=ABOUT)
        note(f"role {resources.role_arn} made")
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        cloud.call("iam", "update_assume_role_policy", RoleName=resources.role, PolicyDocument=trust)
        note(f"role {resources.role_arn} is there; its trust policy was brought up to date")
    cloud.call(
        "iam",
        "put_role_policy",
        RoleName=resources.role,
        PolicyName=POLICY,
        PolicyDocument=_text(role_policy(resources)),
    )
    note(f"permissions {POLICY} put on the role")


def _text(document: Json) -> str:
    return msgspec.json.encode(document).decode()
