"""``rockbottom prices pull``: the price book brought up to date from AWS's price list."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.consenting import agreed
from rockbottom.cli.console import show, tell, width
from rockbottom.cli.prices_reading import BULK_URL, bulk_documents, pricing_client, products_of_api
from rockbottom.cli.values import Url
from rockbottom.figures import counted
from rockbottom.files import alone, content_of, replacing
from rockbottom.quantities import Fault, RockbottomError, Undecodable, decoded

if TYPE_CHECKING:
    from rockbottom.catalog import Price


class NotAPriceList(RockbottomError):
    """A file that was given holds no entry of AWS's price list."""

    fault = Fault.CALLER


@click.command()
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Only this Region; repeat.")
@click.option(
    "--offline", "files", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Read this file instead: an offer file, or what aws pricing get-products printed; repeat.",
)  # fmt: skip
@click.option("--api", is_flag=True, help="Read the Price List API (GetProducts) instead of the offer files.")
@click.option("--profile", help="The AWS profile with the credentials, for --api.")
@click.option("--base-url", type=Url(), default=BULK_URL, show_default=True, help="Where the offer files are.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Store the rows here.")
@click.option("--yes", is_flag=True, help="Store the rows without asking.")
@click.option("--all", "everything", is_flag=True, help="List every line, however many there are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; nothing is stored without --yes.")
def pull(
    regions: tuple[str, ...], files: tuple[Path, ...], api: bool, profile: str | None, base_url: str,
    save: Path | None, yes: bool, everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Bring the price book up to date from AWS's price list.

    Reads every offer of Bedrock (the offer files are public), shows what is new, changed, contested, gone and refused,
    and stores the new rows, dated, over the shipped ones. No row is replaced: a bill of last month stays what it was.
    """
    from rockbottom.catalog import entries, load_catalog, saved_prices_path, updates_of
    from rockbottom.rendering import json_text, updates_document, updates_text

    documents = _documents(regions, files, api, profile, base_url)
    chosen_entries = (entry for entry in entries(documents) if not regions or _region(entry) in regions)
    updates = updates_of(
        chosen_entries, load_catalog(), str(files[0].resolve().as_uri()) if files else base_url, date.today()
    )
    if not updates.entries:
        raise NotAPriceList(
            "No entry of AWS's price list was found.",
            fix="give an offer file (index.json), or the output of aws pricing get-products",
        )
    if as_json:
        click.echo(json_text(updates_document(updates)))
    else:
        show(updates_text(updates, None if everything else 10, width=width()))
    path = save or saved_prices_path()
    if not updates.rows or path is None:
        return
    rows = counted(len(updates.rows), "row")
    answer = agreed(yes, f"Store {rows} in {path}?", ask=not as_json)
    if answer:
        _store(path, updates.rows)
        tell(f"{rows} stored in {path}")
    elif answer is None:
        tell(f"nothing is stored; add --yes to store {rows} in {path}")


def _documents(
    regions: Sequence[str], files: Sequence[Path], api: bool, profile: str | None, base_url: str
) -> Iterable[object]:
    """What the price list is made of, read as it is needed."""
    if files and api:
        raise click.UsageError("--offline and --api are two places to read from: give one")
    if files:
        return [_read(file) for file in files]
    if api:
        from rockbottom.catalog import EVERY_SERVICE

        return list(products_of_api(pricing_client(profile), EVERY_SERVICE, regions))
    return list(bulk_documents(base_url, regions))


def _read(file: Path) -> object:
    """A JSON document, or several of them, one a line."""
    text = content_of(file)
    try:
        return decoded(text)
    except Undecodable:
        try:
            return [decoded(line) for line in text.splitlines() if line.strip()]
        except Undecodable as error:
            raise NotAPriceList(f"{file} is not JSON: {error}.", fix="give an offer file (index.json)") from error


def _region(entry: Mapping[str, Any]) -> str:
    return str(entry["product"].get("attributes", {}).get("regionCode", ""))


def _store(path: Path, rows: Iterable["Price"]) -> None:
    """The rows after those that are there; the file is whole or as it was."""
    from rockbottom.catalog import COLUMNS, PriceBook, lines_of

    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path), replacing(path, shared=True) as beside:
        known = PriceBook.read(path).rows if path.exists() else ()
        beside.write_text("\n".join([",".join(COLUMNS), *lines_of([*known, *rows]), ""]), encoding="utf-8")
