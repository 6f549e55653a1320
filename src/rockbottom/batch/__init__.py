"""Batch inference jobs at half price: checked, split, uploaded, run, rejoined, priced; safe to kill at any moment.

Needs boto3 (the extra ``aws``) once something is sent; building and checking do not.
"""

from rockbottom.batch.api import Prepared, account_pace, look_into, no_such_run, prepare, reopen, run, runs_in
from rockbottom.batch.cloud import Cloud
from rockbottom.batch.doctor import DoctorCheck, DoctorVerdict, checks, trust_fault
from rockbottom.batch.errors import (
    AccessRefused,
    BatchError,
    InvalidRecords,
    InvalidSettings,
    JobsEnded,
    NotAgreed,
    NothingLeft,
    NotInBatch,
    OtherContent,
    OutputIncomplete,
    RunBusy,
    ServiceBusy,
    StillRunning,
    TooFewRecords,
)
from rockbottom.batch.leftover import Leftover
from rockbottom.batch.limits import BatchLimits, packaged_limits, timeout_hours
from rockbottom.batch.ondemand import OnDemand
from rockbottom.batch.outcomes import LeftOutcome, Outcome
from rockbottom.batch.permissions import missing_permissions
from rockbottom.batch.pricing import BatchComparison, BatchEstimate
from rockbottom.batch.records import Kind
from rockbottom.batch.results import estimate_result, leftover_result, run_result, summary_of
from rockbottom.batch.setup import SetUpSettings, apply, documents, model_arns, wanted_for
from rockbottom.batch.sources import BatchPlace, RecordSource, source_of
from rockbottom.batch.state import RunState
from rockbottom.batch.teardown import SetUpPart, parts_of, remove

__all__ = [
    "AccessRefused",
    "BatchComparison",
    "BatchError",
    "BatchEstimate",
    "BatchLimits",
    "BatchPlace",
    "Cloud",
    "DoctorCheck",
    "DoctorVerdict",
    "InvalidRecords",
    "InvalidSettings",
    "JobsEnded",
    "Kind",
    "LeftOutcome",
    "Leftover",
    "NotAgreed",
    "NotInBatch",
    "NothingLeft",
    "OnDemand",
    "OtherContent",
    "Outcome",
    "OutputIncomplete",
    "Prepared",
    "RecordSource",
    "RunBusy",
    "RunState",
    "ServiceBusy",
    "SetUpPart",
    "SetUpSettings",
    "StillRunning",
    "TooFewRecords",
    "account_pace",
    "apply",
    "checks",
    "documents",
    "estimate_result",
    "leftover_result",
    "look_into",
    "missing_permissions",
    "model_arns",
    "no_such_run",
    "packaged_limits",
    "parts_of",
    "prepare",
    "remove",
    "reopen",
    "run",
    "run_result",
    "runs_in",
    "source_of",
    "summary_of",
    "timeout_hours",
    "trust_fault",
    "wanted_for",
]
