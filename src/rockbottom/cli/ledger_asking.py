"""``rockbottom ledger sql`` and ``export``: rows of the ledger, for people and for other programs."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from rockbottom.cli.console import show, widest
from rockbottom.cli.ledger_info import caught_up
from rockbottom.cli.ledgers import ledger_option, one_ledger
from rockbottom.cli.options import json_flag
from rockbottom.cli.values import Instant
from rockbottom.figures import Cell, Column, Paint, counted, table, uncontrolled

Rows = Iterable[Mapping[str, Any]]


@click.command()
@click.argument("query")
@ledger_option
@json_flag
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
def sql(query: str, source: str | None, as_json: bool, as_csv: bool) -> None:
    """Answer QUERY in SQL (DuckDB's), over the tables that `rockbottom ledger info` lists.

    Money is integers of 10^-12 dollars: usd(cost_picousd) and usd_sum(cost_picousd) spell it out exactly.
    Write the column "at" (seconds since the epoch) in quotes, as AT is a word of SQL; time is the same in UTC.
    """
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    with one_ledger(source) as folder, caught_up(folder) as tables:
        rows = tables.rows(query, locked=True)
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
    elif as_csv:
        _write_csv(rows, list(rows[0]) if rows else [])
    else:
        show(_table(rows))


@click.command()
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="JSON lines instead of CSV.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV, the default.")
@click.option("--since", type=Instant(), help="Only calls from this time on (UTC).")
@click.option("--until", type=Instant(), help="Only calls before this time (UTC).")
def export(source: str | None, as_json: bool, as_csv: bool, since: float | None, until: float | None) -> None:
    """Print every call in the order in which it was recorded; prefix hashes only with --json."""
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    with one_ledger(source) as folder:
        _export(folder, as_json, since, until)


def _export(folder: Path, as_json: bool, since: float | None, until: float | None) -> None:
    import msgspec

    from rockbottom.cli.exits import say
    from rockbottom.ledger import CallRecord, LedgerReader

    reader = LedgerReader(folder)
    calls = reader.calls(since, until)
    if as_json:
        for call in calls:
            click.echo(uncontrolled(msgspec.json.encode(call).decode()))
    else:
        left_out = ("hashes", "depths", "sections", "weights", "marks", "ttls")
        names = [name for name in CallRecord.__struct_fields__ if name not in left_out]
        _write_csv(_flat(calls, names), names)
    if reader.damaged_count:
        first = reader.damaged[0]
        say(f"{counted(reader.damaged_count, 'torn line')} left out; the first: {first.volume}, byte {first.offset}")


def _flat(calls: Iterable[Any], names: list[str]) -> Iterator[Mapping[str, Any]]:
    for call in calls:
        row = {name: getattr(call, name) for name in names}
        row["tags"] = json.dumps(call.tags, sort_keys=True, ensure_ascii=False) if call.tags else ""
        yield row


def _write_csv(rows: Rows, names: list[str]) -> None:
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: uncontrolled(value) if isinstance(value, str) else value for name, value in row.items()}
        writer.writerow(cells)


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """A table; where it is read in a terminal, texts give way so that it fits."""
    if not rows:
        yield "no rows"
        return
    right = {name: all(isinstance(row[name], int | float | None) for row in rows) for name in rows[0]}
    columns = [Column(name, right=to_right, wide=not to_right) for name, to_right in right.items()]
    cells = [[Cell("" if row[name] is None else str(row[name])) for name in right] for row in rows]
    yield from table(columns, cells, widest(), Paint(False), indent=0)
