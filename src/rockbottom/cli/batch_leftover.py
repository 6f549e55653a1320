"""``rockbottom batch leftover``: what a run left without an answer, sent on demand."""

import json
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from rockbottom.cli.batch_opening import LOOPBACK, reopened_run
from rockbottom.cli.batch_options import Dollars, priced, where
from rockbottom.cli.exits import Exit
from rockbottom.figures import usd

if TYPE_CHECKING:
    from rockbottom.batch import LeftOutcome, Leftover


@click.command()
@click.argument("name")
@where
@priced
@click.option("--output-tokens", type=click.IntRange(1), help="Tokens to expect of an answer, for the estimate.")
@click.option("--max-usd", type=Dollars(), help="Send nothing when the estimate is above this.")
@click.option("--yes", is_flag=True, help="Do not ask before spending.")
@click.pass_context
def leftover(ctx: click.Context, name: str, **given: Any) -> None:
    """Send the records that the run NAME left without an answer on demand, with caching.

    Too few for another job, or refused by one: each is sent by itself, and its answer takes its place in the results.
    """
    from rockbottom.batch import Leftover

    with reopened_run(name, given) as prepared:
        left = Leftover(prepared, time.time)
        if left.records():
            _ask(left, given)
        outcome = left.send(_told)
    _show(outcome, given["as_json"])
    ctx.exit(Exit.OK if outcome.answered == outcome.left else Exit.PARTIAL)


def _ask(left: "Leftover", given: dict[str, Any]) -> None:
    """Say what they may cost, and go on only with a yes where money is spent."""
    from rockbottom.batch import NotAgreed

    found = left.estimate(given["output_tokens"])
    plain, cached = found.compared.on_demand, found.compared.cached
    if plain is None:
        raise NotAgreed(f"On demand has no known price: {found.compared.why}", fix="--prices FILE with your own rows")
    bound = "" if found.output_tokens is not None else f" and answers without a bound ({found.output_is})"
    less = f", ${usd(cached.usd, 4)} with caching" if cached is not None and cached.usd < plain.usd else ""
    click.echo(f"{found.records:,} records on demand: about ${usd(plain.usd, 4)}{less}{bound}", err=True)
    limit: Decimal | None = given["max_usd"]
    if limit is not None and (found.output_tokens is None or plain.usd > limit):
        raise NotAgreed(f"That is above the limit of ${limit}, or unbounded; nothing was sent.", fix="--max-usd MORE")
    url = left.prepared.run.cloud.bedrock_url
    if given["yes"] or (url is not None and urlsplit(url).hostname in LOOPBACK):
        return
    if not sys.stdin.isatty():
        raise click.UsageError("sending on demand spends money; add --yes to agree, and --max-usd to bound it")
    click.confirm("Spend it?", abort=True, err=True)


def _told(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} of {total:,}" + ("\n" if done == total else ""), err=True, nl=False)
    elif done == total:
        click.echo(f"{total:,} records sent on demand", err=True)


def _show(outcome: "LeftOutcome", as_json: bool) -> None:
    cost = None if outcome.cost is None else str(outcome.cost.usd)
    usage = outcome.usage
    if as_json:
        click.echo(json.dumps({
            "left": outcome.left, "answered": outcome.answered, "refused": outcome.refused, "usd": cost,
            "withoutUsage": outcome.uncounted,
            "inputTokens": usage.input, "readTokens": usage.cache_read, "writtenTokens": usage.cache_write,
            "outputTokens": usage.output, "results": str(outcome.results),
        }, indent=2))  # fmt: skip
        return
    price = "no known price" if outcome.cost is None else f"${usd(outcome.cost.usd, 4)}"
    if outcome.uncounted:
        price = f"cost not known, {outcome.uncounted:,} came without counters"
    refused = f", {outcome.refused:,} refused" if outcome.refused else ""
    click.echo(f"{outcome.answered:,} of {outcome.left:,} records answered on demand{refused}: {price}")
    click.echo(
        f"{usage.input:,} uncached, {usage.cache_read:,} read, {usage.cache_write:,} written, {usage.output:,} out"
    )
    click.echo(f"results: {outcome.results}")
