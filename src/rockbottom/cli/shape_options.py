"""Options that give the shape of traffic in numbers, for estimate and advise alike."""

from collections.abc import Callable
from typing import Any

import click

from rockbottom.cli.values import Count, Number

Command = Callable[..., Any]


def rate(command: Command) -> Command:
    """``--requests`` and ``--per-hour``."""
    command = click.option("--per-hour", type=Number(), help="Requests an hour, instead of a month.")(command)
    return click.option("--requests", type=Number(), help="Requests a month.")(command)


def own_tokens(command: Command) -> Command:
    """What a request has beside its prefix, and how requests make up conversations, days and months."""
    for option in reversed(_OWN):
        command = option(command)
    return command


_OWN = (
    click.option("--question", type=Number(zero=True), help="Tokens that are new in every request."),
    click.option("--output", type=Number(zero=True), help="Output tokens of a request."),
    click.option("--turns", type=Count(1, 500), help="Requests of one conversation."),
    click.option("--added", type=Number(zero=True), help="Tokens that each turn adds to the conversation."),
    click.option("--turn-gap", type=Number(zero=True), help="Seconds between the turns of a conversation."),
    click.option("--days", type=Count(1, 31), help="Days of traffic in a month.  [default: 30]"),
    click.option("--hours", type=Number(), help="Hours of traffic a day.  [default: 24]"),
)
