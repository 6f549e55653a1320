"""What ``rockbottom batch`` prints: estimates, jobs, outcomes, progress."""

import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.exits import Exit
from rockbottom.figures import counted, megabytes, share, usd

if TYPE_CHECKING:
    from rockbottom.batch import Comparison, Estimate, Outcome, Prepared


def estimate_text(prepared: "Prepared", estimate: "Estimate") -> Iterator[str]:
    """What a run will cost, beside the other ways to send it."""
    state, settings = prepared.run.state, prepared.run.settings
    files = sum(len(job.files) for job in state.jobs)
    yield f"{settings.name}: {estimate.records:,} records, {megabytes(state.bytes)}, {counted(files, 'file')} in " + (
        f"{counted(len(state.jobs), 'job')}, {settings.model}"
    )
    output = "output without bound" if estimate.output_tokens is None else f"{estimate.output_tokens:,} out"
    sampled = "" if estimate.looked_at == estimate.records else f", from {estimate.looked_at:,} of the records"
    yield f"about {estimate.input_tokens:,} tokens in (estimated{sampled}), {output} ({estimate.output_is})"
    yield from _comparison_text(estimate.compared, estimate.read_share)


def _comparison_text(ways: "Comparison", read_share: float | None = None) -> Iterator[str]:
    yield f"{'':<22}{'input':>14}{'output':>14}{'total':>14}"
    read = f"  {share(read_share)} of input read" if read_share else ""
    for name, cost, more in (
        ("batch", ways.batch, ""),
        ("on demand", ways.on_demand, ""),
        ("on demand, cached", ways.cached, read),
    ):
        if cost is not None:
            output = cost.usd - cost.input_usd
            yield f"{name:<22}{_usd(cost.input_usd)}{_usd(output)}{_usd(cost.usd)}{more}"
    if ways.why:
        yield f"not priced on demand: {ways.why}"
    yield _VERDICTS[ways.cheapest]


_VERDICTS = {
    "batch": "Batch is the cheapest of these.",
    "cached": "On demand with caching is cheaper than batch for these records.",
    "on demand": "On demand is not dearer than batch for these records.",
}


def _usd(amount: Decimal) -> str:
    return f"{usd(amount, 4, symbol=True):>14}"


def show_jobs(name: str, state: Any, as_json: bool) -> None:
    """Print the jobs of a run."""
    if as_json:
        click.echo(json.dumps(run_as_json(name, state), indent=2))
        return
    for job in state.jobs:
        label = job.name or f"job {job.number} of attempt {job.attempt}"
        click.echo(f"{label:<56} {job.records:>9,}  {job.status}")
        if job.message:
            click.echo(f"  {job.message}")
    click.echo(f"rockbottom batch collect {name} waits for the results", err=True)


def run_as_json(name: str, state: Any) -> dict[str, Any]:
    """A run and its jobs as JSON values."""
    return {
        "name": name,
        "records": state.records,
        "jobs": [
            {
                "name": job.name,
                "arn": job.arn,
                "attempt": job.attempt,
                "records": job.records,
                "status": job.status,
                "message": job.message,
            }
            for job in state.jobs
        ],
        "finished": state.finished,
    }


def show_outcome(outcome: "Outcome", as_json: bool) -> int:
    """Print how a run ended; the exit code that says so."""
    from rockbottom.batch import summary_of

    if as_json:
        click.echo(json.dumps(summary_of(outcome), indent=2))
    else:
        for line in _outcome_text(outcome):
            click.echo(line)
    return Exit.OK if outcome.answered == outcome.records else Exit.PARTIAL


def _outcome_text(outcome: "Outcome") -> Iterator[str]:
    attempts = f", {outcome.attempts} attempts" if outcome.attempts > 1 else ""
    yield f"{outcome.name}: {outcome.answered:,} of {outcome.records:,} records answered{attempts}"
    for error, count in sorted(outcome.tally.errors.items(), key=lambda one: -one[1])[:5]:
        yield f"  {count:,} x {error}"
    if outcome.tally.repeated or outcome.tally.foreign:
        yield f"  {outcome.tally.repeated:,} results came twice, {outcome.tally.foreign:,} were of no record of ours"
    usage = outcome.tally.usage
    yield f"{usage.input:,} tokens in, {usage.output:,} out, as the results count them"
    yield from _reconciled(outcome)
    yield from _comparison_text(outcome.compared)
    yield f"results: {outcome.results}"
    if outcome.answered < outcome.records:
        yield f"without an answer: {outcome.left_path}"
        yield f"  rockbottom batch leftover {outcome.name} sends them on demand, with caching; it asks first"


def _reconciled(outcome: "Outcome") -> Iterator[str]:
    """Whether the manifests agree with what was found; silent when they do."""
    usage, said = outcome.tally.usage, outcome.manifests
    pairs: Sequence[tuple[str, int, int | None]] = (
        ("answers", outcome.answered + outcome.tally.repeated, said.get("successRecordCount")),
        ("input tokens", usage.input, said.get("inputTokenCount")),
        ("output tokens", usage.output, said.get("outputTokenCount")),
    )
    for name, found, told in pairs:
        if told is not None and told != found:
            yield f"the manifests count {told:,} {name}, and {found:,} were found"


class Progress:
    """A line on stderr: a bar where it is a terminal, sentences always."""

    def uploading(self, done: int, total: int) -> None:
        """Bytes that are in S3."""
        if sys.stderr.isatty() and total:
            filled = 30 * done // total
            end = "\n" if done == total else ""
            bar = "#" * filled + "." * (30 - filled)
            click.echo(f"\rupload {bar} {done / 1e6:,.1f} of {total / 1e6:,.1f} MB{end}", err=True, nl=False)

    def note(self, text: str) -> None:
        """One sentence."""
        click.echo(text, err=True)
