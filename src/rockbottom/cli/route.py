"""``rockbottom route``: what recorded traffic would have cost had a rule chosen the model for each request."""

from datetime import date
from pathlib import Path

import click

from rockbottom.cli.compiling import tell_of_compiling
from rockbottom.cli.console import colour, show, width
from rockbottom.cli.options import json_flag, models_behind
from rockbottom.cli.replay import catalog_with, say_left_out
from rockbottom.cli.trace import say_reading, settings_of, source_options
from rockbottom.cli.values import Day, Region, prices_option


@click.command()
@click.argument("source")
@click.option(
    "--to",
    "texts",
    multiple=True,
    required=True,
    metavar="RULE",
    help="'MODEL if CONDITION'; repeat: the first one that matches counts.",
)
@click.option(
    "--policy", "policies", multiple=True, metavar="NAME", help="A policy of rockbottom replay; repeat for more."
)
@click.option("--on", type=Day(), help="The day whose prices and rules to use; today by default.")
@prices_option
@click.option("--region", type=Region(), help="As if this Region had served every request.")
@models_behind
@json_flag
@source_options
def command(
    source: str, texts: tuple[str, ...], policies: tuple[str, ...], on: date | None, prices: Path | None,
    region: str | None, profiles: tuple[str, ...], as_json: bool, name: str | None, strict: bool, partial_blocks: str,
    options: tuple[str, ...], by: str,
) -> None:  # fmt: skip
    """Show what the traffic in SOURCE would have cost with the model chosen request by request.

    A rule is 'amazon.nova-lite-v1:0 if input<2000 and tools=0': input and output tokens, blocks of messages and of
    tools, with < <= > >= =. Requests that no rule matches keep their model. What a switch between
    models loses of the cache is part of the cost. SOURCE is whatever rockbottom replay reads.
    """
    from rockbottom.cache import behaviour_of
    from rockbottom.cli.bars import working
    from rockbottom.cli.replay_engines import read_with_bar
    from rockbottom.cli.replay_planner import attached
    from rockbottom.cli.replay_questions import profiles_of
    from rockbottom.figures import counted
    from rockbottom.rendering import json_text, routing_document, routing_text
    from rockbottom.replay import PLANNER, ReplayQuestion, cached_as_sent, routing_of, routing_rule

    if by:
        raise click.UsageError("route does not group requests; rockbottom replay --by KEY does")
    rules = [routing_rule(text) for text in texts]
    tell_of_compiling()
    reading = read_with_bar(source, settings_of(partial_blocks, options, by), name)
    say_reading(reading, source)
    if not len(reading.trace):
        raise click.UsageError(f"{source}: no request in it could be read")
    online = {PLANNER: attached}
    base_question = ReplayQuestion(policies, on or date.today(), region=region, profiles=profiles_of(profiles))
    catalog = catalog_with(prices)
    question = base_question.with_defaults(cached_as_sent(reading.trace, base_question, catalog), online)
    with working(f"replaying {counted(len(reading.trace), 'request')}"):
        routing = routing_of(reading.trace, rules, question, catalog, behaviour_of(catalog.switches), online)
    say_left_out([routing.before], source, reading.damages.count, strict=strict)
    document = routing_document(source, routing)
    if as_json:
        click.echo(json_text(document))
        return
    show(routing_text(document, width=width(), colour=colour()))
