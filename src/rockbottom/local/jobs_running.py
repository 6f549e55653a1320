"""A job brought to the state that the clock says: input read and checked, records run, output and manifest written.

Records of a batch job run without caching, tools or structured output (AWS, "Process multiple prompts with batch
inference"); a record with a cachePoint ends in an error 403 (recorded on a public run, 67 of 200 records). The words of
the other refusals were not recorded and are ours. Results come in another order than the records, on purpose.
"""

import asyncio
from array import array
from dataclasses import dataclass, field
from functools import cache, partial
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec

from rockbottom.catalog import Scope
from rockbottom.dialects import POINT_MARKS
from rockbottom.local.calls import RuntimeCall
from rockbottom.local.failures import ServiceFailure
from rockbottom.local.jobs import ENDED, Job, JobStatus
from rockbottom.local.jobs_s3 import IN_PROCESS, S3, bucket_and_key
from rockbottom.local.replying import replied
from rockbottom.local.runtime import Runtime
from rockbottom.local.state import EndpointState

if TYPE_CHECKING:
    from rockbottom.batch import BatchLimits
    from rockbottom.local.jobs_role import RoleCheck

Json = dict[str, Any]
_RECORDS_PER_TURN = 50  # records run between two turns of the event loop
_STRIDE = 7  # results come out every seventh first: another order than the records, the same every time
_BARRED = {
    "toolConfig": "tools",
    "tools": "tools",
    "outputConfig": "structured output",
    "output_config": "structured output",
}


@cache
def _limits() -> "BatchLimits":
    from rockbottom.batch import packaged_limits  # only jobs need it

    return packaged_limits()


class _Refused(Exception):
    """The job fails in validation, with this message."""


@dataclass(slots=True)
class _File:
    """One input file: where its records start, the order they run in, and its output so far."""

    key: str
    content: IO[bytes]
    output: IO[bytes]
    starts: "array[int]"
    order: list[int]
    done: int = 0
    ids: set[str] = field(default_factory=set[str])


class JobRunner:
    """Runs the jobs of one endpoint; S3 is spoken to in a thread, records run on the event loop."""

    def __init__(self, state: EndpointState, runtime: Runtime) -> None:
        self._state = state
        self._runtime = runtime
        self._s3: S3 | None = None
        self._roles: RoleCheck | None = None

    async def look(self, job: Job, now: float) -> None:
        """Bring a job to the state it has at ``now``."""
        for _ in range(len(JobStatus)):
            before = job.status, job.counts.processed
            if job.status not in ENDED:
                await self._advance(job, now)
            if (job.status, job.counts.processed) == before:
                return

    async def _advance(self, job: Job, now: float) -> None:
        pace = job.pace
        if job.status is JobStatus.SUBMITTED:
            if now >= job.since + pace.submitted:
                job.become(JobStatus.VALIDATING, job.since + pace.submitted)
        elif job.status is JobStatus.VALIDATING:
            if now >= job.since + pace.validating:
                await self._validate(job, job.since + pace.validating)
        elif job.status is JobStatus.SCHEDULED:
            self._schedule(job, now)
        elif job.status is JobStatus.IN_PROGRESS:
            await self._progress(job, now)
        elif job.status is JobStatus.STOPPING and now >= job.since + pace.stopping:
            await self._write(job)
            job.become(JobStatus.STOPPED, job.since + pace.stopping)

    def _schedule(self, job: Job, now: float) -> None:
        starts_at = job.since + job.pace.scheduled
        if job.fault("expire") or starts_at >= job.timeout_at:
            if now >= job.timeout_at:
                job.become(JobStatus.EXPIRED, job.timeout_at, "The job was still queued when its time ran out.")
        elif now >= starts_at:
            job.become(JobStatus.IN_PROGRESS, starts_at)

    async def _validate(self, job: Job, at: float) -> None:
        fault = job.fault("fail")
        try:
            if fault is not None:
                raise _Refused(fault.message or "The job failed on purpose.")
            job.files = await asyncio.to_thread(self._read_input, job)
        except _Refused as refused:
            job.become(JobStatus.FAILED, at, str(refused))
            return
        job.counts.total = sum(len(file.starts) for file in job.files)
        least = _limits().minimum_records
        if job.counts.total < least:
            job.become(
                JobStatus.FAILED,
                at,
                f"Batch job contains less records ({job.counts.total}) than the required minimum of: {least}",
            )
            return
        job.become(JobStatus.SCHEDULED, at)

    def _read_input(self, job: Job) -> list[_File]:
        self._check_role(job)
        s3 = self._store()
        bucket, prefix = bucket_and_key(job.request["inputDataConfig"]["s3InputDataConfig"]["s3Uri"])
        try:
            keys = [(key, size) for key, size in s3.keys(bucket, prefix) if key.endswith(".jsonl")]
            if not keys:
                raise _Refused(f"No .jsonl input was found at s3://{bucket}/{prefix}.")
            out, _ = bucket_and_key(job.request["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])
            s3.client().head_bucket(Bucket=out)
            return [self._read_file(s3, bucket, key, size) for key, size in keys]
        except _Refused:
            raise
        except Exception as error:
            raise _Refused(f"The role has no access to the input or output location: {error}") from error

    def _check_role(self, job: Job) -> None:
        """Refuse a role that Bedrock could not assume or that may not do what a job does, where it is known here."""
        if self._state.settings.s3 != IN_PROCESS or self._state.s3_url is None:
            return
        if self._roles is None:
            from rockbottom.local.jobs_role import RoleCheck  # only endpoints with an IAM of their own need it

            self._roles = RoleCheck(self._state.s3_url)
        why = self._roles.fault(job, self._models_of(job))
        if why is not None:
            raise _Refused(why)

    def _models_of(self, job: Job) -> tuple[str, ...]:
        """The ARNs that the role must be allowed to invoke: the model, or the profile and every model behind it."""
        from rockbottom.batch import model_arns

        caller, state = job.caller, self._state
        model = state.catalog.model(job.request["modelId"], state.profiles.model_behind)
        account = job.request["roleArn"].split(":")[4]
        if model.scope is Scope.IN_REGION and model.application_profile is None:
            return model_arns(model, account, caller.region)
        summary = state.profiles.find(job.request["modelId"], caller.account, caller.region)
        return model_arns(model, account, caller.region, [behind["modelArn"] for behind in summary["models"]])

    @staticmethod
    def _read_file(s3: S3, bucket: str, key: str, size: int) -> _File:
        if size > _limits().file_bytes:
            raise _Refused(f"The input file {key} has {size} bytes, more than {_limits().file_bytes}.")
        content: IO[bytes] = TemporaryFile()  # noqa: SIM115  # the job closes it
        s3.read(bucket, key, content)
        content.seek(0)
        starts = array("q")
        at = 0
        for number, line in enumerate(content, 1):
            if line.strip():
                try:
                    record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
                except (msgspec.DecodeError, RecursionError):
                    raise _Refused(f"Line {number} of {key} is not a JSON object.") from None
                if "modelInput" not in record:
                    raise _Refused(f"Line {number} of {key} has no modelInput.")
                starts.append(at)
            at += len(line)
        order = [index for first in range(_STRIDE) for index in range(first, len(starts), _STRIDE)]
        return _File(key, content, TemporaryFile(), starts, order)

    async def _progress(self, job: Job, now: float) -> None:
        slow = job.fault("slow")
        each = slow.seconds if slow else job.pace.per_record
        until = min(now, job.timeout_at)
        due = job.counts.total if each <= 0 else min(job.counts.total, int((until - job.since) / each))
        due = min(due, job.counts.processed + job.pace.records_per_look)
        while job.counts.processed < due:
            for _ in range(min(_RECORDS_PER_TURN, due - job.counts.processed)):
                self._run_next(job)
            await asyncio.sleep(0)
        if job.counts.processed == job.counts.total:
            await self._write(job)
            job.become(JobStatus.COMPLETED, min(until, job.since + each * job.counts.total))
        elif now >= job.timeout_at:
            self._give_up_rest(job)
            await self._write(job)
            job.become(JobStatus.PARTIALLY_COMPLETED, job.timeout_at, "The job ran out of time.")

    def _run_next(self, job: Job) -> None:
        file, index = self._next(job)
        file.content.seek(file.starts[index])
        line = file.content.readline()
        record = msgspec.json.decode(line)
        record_id = record.get("recordId") or f"{index + 1:011d}"
        file.done += 1
        job.counts.processed += 1
        result = self._result(job, line, record, str(record_id), job.counts.processed)
        failed = "error" in result
        job.counts.error += failed
        job.counts.success += not failed
        self._put(job, file, {"recordId": record_id, "modelInput": record["modelInput"], **result})

    @staticmethod
    def _next(job: Job) -> tuple[_File, int]:
        file = next(file for file in job.files if file.done < len(file.order))
        return file, file.order[file.done]

    def _result(self, job: Job, line: bytes, record: Json, record_id: str, number: int) -> Json:
        fault = next(
            (planned for planned in job.faults if planned.kind == "records" and planned.hits(number, record_id)), None
        )
        if fault is not None:
            return _error(fault.code, fault.message or "The record failed on purpose.", fault.expired, fault.retryable)
        if not isinstance(record["modelInput"], dict):
            return _error(400, "modelInput is not a JSON object.")
        body = cast(Json, record["modelInput"])
        if any(mark in line for mark in POINT_MARKS):
            return _error(403, "Prompt caching is not supported for batch inference.")
        barred = next((name for member, name in _BARRED.items() if body.get(member)), None)
        if barred:
            return _error(400, f"Batch inference does not support {barred}.")
        return self._answered(job, body, record_id)

    def _answered(self, job: Job, body: Json, record_id: str) -> Json:
        operation = "Converse" if job.converse else "InvokeModel"
        call = RuntimeCall(operation, job.request["modelId"], {}, msgspec.json.encode(body), job.caller, record_id)
        try:
            counted = self._runtime.read(call, own_answer=True)
        except ServiceFailure as failure:
            return _error(failure.status, failure.message, retryable=failure.retry_safe)
        assert counted.answer is not None
        usage = counted.usage(counted.answer.output_tokens)
        job.counts.input_tokens += usage.total_input
        job.counts.output_tokens += usage.output
        return {"modelOutput": msgspec.Raw(replied(counted, counted.answer).body)}

    def _put(self, job: Job, file: _File, result: Json) -> None:
        number = job.counts.processed
        drop, repeat = job.fault("drop"), job.fault("repeat")
        line = msgspec.json.encode(result) + b"\n"
        if drop is None or not drop.hits(number, result["recordId"]):
            file.output.write(line)
        if repeat is not None and repeat.hits(number, result["recordId"]):
            file.output.write(line)

    def _give_up_rest(self, job: Job) -> None:
        """Records that did not run in time are errors of their own kind."""
        for file in job.files:
            for index in file.order[file.done :]:
                file.content.seek(file.starts[index])
                record = msgspec.json.decode(file.content.readline())
                late = _error(408, "The job ran out of time before this record.", expired=True, retryable=True)
                self._put(job, file, {**record, **late})
                job.counts.error += 1

    async def _write(self, job: Job) -> None:
        await asyncio.to_thread(partial(self._write_output, job))

    def _write_output(self, job: Job) -> None:
        s3 = self._store()
        bucket, prefix = bucket_and_key(job.request["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])
        folder = f"{prefix.rstrip('/')}/{job.identity}".lstrip("/")
        cut = job.fault("cut")
        for file in job.files:
            name = file.key.rpartition("/")[2]
            if cut is not None:
                file.output.truncate(max(0, file.output.tell() - 20))
            file.output.seek(0)
            s3.write(bucket, f"{folder}/{name}.out", file.output)
            file.output.close()
            file.content.close()
        if cut is None:
            s3.write(bucket, f"{folder}/manifest.json.out", msgspec.json.encode(job.counts.manifest()))

    def _store(self) -> S3:
        if self._s3 is None:
            assert self._state.s3_url is not None
            self._s3 = S3(self._state.s3_url)
        return self._s3


def _error(code: int, message: str, expired: bool = False, retryable: bool = False) -> Json:
    return {"error": {"errorCode": code, "errorMessage": message, "expired": expired, "retryable": retryable}}
