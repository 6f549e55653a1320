"""Who makes the jobs of a run: CreateModelInvocationJob, or the OpenAI Batch API for bodies of Chat Completions."""

from typing import Protocol

from rockbottom.batch.cloud import Cloud
from rockbottom.batch.errors import NotInBatch
from rockbottom.batch.invocation_jobs import InvocationJobs, Seen
from rockbottom.batch.openai_batches import OpenAiBatches
from rockbottom.batch.records import Kind
from rockbottom.batch.state import JobState, RunSettings
from rockbottom.catalog import Model


class JobService(Protocol):
    """Makes jobs of one run's settings and tells of them; every method may raise BatchError and ClientError."""

    def ready(self) -> None:
        """Raise InvalidSettings where no job can be made from here."""
        ...

    def make(self, name: str, token: str, where: str) -> str:
        """Make a job that reads at the S3 URI ``where``; its ARN or id."""
        ...

    def made_already(self, name: str, token: str, where: str) -> str | None:
        """The job that an earlier life of this process made, if it did."""
        ...

    def look(self, arn: str) -> Seen:
        """A job as it is now."""
        ...

    def stop(self, arn: str) -> bool:
        """Stop a job; False where it has ended meanwhile."""
        ...

    def output_of(self, job: JobState) -> str:
        """The folder in the bucket in which the results of a job that was made stand, with a slash at its end."""
        ...

    @property
    def writes_manifest(self) -> bool:
        """Whether the results have a file beside them that counts them; else the job itself counts them."""
        ...


def job_service(cloud: Cloud, settings: RunSettings) -> JobService:
    """The service of a run, by the language of its bodies."""
    return OpenAiBatches(cloud, settings) if settings.of_openai else InvocationJobs(cloud, settings)


def require_service(kind: Kind, model: Model) -> None:
    """Raise NotInBatch where no service of AWS runs a batch of such bodies on the model."""
    if kind is Kind.CHAT and model.vendor != "openai":
        raise NotInBatch(
            f"The OpenAI Batch API of bedrock-runtime runs only OpenAI's models (AWS's page on it), "
            f"and {model.name} is one of {model.vendor}.",
            fix="write the records as Converse bodies (--type Converse)",
        )
