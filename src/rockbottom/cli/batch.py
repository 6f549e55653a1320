"""``rockbottom batch``: records through batch inference, from a file to rejoined and priced results."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.batch_account import doctor, setup, teardown
from rockbottom.cli.batch_direct import send
from rockbottom.cli.batch_leftover import leftover
from rockbottom.cli.batch_opening import prepared_run, reopened_run, show_ways
from rockbottom.cli.batch_options import FOLDER, collecting, direct, job, priced, waiting, where
from rockbottom.cli.batch_text import show_jobs, show_outcome, shown_anyway
from rockbottom.cli.console import show, tell
from rockbottom.cli.group import Listing
from rockbottom.cli.options import json_flag
from rockbottom.cli.values import Folder

if TYPE_CHECKING:
    from rockbottom.batch import Outcome, Prepared


@click.group(cls=Listing)
def command() -> None:
    """Run records through batch inference, at half price.

    Every run has its own folder. Kill it at any moment: the same command continues where it stopped and sends
    nothing twice.
    """


@command.command()
@job
@where
@priced
def submit(**options: Any) -> None:
    """Check, upload and submit RECORDS, and return.

    RECORDS is a JSONL file of records or bodies, or a workload (.yaml). Nothing is uploaded before the estimate was
    agreed to.
    """
    with prepared_run(options) as prepared:
        prepared.submit()
        show_jobs(prepared.run.settings.name, prepared.run.state, options["as_json"])


@command.command()
@job
@direct
@waiting
@collecting
@where
@priced
@click.pass_context
def run(ctx: click.Context, every_s: float, within_s: float | None, on_demand: bool, **options: Any) -> None:
    """Submit RECORDS, wait, collect, send again what failed, and price the result.

    With --on-demand the same file goes to the model record by record instead, with cachePoints where they pay, within
    the quota; the results stand in the same place. If it is killed, the same command goes on. Without --bucket and
    --role it says what each way would cost, and sends nothing.
    """
    if on_demand:
        ctx.exit(show_outcome(send(options), options["as_json"]))
    if not (options["bucket"] or options["role_arn"]):
        return show_ways(options)
    with prepared_run(options, options["attempts"]) as prepared:
        outcome = _collected(prepared, every_s, within_s, options)
    return ctx.exit(show_outcome(outcome, options["as_json"]))


@command.command()
@click.argument("name")
@where
@json_flag
def status(name: str, as_json: bool, **options: Any) -> None:
    """Show the jobs of the run NAME as AWS sees them now."""
    with reopened_run(name, options) as prepared:
        prepared.run.poll()
        show_jobs(name, prepared.run.state, as_json)


@command.command()
@click.argument("name")
@waiting
@where
@json_flag
def wait(name: str, every_s: float, within_s: float | None, as_json: bool, **options: Any) -> None:
    """Wait until every job of the run NAME has ended."""
    with reopened_run(name, options) as prepared:
        with shown_anyway(prepared, as_json):
            prepared.submit()
            prepared.run.wait(every_s, within_s)
        show_jobs(name, prepared.run.state, as_json)


@command.command()
@click.argument("name")
@waiting
@collecting
@where
@priced
@click.pass_context
def collect(ctx: click.Context, name: str, every_s: float, within_s: float | None, **options: Any) -> None:
    """Wait for the run NAME, fetch and rejoin its results, and send again what failed and may be retried."""
    with reopened_run(name, options, options["attempts"]) as prepared:
        outcome = _collected(prepared, every_s, within_s, options)
    ctx.exit(show_outcome(outcome, options["as_json"]))


@command.command()
@click.argument("name")
@where
def stop(name: str, **options: Any) -> None:
    """Stop the jobs of the run NAME; what they did is billed and can be collected."""
    with reopened_run(name, options) as prepared:
        stopped = prepared.run.stop()
    from rockbottom.figures import counted

    show(f"{counted(stopped, 'job')} being stopped")


@command.command("list")
@click.option("--runs", type=Folder(), default=FOLDER, show_default=True,
              help="Folder of runs.")  # fmt: skip
@json_flag
def list_runs(runs: Path, as_json: bool) -> None:
    """List the runs of this folder as they were last seen."""
    from rockbottom.batch import look_into, run_result
    from rockbottom.rendering import json_text, runs_text

    states, damaged = look_into(runs)
    for error in damaged.values():
        tell(f"rockbottom: {error}")
    if as_json:
        click.echo(json_text([run_result(name, state) for name, state in states]))
        return
    show(runs_text(states))
    if not states and not damaged:
        tell(f"no runs in {runs}")


command.add_command(leftover)
command.add_command(setup)
command.add_command(doctor)
command.add_command(teardown)


def _collected(prepared: "Prepared", every_s: float, within_s: float | None, options: dict[str, Any]) -> "Outcome":
    with shown_anyway(prepared, options["as_json"]):
        return prepared.collect(
            every_s=every_s, within_s=within_s,
            retry_failed=options["retry_failed"], accept_incomplete=options["accept_incomplete"],
        )  # fmt: skip
