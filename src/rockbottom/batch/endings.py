"""Jobs that did not complete, in words that say what to do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rockbottom.batch.cloud import code_of
from rockbottom.batch.errors import BatchError, InvalidSettings, JobsEnded
from rockbottom.batch.state import JobState, RunSettings
from rockbottom.figures import counted


def jobs_ended(bad: Sequence[JobState], left: int, name: str, results: Path, left_path: Path) -> JobsEnded:
    """The error of jobs that did not complete, with what to do about the worst of them."""
    lines = [f"job {job.name} {_ENDS[job.status]}{': ' + job.message if job.message else ''}" for job in bad[:5]]
    fixes = {
        "Failed": f"rockbottom batch doctor --run {name}; then rockbottom batch collect {name} --retry-failed",
        "Stopped": f"rockbottom batch collect {name} --retry-failed sends the rest",
    }
    worst = next((job.status for job in bad if job.status in fixes), "")
    fix = fixes.get(worst, f"rockbottom batch collect {name} --retry-failed sends the rest once more")
    jobs_text = "\n  ".join(lines)
    return JobsEnded(
        f"{counted(left, 'record has', 'records have')} no answer; everything else is in {results}:\n  {jobs_text}",
        records_left=left,
        fix=f"{fix} (they are in {left_path})",
    )


_ENDS = {
    "Failed": "failed",
    "Expired": "expired before it began",
    "Stopped": "was stopped",
    "PartiallyCompleted": "ran out of time",
}


def not_taken(error: Any, settings: RunSettings) -> BatchError:
    """The error of a job that AWS refuses to make."""
    message = error.response.get("Error", {}).get("Message", "")
    return InvalidSettings(
        f"AWS refused the job ({code_of(error)}): {message}",
        fix=f"rockbottom batch doctor --run {settings.name} looks at role, bucket and model; nothing was spent",
    )
