"""``rockbottom ledger info`` and ``prune``: what a ledger holds and lost, and its size."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.bars import working
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import show, tell, width
from rockbottom.cli.ledgers import ledger_option, one_ledger, own_folder
from rockbottom.cli.options import json_flag
from rockbottom.cli.values import Decimals
from rockbottom.figures import counted, megabytes

if TYPE_CHECKING:
    from rockbottom.tables import LedgerTables


def caught_up(folder: Path) -> "LedgerTables":
    """The tables of a ledger with everything taken in."""
    from rockbottom.tables import LedgerTables

    tables = LedgerTables(folder)
    with working("reading the ledger"):
        tables.catch_up()
    return tables


@click.command()
@ledger_option
@json_flag
def info(source: str | None, as_json: bool) -> None:
    """Show what the ledger holds, what it lost, and which tables can be asked."""
    from rockbottom.rendering import json_text, ledger_contents_text
    from rockbottom.tables import contents_of

    with one_ledger(source) as folder, caught_up(folder) as tables:
        contents = contents_of(tables, source or str(folder))
    if as_json:
        click.echo(json_text(contents))
    else:
        show(ledger_contents_text(contents, width=width()))


@click.command()
@ledger_option
@click.option("--keep-mb", type=Decimals(min=0), required=True, metavar="MB", help="Megabytes to keep.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(source: str | None, keep_mb: float, yes: bool) -> None:
    """Remove the oldest files until no more than --keep-mb are left (the newest always stays).

    Hourly sums of what is removed are kept, which needs duckdb.
    """
    from time import time

    from rockbottom.ledger import trim, volumes_of
    from rockbottom.tables import NeedsDuckDB

    where = own_folder(source)
    size = sum(volume.path.stat().st_size for volume in volumes_of(where))
    if size <= keep_mb * 1e6 or len(volumes_of(where)) < 2:
        tell(f"{megabytes(size)}: nothing to remove")
        return
    consent(yes, "this removes recorded calls for good", f"Remove the oldest of {megabytes(size)} for good?")
    try:
        tables = caught_up(where)
    except NeedsDuckDB as error:
        removed = trim(where, int(keep_mb * 1e6), time())
        tell(f"{counted(removed, 'call')} removed; their sums were not kept, because that needs duckdb ({error.fix})")
        return
    with tables:
        removed = trim(where, int(keep_mb * 1e6), time())
        tables.catch_up()  # what went is summed as far as it is known
    tell(f"{counted(removed, 'call')} removed")
