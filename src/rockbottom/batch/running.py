"""A run from its records to its results, able to die at any moment and go on.

Every effect stands between two lines of the journal: the intention before, the result after. What was intended and
not confirmed is looked for before it is done again; a job is made with a token that depends on nothing but the run,
the attempt and the records, so that the same job is never made twice.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import msgspec

from rockbottom.batch.cloud import Cloud, check_bucket, code_of
from rockbottom.batch.endings import jobs_ended, not_taken
from rockbottom.batch.errors import AccessRefused, StillRunning
from rockbottom.batch.journal import Journal
from rockbottom.batch.limits import Limits
from rockbottom.batch.outputs import MANIFEST, check_lines, drop_torn_line, write_whole
from rockbottom.batch.rejoining import Fate, Rejoin, Tally, half_written
from rockbottom.batch.splitting import Slice, jobs_of
from rockbottom.batch.spool import SliceFile, chosen_lines, record_ids, spool
from rockbottom.batch.state import WITH_OUTPUT, JobState, RunState, Settings, state_of

_CHUNK_BYTES = 8 * 1024 * 1024


class Watcher(Protocol):
    """Told what happens, for a progress bar or a log."""

    def uploading(self, done: int, total: int) -> None:
        """Bytes of the attempt that are in S3."""
        ...

    def note(self, text: str) -> None:
        """One sentence for a person."""
        ...


class Silent:
    """Tells nobody."""

    def uploading(self, done: int, total: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


@dataclass(slots=True)
class BatchRun:
    """One run in its folder. Open its journal first; every method may be called again after a crash."""

    folder: Path
    journal: Journal
    limits: Limits
    cloud: Cloud
    watcher: Watcher = field(default_factory=Silent)
    attempts: int = 3
    state: RunState = field(init=False)

    def __post_init__(self) -> None:
        self.state = state_of(self.journal.events)

    @property
    def settings(self) -> Settings:
        """Its settings; it must have been created."""
        assert self.state.settings is not None
        return self.state.settings

    # -- building ---------------------------------------------------------------------------------------------

    def create(self, settings: Settings) -> None:
        """Write the settings down, once."""
        if self.state.settings is None:
            self._note_event("created", settings=msgspec.to_builtins(settings))

    def build(self, lines: Iterable[bytes], check: Callable[[], None]) -> None:
        """Spool the records and plan files and jobs, unless that was done. ``check`` raises when some were refused."""
        if self.state.attempt == 0:
            self._plan(1, lines, check)

    def _plan(self, attempt: int, lines: Iterable[bytes], check: Callable[[], None] = lambda: None) -> None:
        path = self.folder / f"records-{attempt}.jsonl"
        spooled = spool(lines, path)
        check()
        jobs = jobs_of(spooled.sizes, self.limits)
        self._note_event(
            "planned",
            attempt=attempt,
            spool=path.name,
            digest=spooled.digest,
            records=len(spooled.sizes),
            bytes=spooled.bytes,
            jobs=[[[one.offset, one.length, one.records] for one in files] for files in jobs],
        )

    def records(self) -> Iterator[dict[str, Any]]:
        """The records of the run as they were spooled, for an estimate."""
        decode = msgspec.json.Decoder().decode
        with (self.folder / self.state.spools[1]).open("rb", buffering=1 << 20) as file:
            for line in file:
                yield decode(line)

    def agree(self, usd: str, how: str) -> None:
        """Write down that the estimate was agreed to; nothing is uploaded before."""
        if self.state.agreed_usd is None:
            self._note_event("agreed", usd=usd, how=how)

    # -- submitting -------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Upload what is not in S3 and make the jobs that were not made. Raises BatchError."""
        if self.state.stopping:
            return
        waiting = [job for job in self.state.jobs_of(self.state.attempt) if job.arn is None and not job.ended]
        if not waiting:
            return
        check_bucket(self.cloud, self.settings.bucket, self.settings.bucket_owner)
        self._upload(waiting)
        for number, job in enumerate(waiting):
            if not self._make(job):
                left = len(waiting) - number
                self.watcher.note(f"{left} jobs wait until AWS takes more of them (a quota on jobs in progress)")
                return

    def _upload(self, jobs: Sequence[JobState]) -> None:
        total = sum(one.length for job in jobs for one in job.files)
        done = 0
        spooled = self.folder / self.state.spools[self.state.attempt]
        with spooled.open("rb") as file:
            for job in jobs:
                for number, part in enumerate(job.files):
                    if number not in job.uploaded:
                        self._upload_one(job, number, SliceFile(file, part), part, done, total)
                    done += part.length
                    self.watcher.uploading(done, total)

    def _upload_one(self, job: JobState, number: int, content: SliceFile, part: Slice, done: int, total: int) -> None:
        key = f"{self._input(job)}part-{number + 1:03d}.jsonl"
        stamp = f"{self._digest(job.attempt)}-{part.offset}-{part.length}"
        if not self._is_there(key, stamp, part.length):
            sent = [done]

            def progress(size: int) -> None:
                sent[0] += size
                self.watcher.uploading(sent[0], total)

            what = f"upload to s3://{self.settings.bucket}/{key}"
            self.cloud.patiently(what, lambda: self._put(key, content, stamp, progress))
        self._note_event("uploaded", attempt=job.attempt, job=job.number, file=number, key=key)

    def _put(self, key: str, content: SliceFile, stamp: str, progress: Callable[[int], None]) -> None:
        from boto3.s3.transfer import TransferConfig

        content.seek(0)
        extra: dict[str, Any] = {"Metadata": {"rockbottom": stamp}, "ContentType": "application/jsonl"}
        if self.settings.kms_key:
            extra |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.settings.kms_key}
        if self.settings.bucket_owner:
            extra["ExpectedBucketOwner"] = self.settings.bucket_owner
        config = TransferConfig(multipart_threshold=_CHUNK_BYTES, multipart_chunksize=_CHUNK_BYTES, max_concurrency=4)
        client = self.cloud.client("s3")
        client.upload_fileobj(content, self.settings.bucket, key, ExtraArgs=extra, Callback=progress, Config=config)

    def _is_there(self, key: str, stamp: str, length: int) -> bool:
        from botocore.exceptions import ClientError

        try:
            found = self.cloud.call("s3", "head_object", Bucket=self.settings.bucket, Key=key)
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
            self._note_event("submitting", attempt=job.attempt, job=job.number, name=name, token=token)
        arn = self._made_already(name, token) if begun else None
        if arn is None:
            try:
                asked = self._request(job, name, token)
                arn = self.cloud.call("bedrock", "create_model_invocation_job", **asked)["jobArn"]
            except ClientError as error:
                if code_of(error) == "ServiceQuotaExceededException":
                    return False
                arn = self._made_already(name, token) if code_of(error) == "ConflictException" else None
                if arn is None:
                    raise not_taken(error, self.settings) from error
        self.journal.checkpoint("job made")
        self._note_event("submitted", attempt=job.attempt, job=job.number, arn=arn)
        self.watcher.note(f"job {name}: {job.records:,} records, {arn}")
        return True

    def _made_already(self, name: str, token: str) -> str | None:
        """The job that an earlier life of this process made, if it did."""
        found = self.cloud.call("bedrock", "list_model_invocation_jobs", nameContains=name)
        for summary in found["invocationJobSummaries"]:
            if summary["jobName"] == name and summary.get("clientRequestToken", token) == token:
                return summary["jobArn"]
        return None

    def _request(self, job: JobState, name: str, token: str) -> dict[str, Any]:
        settings = self.settings
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
            "modelInvocationType": settings.kind,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": where, "s3InputFormat": "JSONL", **owner}},
            "outputDataConfig": {"s3OutputDataConfig": output},
        }
        if settings.timeout_hours is not None:
            request["timeoutDurationInHours"] = settings.timeout_hours
        if settings.tags:
            request["tags"] = [{"key": key, "value": value} for key, value in settings.tags.items()]
        return request

    def _input(self, job: JobState) -> str:
        return f"{self.settings.folder}/in/a{job.attempt}-j{job.number:03d}/"

    def _digest(self, attempt: int) -> str:
        return next(
            event["digest"]
            for event in self.journal.events
            if event["event"] == "planned" and event["attempt"] == attempt
        )

    @property
    def planned_digest(self) -> str:
        """The digest of the records that the run was built from."""
        return self._digest(1)

    def _token(self, job: JobState) -> str:
        settings = self.settings
        parts = (settings.name, settings.digest, settings.bucket, settings.folder, self._digest(job.attempt))
        return hashlib.sha256("\0".join((*parts, str(job.attempt), str(job.number))).encode()).hexdigest()

    def _job_name(self, job: JobState) -> str:
        stem = re.sub(r"[^a-zA-Z0-9]+", "-", self.settings.name).strip("-")[:36] or "run"
        return f"{stem}-{self._token(job)[:8]}-a{job.attempt}-j{job.number:03d}"

    # -- waiting and collecting -------------------------------------------------------------------------------

    def poll(self) -> bool:
        """Ask for the states of all jobs and write down the ends; whether all have ended."""
        for job in self.state.jobs:
            if job.arn is not None and not job.ended:
                self._poll_one(job)
        return all(job.ended for job in self.state.jobs if job.arn is not None) and not self.pending

    @property
    def pending(self) -> bool:
        """Whether jobs of the latest attempt were not made yet."""
        return not self.state.stopping and any(job.arn is None for job in self.state.jobs_of(self.state.attempt))

    def _poll_one(self, job: JobState) -> None:
        found = self.cloud.call("bedrock", "get_model_invocation_job", jobIdentifier=job.arn)
        counts = {name: found[name] for name in found if name.endswith("RecordCount")}
        if found["status"] != job.status:
            self.watcher.note(f"job {job.name}: {found['status']}{_progress(counts)}")
        job.status, job.message = found["status"], found.get("message")
        if job.ended:
            self._note_event(
                "ended", attempt=job.attempt, job=job.number, status=job.status, message=job.message, counts=counts
            )

    def wait(self, every_s: float, within_s: float | None = None) -> None:
        """Poll until all jobs have ended. Raises StillRunning after ``within_s`` seconds of waiting."""
        waited = 0.0
        while not self.poll():
            if within_s is not None and waited >= within_s:
                running = sum(not job.ended for job in self.state.jobs)
                raise StillRunning(
                    f"{running} of {len(self.state.jobs)} jobs have not ended after {waited:,.0f} s; they go on.",
                    fix=f"rockbottom batch wait {self.settings.name}",
                )
            self.cloud.sleep(every_s)
            waited += every_s
            if self.pending:
                self.submit()

    def collect(self, accept_incomplete: bool = False) -> None:
        """Fetch the output of every job that has any. Raises OutputIncomplete when it is half-written."""
        for job in self.state.jobs:
            if job.ended and job.status in WITH_OUTPUT and job.arn is not None and job.collected is None:
                self._collect_one(job, accept_incomplete)

    def _collect_one(self, job: JobState, accept_incomplete: bool) -> None:
        assert job.arn is not None
        prefix = f"{self.settings.folder}/out/{job.arn.rpartition('/')[2]}/"
        target = self.folder / "output" / f"a{job.attempt}-j{job.number:03d}"
        target.mkdir(parents=True, exist_ok=True)
        names: list[str] = []
        manifest: dict[str, Any] | None = None
        for key in self._keys(prefix):
            path = target / key.rpartition("/")[2]
            self._fetch(key, path)
            if path.name == MANIFEST:
                manifest = msgspec.json.decode(path.read_bytes())
            elif path.name.endswith(".jsonl.out"):
                names.append(str(path.relative_to(self.folder)))
        self._check_whole(job, names, manifest, target, accept_incomplete)
        self._note_event("collected", attempt=job.attempt, job=job.number, files=names, manifest=manifest)

    def _keys(self, prefix: str) -> list[str]:
        keys: list[str] = []
        more: dict[str, Any] = {}
        while True:
            found = self.cloud.call("s3", "list_objects_v2", Bucket=self.settings.bucket, Prefix=prefix, **more)
            keys.extend(one["Key"] for one in found.get("Contents", ()))
            if not found.get("IsTruncated"):
                return keys
            more = {"ContinuationToken": found["NextContinuationToken"]}

    def _fetch(self, key: str, path: Path) -> None:
        partial = path.with_name(path.name + ".partial")

        def fetch() -> None:
            with partial.open("wb") as file:
                self.cloud.client("s3").download_fileobj(self.settings.bucket, key, file)
                file.flush()
                os.fsync(file.fileno())

        self.cloud.patiently(f"download of s3://{self.settings.bucket}/{key}", fetch)
        self.journal.checkpoint("output fetched")
        partial.replace(path)

    def _check_whole(
        self, job: JobState, names: list[str], manifest: dict[str, Any] | None, target: Path, accept: bool
    ) -> None:
        if accept:
            for name in names:
                drop_torn_line(self.folder / name)
            return
        where = target / MANIFEST
        if manifest is None:
            if job.status == "Stopped":  # may have been stopped before it wrote anything
                return
            raise half_written(where, f"job {job.name} is {job.status} and has no {MANIFEST}")
        found = sum(check_lines(self.folder / name) for name in names)
        said = int(manifest.get("successRecordCount", 0)) + int(manifest.get("errorRecordCount", 0))
        if found < said:
            raise half_written(where, f"it counts {said:,} results of job {job.name}, and the output holds {found:,}")

    # -- results ----------------------------------------------------------------------------------------------

    def rejoin(self) -> Rejoin:
        """All results so far by record. Raises OutputIncomplete."""
        rejoined = Rejoin(record_ids(self.folder / self.state.spools[1]))
        for job in self.state.jobs:
            for name in job.collected or ():
                rejoined.take(self.folder / name)
        return rejoined

    def try_again(self, rejoined: Rejoin, retry_failed: bool = False) -> bool:
        """Plan another attempt with the records that may be retried; False when there are none, or too few.

        Records without a result are retried when their job expired, or ran out of time, or lost them; those of a job
        that failed or was stopped only when asked for, because the reason is still there.
        """
        if self.state.attempt >= self.attempts and not retry_failed:
            return False
        wanted = rejoined.unanswered(lambda fate: fate in (Fate.RETRYABLE, Fate.NO_RESULT))
        if not retry_failed:
            self._leave_out_failed(wanted)
        count = sum(wanted)
        if count == 0:
            return False
        if count < self.limits.minimum_records:
            self.watcher.note(
                f"{count:,} records may be sent again, and a job takes at least {self.limits.minimum_records}: "
                f"they are kept in {self.left_path}"
            )
            return False
        self.watcher.note(f"{count:,} records are sent again (attempt {self.state.attempt + 1})")
        self._plan(self.state.attempt + 1, chosen_lines(self.folder / self.state.spools[1], wanted))
        self.state.stopping = False
        return True

    def _leave_out_failed(self, wanted: bytearray) -> None:
        """Clear the flags of records whose latest job failed or was stopped."""
        barred = {job.attempt for job in self.state.jobs if job.status in ("Failed", "Stopped")}
        if not barred:
            return
        latest: dict[str, bool] = {}
        for attempt in sorted(self.state.spools):
            ids = record_ids(self.folder / self.state.spools[attempt])
            for job in self.state.jobs_of(attempt):
                bar = job.status in ("Failed", "Stopped")
                for record_id in islice(ids, job.records):
                    if bar:
                        latest[record_id] = True
                    else:
                        latest.pop(record_id, None)
        for ordinal, record_id in enumerate(record_ids(self.folder / self.state.spools[1])):
            if record_id in latest:
                wanted[ordinal] = 0

    @property
    def results_path(self) -> Path:
        """Where the results are."""
        return self.folder / "results.jsonl"

    @property
    def left_path(self) -> Path:
        """Where the records without an answer are, ready to be sent another way."""
        return self.folder / "left.jsonl"

    def write_results(self, rejoined: Rejoin) -> Tally:
        """Write results and what is left, each whole or not at all."""
        write_whole(self.results_path, rejoined.rows())
        self.journal.checkpoint("results written")
        tally = rejoined.count()
        left = rejoined.unanswered(lambda fate: fate != Fate.ANSWERED)
        if any(left):
            write_whole(self.left_path, chosen_lines(self.folder / self.state.spools[1], left))
        else:
            self.left_path.unlink(missing_ok=True)
        return tally

    def finish(self, summary: dict[str, Any]) -> None:
        """Write down that the run is done."""
        self._note_event("finished", summary=summary)

    def stop(self) -> int:
        """Stop every job that runs; how many. What they did is billed and can be collected."""
        from botocore.exceptions import ClientError

        if not self.state.stopping:
            self._note_event("stopping")
        stopped = 0
        for job in self.state.jobs:
            if job.arn is None or job.ended:
                continue
            try:
                self.cloud.call("bedrock", "stop_model_invocation_job", jobIdentifier=job.arn)
                stopped += 1
            except ClientError as error:
                if code_of(error) != "ConflictException":  # it has ended meanwhile
                    raise
        return stopped

    def raise_if_ended_badly(self, tally: Tally) -> None:
        """Raise JobsEnded when jobs failed, expired or ended in part and records are left without an answer."""
        left = tally.missing + tally.retryable
        bad = [job for job in self.state.jobs if job.ended and job.status != "Completed"]
        if left and bad:
            raise jobs_ended(bad, left, self.settings.name, self.results_path, self.left_path)

    def _note_event(self, name: str, /, **members: Any) -> None:
        self.state.apply(self.journal.append(name, **members))


def _progress(counts: dict[str, int]) -> str:
    total = counts.get("totalRecordCount")
    return f", {counts.get('processedRecordCount', 0):,} of {total:,} records" if total else ""
