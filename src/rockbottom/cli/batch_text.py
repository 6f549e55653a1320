"""What ``rockbottom batch`` prints: jobs, outcomes, progress."""

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import progress, show, tell
from rockbottom.cli.exits import Exit
from rockbottom.figures import megabytes

if TYPE_CHECKING:
    from rockbottom.batch import Outcome, Prepared, RunState


def show_jobs(name: str, state: "RunState", as_json: bool) -> None:
    """Print the jobs of a run."""
    from rockbottom.batch import run_result
    from rockbottom.rendering import jobs_text, json_text

    if as_json:
        click.echo(json_text(run_result(name, state)))
        return
    show(jobs_text(state))
    tell(f"rockbottom batch collect {name} waits for the results")


@contextlib.contextmanager
def shown_anyway(prepared: "Prepared", as_json: bool) -> "Generator[None]":
    """Where waiting ends before the jobs or without an answer of each: what is known of them, as JSON or in a word."""
    from rockbottom.batch import JobsEnded, StillRunning

    try:
        yield
    except (JobsEnded, StillRunning):
        if as_json:
            show_jobs(prepared.run.settings.name, prepared.run.state, as_json)
        raise
    except KeyboardInterrupt:
        if any(job.arn and not job.ended for job in prepared.run.state.jobs):
            tell(f"the jobs keep running; rockbottom batch wait {prepared.run.settings.name} goes on waiting")
        raise


def show_outcome(outcome: "Outcome", as_json: bool) -> int:
    """Print how a run ended; the exit code that says so."""
    from rockbottom.batch import summary_of
    from rockbottom.rendering import json_text, outcome_text

    if as_json:
        click.echo(json_text(summary_of(outcome)))
    else:
        show(outcome_text(outcome))
    return Exit.OK if outcome.answered == outcome.records else Exit.PARTIAL


class Progress:
    """A line on stderr: a bar where it is a terminal, sentences always."""

    def uploading(self, done: int, total: int) -> None:
        """Bytes that are in S3."""
        if total:
            bar = "#" * (30 * done // total)
            progress(f"upload {bar:.<30} {megabytes(done)} of {megabytes(total)}", done=done == total)

    def note(self, text: str) -> None:
        tell(text)
