"""Jobs of batch inference by CreateModelInvocationJob: made, found again, looked at, stopped."""

from dataclasses import dataclass
from typing import Any

from rockbottom.batch.cloud import Cloud, code_of
from rockbottom.batch.errors import InvalidSettings
from rockbottom.batch.state import JobState, RunSettings
from rockbottom.catalog import botocore_since
from rockbottom.extras import upgrade_command
from rockbottom.quantities import AwsAnswer


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as the service shows it: AWS's word for its state, its message, and how many records are where."""

    status: str
    message: str | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class InvocationJobs:
    """Jobs of one run's settings."""

    cloud: Cloud
    settings: RunSettings

    def ready(self) -> None:
        """Raise InvalidSettings where no job can be made from here; asked before anything is uploaded."""
        spelled_kind(self.cloud.client("bedrock"), self.settings.kind)

    def make(self, name: str, token: str, where: str) -> str:
        """Make a job that reads at ``where``; its ARN. The same token makes no second one. Raises ClientError."""
        request = self._request(name, token, where)
        return self.cloud.call("bedrock", "create_model_invocation_job", **request)["jobArn"]

    def made_already(self, name: str, token: str, where: str) -> str | None:
        """The job that an earlier life of this process made, if it did."""
        page = self.cloud.call("bedrock", "list_model_invocation_jobs", nameContains=name)
        for summary in page["invocationJobSummaries"]:
            if summary["jobName"] == name and summary.get("clientRequestToken", token) == token:
                return summary["jobArn"]
        return None

    def look(self, arn: str) -> Seen:
        """A job as it is now."""
        job = self.cloud.call("bedrock", "get_model_invocation_job", jobIdentifier=arn)
        counts = {name: job[name] for name in job if name.endswith("RecordCount")}
        return Seen(AwsAnswer(job).word("status"), job.get("message"), counts)

    def stop(self, arn: str) -> bool:
        """Stop a job; False where it has ended meanwhile."""
        from botocore.exceptions import ClientError

        try:
            self.cloud.call("bedrock", "stop_model_invocation_job", jobIdentifier=arn)
        except ClientError as error:
            if code_of(error) != "ConflictException":
                raise
            return False
        return True

    def output_of(self, job: JobState) -> str:
        """The folder in the bucket in which the results of a job that was made stand."""
        assert job.arn is not None
        return f"{self.settings.folder}/out/{job.arn.rpartition('/')[2]}/"

    @property
    def writes_manifest(self) -> bool:
        """Whether a file beside the results counts them."""
        return True

    def _request(self, name: str, token: str, where: str) -> dict[str, Any]:
        settings = self.settings
        owner = {"s3BucketOwner": settings.bucket_owner} if settings.bucket_owner else {}
        output: dict[str, Any] = {"s3Uri": f"s3://{settings.bucket}/{settings.folder}/out/", **owner}
        if settings.kms_key:
            output["s3EncryptionKeyId"] = settings.kms_key
        request: dict[str, Any] = {
            "jobName": name,
            "clientRequestToken": token,
            "roleArn": settings.role_arn,
            "modelId": settings.model,
            **spelled_kind(self.cloud.client("bedrock"), settings.kind),
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": where, "s3InputFormat": "JSONL", **owner}},
            "outputDataConfig": {"s3OutputDataConfig": output},
        }
        if settings.timeout_hours is not None:
            request["timeoutDurationInHours"] = settings.timeout_hours
        if settings.tags:
            request["tags"] = [{"key": key, "value": value} for key, value in settings.tags.items()]
        return request


def spelled_kind(client: Any, kind: str) -> dict[str, str]:
    """The argument that says of which language the bodies are; InvokeModel is what none means.

    Raises InvalidSettings where the boto3 at hand knows no such argument and one is needed.
    """
    operation = client.meta.service_model.operation_model("CreateModelInvocationJob")
    if "modelInvocationType" in operation.input_shape.members:
        return {"modelInvocationType": kind}
    if kind == "InvokeModel":
        return {}
    import botocore

    since = botocore_since("modelInvocationType")
    raise InvalidSettings(
        f"botocore {botocore.__version__} does not know modelInvocationType, so it can make no job of {kind} bodies.",
        fix=f"{upgrade_command(f'boto3>={since}')}, or send bodies of InvokeModel",
    )
