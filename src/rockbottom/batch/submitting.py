"""Files uploaded and jobs made: what is there already is found again, and nothing is sent twice."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rockbottom.batch.cloud import check_bucket, code_of
from rockbottom.batch.endings import not_taken
from rockbottom.batch.errors import AccessRefused, InvalidSettings
from rockbottom.batch.ground import Ground
from rockbottom.batch.splitting import Slice
from rockbottom.batch.spool import SliceFile
from rockbottom.batch.state import JobState
from rockbottom.catalog import botocore_since
from rockbottom.extras import upgrade_command

_CHUNK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Submission:
    """The latest attempt of a run, on its way to AWS."""

    run: Ground

    def submit(self) -> None:
        """Upload what is not in S3 and make the jobs that were not made. Raises BatchError."""
        if self.run.state.stopping:
            return
        waiting = [job for job in self.run.state.jobs_of(self.run.state.attempt) if job.arn is None and not job.ended]
        if not waiting:
            return
        check_bucket(self.run.cloud, self.run.settings.bucket, self.run.settings.bucket_owner)
        spelled_kind(self.run.cloud.client("bedrock"), self.run.settings.kind)  # before anything is uploaded
        self._upload(waiting)
        for number, job in enumerate(waiting):
            if not self._make(job):
                left = len(waiting) - number
                self.run.watcher.note(f"{left} jobs wait until AWS takes more of them (a quota on jobs in progress)")
                return

    def _upload(self, jobs: Sequence[JobState]) -> None:
        total = sum(one.length for job in jobs for one in job.files)
        done = 0
        spooled = self.run.folder / self.run.state.spools[self.run.state.attempt]
        with spooled.open("rb") as file:
            for job in jobs:
                for number, part in enumerate(job.files):
                    if number not in job.uploaded:
                        self._upload_one(job, number, SliceFile(file, part), part, done, total)
                    done += part.length
                    self.run.watcher.uploading(done, total)

    def _upload_one(self, job: JobState, number: int, content: SliceFile, part: Slice, done: int, total: int) -> None:
        key = f"{self._input(job)}part-{number + 1:03d}.jsonl"
        stamp = f"{self.run.digest_of(job.attempt)}-{part.offset}-{part.length}"
        if not self._is_there(key, stamp, part.length):
            sent = [done]

            def progress(size: int) -> None:
                sent[0] += size
                self.run.watcher.uploading(sent[0], total)

            what = f"upload to s3://{self.run.settings.bucket}/{key}"
            self.run.cloud.patiently(what, lambda: self._put(key, content, stamp, progress))
        self.run.note_event("uploaded", attempt=job.attempt, job=job.number, file=number, key=key)

    def _put(self, key: str, content: SliceFile, stamp: str, progress: Callable[[int], None]) -> None:
        from boto3.s3.transfer import TransferConfig

        content.seek(0)
        extra: dict[str, Any] = {"Metadata": {"rockbottom": stamp}, "ContentType": "application/jsonl"}
        if self.run.settings.kms_key:
            extra |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.run.settings.kms_key}
        if self.run.settings.bucket_owner:
            extra["ExpectedBucketOwner"] = self.run.settings.bucket_owner
        config = TransferConfig(multipart_threshold=_CHUNK_BYTES, multipart_chunksize=_CHUNK_BYTES, max_concurrency=4)
        client = self.run.cloud.client("s3")
        client.upload_fileobj(content, self.run.settings.bucket, key, ExtraArgs=extra, Callback=progress, Config=config)

    def _is_there(self, key: str, stamp: str, length: int) -> bool:
        from botocore.exceptions import ClientError

        try:
            found = self.run.cloud.call("s3", "head_object", Bucket=self.run.settings.bucket, Key=key)
        except (ClientError, AccessRefused):
            return False
        return found["ContentLength"] == length and found.get("Metadata", {}).get("rockbottom") == stamp

    def _make(self, job: JobState) -> bool:
        """Make one job; False when AWS takes no more of them now."""
        from botocore.exceptions import ClientError

        begun = job.token is not None
        token = job.token or self._token(job)
        name = job.name or self._job_name(job)
        if not begun:
            self.run.note_event("submitting", attempt=job.attempt, job=job.number, name=name, token=token)
        arn = self._made_already(name, token) if begun else None
        if arn is None:
            try:
                asked = self._request(job, name, token)
                arn = self.run.cloud.call("bedrock", "create_model_invocation_job", **asked)["jobArn"]
            except ClientError as error:
                if code_of(error) == "ServiceQuotaExceededException":
                    return False
                arn = self._made_already(name, token) if code_of(error) == "ConflictException" else None
                if arn is None:
                    raise not_taken(error, self.run.settings) from error
        self.run.journal.checkpoint("job made")
        self.run.note_event("submitted", attempt=job.attempt, job=job.number, arn=arn)
        self.run.watcher.note(f"job {name}: {job.records:,} records, {arn}")
        return True

    def _made_already(self, name: str, token: str) -> str | None:
        """The job that an earlier life of this process made, if it did."""
        found = self.run.cloud.call("bedrock", "list_model_invocation_jobs", nameContains=name)
        for summary in found["invocationJobSummaries"]:
            if summary["jobName"] == name and summary.get("clientRequestToken", token) == token:
                return summary["jobArn"]
        return None

    def _request(self, job: JobState, name: str, token: str) -> dict[str, Any]:
        settings = self.run.settings
        owner = {"s3BucketOwner": settings.bucket_owner} if settings.bucket_owner else {}
        where = f"s3://{settings.bucket}/{self._input(job)}"
        if len(job.files) == 1:
            where += "part-001.jsonl"
        output: dict[str, Any] = {"s3Uri": f"s3://{settings.bucket}/{settings.folder}/out/", **owner}
        if settings.kms_key:
            output["s3EncryptionKeyId"] = settings.kms_key
        request: dict[str, Any] = {
            "jobName": name,
            "clientRequestToken": token,
            "roleArn": settings.role_arn,
            "modelId": settings.model,
            **spelled_kind(self.run.cloud.client("bedrock"), settings.kind),
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": where, "s3InputFormat": "JSONL", **owner}},
            "outputDataConfig": {"s3OutputDataConfig": output},
        }
        if settings.timeout_hours is not None:
            request["timeoutDurationInHours"] = settings.timeout_hours
        if settings.tags:
            request["tags"] = [{"key": key, "value": value} for key, value in settings.tags.items()]
        return request

    def _input(self, job: JobState) -> str:
        return f"{self.run.settings.folder}/in/a{job.attempt}-j{job.number:03d}/"

    def _token(self, job: JobState) -> str:
        settings = self.run.settings
        parts = (settings.name, settings.digest, settings.bucket, settings.folder, self.run.digest_of(job.attempt))
        return hashlib.sha256("\0".join((*parts, str(job.attempt), str(job.number))).encode()).hexdigest()

    def _job_name(self, job: JobState) -> str:
        stem = re.sub(r"[^a-zA-Z0-9]+", "-", self.run.settings.name).strip("-")[:36] or "run"
        return f"{stem}-{self._token(job)[:8]}-a{job.attempt}-j{job.number:03d}"


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
