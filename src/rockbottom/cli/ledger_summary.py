"""``rockbottom ledger summary``: chargeback from one ledger or many, in folders and under s3:// prefixes."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import show, width
from rockbottom.cli.ledger_info import caught_up
from rockbottom.cli.ledgers import copied, own_folder
from rockbottom.cli.options import json_flag
from rockbottom.cli.trace import refuse_some

if TYPE_CHECKING:
    from rockbottom.tables import LedgerTables


@click.command()
@click.argument("sources", nargs=-1, metavar="[FOLDER|s3://PREFIX]...")
@click.option(
    "--by", metavar="KEY", default="model", show_default=True,
    help="A tag (team, tenant ...), or model, operation, scope, region, tier, source, endpoint.",
)  # fmt: skip
@click.option("--month", metavar="YYYY-MM", help="Only the calls of this month (UTC).")
@click.option(
    "--side", type=click.Choice(("aws", "local")), default="aws", show_default=True,
    help="Calls to AWS, or to a local endpoint (simulated).",
)  # fmt: skip
@json_flag
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--strict", is_flag=True, help="Fail where a line is damaged or a model has no known price.")
def summary(
    sources: tuple[str, ...], by: str, month: str | None, side: str, as_json: bool, as_csv: bool, strict: bool
) -> None:  # fmt: skip
    """Sum what the calls of each team, tenant or model cost: chargeback without SQL.

    FOLDER is a ledger, or holds ledgers at any depth (one for each machine, say); without any it is your own.
    """
    from rockbottom.rendering import json_text, ledger_summary_csv, ledger_summary_text
    from rockbottom.tables import month_of, summary_of

    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    if month is not None:
        try:
            month_of(month)
        except ValueError as error:
            raise click.UsageError(f"--month {month}: a month is written 2026-11") from error
    with ExitStack() as stack:
        sums = summary_of(_tables(sources, stack), by, month, simulated=side == "local")
    if strict:
        refuse_some(sums.damaged, sums.set_apart)
    if as_json:
        click.echo(json_text(sums))
    elif as_csv:
        click.echo(ledger_summary_csv(sums), nl=False)
    else:
        show(ledger_summary_text(sums, width=width()))


def _tables(sources: Sequence[str], stack: ExitStack) -> "Iterator[LedgerTables]":
    """The ledgers of all sources, one after the other."""
    for folder in _folders(sources, stack):
        with caught_up(folder) as tables:
            yield tables


def _folders(sources: Sequence[str], stack: ExitStack) -> Iterator[Path]:
    from rockbottom.ledger import is_s3

    if not sources:
        yield own_folder(None)
    for source in sources:
        if is_s3(source):
            yield from copied(source, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rockbottom-"))))
        else:
            yield from _ledgers_in(Path(source))


def _ledgers_in(folder: Path) -> Sequence[Path]:
    """The folder itself where it is a ledger, and those in it that are. Raises NoLedger where there is none."""
    from rockbottom.ledger import NoLedger, ledgers_in

    folders = ledgers_in(folder)
    if not folders:
        raise NoLedger(f"{folder} holds no ledger.", fix="record one with rockbottom.attach(client, ledger=True)")
    return folders
