"""Customization jobs, the models they make and their deployments, as far as a distillation needs them.

A job runs for some seconds of the endpoint's clock, reads its training data from S3 where the endpoint has one, and
fails with fewer than 100 prompts in the words that AWS's data processing has. Nothing is trained.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from rockbottom.catalog import distillation_pairs, limit
from rockbottom.local.callers import Caller
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.jobs import instant

Json = dict[str, Any]
RUNS_S = 2.0  # seconds of the endpoint's clock that a job takes


@dataclass(slots=True)
class Customization:
    """One job; ``stopped_at`` and ``failure`` end it early."""

    arn: str
    request: Json
    created_at: float
    failure: str = ""
    stopped_at: float | None = None

    def status(self, now: float) -> str:
        """Its state at an instant."""
        if self.failure:
            return "Failed"
        if self.stopped_at is not None:
            return "Stopped"
        return "Completed" if now >= self.created_at + RUNS_S else "InProgress"


@dataclass(slots=True)
class Customizations:
    """Jobs by name and deployments by ARN; a model is there from the end of its job until it is deleted."""

    jobs: dict[str, Customization] = field(default_factory=dict[str, Customization])
    deployments: dict[str, Json] = field(default_factory=dict[str, Json])
    deleted: set[str] = field(default_factory=set[str])

    def clear(self) -> None:
        """Forget every job and its model."""
        self.jobs.clear()
        self.deployments.clear()
        self.deleted.clear()

    def create(self, body: Json, caller: Caller, now: float, prompts: int | None) -> Customization:
        """A job with so many prompts (None: nobody could look). Raises ServiceFailure for a pair that there is not."""
        known = self.jobs.get(body["jobName"])
        if known is not None:
            if known.request.get("clientRequestToken") == body.get("clientRequestToken"):
                return known
            raise ServiceFailure("ConflictException", f"A job named {body['jobName']} exists.")
        config: Json = body.get("customizationConfig") or {}
        settings: Json = config.get("distillationConfig") or {}
        named: Json = settings.get("teacherModelConfig") or {}
        teacher = named.get("teacherModelIdentifier")
        if body.get("customizationType") != "DISTILLATION" or not any(
            (pair.teacher, pair.job_id) == (teacher, body["baseModelIdentifier"]) for pair in distillation_pairs()
        ):
            raise invalid("The provided teacher and base model identifiers are not supported for distillation.")
        digest = hashlib.blake2b(body["jobName"].encode(), digest_size=6).hexdigest()
        place = f"arn:aws:bedrock:{caller.region}:{caller.account}"
        arn = f"{place}:model-customization-job/{body['baseModelIdentifier']}/{digest}"
        job = Customization(arn, body, now)
        least = limit("distillation_prompts_least")
        if prompts is not None and prompts < least:
            job.failure = f"The training data has {prompts} prompts; at minimum {least} valid prompts are required."
        self.jobs[body["jobName"]] = job
        return job

    def find(self, identifier: str) -> Customization:
        """A job by name or ARN. Raises ServiceFailure."""
        for name, job in self.jobs.items():
            if identifier in (name, job.arn):
                return job
        raise ServiceFailure("ResourceNotFoundException", f"The customization job {identifier} was not found.")

    def described(self, job: Customization, now: float) -> Json:
        """What Get tells of a job."""
        request, status = job.request, job.status(now)
        description: Json = {
            "jobArn": job.arn, "jobName": request["jobName"], "outputModelName": request["customModelName"],
            "roleArn": request["roleArn"], "status": status, "creationTime": instant(job.created_at),
            "baseModelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{request['baseModelIdentifier']}",
            "trainingDataConfig": request["trainingDataConfig"], "validationDataConfig": {"validators": []},
            "outputDataConfig": request["outputDataConfig"], "customizationType": "DISTILLATION",
        }  # fmt: skip
        if status == "Completed":
            description["outputModelArn"] = self.model_arn(job)
        if job.failure:
            description["failureMessage"] = job.failure
        return description

    @staticmethod
    def model_arn(job: Customization) -> str:
        return job.arn.replace(":model-customization-job/", ":custom-model/")

    def models(self, now: float) -> list[Json]:
        """The custom models whose job has completed at an instant."""
        return [
            {
                "modelArn": self.model_arn(job), "modelName": job.request["customModelName"],
                "creationTime": instant(job.created_at + RUNS_S),
                "baseModelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{job.request['baseModelIdentifier']}",
                "baseModelName": job.request["baseModelIdentifier"], "customizationType": "DISTILLATION",
            }
            for job in self.jobs.values()
            if job.status(now) == "Completed" and self.model_arn(job) not in self.deleted
        ]  # fmt: skip

    def deploy(self, body: Json, caller: Caller, now: float) -> str:
        """A deployment of a model. Raises ServiceFailure where there is no such model."""
        if not any(model["modelArn"] == body["modelArn"] for model in self.models(now)):
            raise ServiceFailure("ResourceNotFoundException", f"The model {body['modelArn']} was not found.")
        digest = hashlib.blake2b(body["modelDeploymentName"].encode(), digest_size=6).hexdigest()
        arn = f"arn:aws:bedrock:{caller.region}:{caller.account}:custom-model-deployment/{digest}"
        self.deployments[arn] = {
            "customModelDeploymentArn": arn, "customModelDeploymentName": body["modelDeploymentName"],
            "modelDeploymentName": body["modelDeploymentName"], "modelArn": body["modelArn"], "status": "Active",
            "createdAt": instant(now),
        }  # fmt: skip
        return arn

    def deployment(self, arn: str) -> Json:
        """A deployment by its ARN. Raises ServiceFailure."""
        deployment = self.deployments.get(arn)
        if deployment is None:
            raise ServiceFailure("ResourceNotFoundException", f"The deployment {arn} was not found.")
        return deployment

    def model(self, arn: str, now: float) -> Json:
        """A model by its ARN. Raises ServiceFailure."""
        model = next((model for model in self.models(now) if model["modelArn"] == arn), None)
        if model is None:
            raise ServiceFailure("ResourceNotFoundException", f"The model {arn} was not found.")
        return model

    def model_behind(self, arn: str) -> str:
        """The model that was taught, of a deployment: it answers here as it would untaught. Raises ServiceFailure."""
        taught = self.deployment(arn)["modelArn"]
        job = next(job for job in self.jobs.values() if self.model_arn(job) == taught)
        base = job.request["baseModelIdentifier"]
        return next(pair.student for pair in distillation_pairs() if pair.job_id == base)

    def undeploy(self, arn: str) -> None:
        """Delete a deployment. Raises ServiceFailure."""
        del self.deployments[self.deployment(arn)["customModelDeploymentArn"]]

    def delete_model(self, arn: str, now: float) -> None:
        """Delete a model. Raises ServiceFailure where it is not there, or is deployed."""
        self.model(arn, now)
        if any(row["modelArn"] == arn for row in self.deployments.values()):
            raise ServiceFailure("ConflictException", f"The model {arn} has a deployment; delete that first.")
        self.deleted.add(arn)
