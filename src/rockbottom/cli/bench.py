"""``rockbottom bench``: a workload measured down every lane, locally or on AWS."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.aws import no_region, region_of
from rockbottom.cli.bench_checks import tell_standing, warn_of_other_geographies
from rockbottom.cli.bench_grading import ask_to_grade, grading_options, listed, voting
from rockbottom.cli.bench_jobs import jobs_at, jobs_options, local_jobs, wants_jobs
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import colour, show, tell, width
from rockbottom.cli.exits import Exit, exit_code_of
from rockbottom.cli.options import yes_to_spending
from rockbottom.cli.settings import ledger_folder
from rockbottom.cli.values import Count, Day, Dollars, Folder, NewFile, Region, Url, known_region, write_new

if TYPE_CHECKING:
    from rockbottom.bench import Bench, Endpoint


@click.command("bench")
@click.argument("workload", type=click.Path(path_type=Path), required=False)
@click.option(
    "--model",
    "--models",
    "models",
    multiple=True,
    metavar="ID",
    callback=listed,
    help="Model to measure; repeat, or separate with commas.",
)
@click.option("--lane", "lanes", multiple=True, metavar="NAME", help="Lane to run beside the baseline; repeat.")
@click.option("--repeat", "repeats", type=Count(1, 1000), default=1, help="Passes of each lane.")
@click.option(
    "--endpoint",
    "place",
    type=click.Choice(["local", "aws"]),
    default="local",
    show_default=True,
    help="Where to run. local needs no account; aws spends money and asks first.",
)
@jobs_options
@click.option("--endpoint-url", type=Url(), help="A local endpoint that is already running, or a private AWS endpoint.")
@click.option("--region", type=Region(), help="AWS Region.")
@click.option("--profile", help="AWS profile.")
@click.option("--max-usd", type=Dollars(), help="Stop before more than this is spent.")
@yes_to_spending
@click.option(
    "--resume",
    "resume_from",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Continue a run that stopped, like runs/support-agent-1.",
)
@click.option(
    "--runs",
    type=Folder(),
    default=Path("runs"),
    show_default=True,
    help="Folder for results.",
)
@click.option(
    "--ledger",
    "record",
    type=Folder(),
    is_flag=False,
    flag_value=Path(),
    metavar="[FOLDER]",
    help="Also record the calls in a ledger; without FOLDER in your own.",
)
@click.option(
    "--prices",
    "price_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Your own price rows (CSV), before the packaged ones.",
)
@click.option("--on", "on", type=Day(), help="Price the run as on this day.")
@grading_options
@click.option("--per-day", type=Count(1), metavar="N", help="Conversations a day, instead of the workload's.")
@click.option("--verbose", "-v", is_flag=True, help="Show every turn, lane and check.")
@click.option("--sources", is_flag=True, help="Say every contested price in full.")
@click.option("--turns", type=click.Choice(["best", "all"]), default="best", help="Lanes that --verbose shows by turn.")
@click.option(
    "--fail-on",
    type=click.Choice(["checks", "dearer"]),
    multiple=True,
    help="Exit with 1 where a check did not pass, or a lane costs more than the baseline; repeat.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--csv", "csv_file", type=NewFile(), help="Write CSV to a file.")
@click.option("--html", "html_file", type=NewFile(), help="Write the report page.")
@click.pass_context
def command(ctx: click.Context, workload: Path | None, resume_from: Path | None, as_json: bool, **options: Any) -> None:
    """Measure a workload every way Bedrock can bill it.

    WORKLOAD is a YAML file; rockbottom init writes one to start from. A lane is one way of
    caching: the same conversation with cachePoints in other places. Every model runs every lane. Results go to a new
    folder in runs/.
    """
    if (workload is None) == (resume_from is None):
        raise click.UsageError("give a workload file, or --resume with the folder of a run")
    with _endpoint(options, wants_jobs(workload, resume_from, options["lanes"])) as endpoint:
        bench = _prepared(workload, resume_from, endpoint, options)
        tell_standing(bench, date.today())
        try:
            ask_to_grade(bench, options)
            bench.count()
            _ask(bench, options)
            code = _run(bench, options["max_usd"], _ledger_folder(options["record"]))
        except BaseException:
            bench.notebook.discard()
            raise
        _write(bench, as_json, options)
    if code == Exit.OK and bench.document().fails(options["fail_on"]):
        code = Exit.VERDICT
    ctx.exit(code)


@contextmanager
def _endpoint(options: dict[str, Any], batches: bool) -> "Generator[Endpoint]":
    """The place to run: AWS, an endpoint that runs already, or one of our own for as long as this lasts."""
    from rockbottom.bench import AwsEndpoint, LocalEndpoint

    if options["place"] == "aws":
        place = AwsEndpoint(_aws_region(options), options["profile"], options["endpoint_url"], jobs=jobs_at(options))
        place.check()
        yield place
        return
    region = options["region"] or "us-east-1"
    if options["endpoint_url"]:
        yield LocalEndpoint(options["endpoint_url"], region, jobs=jobs_at(options))
        return
    from rockbottom.local import running

    with running(s3="moto" if batches else None, whole_texts=False, data_retention="aws_review") as server:
        place = LocalEndpoint(server.url, region)
        if server.s3_url:
            place.jobs = local_jobs(server.s3_url, region)
        yield place


def _aws_region(options: dict[str, Any]) -> str:
    import boto3
    from botocore.exceptions import ProfileNotFound

    from rockbottom.bench import WrongSetting

    try:
        session: Any = boto3.Session(profile_name=options["profile"])
        region = options["region"] or region_of(session)
    except ProfileNotFound as error:  # one message, not its type
        raise WrongSetting(str(error), fix="aws configure list-profiles") from error
    if not region:
        raise no_region()
    return known_region(region)


def _prepared(
    workload: Path | None, resume_from: Path | None, endpoint: "Endpoint", options: dict[str, Any]
) -> "Bench":
    from rockbottom.bench import prepare, resume
    from rockbottom.catalog import PriceBook, load_catalog
    from rockbottom.client import with_saved_facts

    catalog = load_catalog()
    if endpoint.kind == "aws":  # what was measured there holds there; the local endpoint does as its switches say
        catalog = with_saved_facts(catalog, endpoint.region)
    book = catalog.price_book.overlay(PriceBook.read(options["price_file"])) if options["price_file"] else None
    on: date | None = options["on"]
    if resume_from is not None:
        return resume(resume_from, endpoint, on=on, catalog=catalog, book=book, per_day=options.get("per_day"))
    assert workload is not None
    return prepare(
        workload, endpoint, models=options["models"], lanes=options["lanes"], repeats=options["repeats"],
        runs=options["runs"], on=on, catalog=catalog, book=book, per_day=options.get("per_day"),
    )  # fmt: skip


def _ask(bench: "Bench", options: dict[str, Any]) -> None:
    """Say what a run on AWS may cost, and go on only with a yes."""
    if options["place"] == "aws" or options["region"]:
        warn_of_other_geographies(bench)
    if options["place"] != "aws":
        return
    from rockbottom.rendering import run_costs, votes_cost

    estimate, limit = bench.estimate, options["max_usd"]
    judge = bench.judge.estimate() if bench.judge else None
    if not estimate.requests and not (judge and judge.votes):
        return  # a run that is over, graded by checks alone, sends nothing
    if estimate.requests:
        tell(run_costs(estimate, limit, batch=_waits_for_batch(bench)))
    if bench.judge and judge and judge.votes:
        tell(votes_cost(bench.judge.subject.given, judge, limit))
    consent(options["yes"], "a run on AWS spends money, which --max-usd bounds", "Spend it?")


def _ledger_folder(record: Path | None) -> Path | None:
    """The folder of --ledger; without one its user's own."""
    if record is None or record != Path():
        return record
    return ledger_folder()


def _waits_for_batch(bench: "Bench") -> bool:
    from rockbottom.catalog import Tier

    return any(row.lane.tier is Tier.BATCH and row.why is None for row in bench.plan.rows)


def _run(bench: "Bench", max_usd: Decimal | None, record: Path | None) -> int:
    """Run, and turn what stops a run with something in hand into an exit code, so that the rest is still shown."""
    from rockbottom.bench import BenchError
    from rockbottom.cli.bench_progress import watching

    try:
        with watching(bench) as watcher:
            bench.run(watcher=watcher, max_usd=max_usd, record=record)
        with voting() as teller:
            bench.vote(max_usd=max_usd, teller=teller)
    except (BenchError, KeyboardInterrupt) as error:
        if not bench.notebook.turns:
            raise
        code = exit_code_of(error)
        return Exit.PARTIAL if code == Exit.USAGE else code  # what was measured is there
    return Exit.OK


def _write(bench: "Bench", as_json: bool, options: dict[str, Any]) -> None:
    from rockbottom.bench import write_document
    from rockbottom.documents import results_json
    from rockbottom.rendering import answer_text, csv_of, page_of, text_of

    document = bench.document()
    folder = bench.notebook.folder
    page = options["html_file"] or (folder / "report.html" if folder else None)
    if folder:
        write_document(document, folder / "results.json")
    if page:
        write_new(page, page_of(document))
    if options["csv_file"]:
        write_new(options["csv_file"], csv_of(document))
    if as_json:
        click.echo(results_json(document), nl=False)
        return
    if options["verbose"] or options["turns"] == "all":
        show(text_of(document, width=width(), colour=colour(), every_lane=options["turns"] == "all"))
        show([f" report  {page}"] if page else [])
        return
    page_name = str(page) if page else None
    show(answer_text(document, width=width(), colour=colour(), sources=options["sources"], page=page_name))
