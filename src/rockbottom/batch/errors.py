"""What can go wrong with a batch run.

RockbottomError
+-- BatchError
    +-- InvalidRecords     records that batch refuses; ``problems`` name line and field; nothing was uploaded
    +-- TooFewRecords      fewer records than a job takes
    +-- NotInBatch         the model has no batch price, which means that AWS does not sell it
    +-- InvalidSettings    a bucket, role, name or limit that cannot be
    +-- NoSuchRun          no run of that name in the folder
    +-- DamagedRun         a file of a run that cannot be read; other runs can
    +-- OtherContent       a run of that name exists for other records or settings
    +-- RunBusy            another process works on the run
    +-- NotEstimated       records of which nobody can say what they cost; nothing was sent
    +-- NotAgreed          the estimate was not agreed to, or is above the limit
    +-- AccessRefused      AWS refuses a call, a bucket or a role
    +-- ServiceBusy        throttled or unreachable for longer than we wait; safe to run again
    +-- OutputIncomplete   the output is half-written; safe to collect again
    +-- JobsEnded          jobs that failed, expired, stopped or ran out of time; what they did is kept
    +-- NothingLeft        every record has an answer, or the results were not collected
    +-- StillRunning       waited long enough; the jobs go on without us
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rockbottom.figures import counted, thousands
from rockbottom.quantities import Fault, RockbottomError

_SHOWN = 5
_PARTIAL = 4  # the exit code for "stopped early; what was finished is kept"


class BatchError(RockbottomError):
    """Base of every error of this package."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that batch refuses: the line (from 1), the record's id where it has one, the member, and why."""

    line: int
    record_id: str | None
    member: str
    why: str

    def __str__(self) -> str:
        named = f" ({self.record_id})" if self.record_id else ""
        return f"line {self.line}{named}, {self.member}: {self.why}"


class InvalidRecords(BatchError):
    """Records that a batch job cannot take, each with its line and what is wrong with it."""

    def __init__(self, problems: Sequence[Problem], total: int, source: str, *, fix: str | None = None) -> None:
        shown = "".join(f"\n  {problem}" for problem in problems[:_SHOWN])
        more = f"\n  and {thousands(total - _SHOWN)} more" if total > _SHOWN else ""
        noun = "problem" if total == 1 else "problems"
        super().__init__(f"{source}: batch refuses these records, {thousands(total)} {noun}:{shown}{more}", fix=fix)
        self.problems = tuple(problems)
        self.total = total


class TooFewRecords(BatchError):
    """Fewer records than a job takes."""


class NotInBatch(BatchError):
    """The model is not sold in batch."""


class InvalidSettings(BatchError):
    """Something in the settings of a run cannot be."""


class NoSuchRun(BatchError):
    """The folder of runs holds none of that name."""


class DamagedRun(BatchError):
    """A file of a run that is not as it was written."""


class NotEstimated(BatchError):
    """Records whose tokens cannot be counted, so that nobody can say what they cost."""

    def __init__(self, problems: Sequence[Problem], total: int, of: int) -> None:
        shown = "".join(f"\n  {problem}" for problem in problems[:_SHOWN])
        more = f"\n  and {thousands(total - _SHOWN)} more" if total > _SHOWN else ""
        super().__init__(
            f"{thousands(total)} of {counted(of, 'record')} cannot be counted, so what they cost is not known; "
            "nothing was sent:"
            f"{shown}{more}",
            fix="write them as Converse bodies (--type Converse), which are read for every model",
        )
        self.problems = tuple(problems)


class OtherContent(BatchError):
    """A run of that name exists for other records or settings."""


class RunBusy(BatchError):
    """Another process works on the run."""


class NotAgreed(BatchError):
    """A person, or the limit, did not agree to the estimate; nothing was sent."""


class AccessRefused(BatchError):
    """AWS refuses a call, a bucket or a role."""

    fault = Fault.SERVICE


class ServiceBusy(BatchError):
    """The service throttles or does not answer."""

    fault = Fault.SERVICE
    retry_safe = True


class OutputIncomplete(BatchError):
    """The output in S3 is not whole (yet)."""

    fault = Fault.SERVICE
    retry_safe = True


class JobsEnded(BatchError):
    """Jobs that did not complete; ``records_left`` have no answer and are kept."""

    fault = Fault.SERVICE
    exit_code = _PARTIAL

    def __init__(self, message: str, *, records_left: int, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.records_left = records_left


class NothingLeft(BatchError):
    """Every record of the run has an answer, or its results were not collected yet."""


class StillRunning(BatchError):
    """Jobs still run."""

    exit_code = _PARTIAL
    retry_safe = True
