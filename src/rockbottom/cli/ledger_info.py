"""``rockbottom ledger info`` and ``prune``: what a ledger holds and lost, and its size."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.consenting import consent
from rockbottom.cli.console import progress, show, tell, width
from rockbottom.cli.ledgers import ledger_option, one_ledger, own_folder
from rockbottom.figures import counted, megabytes, moment, paragraph, thousands

if TYPE_CHECKING:
    from rockbottom.tables import LedgerTables

Json = dict[str, Any]


def caught_up(folder: Path) -> "LedgerTables":
    """The tables of a ledger with everything taken in; says so where that is much."""
    from rockbottom.tables import LedgerTables

    tables = LedgerTables(folder)
    for _ in tables.steps():
        if tables.calls > 1_000_000:
            progress(f"{counted(tables.calls, 'call')} read")
    if tables.calls > 1_000_000:
        progress("")
    return tables


@click.command()
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(source: str | None, as_json: bool) -> None:
    """Show what the ledger holds, what it lost, and which tables can be asked."""
    with one_ledger(source) as folder:
        document = _document(folder, source or str(folder))
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    show(_lines(document))


def _document(folder: Path, called: str) -> Json:
    from rockbottom.ledger import notes_of, volumes_of

    with caught_up(folder) as tables:
        columns = tables.columns()
        kinds = tables.contents()
        unfinished = tables.unfinished
        damaged = tables.rows("SELECT count(*) AS lines, coalesce(sum(size), 0)::BIGINT AS bytes FROM damaged")[0]
    notes = list(notes_of(folder))
    volumes = volumes_of(folder)
    return {
        "folder": called,
        "calls": sum(kind["calls"] for kind in kinds),
        "first": min((kind["first"] for kind in kinds), default=None),
        "last": max((kind["last"] for kind in kinds), default=None),
        **{name: sum(kind[name] for kind in kinds) for name in ("failed", "no_usage", "priced")},
        "simulated": sum(kind["calls"] for kind in kinds if kind["endpoint"] == "local"),
        "models": _by_model(kinds),
        "files": len(volumes),
        "bytes": sum(volume.path.stat().st_size for volume in volumes),
        "removed_calls": sum(int(note.get("calls", 0)) for note in notes),
        "dropped_calls": sum(int(note.get("dropped", 0)) for note in notes),
        "damaged": damaged,
        "unfinished": unfinished,
        "tables": columns,
    }


def _by_model(kinds: list[Json]) -> list[Json]:
    calls: dict[str, int] = {}
    for kind in kinds:
        calls[kind["model"]] = calls.get(kind["model"], 0) + kind["calls"]
    return [{"model": model, "calls": calls[model]} for model in sorted(calls, key=lambda name: (-calls[name], name))]


def _lines(document: Json) -> list[str]:
    lines = [f"{document['folder']}", ""]
    if not document["calls"]:
        lines.append("no calls yet")
    else:
        lines.append(
            f"{counted(document['calls'], 'call')} from {_instant(document['first'])} to {_instant(document['last'])}"
        )
    lines += [f"  {thousands(row['calls']):>12}  {row['model']}" for row in document["models"]]
    for count, noun, more in (
        (document["failed"], "call", "failed"),
        (document["no_usage"], "call", "ended without usage"),
        (document["simulated"], "call", "went to a local endpoint: what they cost is simulated"),
        (document["removed_calls"], "older call", "removed to keep the ledger within its bound"),
        (document["dropped_calls"], "call", "could not be written"),
        (document["damaged"]["lines"], "torn line", "(the rest of a call that was cut off)"),
        (document["unfinished"], "last line", "without an end (being written now, or cut off)"),
    ):
        if count:
            lines.append(f"{counted(count, noun)} {more}")
    size = f"{counted(document['files'], 'file')}, {megabytes(document['bytes'])}"
    lines += [size, "", "tables for rockbottom ledger sql:"]
    for name, columns in document["tables"].items():
        lines += _wrapped(name, columns)
    return lines


def _wrapped(name: str, columns: list[str]) -> list[str]:
    return paragraph(f"{name}: {', '.join(columns)}", width(), "  ", "    ")


def _instant(at: float) -> str:
    return moment(at, seconds=True)


@click.command()
@ledger_option
@click.option("--keep-mb", type=click.FloatRange(min=0), required=True, metavar="MB", help="How much to keep.")
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
