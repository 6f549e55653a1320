"""Jobs of batch inference by the OpenAI Batch API of bedrock-runtime: made, found again, looked at, stopped.

Source: AWS's page "Submit a batch of prompts with the OpenAI Batch API" (inference-openai-batch): role, model, key and
tags are headers, the input is one S3 URI, the window 24 hours, the endpoint Chat Completions; results stand in a
folder named after the batch beside the input. No token keeps a batch from being made twice, so one is found again by
its input, which is the run's own, and by the token in its metadata.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rockbottom.batch.cloud import Cloud, code_of
from rockbottom.batch.errors import InvalidSettings
from rockbottom.batch.invocation_jobs import Seen
from rockbottom.batch.limits import timeout_hours
from rockbottom.batch.openai_lines import ENDPOINT
from rockbottom.batch.state import JobState, RunSettings
from rockbottom.batch.surface_calls import surface_call
from rockbottom.quantities import AwsAnswer, is_list, is_object

_BATCHES = "/openai/v1/batches"
_TOKEN = "rockbottom"
_PAGE = 100
_STATES: Mapping[str, str] = {
    "validating": "Validating",
    "in_progress": "InProgress",
    "finalizing": "InProgress",
    "completed": "Completed",
    "failed": "Failed",
    "expired": "PartiallyCompleted",  # what was answered in time is in the output (OpenAI's reference of Batch)
    "cancelling": "Stopping",
    "cancelled": "Stopped",
}
"""AWS's words for the states of jobs by OpenAI's for those of batches."""


@dataclass(frozen=True, slots=True)
class OpenAiBatches:
    """Batches of one run's settings."""

    cloud: Cloud
    settings: RunSettings

    def ready(self) -> None:
        """Raise InvalidSettings where no batch can be made from here; asked before anything is uploaded."""
        hours = timeout_hours().openai_batches
        if self.settings.timeout_hours not in (None, hours):
            says = f"A batch of the OpenAI Batch API has {hours} hours."
            raise InvalidSettings(says, fix="leave --timeout-hours out")
        self.cloud.client("bedrock-runtime")

    def make(self, name: str, token: str, where: str) -> str:
        """Make a batch that reads the file ``where``; its id. Raises ClientError."""
        settings = self.settings
        headers = {"X-Amzn-Bedrock-RoleArn": settings.role_arn, "X-Amzn-Bedrock-ModelId": settings.model}
        if settings.kms_key:
            headers["X-Amzn-Bedrock-OutputEncryptionKeyId"] = settings.kms_key
        if settings.tags:
            headers["X-Amzn-Bedrock-Tags"] = json.dumps(settings.tags)
        request = {
            "input_file_id": where,
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": {"name": name, _TOKEN: token},
        }
        return str(surface_call(self.cloud, "POST", _BATCHES, request, headers)["id"])

    def made_already(self, name: str, token: str, where: str) -> str | None:
        """The batch that an earlier life of this process made, if it did."""
        for batch in self._all():
            metadata: Any = batch.get("metadata") or {}
            if batch.get("input_file_id") == where and metadata.get(_TOKEN, token) == token:
                return str(batch["id"])
        return None

    def look(self, arn: str) -> Seen:
        """A batch as it is now; its counts under AWS's names."""
        batch = surface_call(self.cloud, "GET", f"{_BATCHES}/{arn}")
        counted: Any = batch.get("request_counts") or {}
        done, failed = int(counted.get("completed") or 0), int(counted.get("failed") or 0)
        counts = {
            "totalRecordCount": int(counted.get("total") or 0),
            "processedRecordCount": done + failed,
            "successRecordCount": done,
            "errorRecordCount": failed,
        }
        status = AwsAnswer(batch).word("status")
        return Seen(_STATES.get(status, status), _message(batch.get("errors")), counts)

    def stop(self, arn: str) -> bool:
        """Cancel a batch; False where it has ended meanwhile."""
        from botocore.exceptions import ClientError

        try:
            surface_call(self.cloud, "POST", f"{_BATCHES}/{arn}/cancel", {})
        except ClientError as error:
            if code_of(error) != "ValidationException":
                raise
            return False
        return True

    def output_of(self, job: JobState) -> str:
        """The folder in the bucket in which the results of a batch that was made stand: beside its input."""
        return f"{self.settings.input_of(job)}{job.arn}/"

    @property
    def writes_manifest(self) -> bool:
        """Whether a file beside the results counts them; the batch does."""
        return False

    def _all(self) -> Iterator[Mapping[str, Any]]:
        after = ""
        while True:
            page = surface_call(self.cloud, "GET", f"{_BATCHES}?limit={_PAGE}{after}")
            rows: list[Any] = page["data"]
            yield from rows
            if not page.get("has_more") or not rows:
                return
            after = f"&after={rows[-1]['id']}"


def _message(errors: Any) -> str | None:
    """What the service says of a batch that failed: its first error."""
    rows = errors.get("data") if is_object(errors) else errors
    first = rows[0] if is_list(rows) and rows else None
    return str(first.get("message")) if is_object(first) else None
