"""The role that a job is given, held to its trust policy and permissions as AWS asks for them.

What the role needs is AWS's page "Create a custom service role for batch inference"
(https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html). Only a role that the IAM beside the
endpoint's own S3 knows is looked at: one that nobody made there is taken to be in order.
"""

import os
from typing import Any

from rockbottom.batch import BatchError, Cloud, SetUpSettings, missing_permissions, trust_fault
from rockbottom.local.jobs import Job
from rockbottom.local.jobs_s3 import bucket_and_key

# Seen from jobs whose role may not invoke the models behind a profile.
NOT_INVOKED = "Customer doesn't have permissions to invokeModel"


class RoleCheck:
    """Looks roles up in the IAM at one URL; blocks, so the endpoint calls it in a thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: dict[str, Any] = {}

    def fault(self, job: Job, models: tuple[str, ...]) -> str | None:
        """Why the job may not use its role, or None; ``models`` are the ARNs that it invokes."""
        arn: str = job.request["roleArn"]
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        input_at = job.request["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
        output_at = job.request["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
        bucket, _ = bucket_and_key(input_at)
        cloud = self._cloud(job)
        resources = SetUpSettings(
            account, job.caller.region, bucket, name, models, input_at=input_at, output_at=output_at
        )
        trust = self._trust(cloud, name)
        if trust is None:
            return None
        why = trust_fault(trust, resources)
        if why is not None:
            return f"Bedrock cannot assume the role {arn}: {why}."
        files, invokes = self._missing(cloud, resources)
        if files:
            return f"The role {arn} has no access to the input or output location: {'; '.join(files)}."
        return NOT_INVOKED if invokes else None

    def _cloud(self, job: Job) -> Cloud:
        own = "AWS_ACCESS_KEY_ID" in os.environ
        made_up = {} if own else {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return Cloud(job.caller.region, s3_url=self._url, credentials=made_up, _clients=self._clients)

    @staticmethod
    def _missing(cloud: Cloud, resources: SetUpSettings) -> tuple[list[str], list[str]]:
        """What its policies lack; nothing where they cannot be read."""
        from botocore.exceptions import ClientError

        try:
            return missing_permissions(cloud, resources)
        except (ClientError, BatchError):
            return [], []

    @staticmethod
    def _trust(cloud: Cloud, name: str) -> dict[str, Any] | None:
        """The trust policy of a role; None where there is no such role here."""
        from botocore.exceptions import ClientError

        try:
            return cloud.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        except ClientError:
            return None
