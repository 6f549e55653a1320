"""Batch inference jobs that the endpoint knows: their states, the pace of a job, and what goes wrong on purpose.

States and members are the service model's (botocore bedrock 2023-04-20, ModelInvocationJob); what each means is AWS's
"Monitor batch inference jobs" page: Expired is a job still queued at its timeout, PartiallyCompleted one that ran
out of time.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec

from rockbottom.dialects import INVOKED
from rockbottom.local.callers import Caller
from rockbottom.local.failures import ServiceFailure, invalid

Json = dict[str, Any]
DEFAULT_TIMEOUT_HOURS = 24
_MAX_JOBS = 10_000


class JobStatus(Enum):
    """The states of a job, as AWS spells them."""

    SUBMITTED = "Submitted"
    VALIDATING = "Validating"
    SCHEDULED = "Scheduled"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    PARTIALLY_COMPLETED = "PartiallyCompleted"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    EXPIRED = "Expired"


ENDED = frozenset(
    {
        JobStatus.COMPLETED,
        JobStatus.PARTIALLY_COMPLETED,
        JobStatus.FAILED,
        JobStatus.STOPPED,
        JobStatus.EXPIRED,
    }
)


class JobPace(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How long a job stays in each state, in seconds of the endpoint's clock, and how many records a look may run."""

    submitted: float = 0.0
    validating: float = 0.5
    scheduled: float = 0.5
    per_record: float = 0.0
    stopping: float = 0.0
    records_per_look: int = 20_000


class JobFault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What goes wrong with the next ``count`` jobs (null: all).

    ``kind`` is ``fail`` (Failed in validation, with ``message``), ``expire`` (queued until the timeout), ``slow``
    (``seconds`` for each record), ``records`` (every ``every``-th record, or those of ``ids``, ends in an error with
    ``code``, ``message``, ``retryable``, ``expired``), ``cut`` (the output ends in the middle of its last line and
    there is no manifest), ``drop`` (every ``every``-th result is missing from the output) or
    ``repeat`` (every ``every``-th result stands in the output twice).
    """

    kind: str
    count: int | None = 1
    message: str | None = None
    seconds: float = 0.0
    every: int = 1
    ids: tuple[str, ...] = ()
    code: int = 500
    retryable: bool = True
    expired: bool = False
    taken: int = 0

    def check(self) -> None:
        """Raise ServiceFailure when the rule makes no sense."""
        kinds = ("fail", "expire", "slow", "records", "cut", "drop", "repeat")
        if self.kind not in kinds:
            raise invalid(f"no fault of jobs {self.kind!r}; there are {', '.join(kinds)}")
        if self.every < 1 or self.seconds < 0 or (self.count is not None and self.count < 0):
            raise invalid("a fault's every is 1 or more, its seconds and count 0 or more")

    def hits(self, number: int, record_id: str) -> bool:
        """Whether a record is among those it takes; ``number`` counts from 1."""
        return record_id in self.ids if self.ids else number % self.every == 0


@dataclass(slots=True)
class JobCounts:
    """Records and tokens of a job so far."""

    total: int = 0
    processed: int = 0
    success: int = 0
    error: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def manifest(self) -> Json:
        return {
            "totalRecordCount": self.total,
            "processedRecordCount": self.processed,
            "successRecordCount": self.success,
            "errorRecordCount": self.error,
            INVOKED.input: self.input_tokens,
            INVOKED.output: self.output_tokens,
        }


@dataclass(slots=True)
class Job:
    """One job. ``since`` is when its present state began; ``files`` is what its runner works on."""

    arn: str
    request: Json
    caller: Caller
    model: str
    created_at: float
    pace: JobPace
    faults: tuple[JobFault, ...]
    status: JobStatus = JobStatus.SUBMITTED
    since: float = 0.0
    changed_at: float = 0.0
    ended_at: float | None = None
    message: str | None = None
    counts: JobCounts = field(default_factory=JobCounts)
    files: list[Any] = field(default_factory=list[Any])

    @property
    def identity(self) -> str:
        """The twelve characters at the end of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def timeout_at(self) -> float:
        """When it expires; the clock of a job runs from its creation."""
        return self.created_at + 3600 * self.request.get("timeoutDurationInHours", DEFAULT_TIMEOUT_HOURS)

    @property
    def converse(self) -> bool:
        """Whether its records are Converse bodies."""
        return self.request.get("modelInvocationType") == "Converse"

    def fault(self, kind: str) -> JobFault | None:
        """The first fault of a kind that it suffers."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def become(self, status: JobStatus, at: float, message: str | None = None) -> None:
        """Change state at an instant."""
        self.status, self.since, self.changed_at = status, at, at
        self.message = message or self.message
        if status in ENDED:
            self.ended_at = at

    def summary(self) -> Json:
        """Its members in Get and List."""
        request, counts = self.request, self.counts
        optional = {
            name: request[name]
            for name in ("clientRequestToken", "vpcConfig", "timeoutDurationInHours", "modelInvocationType")
            if name in request
        }
        if self.message:
            optional["message"] = self.message
        if self.ended_at is not None:
            optional["endTime"] = instant(self.ended_at)
        return {
            "jobArn": self.arn,
            "jobName": request["jobName"],
            "modelId": request["modelId"],
            "roleArn": request["roleArn"],
            "status": self.status.value,
            "submitTime": instant(self.created_at),
            "lastModifiedTime": instant(self.changed_at),
            "jobExpirationTime": instant(self.timeout_at),
            "inputDataConfig": request["inputDataConfig"],
            "outputDataConfig": request["outputDataConfig"],
            "totalRecordCount": counts.total,
            "processedRecordCount": counts.processed,
            "successRecordCount": counts.success,
            "errorRecordCount": counts.error,
            **optional,
        }


@dataclass(slots=True)
class Jobs:
    """Every job of the endpoint, and the pace and faults of the next ones."""

    made: dict[str, Job] = field(default_factory=dict[str, Job])
    pace: JobPace = field(default_factory=JobPace)
    faults: list[JobFault] = field(default_factory=list[JobFault])
    _tokens: dict[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])

    def clear(self) -> None:
        """Forget all jobs and faults, and go at the ordinary pace."""
        self.made.clear()
        self._tokens.clear()
        self.faults.clear()
        self.pace = JobPace()

    def create(self, request: Json, caller: Caller, model: str, now: float) -> Job:
        """A new job, or the one that this token has made already."""
        token = (caller.account, caller.region, request.get("clientRequestToken") or f"none-{len(self.made)}")
        if token in self._tokens:
            return self.made[self._tokens[token]]
        if len(self.made) >= _MAX_JOBS:
            raise ServiceFailure("ServiceQuotaExceededException", f"There are {_MAX_JOBS} jobs already.")
        digest = hashlib.blake2b(f"{len(self.made)}\0{token}".encode(), digest_size=6).hexdigest()
        arn = f"arn:aws:bedrock:{caller.region}:{caller.account}:model-invocation-job/{digest}"
        job = Job(arn, request, caller, model, now, self.pace, self.faults_now(), since=now, changed_at=now)
        self.made[digest] = job
        self._tokens[token] = digest
        return job

    def find(self, identifier: str, caller: Caller) -> Job:
        """A job by ARN or id. Raises ServiceFailure (ResourceNotFoundException)."""
        job = self.made.get(identifier.rpartition("/")[2])
        if job is None or job.arn.split(":")[3:5] != [caller.region, caller.account]:
            raise ServiceFailure("ResourceNotFoundException", f"The model invocation job {identifier} was not found.")
        return job

    def of(self, caller: Caller) -> list[Job]:
        """The jobs of an account and Region, the newest first."""
        mine = [job for job in self.made.values() if job.arn.split(":")[3:5] == [caller.region, caller.account]]
        return mine[::-1]

    def set_pace(self, raw: Any) -> Json:
        """Change the pace of jobs to come, from JSON."""
        try:
            self.pace = msgspec.convert(raw, JobPace)
        except msgspec.ValidationError as error:
            raise invalid(f"not a pace of jobs: {error}") from error
        if min(self.pace.submitted, self.pace.validating, self.pace.scheduled, self.pace.per_record) < 0:
            raise invalid("the seconds of a pace are 0 or more")
        return msgspec.to_builtins(self.pace)

    def add_faults(self, raw: Any) -> Any:
        """Add faults for jobs to come, from JSON: one or a list."""
        try:
            new = msgspec.convert(raw if isinstance(raw, list) else [raw], list[JobFault])
        except msgspec.ValidationError as error:
            raise invalid(f"not a fault of jobs: {error}") from error
        for fault in new:
            fault.check()
        self.faults.extend(new)
        return msgspec.to_builtins(self.faults)

    def clear_faults(self) -> list[Json]:
        """Remove the faults for jobs to come."""
        self.faults.clear()
        return []

    def described(self) -> Json:
        return {
            "jobs": [job.summary() for job in self.made.values()],
            "pace": msgspec.to_builtins(self.pace),
            "faults": msgspec.to_builtins(self.faults),
        }

    def faults_now(self) -> tuple[JobFault, ...]:
        """The faults that the next job takes with it."""
        taken = [fault for fault in self.faults if fault.count is None or fault.taken < fault.count]
        for fault in taken:
            fault.taken += 1
        return tuple(taken)


def instant(seconds: float) -> str:
    """An instant as the service writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def handlers(jobs: Jobs) -> Mapping[tuple[str, str], Callable[[Any], Any]]:
    """What the control API offers for jobs."""
    return {
        ("GET", "jobs"): lambda _: jobs.described(),
        ("PUT", "jobs/pace"): jobs.set_pace,
        ("POST", "jobs/faults"): jobs.add_faults,
        ("DELETE", "jobs/faults"): lambda _: jobs.clear_faults(),
    }
