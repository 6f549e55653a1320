"""Which ledger a command reads: a folder, or what was shipped to a folder or an s3:// prefix, copied as one ledger."""

import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import click

from rockbottom.cli.settings import ledger_folder
from rockbottom.cli.values import ParamType


class LedgerSource(ParamType):
    """A folder, or an s3:// prefix as it is written."""

    name = "ledger"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The source; fails on a file."""
        from rockbottom.ledger import is_s3

        source = str(value)
        if not is_s3(source) and Path(source).is_file():
            self.fail(f"{source} is a file; a ledger is a folder", param, ctx)
        return source


ledger_option: Callable[[Any], Any] = click.option(
    "--ledger",
    "source",
    type=LedgerSource(),
    metavar="FOLDER|s3://PREFIX",
    help="The ledger, or what gateways shipped; your own by default.",
)


def own_folder(source: str | Path | None) -> Path:
    """The folder named, or the one that the environment names. Raises NoLedger where there is none."""
    from rockbottom.ledger import NoLedger

    folder = Path(source) if source else ledger_folder()
    if not folder.is_dir():
        raise NoLedger(f"{folder} holds no ledger.", fix="record one with rockbottom.attach(client, ledger=True)")
    return folder


@contextmanager
def one_ledger(source: str | None) -> Generator[Path]:
    """The folder of the ledger at a source for the length of the block.

    Of an s3:// prefix and of a folder that holds ledgers below it that is a copy of all of them as one, in the order of
    time. Raises NoLedger, NotShipped.
    """
    from rockbottom.ledger import is_s3, ledgers_in

    if source is None or not is_s3(source):
        folder = own_folder(source)
        ledgers = ledgers_in(folder)
        if not ledgers or folder in ledgers:
            yield folder
        else:
            with tempfile.TemporaryDirectory(prefix="rockbottom-") as scratch:
                yield _joined(ledgers, Path(scratch))
        return
    with tempfile.TemporaryDirectory(prefix="rockbottom-") as scratch:
        yield _joined(copied(source, Path(scratch) / "copies"), Path(scratch) / "joined")


def copied(source: str, into: Path) -> list[Path]:
    """The ledgers under a prefix of S3, copied: each folder of volumes is one. Raises NoLedger, NotShipped."""
    from rockbottom.ledger import NOTES, NoLedger, S3Depot, is_volume, ledgers_in

    depot = S3Depot(source)
    for name in depot.names():
        path = PurePosixPath(name)
        if is_volume(path.name) or path.name == NOTES:
            file = into.joinpath(*path.parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(depot.content(name))
    folders = ledgers_in(into)
    if not folders:
        raise NoLedger(f"{source} holds no ledger.", fix="a gateway ships one there with: ship: {to: ...}")
    return folders


def _joined(ledgers: Sequence[Path], into: Path) -> Path:
    from rockbottom.ledger import joined

    if len(ledgers) == 1:
        return ledgers[0]
    joined(ledgers, into)
    return into
