"""``rockbottom ledger ship``: the files of a ledger copied to a folder or S3, once."""

import json
import time

import click

from rockbottom.cli.exits import Exit, say
from rockbottom.cli.ledgers import own_folder
from rockbottom.cli.options import json_flag
from rockbottom.figures import counted, megabytes


@click.command()
@click.argument("to", metavar="FOLDER|s3://PREFIX")
@click.option("--ledger", "source", metavar="FOLDER", help="The ledger; your own by default.")
@click.option("--delete", is_flag=True, help="Delete closed files here once they are copied.")
@json_flag
@click.pass_context
def ship(ctx: click.Context, to: str, source: str | None, delete: bool, as_json: bool) -> None:
    """Copy a ledger to a folder or S3, under a name of its own; only what is not there yet.

    Run it as often as you like, from as many machines: every call is there once. `ledger summary`, `sql`, `info`,
    `export`, `replay` and `reconcile` read the prefix. A gateway ships by itself (`ship:` in its configuration).
    """
    from rockbottom.ledger import Shipper, depot_of

    folder = own_folder(source)
    shipment = Shipper(folder, depot_of(to), time.time, delete=delete).ship()
    if as_json:
        click.echo(json.dumps(shipment._asdict()))
    else:
        removed = f", {counted(shipment.removed, 'file')} removed here" if shipment.removed else ""
        click.echo(f"{counted(shipment.files, 'file')} shipped, {megabytes(shipment.bytes)}{removed}")
    if shipment.refused:
        say(f"not shipped, because files of another ledger have these names: {', '.join(shipment.refused)}")
        ctx.exit(Exit.VERDICT)
