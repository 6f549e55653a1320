"""``rockbottom batch leftover``: what a run left without an answer, sent on demand."""

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.batch_opening import reopened_run
from rockbottom.cli.batch_options import priced, where
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import progress, redraws, show, tell
from rockbottom.cli.exits import Exit
from rockbottom.cli.options import yes_to_spending
from rockbottom.cli.values import Count, Dollars
from rockbottom.figures import counted, thousands

if TYPE_CHECKING:
    from rockbottom.batch import LeftOutcome, Leftover


@click.command()
@click.argument("name")
@where
@priced
@click.option("--output-tokens", type=Count(1), help="Tokens to expect of an answer, for the estimate.")
@click.option("--max-usd", type=Dollars(), help="Send nothing when the estimate is above this.")
@yes_to_spending
@click.pass_context
def leftover(ctx: click.Context, name: str, **options: Any) -> None:
    """Send the records that the run NAME left without an answer on demand, with caching.

    They were too few for another job, or a job refused them. Each is sent by itself, and its answer is added to the
    results.
    """
    from rockbottom.batch import Leftover

    with reopened_run(name, options, of_jobs=False) as prepared:
        left = Leftover(prepared, time.time)
        if left.records():
            _ask(left, options)
        outcome = left.send(show_sent)
    show_leftover(outcome, options["as_json"])
    ctx.exit(Exit.OK if outcome.answered == outcome.left else Exit.PARTIAL)


def _ask(left: "Leftover", options: dict[str, Any]) -> None:
    """Say what they may cost, and go on only with a yes where money is spent."""
    from rockbottom.batch import NotAgreed
    from rockbottom.rendering import leftover_estimate_text

    estimate = left.estimate(options["output_tokens"])
    plain = estimate.compared.on_demand
    if plain is None:
        why = estimate.compared.why
        raise NotAgreed(f"On demand has no known price: {why}", fix="--prices FILE with your own rows")
    tell(leftover_estimate_text(estimate))
    limit: Decimal | None = options["max_usd"]
    if limit is not None and (estimate.output_tokens is None or plain.usd > limit):
        raise NotAgreed(f"That is above the limit of ${limit}, or unbounded; nothing was sent.", fix="--max-usd MORE")
    agreed = options["yes"] or left.prepared.run.cloud.local
    consent(agreed, "sending on demand spends money, which --max-usd bounds", "Spend it?")


def show_sent(done: int, total: int) -> None:
    """Say how many records were sent: a line that changes on a terminal, else one at the end."""
    if redraws():
        progress(f"{thousands(done)} of {thousands(total)}", done=done == total)
    elif done == total:
        tell(f"{counted(total, 'record')} sent on demand")


def show_leftover(outcome: "LeftOutcome", as_json: bool) -> None:
    """Print what sending the leftover came to."""
    from rockbottom.batch import leftover_result
    from rockbottom.rendering import json_text, leftover_text

    if as_json:
        click.echo(json_text(leftover_result(outcome)))
    else:
        show(leftover_text(outcome))
