"""``rockbottom config``: what is set for every command, and where it is set."""

import json
import os
from pathlib import Path

import click

from rockbottom.cli.options import json_flag
from rockbottom.cli.places import FILE
from rockbottom.cli.settings import SETTINGS, Setting, SettingsFile, ledger_folder, settings_here


@click.command("config")
@json_flag
def command(as_json: bool) -> None:
    """Show which settings are in force, and where each is set.

    A flag comes before the environment, the environment before rockbottom.toml, and that before a command's own
    default. The file is looked for in the current folder and in those above it.
    """
    settings = settings_here()
    rows = [(setting, *_in_force(setting, settings)) for setting in SETTINGS]
    if as_json:
        shown = {setting.name: {"value": value or None, "from": place} for setting, value, place in rows}
        click.echo(json.dumps({"file": str(settings.file) if settings.file else None, "settings": shown}, indent=2))
        return
    from rockbottom.cli.console import show, width
    from rockbottom.figures import Cell, Column, Paint, table

    show(str(settings.file) if settings.file else f"no {FILE} in {Path.cwd()} or above; rockbottom init writes one")
    columns = [Column("setting", right=False), Column("value", right=False, wide=True), Column("from", right=False)]
    cells = [[Cell(setting.name), Cell(value or "not set"), Cell(place)] for setting, value, place in rows]
    show(table(columns, cells, width(), Paint(False)))


def _in_force(setting: Setting, settings: SettingsFile) -> tuple[str, str]:
    """The value as text, empty where nothing says, and where it is from."""
    value, place = settings.in_force(setting, os.environ)
    if setting.name == "ledger":
        return str(ledger_folder()), place or "default"
    if value is None:
        return "", place or "default of each command"
    return str(value), place
