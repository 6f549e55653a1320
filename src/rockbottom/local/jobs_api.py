"""CreateModelInvocationJob, Get, List and Stop."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rockbottom.catalog import CatalogError
from rockbottom.local.bodies import object_of
from rockbottom.local.control_plane import Asking
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.local.jobs import ENDED, Job, JobStatus
from rockbottom.local.jobs_running import JobRunner
from rockbottom.local.runtime import Runtime
from rockbottom.local.shapes import BodyChecker, body_checker, service_model
from rockbottom.local.state import EndpointState

Json = dict[str, Any]
JOB_OPERATIONS = frozenset(
    {"CreateModelInvocationJob", "GetModelInvocationJob", "ListModelInvocationJobs", "StopModelInvocationJob"}
)


class JobsPlane:
    """Answers the operations of batch inference.

    Jobs advance when somebody looks (any of the operations, or the clock is moved): to the state that the clock
    says, with the work of that state done. One look at a time.
    """

    def __init__(self, state: EndpointState, runtime: Runtime) -> None:
        self._state = state
        self._runner = JobRunner(state, runtime)
        self._lock = asyncio.Lock()
        self._checker: BodyChecker | None = None

    async def answer(self, operation: str, asking: Asking) -> tuple[int, Json]:
        """The HTTP status and body. Raises ServiceFailure."""
        fault = self._state.faults.taken_by(operation, asking.identifier) if self._state.faults.rules else None
        if fault is not None and fault.kind == "error":
            raise fault.failure()
        async with self._lock:
            if operation == "CreateModelInvocationJob":
                return 200, self._create(asking)
            if operation == "ListModelInvocationJobs":
                for job in self._state.jobs.of(asking.caller):
                    await self._runner.look(job, self._state.clock.now())
                return 200, self._list(asking)
            job = self._state.jobs.find(asking.identifier, asking.caller)
            await self._runner.look(job, self._state.clock.now())
            if operation == "GetModelInvocationJob":
                return 200, job.summary()
            return 200, await self._stop(job)

    async def look_at_all(self) -> None:
        """Bring every job to the state that the clock says."""
        async with self._lock:
            for job in list(self._state.jobs.made.values()):
                await self._runner.look(job, self._state.clock.now())

    def _create(self, asking: Asking) -> Json:
        if self._checker is None:
            self._checker = body_checker(service_model("bedrock"), "CreateModelInvocationJob")
        body = self._checker(object_of(asking.body or b"{}"))
        if self._state.s3_url is None:
            raise ServiceFailure(
                "ValidationException",
                "The local endpoint has no S3 to read input from.",
                hint="start it with --s3 moto (S3 in the same process) or --s3 URL",
            )
        try:
            model = self._state.catalog.model(body["modelId"], self._state.profiles.model_behind)
        except CatalogError as error:
            raise ServiceFailure(
                "ValidationException", "The provided model identifier is invalid.", hint=str(error)
            ) from error
        job = self._state.jobs.create(body, asking.caller, model.model.id, self._state.clock.now())
        return {"jobArn": job.arn}

    def _list(self, asking: Asking) -> Json:
        from rockbottom.local.control_plane import page_of

        query = asking.query
        jobs = [job for job in self._state.jobs.of(asking.caller) if _matches(job, query)]
        if query.get("sortOrder") == "Ascending":
            jobs.reverse()
        return page_of([job.summary() for job in jobs], "invocationJobSummaries", query)

    async def _stop(self, job: Job) -> Json:
        if job.status in ENDED or job.status is JobStatus.STOPPING:
            raise ServiceFailure("ConflictException", f"The job {job.arn} is {job.status.value}; it cannot be stopped.")
        job.become(JobStatus.STOPPING, self._state.clock.now())
        return {}


def _matches(job: Job, query: Mapping[str, str]) -> bool:
    if query.get("statusEquals", job.status.value) != job.status.value:
        return False
    if query.get("nameContains", "") not in job.request["jobName"]:
        return False
    after, before = _seconds(query.get("submitTimeAfter")), _seconds(query.get("submitTimeBefore"))
    return (after is None or job.created_at > after) and (before is None or job.created_at < before)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise invalid(f"{text!r} is not an instant") from error
