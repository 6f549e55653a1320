"""The lane ``batch``: every turn of the workload as a record of one batch inference job.

A job answers all its records at once and caches nothing, so a turn is sent with the history that was recorded: the
fixed answers, or those that the baseline got. Where the workload has fewer turns than a job takes records, all of them
are sent several times; the first answer of each is measured, and all are paid for.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rockbottom.batch import (
    BatchError,
    Cloud,
    Kind,
    Outcome,
    OutputIncomplete,
    ServiceBusy,
    StillRunning,
    packaged_limits,
)
from rockbottom.batch import run as run_batch
from rockbottom.bench.errors import EndpointDied, EndpointRefused
from rockbottom.bench.lanes import Lane
from rockbottom.bench.replies import BenchReply, counted
from rockbottom.bench.requests import BenchRequest
from rockbottom.bench.workload import Workload
from rockbottom.catalog import PriceBook, Tier
from rockbottom.dialects import Dialect

REFUSED = "BatchJob"  # the code of a refusal that ends its own lane only
Place = tuple[int, int]  # conversation and turn, from 0
_POLL_S = 30.0


@dataclass(frozen=True, slots=True)
class BenchJob:
    """What one job is made of besides its requests; ``name`` finds it again when a run is resumed."""

    name: str
    model_id: str
    bucket: str
    role_arn: str
    on: date
    book: PriceBook
    folder: Path
    cloud: Cloud
    told: Callable[[str], None]


def copies(workload: Workload, lane: Lane) -> int:
    """How often each turn of a lane is sent: once, except where a job needs more records than there are turns."""
    if lane.tier is not Tier.BATCH:
        return 1
    return max(1, -(-packaged_limits().minimum_records // workload.turns))


def batched(requests: Mapping[Place, BenchRequest], each: int, job: BenchJob) -> dict[Place, BenchReply]:
    """The replies to requests that all ran in one job, ``each`` times over.

    Raises EndpointRefused (code ``BatchJob``) when the job or one of the turns was refused, EndpointDied when it may
    work later: the same call goes on with the job that is there.
    """
    dialect = next(iter(requests.values())).dialect
    try:
        outcome = run_batch(
            list(_records(requests, each)), name=job.name, model=job.model_id, bucket=job.bucket,
            role_arn=job.role_arn, on=job.on, book=job.book, folder=job.folder, cloud=job.cloud,
            kind=Kind(dialect.operations[0]), watcher=_Told(job.told),
            agree=lambda estimate: True, every_s=_POLL_S,  # the bench has asked for the whole run
        )  # fmt: skip
    except (ServiceBusy, StillRunning, OutputIncomplete) as error:
        raise EndpointDied(f"the batch job: {error}") from error
    except BatchError as error:
        raise EndpointRefused(f"the batch job: {error}", code=REFUSED, fix=error.fix) from error
    replies = dict(_replies(outcome, dialect))
    missing = next((place for place in requests if place not in replies), None)
    if missing is not None:
        raise EndpointRefused(
            f"the batch job: turn {missing[1] + 1} of conversation {missing[0] + 1} got no answer ({_why(outcome)})",
            code=REFUSED,
        )
    return replies


@dataclass(slots=True)
class _Told:
    told: Callable[[str], None]

    def uploading(self, done: int, total: int) -> None:
        """Too short to be shown."""

    def note(self, text: str) -> None:
        self.told(text)


def _records(requests: Mapping[Place, BenchRequest], each: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for copy in range(each):
        for (conversation, turn), request in requests.items():
            yield f"c{conversation:05d}-t{turn:04d}-r{copy:04d}", request.body


def _replies(outcome: Outcome, dialect: Dialect) -> Iterator[tuple[Place, BenchReply]]:
    """The first answer to each turn."""
    seen: set[Place] = set()
    for row in outcome.rows():
        conversation, turn, _ = (int(part[1:]) for part in str(row["recordId"]).split("-"))
        if "modelOutput" in row and (conversation, turn) not in seen:
            seen.add((conversation, turn))
            yield (conversation, turn), _reply(row["modelOutput"], dialect)


def _reply(output: Mapping[str, Any], dialect: Dialect) -> BenchReply:
    content, stop_reason = dialect.told(output)
    return BenchReply(counted(output["usage"], dialect), content, stop_reason)


def _why(outcome: Outcome) -> str:
    errors = "; ".join(f"{count} × {error}" for error, count in outcome.tally.errors.items())
    return errors or "the service gave no error"
