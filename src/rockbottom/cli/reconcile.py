"""``rockbottom reconcile``: the ledger against what AWS counted and what AWS billed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.aws import no_region, region_of
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import show, tell, width
from rockbottom.cli.exits import Exit
from rockbottom.cli.ledgers import ledger_option, one_ledger
from rockbottom.cli.options import html_page, json_flag
from rockbottom.cli.values import Account, Day, Decimals, Region, Url, write_new
from rockbottom.extras import needing
from rockbottom.figures import thousands, usd_exact
from rockbottom.process import bounded

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog
    from rockbottom.reconcile import Book, BookComparison, MetricsQuestion

_BILL = click.Path(path_type=Path, exists=True)
_WEEK = 7


@click.command()
@ledger_option
@click.option("--cloudwatch", is_flag=True, help="Compare with AWS's own metrics; GetMetricData costs a little.")
@click.option(
    "--cur",
    "reports",
    type=_BILL,
    multiple=True,
    metavar="PATH",
    help="Compare with a Cost and Usage Report: CSV, gzip, zip or Parquet, a file or a folder; repeat.",
)
@click.option(
    "--cost-explorer",
    "explorers",
    type=_BILL,
    multiple=True,
    metavar="FILE",
    help="Compare with a Cost Explorer export, JSON or CSV; repeat.",
)
@click.option("--since", type=Day(), help="First day (UTC).")
@click.option("--until", type=Day(), help="Last day (UTC).")
@click.option(
    "--tolerance",
    type=Decimals(0, 100),
    default=1.0,
    show_default=True,
    metavar="PERCENT",
    help="Difference to accept.",
)
@click.option(
    "--account",
    "accounts",
    type=Account(),
    multiple=True,
    metavar="ID",
    help="Only the bill's lines of this account; repeat. All by default.",
)
@click.option("--behind", multiple=True, metavar="ARN=ID", help="Model behind an application profile; repeat.")
@click.option("--region", "regions", type=Region(), multiple=True, help="AWS Region to read; repeat.")
@click.option("--profile", help="AWS profile.")
@click.option("--endpoint-url", type=Url(), help="Another endpoint for CloudWatch.")
@click.option("--yes", is_flag=True, help="Do not ask before CloudWatch charges for the answer.")
@click.option("--all", "everything", is_flag=True, help="Show rows that agree as well.")
@json_flag
@html_page
@click.pass_context
def command(ctx: click.Context, as_json: bool, everything: bool, html: Path | None, **options: Any) -> None:
    """Compare the ledger with what AWS counted and billed, by day and model, and say why they differ.

    Reads only; sums are kept beside the ledger. Exits with 1 where something differs by more
    than the tolerance, and where there was nothing to compare.
    """
    from rockbottom.catalog import load_catalog
    from rockbottom.reconcile import ledger_book, reconciliation_of
    from rockbottom.rendering import json_text, reconciliation_page, reconciliation_text

    if not (options["cloudwatch"] or options["reports"] or options["explorers"]):
        raise click.UsageError("name what to compare with: --cloudwatch, --cur PATH or --cost-explorer FILE")
    _check_installed(options)
    catalog = load_catalog()
    with one_ledger(options["source"]) as folder:
        # CloudWatch is asked about every model that was ever called: somebody else may call it still.
        ours = ledger_book(folder, None if options["cloudwatch"] else options["since"])
    ours.renamed(_behind(options["behind"], catalog))
    comparisons = [_compared(ours, theirs, days, catalog, options) for theirs, days in _others(options, ours, catalog)]
    if as_json:
        click.echo(json_text([reconciliation_of(comparison) for comparison in comparisons]))
    else:
        show(
            chain.from_iterable(
                reconciliation_text(comparison, everything=everything, width=width()) for comparison in comparisons
            )
        )
    if html is not None:
        write_new(html, reconciliation_page(comparisons))
    if not all(comparison.agrees and comparison.rows for comparison in comparisons):  # no day compared is no agreement
        ctx.exit(Exit.VERDICT)


def _check_installed(options: dict[str, Any]) -> None:
    """Raises MissingExtra with all that these options need, so that one line brings it."""
    packages = {"duckdb": "watch"}
    if options["cloudwatch"]:
        packages["boto3"] = "aws"
    if any(map(_is_parquet, options["reports"])):
        packages["pyarrow"] = "parquet"
    with needing("rockbottom reconcile", *packages.values()):
        for package in packages:
            import_module(package)


def _is_parquet(path: Path) -> bool:
    """Whether a bill is Parquet, or a folder that holds some."""
    return path.suffix == ".parquet" or (path.is_dir() and next(path.rglob("*.parquet"), None) is not None)


Days = tuple[date | None, date | None]


def _compared(
    ours: "Book", theirs: "Book", days: Days, catalog: "Catalog", options: dict[str, Any]
) -> "BookComparison":
    from rockbottom.reconcile import compared

    tolerance = Decimal(str(options["tolerance"])) / 100
    return compared(ours, theirs, catalog, tolerance, datetime.now(UTC).date(), *days)


def _others(options: dict[str, Any], ours: "Book", catalog: "Catalog") -> "Iterator[tuple[Book, Days]]":
    from rockbottom.reconcile import billed_book, lines_of_bills

    since, until = options["since"], options["until"]
    for party, paths in (("CUR", options["reports"]), ("Cost Explorer", options["explorers"])):
        if paths:
            book = billed_book(party, lines_of_bills(paths, options["accounts"]), catalog)
            days = book.days or (None, None)
            yield book, (since or days[0], until or days[1])
    if options["cloudwatch"]:
        yield _cloudwatch(options, ours, catalog, since, until)


def _cloudwatch(
    options: dict[str, Any], ours: "Book", catalog: "Catalog", since: date | None, until: date | None
) -> "tuple[Book, Days]":
    from rockbottom.reconcile import native_book, question

    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    last = until or yesterday
    first = since or last - timedelta(days=_WEEK - 1)
    if first > last:
        raise click.UsageError(f"--since {first} is after --until {last}")
    behind = _behind(options["behind"], catalog)
    questions = [
        (client, question(client, region, first, last, [*ours.called_in(region), *behind]))
        for region, client in _clients(options)
    ]
    _consent([metrics_question for _, metrics_question in questions], options["yes"])
    return native_book(questions, catalog, behind), (first, last)


def _consent(questions: "Sequence[MetricsQuestion]", yes: bool) -> None:
    metrics, cost = (
        sum(question.metrics for question in questions),
        sum((question.usd for question in questions), Decimal(0)),
    )
    if not metrics:
        return
    tell(f"GetMetricData for {thousands(metrics)} metrics: about ${usd_exact(cost)} at list price")
    consent(yes, "asking CloudWatch costs money", "Ask CloudWatch?")


def _clients(options: dict[str, Any]) -> "list[tuple[str, Any]]":
    import boto3
    from botocore.exceptions import BotoCoreError

    from rockbottom.cloudwatch import AccountUnavailable

    try:
        session: Any = boto3.Session(profile_name=options["profile"])
        regions: Sequence[str] = options["regions"] or tuple(filter(None, (region_of(session),)))
        if not regions:
            raise no_region()
        url = options["endpoint_url"]
        return [(name, bounded(session.client("cloudwatch", region_name=name, endpoint_url=url))) for name in regions]
    except BotoCoreError as error:
        raise AccountUnavailable(f"AWS: {error}", fix="aws configure list-profiles") from error


def _behind(pairs: Sequence[str], catalog: "Catalog") -> dict[str, str]:
    """The catalogue's id of the model behind each application inference profile; what it does not know stays."""
    from rockbottom.catalog import CatalogError

    behind: dict[str, str] = {}
    for pair in pairs:
        if "=" not in pair:
            raise click.UsageError(f"--behind takes ARN=ID; not {pair!r}")
        arn, model = pair.rsplit("=", 1)
        try:
            behind[arn] = catalog.model(model).model.id
        except CatalogError:
            behind[arn] = model
    return behind
