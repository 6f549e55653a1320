"""Options that several commands have."""

from collections.abc import Callable
from typing import Any

import click

from rockbottom.cli.values import Count, Folder, NewFile, Number, Region, Url

Decorator = Callable[[Any], Any]


def options(*decorators: Decorator) -> Decorator:
    """Several click options as one decorator."""

    def put(function: Any) -> Any:
        for option in reversed(decorators):
            function = option(function)
        return function

    return put


def account_options(services: str, otherwise: str = "that of your AWS settings") -> Decorator:
    """Whose account, and where: ``services`` answer at another endpoint, and ``otherwise`` is the Region by default."""
    return options(
        click.option("--region", type=Region(), help=f"AWS Region; {otherwise} by default."),
        click.option("--profile", help="AWS profile."),
        click.option("--endpoint-url", type=Url(), help=f"Another endpoint for {services}."),
    )


json_flag: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
yes_flag: Decorator = click.option("--yes", is_flag=True, help="Do not ask.")
yes_to_spending: Decorator = click.option("--yes", is_flag=True, help="Do not ask before spending.")
html_page: Decorator = click.option("--html", type=NewFile(), metavar="FILE", help="Write a page as well.")
ledger_folder_option: Decorator = click.option(
    "--ledger", "folder", type=Folder(), metavar="FOLDER",
    help="The ledger; your own by default.",
)  # fmt: skip
models_behind: Decorator = click.option(
    "--profile", "profiles", multiple=True, metavar="ARN=ID",
    help="The model behind an application inference profile; repeat for more.",
)  # fmt: skip


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
