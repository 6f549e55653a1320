"""Options that several commands have."""

from collections.abc import Callable
from typing import Any

import click

from rockbottom.cli.values import Folder, NewFile, Region, Url

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
