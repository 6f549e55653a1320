"""The job of a distillation, the model it makes, and its deployment: begun, looked at, stopped, removed.

Jobs hang: public runs saw training without output after eleven hours, and plain fine-tuning the same way. So a wait has
an end, at which the job is stopped. Deleting a deployment leaves the model, whose storage is paid until it is deleted.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rockbottom.batch import Cloud
from rockbottom.catalog import DistillationPair
from rockbottom.distill.data import TrainingData
from rockbottom.distill.errors import JobEnded, NoSuchJob
from rockbottom.figures import duration
from rockbottom.quantities import AwsAnswer

Json = dict[str, Any]
ENDED = frozenset({"Completed", "Failed", "Stopped"})
_NOT_THERE = ("ResourceNotFoundException", "ValidationException")


@dataclass(frozen=True, slots=True)
class DistillationJob:
    """What a job is made of besides its data; ``name`` names the job, its model and its deployment."""

    name: str
    pair: DistillationPair
    bucket: str
    role_arn: str
    prefix: str = "rockbottom-distill"

    @property
    def folder(self) -> str:
        """Where its data and output are in the bucket."""
        return f"{self.prefix.strip('/')}/{self.name}"


def begin(cloud: Cloud, job: DistillationJob, data: TrainingData) -> str:
    """Upload the data and make the job; its ARN. The same again makes no second one. Raises UnfitData, BatchError."""
    data.check()
    content = b"".join(data.lines())
    key = f"{job.folder}/train.jsonl"
    cloud.call("s3", "put_object", Bucket=job.bucket, Key=key, Body=content)
    digest = hashlib.sha256(content + job.name.encode()).hexdigest()
    reply = cloud.call(
        "bedrock", "create_model_customization_job",
        jobName=job.name, customModelName=job.name, roleArn=job.role_arn, clientRequestToken=digest,
        baseModelIdentifier=job.pair.job_id, customizationType="DISTILLATION",
        trainingDataConfig={"s3Uri": f"s3://{job.bucket}/{key}"},
        outputDataConfig={"s3Uri": f"s3://{job.bucket}/{job.folder}/out/"},
        customizationConfig={
            "distillationConfig": {"teacherModelConfig": {"teacherModelIdentifier": job.pair.teacher}}
        },
    )  # fmt: skip
    return reply["jobArn"]


def look(cloud: Cloud, name: str) -> Json:
    """The job as AWS sees it now, with a status. Raises NoSuchJob, BatchError, UnexpectedAnswer."""
    from botocore.exceptions import ClientError

    try:
        job = AwsAnswer(cloud.call("bedrock", "get_model_customization_job", jobIdentifier=name))
    except ClientError as error:
        answer: Any = error.response
        if answer.get("Error", {}).get("Code") in _NOT_THERE:
            raise NoSuchJob(f"There is no customization job {name} in {cloud.region}.") from error
        raise
    job.word("status")
    return job


def wait(cloud: Cloud, name: str, every_s: float, stop_after_s: float, on_status: Callable[[str], None]) -> Json:
    """Wait for the job; at the end of its time stop it. Raises JobEnded where it did not complete."""
    waited, before = 0.0, ""
    while True:
        job = look(cloud, name)
        status = job["status"]
        if status != before:
            on_status(f"{name}: {status}")
            before = status
        if status == "Completed":
            return job
        if status in ENDED:
            why = job.get("failureMessage") or "no reason given"
            raise JobEnded(f"The job {name} is {status}: {why}", fix="rockbottom distill data checks the prompts")
        if waited >= stop_after_s:
            stop(cloud, name)
            raise JobEnded(
                f"The job {name} had not ended after {duration(waited)} and was stopped.",
                fix="such jobs are known to hang; start it again under another name, or give --stop-after more hours",
            )
        cloud.sleep(every_s)
        waited += every_s


def stop(cloud: Cloud, name: str) -> None:
    """Ask the service to stop the job ``name``."""
    cloud.call("bedrock", "stop_model_customization_job", jobIdentifier=look(cloud, name)["jobArn"])


def deploy(cloud: Cloud, name: str) -> str:
    """Deploy the model of a completed job on demand; the ARN, which is the modelId of requests. Raises JobEnded."""
    job = look(cloud, name)
    if job["status"] != "Completed":
        raise JobEnded(
            f"The job {name} is {job['status']}: there is no model to deploy.", fix="rockbottom distill wait"
        )
    reply = cloud.call(
        "bedrock", "create_custom_model_deployment", modelDeploymentName=name, modelArn=job["outputModelArn"]
    )
    return reply["customModelDeploymentArn"]


def made_by(cloud: Cloud, name: str) -> Iterator[tuple[str, str]]:
    """What is there of a distillation, in the order in which it goes: ``deployment``, ``model``, each with its ARN."""
    deployments = cloud.call("bedrock", "list_custom_model_deployments", nameContains=name)["modelDeploymentSummaries"]
    for row in deployments:
        if row["customModelDeploymentName"] == name:
            yield "deployment", row["customModelDeploymentArn"]
    for row in cloud.call("bedrock", "list_custom_models", nameContains=name)["modelSummaries"]:
        if row["modelName"] == name:
            yield "model", row["modelArn"]


def remove(cloud: Cloud, kind: str, arn: str) -> None:
    """Delete a deployment or a model."""
    removers: Mapping[str, tuple[str, Json]] = {
        "deployment": ("delete_custom_model_deployment", {"customModelDeploymentIdentifier": arn}),
        "model": ("delete_custom_model", {"modelIdentifier": arn}),
    }
    operation, arguments = removers[kind]
    cloud.call("bedrock", operation, **arguments)
