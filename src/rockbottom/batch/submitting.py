"""Files uploaded and jobs made: what is there already is found again, and nothing is sent twice."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rockbottom.batch.cloud import check_bucket, code_of
from rockbottom.batch.endings import not_taken
from rockbottom.batch.errors import AccessRefused
from rockbottom.batch.ground import Ground
from rockbottom.batch.splitting import Slice
from rockbottom.batch.spool import SliceFile
from rockbottom.batch.state import JobState
from rockbottom.figures import counted

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
        self.run.service.ready()  # before anything is uploaded
        check_bucket(self.run.cloud, self.run.settings.bucket, self.run.settings.bucket_owner)
        self._upload(waiting)
        for number, job in enumerate(waiting):
            if not self._make(job):
                left = len(waiting) - number
                self.run.watcher.note(f"{left} jobs wait until AWS takes more of them (a quota on jobs in progress)")
                return

    def _upload(self, jobs: Sequence[JobState]) -> None:
        total = sum(piece.length for job in jobs for piece in job.files)
        done = 0
        sent = self.run.folder / self.run.state.sent[self.run.state.attempt]
        with sent.open("rb") as file:
            for job in jobs:
                for number, part in enumerate(job.files):
                    if number not in job.uploaded:
                        self._upload_one(job, number, SliceFile(file, part), part, done, total)
                    done += part.length
                    self.run.watcher.uploading(done, total)

    def _upload_one(self, job: JobState, number: int, content: SliceFile, part: Slice, done: int, total: int) -> None:
        key = f"{self.run.settings.input_of(job)}part-{number + 1:03d}.jsonl"
        stamp = f"{self.run.digest_of(job.attempt)}-{part.offset}-{part.length}"
        if not self._is_there(key, stamp, part.length):
            sent = [done]

            def progress(size: int) -> None:
                sent[0] += size
                self.run.watcher.uploading(sent[0], total)

            action = f"upload to s3://{self.run.settings.bucket}/{key}"
            self.run.cloud.patiently(action, lambda: self._put(key, content, stamp, progress))
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
            head = self.run.cloud.call("s3", "head_object", Bucket=self.run.settings.bucket, Key=key)
        except (ClientError, AccessRefused):
            return False
        return head["ContentLength"] == length and head.get("Metadata", {}).get("rockbottom") == stamp

    def _make(self, job: JobState) -> bool:
        """Make one job; False when AWS takes no more of them now."""
        from botocore.exceptions import ClientError

        begun = job.token is not None
        token = job.token or self._token(job)
        name = job.name or self._job_name(job)
        if not begun:
            self.run.note_event("submitting", attempt=job.attempt, job=job.number, name=name, token=token)
        service, where = self.run.service, self._input_at(job)
        arn = service.made_already(name, token, where) if begun else None
        if arn is None:
            try:
                arn = service.make(name, token, where)
            except ClientError as error:
                if code_of(error) == "ServiceQuotaExceededException":
                    return False
                arn = service.made_already(name, token, where) if code_of(error) == "ConflictException" else None
                if arn is None:
                    raise not_taken(error, self.run.settings) from error
        self.run.journal.checkpoint("job made")
        self.run.note_event("submitted", attempt=job.attempt, job=job.number, arn=arn)
        self.run.watcher.note(f"job {name}: {counted(job.records, 'record')}, {arn}")
        return True

    def _input_at(self, job: JobState) -> str:
        """What the job reads: its one file, or the folder of its files."""
        where = f"s3://{self.run.settings.bucket}/{self.run.settings.input_of(job)}"
        return f"{where}part-001.jsonl" if len(job.files) == 1 else where

    def _token(self, job: JobState) -> str:
        settings = self.run.settings
        parts = (settings.name, settings.digest, settings.bucket, settings.folder, self.run.digest_of(job.attempt))
        return hashlib.sha256("\0".join((*parts, str(job.attempt), str(job.number))).encode()).hexdigest()

    def _job_name(self, job: JobState) -> str:
        stem = re.sub(r"[^a-zA-Z0-9]+", "-", self.run.settings.name).strip("-")[:36] or "run"
        return f"{stem}-{self._token(job)[:8]}-a{job.attempt}-j{job.number:03d}"
