"""Options that give the shape of traffic in numbers, for estimate and advise alike."""

import click

from rockbottom.cli.options import options
from rockbottom.cli.values import Count, Number

rate = options(
    click.option("--requests", type=Number(), help="Requests a month."),
    click.option("--per-hour", type=Number(), help="Requests an hour, instead of a month."),
)
own_tokens = options(
    click.option("--question", type=Number(zero=True), help="Tokens that are new in every request."),
    click.option("--output", type=Number(zero=True), help="Output tokens of a request."),
    click.option("--turns", type=Count(1, 500), help="Requests of one conversation."),
    click.option("--added", type=Number(zero=True), help="Tokens that each turn adds to the conversation."),
    click.option("--turn-gap", type=Number(zero=True), help="Seconds between the turns of a conversation."),
    click.option("--days", type=Count(1, 31), help="Days of traffic in a month.  [default: 30]"),
    click.option("--hours", type=Number(), help="Hours of traffic a day.  [default: 24]"),
)
