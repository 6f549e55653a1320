"""What ``rockbottom batch`` prints: jobs, outcomes, progress."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from rockbottom.cli.exits import Exit
from rockbottom.figures import megabytes

if TYPE_CHECKING:
    from rockbottom.batch import Outcome, RunState


def show(lines: Iterable[str]) -> None:
    """Print lines of text."""
    for line in lines:
        click.echo(line)


def show_jobs(name: str, state: "RunState", as_json: bool) -> None:
    """Print the jobs of a run."""
    from rockbottom.batch import run_result
    from rockbottom.rendering import jobs_text, json_text

    if as_json:
        click.echo(json_text(run_result(name, state)))
        return
    show(jobs_text(state))
    click.echo(f"rockbottom batch collect {name} waits for the results", err=True)


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
        if sys.stderr.isatty() and total:
            filled = 30 * done // total
            end = "\n" if done == total else ""
            bar = "#" * filled + "." * (30 - filled)
            click.echo(f"\rupload {bar} {megabytes(done)} of {megabytes(total)}{end}", err=True, nl=False)

    def note(self, text: str) -> None:
        click.echo(text, err=True)
