"""``rockbottom status``: today's spend, hit rate and saving in one line."""

import json
import time
from pathlib import Path

import click

from rockbottom.cli.console import show
from rockbottom.cli.options import json_flag, ledger_folder_option
from rockbottom.cli.settings import ledger_folder
from rockbottom.cli.today import line_of, today_in


@click.command("status")
@ledger_folder_option
@json_flag
def command(folder: Path | None, as_json: bool) -> None:
    """Say what was spent today, in one line for a shell prompt or a status bar.

    Today begins at midnight in your time zone. Calls to the local endpoint cost nothing and are not counted. Only
    what was recorded since the last call of the day is read.
    """
    today = today_in(folder or ledger_folder(), time.time())
    if as_json:
        click.echo(json.dumps(today.to_dict(), indent=2, default=str))
    else:
        show(line_of(today))
