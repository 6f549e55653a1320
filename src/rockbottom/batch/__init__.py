"""Batch inference jobs at half price: checked, split, uploaded, run, rejoined, priced; safe to kill at any moment.

Needs boto3 (the extra ``aws``) once something is sent; building and checking do not.
"""

from rockbottom.batch.api import (
    DEFAULT_FOLDER,
    Prepared,
    prepare,
    reopen,
    run,
    runs_in,
)
from rockbottom.batch.cloud import Cloud
from rockbottom.batch.errors import (
    AccessRefused,
    BatchError,
    InvalidRecords,
    InvalidSettings,
    JobsEnded,
    NoSuchRun,
    NotAgreed,
    NothingLeft,
    NotInBatch,
    OtherContent,
    OutputIncomplete,
    Problem,
    RunBusy,
    ServiceBusy,
    StillRunning,
    TooFewRecords,
)
from rockbottom.batch.ground import Watcher
from rockbottom.batch.leftover import LeftOutcome, Leftover
from rockbottom.batch.limits import Limits, packaged_limits
from rockbottom.batch.outcomes import Outcome, summary_of
from rockbottom.batch.pricing import Comparison, Estimate
from rockbottom.batch.records import Kind
from rockbottom.batch.sources import Place, Source, source_of

__all__ = [
    "DEFAULT_FOLDER",
    "AccessRefused",
    "BatchError",
    "Cloud",
    "Comparison",
    "Estimate",
    "InvalidRecords",
    "InvalidSettings",
    "JobsEnded",
    "Kind",
    "LeftOutcome",
    "Leftover",
    "Limits",
    "NoSuchRun",
    "NotAgreed",
    "NotInBatch",
    "NothingLeft",
    "OtherContent",
    "Outcome",
    "OutputIncomplete",
    "Place",
    "Prepared",
    "Problem",
    "RunBusy",
    "ServiceBusy",
    "Source",
    "StillRunning",
    "TooFewRecords",
    "Watcher",
    "packaged_limits",
    "prepare",
    "reopen",
    "run",
    "runs_in",
    "source_of",
    "summary_of",
]
