"""``rockbottom ledger sql`` and ``export``: rows of the ledger, for people and for other programs."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rockbottom.cli.ledger_info import caught_up
from rockbottom.cli.ledgers import ledger_option, one_ledger

Rows = Iterable[Mapping[str, Any]]
_INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"])


@click.command()
@click.argument("query")
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
def sql(query: str, source: str | None, as_json: bool, as_csv: bool) -> None:
    """Answer QUERY in SQL (DuckDB's), over the tables that `rockbottom ledger info` lists.

    Money is integers of 10^-12 dollars: usd(cost_picousd) and usd_sum(cost_picousd) spell it out exactly.
    A call has its time (UTC) and "at", seconds since the epoch, in quotes: the word is SQL's own.
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
        for line in _table(rows):
            click.echo(line)


@click.command()
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="JSON lines instead of CSV.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV, as without any option.")
@click.option("--since", type=_INSTANT, metavar="TIME", help="Calls from then on (UTC).")
@click.option("--until", type=_INSTANT, metavar="TIME", help="Calls before then (UTC).")
def export(source: str | None, as_json: bool, as_csv: bool, since: datetime | None, until: datetime | None) -> None:
    """Print every call in the order in which it was recorded; prefix hashes only with --json."""
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    with one_ledger(source) as folder:
        _export(folder, as_json, _seconds(since), _seconds(until))


def _export(folder: Path, as_json: bool, since: float | None, until: float | None) -> None:
    import msgspec

    from rockbottom.cli.exits import say
    from rockbottom.ledger import CallRecord, LedgerReader

    reader = LedgerReader(folder)
    calls = reader.calls(since, until)
    if as_json:
        for call in calls:
            click.echo(msgspec.json.encode(call))
    else:
        left_out = ("hashes", "depths", "sections", "weights", "marks", "ttls")
        names = [name for name in CallRecord.__struct_fields__ if name not in left_out]
        _write_csv(_flat(calls, names), names)
    if reader.damaged_count:
        first = reader.damaged[0]
        say(f"{reader.damaged_count} torn lines were left out; the first: {first.volume}, byte {first.offset}")


def _flat(calls: Iterable[Any], names: list[str]) -> Iterator[Mapping[str, Any]]:
    for call in calls:
        row = {name: getattr(call, name) for name in names}
        row["tags"] = json.dumps(call.tags, sort_keys=True, ensure_ascii=False) if call.tags else ""
        yield row


def _seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.replace(tzinfo=UTC).timestamp()


def _write_csv(rows: Rows, names: list[str]) -> None:
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Columns as wide as what is in them; numbers to the right."""
    if not rows:
        yield "no rows"
        return
    names = list(rows[0])
    cells = [[_cell(row[name]) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[place]) for line in cells)) for place, name in enumerate(names)]
    right = [all(isinstance(row[name], int | float | None) for row in rows) for name in names]
    for line in [names, *cells]:
        padded = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ]
        yield "  ".join(padded).rstrip()


def _cell(value: Any) -> str:
    from rockbottom.figures import printable

    return "" if value is None else printable(str(value))
