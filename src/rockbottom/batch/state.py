"""Where a run stands, worked out from its journal."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from rockbottom.batch.errors import DamagedRun
from rockbottom.batch.splitting import Slice

ENDED = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"})
WITH_OUTPUT = frozenset({"Completed", "PartiallyCompleted", "Stopped"})
"""Final states in which records may have been answered."""


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is: model, place and role. ``prefix`` is a folder in the bucket; the run has its own below it.

    ``on_demand``: its records are sent one by one, and bucket, prefix and role are empty.
    """

    name: str
    model: str
    kind: str
    region: str
    bucket: str
    prefix: str
    role_arn: str
    source: str
    digest: str
    timeout_hours: int | None = None
    kms_key: str | None = None
    bucket_owner: str | None = None
    tags: dict[str, str] = {}
    on_demand: bool = False

    @property
    def folder(self) -> str:
        """The folder of the run in the bucket."""
        return "/".join(part for part in (self.prefix.strip("/"), self.name) if part)

    @property
    def of_openai(self) -> bool:
        """Whether its jobs are batches of the OpenAI Batch API."""
        return self.kind == "ChatCompletions"

    def input_of(self, job: "JobState") -> str:
        """The folder in the bucket that holds the files of a job, with a slash at its end."""
        return f"{self.folder}/in/a{job.attempt}-j{job.number:03d}/"


@dataclass(slots=True)
class JobState:
    """A job as its events left it; every attempt makes jobs of its own."""

    attempt: int
    number: int
    files: tuple[Slice, ...]
    uploaded: set[int] = field(default_factory=set[int])
    name: str | None = None
    token: str | None = None
    arn: str | None = None
    status: str = "NotSubmitted"
    message: str | None = None
    collected: list[str] | None = None
    manifest: dict[str, Any] | None = None
    counts: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def records(self) -> int:
        return sum(part.records for part in self.files)

    @property
    def ended(self) -> bool:
        """Whether it is in a final state."""
        return self.status in ENDED


@dataclass(slots=True)
class RunState:
    """The whole run. ``spools`` maps an attempt to the file of its records, ``sent`` to the file of what is sent."""

    settings: RunSettings | None = None
    jobs: list[JobState] = field(default_factory=list[JobState])
    spools: dict[int, str] = field(default_factory=dict[int, str])
    sent: dict[int, str] = field(default_factory=dict[int, str])
    records: int = 0
    bytes: int = 0
    agreed_usd: str | None = None
    finished: dict[str, Any] | None = None
    stopping: bool = False

    @property
    def attempt(self) -> int:
        """The latest attempt; 0 before anything was planned."""
        return max(self.spools, default=0)

    def jobs_of(self, attempt: int) -> list[JobState]:
        return [job for job in self.jobs if job.attempt == attempt]

    def apply(self, event: dict[str, Any]) -> None:
        _APPLY[event["event"]](self, event)

    def job(self, event: dict[str, Any]) -> JobState:
        """The job that an event is about."""
        return next(job for job in self.jobs if (job.attempt, job.number) == (event["attempt"], event["job"]))


def state_of(events: Iterable[dict[str, Any]], journal: Path) -> RunState:
    """The state after the events of a journal. Raises DamagedRun for one that cannot have been written there."""
    state = RunState()
    for number, event in enumerate(events, 1):
        try:
            state.apply(event)
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise damaged(journal, number, f"no event of a run: {error!r}") from error
    return state


def damaged(path: Path, number: int, why: str) -> DamagedRun:
    """The error of a file of a run whose line ``number`` (from 1) cannot be read."""
    return DamagedRun(
        f"{path}, line {number}: {why}",
        fix="move the folder of the run away; a job that it made keeps running, and aws bedrock "
        f"list-model-invocation-jobs --name-contains {path.parent.name} finds it "
        "(GET /openai/v1/batches one of Chat Completions)",
    )


def _created(state: RunState, event: dict[str, Any]) -> None:
    state.settings = msgspec.convert(event["settings"], RunSettings)


def _planned(state: RunState, event: dict[str, Any]) -> None:
    attempt = event["attempt"]
    state.spools[attempt] = event["spool"]
    state.sent[attempt] = event.get("sent") or event["spool"]
    state.finished = None
    if attempt == 1:
        state.records, state.bytes = event["records"], event["bytes"]
    for number, files in enumerate(event["jobs"], 1):
        state.jobs.append(JobState(attempt, number, tuple(Slice(*fields) for fields in files)))


def _agreed(state: RunState, event: dict[str, Any]) -> None:
    state.agreed_usd = event["usd"]


def _uploaded(state: RunState, event: dict[str, Any]) -> None:
    state.job(event).uploaded.add(event["file"])


def _submitting(state: RunState, event: dict[str, Any]) -> None:
    job = state.job(event)
    job.name, job.token, job.status = event["name"], event["token"], "Submitting"


def _submitted(state: RunState, event: dict[str, Any]) -> None:
    job = state.job(event)
    job.arn, job.status = event["arn"], "Submitted"


def _ended(state: RunState, event: dict[str, Any]) -> None:
    job = state.job(event)
    job.status, job.message, job.counts = event["status"], event["message"], event.get("counts") or {}


def _collected(state: RunState, event: dict[str, Any]) -> None:
    job = state.job(event)
    job.collected, job.manifest = event["files"], event["manifest"]


def _finished(state: RunState, event: dict[str, Any]) -> None:
    state.finished = event["summary"]


def _stopping(state: RunState, event: dict[str, Any]) -> None:
    state.stopping = True


_APPLY = {
    "created": _created,
    "planned": _planned,
    "agreed": _agreed,
    "uploaded": _uploaded,
    "submitting": _submitting,
    "submitted": _submitted,
    "ended": _ended,
    "collected": _collected,
    "finished": _finished,
    "stopping": _stopping,
}
