"""``rockbottom reconcile``: the ledger against what AWS counted and what AWS billed."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.exits import Exit
from rockbottom.figures import paragraph, usd, usd_exact

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog
    from rockbottom.reconcile import Book, Comparison, Entry, Question, Row

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_BILL = click.Path(path_type=Path, exists=True)
_WEEK = 7


@click.command()
@click.option("--ledger", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Yours by default.")
@click.option("--cloudwatch", is_flag=True, help="Against AWS's own metrics; GetMetricData costs a little.")
@click.option(
    "--cur",
    "reports",
    type=_BILL,
    multiple=True,
    metavar="PATH",
    help="Against a Cost and Usage Report: CSV, gzip, zip or Parquet, a file or a folder; repeat.",
)
@click.option(
    "--cost-explorer",
    "explorers",
    type=_BILL,
    multiple=True,
    metavar="FILE",
    help="Against a Cost Explorer export, JSON or CSV; repeat.",
)
@click.option("--since", type=_DAY, metavar="DAY", help="First day (UTC).")
@click.option("--until", type=_DAY, metavar="DAY", help="Last day (UTC).")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    metavar="PERCENT",
    help="What may differ.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="ID",
    help="Only the bill's lines of this account; repeat. All by default.",
)
@click.option("--behind", multiple=True, metavar="ARN=ID", help="Model behind an application profile; repeat.")
@click.option("--region", "regions", multiple=True, help="AWS Region to read; repeat.")
@click.option("--profile", help="AWS profile.")
@click.option("--endpoint-url", metavar="URL", help="CloudWatch elsewhere.")
@click.option("--yes", is_flag=True, help="Do not ask before CloudWatch charges for the answer.")
@click.option("--all", "everything", is_flag=True, help="Show what agrees, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool, everything: bool, **given: Any) -> None:
    """Hold the ledger against what AWS counted and billed, by day and model, and say why they differ.

    Reads only; the index beside the ledger is caught up. Exits with 1 where something differs by more
    than the tolerance, and where there was nothing to compare.
    """
    from rockbottom.catalog import load_catalog
    from rockbottom.ledger import default_folder
    from rockbottom.reconcile import ledger_book

    if not (given["cloudwatch"] or given["reports"] or given["explorers"]):
        raise click.UsageError("against what? give --cloudwatch, --cur PATH or --cost-explorer FILE")
    catalog = load_catalog()
    ours = ledger_book(given["ledger"] or default_folder(os.environ))
    found = [_compared(ours, theirs, days, catalog, given) for theirs, days in _others(given, ours, catalog)]
    if as_json:
        click.echo(json.dumps([_json(one) for one in found], indent=2))
    else:
        for line in chain.from_iterable(_text(one, everything) for one in found):
            click.echo(line)
    if not all(one.agrees and one.rows for one in found):  # no day compared is no agreement
        ctx.exit(Exit.VERDICT)


Days = tuple[date | None, date | None]


def _compared(ours: "Book", theirs: "Book", days: Days, catalog: "Catalog", given: dict[str, Any]) -> "Comparison":
    from rockbottom.reconcile import compared

    tolerance = Decimal(str(given["tolerance"])) / 100
    return compared(ours, theirs, catalog, tolerance, datetime.now(UTC).date(), *days)


def _others(given: dict[str, Any], ours: "Book", catalog: "Catalog") -> "Iterator[tuple[Book, Days]]":
    from rockbottom.reconcile import bill_lines, billed_book

    since, until = (day.date() if day else None for day in (given["since"], given["until"]))
    for party, paths in (("CUR", given["reports"]), ("Cost Explorer", given["explorers"])):
        if paths:
            lines = chain.from_iterable(map(bill_lines, paths))
            wanted = given["accounts"]
            mine = (line for line in lines if not wanted or not line.account or line.account in wanted)
            book = billed_book(party, mine, catalog)
            days = book.days or (None, None)
            yield book, (since or days[0], until or days[1])
    if given["cloudwatch"]:
        yield _cloudwatch(given, ours, catalog, since, until)


def _cloudwatch(
    given: dict[str, Any], ours: "Book", catalog: "Catalog", since: date | None, until: date | None
) -> "tuple[Book, Days]":
    from rockbottom.reconcile import native_book, question

    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    last = until or yesterday
    first = since or last - timedelta(days=_WEEK - 1)
    if first > last:
        raise click.UsageError(f"--since {first} is after --until {last}")
    asked = [
        (client, question(client, region, first, last, ours.called_in(region))) for region, client in _clients(given)
    ]
    _consent([one for _, one in asked], given["yes"])
    return native_book(asked, catalog, _behind(given["behind"])), (first, last)


def _consent(questions: "Sequence[Question]", yes: bool) -> None:
    metrics, cost = sum(one.metrics for one in questions), sum((one.usd for one in questions), Decimal(0))
    if not metrics:
        return
    click.echo(f"GetMetricData for {metrics:,} metrics: about ${usd_exact(cost)} at list price", err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this costs money and nobody is there to agree; --yes agrees")
    click.confirm("Ask CloudWatch?", abort=True, err=True)


def _clients(given: dict[str, Any]) -> "list[tuple[str, Any]]":
    import boto3
    from botocore.exceptions import BotoCoreError

    from rockbottom.cloudwatch import AccountUnavailable

    try:
        session = boto3.Session(profile_name=given["profile"])
        regions = given["regions"] or tuple(filter(None, (session.region_name,)))
        if not regions:
            raise click.UsageError("no AWS Region is set: give --region, as in --region us-east-1")
        url = given["endpoint_url"]
        return [(name, session.client("cloudwatch", region_name=name, endpoint_url=url)) for name in regions]
    except BotoCoreError as error:
        raise AccountUnavailable(f"AWS: {error}", fix="aws configure list-profiles") from error


def _behind(pairs: Sequence[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise click.UsageError(f"--behind takes ARN=ID; not {pair!r}")
    return dict(pair.rsplit("=", 1) for pair in pairs)


def _text(one: "Comparison", everything: bool) -> Iterator[str]:
    yield from _head(one)
    shown = [row for row in one.rows if everything or not row.agrees]
    for row in shown:
        yield ""
        yield from _row_text(row, one)
    unmatched = one.theirs.unmatched
    if unmatched:
        yield ""
        yield f"no model can be told of {len(unmatched)} usage types, ${usd(sum(unmatched.values(), Decimal(0)), 4)}"
        for label, amount in sorted(unmatched.items(), key=lambda pair: -pair[1])[:5]:
            yield f"  {label}  ${usd(amount, 4)}"
    for kind, amount in one.theirs.adjustments.items():
        yield f"not compared: {kind} ${usd(amount, 2)}"
    yield from one.theirs.notes


def _head(one: "Comparison") -> Iterator[str]:
    days = [row.day for row in one.rows]
    span = f"{min(days)} to {max(days)} (UTC)" if days else "no day"
    yield f"ledger against {one.theirs.party}, {span}"
    if one.rows:
        yield from _sums(one)
    else:
        yield "nothing to compare: neither side has a call or a line in these days"
    if one.ours.simulated_calls:
        yield f"{one.ours.simulated_calls:,} calls to a local endpoint are left out: they were simulated"


def _sums(one: "Comparison") -> Iterator[str]:
    agreeing = sum(row.agrees for row in one.rows)
    yield f"{agreeing} of {len(one.rows)} days and models agree within {float(100 * one.tolerance):g}%"
    mine = sum((row.ours.usd or Decimal(0) for row in one.rows if row.ours), Decimal(0))
    if any(row.theirs and row.theirs.usd is not None for row in one.rows):
        bill = sum((row.theirs.usd or Decimal(0) for row in one.rows if row.theirs), Decimal(0))
        yield f"dollars: ledger {_usd(mine)}, {one.theirs.party} {_usd(bill)}, {_usd(bill - mine, signed=True)}"


def _row_text(row: "Row", one: "Comparison") -> Iterator[str]:
    from rockbottom.reconcile import KINDS

    sign = "=" if row.agrees else "!"
    yield f"{sign} {row.day}  {row.model}"
    yield f"    {'':<8} {'ledger':>16} {one.theirs.party:>16} {'more':>16}"
    for kind in KINDS:
        if row.theirs is not None and row.theirs.uncounted_usd:
            break
        mine, their = (entry.tokens[kind] if entry else 0 for entry in (row.ours, row.theirs))
        if mine or their:
            yield f"    {kind:<8} {mine:>16,} {their:>16,} {their - mine:>+16,}"
    more = row.more_usd
    if more is not None:
        mine, their = (_usd((entry and entry.usd) or Decimal(0)) for entry in (row.ours, row.theirs))
        yield f"    {'dollars':<8} {mine:>16} {their:>16} {_usd(more, signed=True):>16}"
    for reason in row.reasons:
        yield from paragraph(f"{reason.code}: {reason.says}", 80, "    ", "      ")


def _usd(amount: Decimal, *, signed: bool = False) -> str:
    return usd(amount, 4, signed=signed, bare_zero=False)


def _json(one: "Comparison") -> dict[str, Any]:
    return {
        "against": one.theirs.party,
        "tolerance": float(one.tolerance),
        "agrees": one.agrees,
        "simulated_calls_left_out": one.ours.simulated_calls,
        "rows": [_row_json(row) for row in one.rows],
        "unmatched": {label: str(usd) for label, usd in one.theirs.unmatched.items()},
        "not_compared": {kind: str(amount) for kind, amount in one.theirs.adjustments.items()},
        "notes": one.theirs.notes,
    }


def _row_json(row: "Row") -> dict[str, Any]:
    more = row.more_usd
    return {
        "day": str(row.day),
        "model": row.model,
        "agrees": row.agrees,
        "ledger": _entry_json(row.ours),
        "theirs": _entry_json(row.theirs),
        "more_tokens": row.more_tokens,
        "more_usd": None if more is None else str(more),
        "reasons": [{"code": one.code, "says": one.says} for one in row.reasons],
    }


def _entry_json(entry: "Entry | None") -> dict[str, Any] | None:
    if entry is None:
        return None
    usd = None if entry.usd is None else str(entry.usd)
    return {"tokens": entry.tokens, "usd": usd, "calls": entry.calls, "regions": sorted(entry.regions)}
