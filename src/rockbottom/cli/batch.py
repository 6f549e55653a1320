"""``rockbottom batch``: records through batch inference, from a file to rejoined and priced results."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from rockbottom.cli.exits import Exit

if TYPE_CHECKING:
    from rockbottom.batch import Cloud, Comparison, Estimate, Outcome, Prepared
    from rockbottom.catalog import PriceBook

_FOLDER = Path(".rockbottom/batch")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Dollars(click.ParamType):
    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """A positive decimal amount."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"'{value}' is not an amount of US dollars", param, ctx)
        if not amount.is_finite() or amount <= 0:
            self.fail("the limit must be above zero", param, ctx)
        return amount


def _options(*wanted: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def put(function: Any) -> Any:
        for option in reversed(wanted):
            function = option(function)
        return function

    return put


_where = _options(
    click.option("--region", help="AWS Region; that of the run or of your AWS settings by default."),
    click.option("--profile", help="AWS profile."),
    click.option("--endpoint-url", metavar="URL", help="Bedrock's control plane elsewhere, like rockbottom serve."),
    click.option("--s3-endpoint-url", metavar="URL", help="S3 elsewhere."),
    click.option("--runs", type=click.Path(path_type=Path, file_okay=False), default=_FOLDER, show_default=True,
                 help="Folder of runs."),
)  # fmt: skip
_priced = _options(
    click.option("--prices", "price_file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                 metavar="FILE", help="Your own price rows (CSV), before the packaged ones."),
    click.option("--on", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Price the run as on this day."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)  # fmt: skip
_job = _options(
    click.argument("records", type=click.Path(path_type=Path, exists=True, dir_okay=False)),
    click.option("--model", required=True, metavar="ID", help="Model or inference profile; a job has one."),
    click.option("--bucket", required=True, help="S3 bucket for input and output."),
    click.option("--role", "role_arn", required=True, metavar="ARN", help="Role that Bedrock assumes."),
    click.option("--prefix", default="rockbottom", show_default=True, help="Folder in the bucket."),
    click.option("--name", help="Name of the run; made from the file and the settings by default."),
    click.option("--type", "kind", type=click.Choice(["Converse", "InvokeModel"]), default="Converse",
                 show_default=True, help="Language of the bodies."),
    click.option("--strip-cache-points", is_flag=True, help="Take cachePoints out instead of refusing them."),
    click.option("--output-tokens", type=click.IntRange(1), help="Tokens to expect of an answer, for the estimate."),
    click.option("--kms-key", metavar="ARN", help="Key that encrypts input and output."),
    click.option("--bucket-owner", metavar="ACCOUNT", help="Account that must own the bucket."),
    click.option("--timeout-hours", type=click.IntRange(24, 168), help="Hours after which a job expires."),
    click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag of the jobs; repeat."),
    click.option("--max-usd", type=_Dollars(), help="Send nothing when the estimate is above this."),
    click.option("--yes", is_flag=True, help="Do not ask before spending."),
)  # fmt: skip
_waiting = _options(
    click.option("--every", "every_s", type=click.FloatRange(0.05), default=30.0, show_default=True,
                 help="Seconds between two looks at the jobs."),
    click.option("--within", "within_s", type=click.FloatRange(0), help="Stop waiting after so many seconds."),
)  # fmt: skip
_collecting = _options(
    click.option("--attempts", type=click.IntRange(1, 20), default=3, show_default=True,
                 help="Times a record is sent at most."),
    click.option("--retry-failed", is_flag=True, help="Send records of failed and stopped jobs once more."),
    click.option("--accept-incomplete", is_flag=True, help="Take output that is half-written as it is."),
)  # fmt: skip


@click.group()
def command() -> None:
    """Run records through batch inference, at half price.

    A run lives in a folder of its own and may be killed at any moment: the same command goes on where it stopped
    and sends nothing twice. docs/how-to/batch.md shows the whole way.
    """


@command.command()
@_job
@_where
@_priced
def submit(**given: Any) -> None:
    """Check, upload and submit RECORDS, and return.

    RECORDS is a JSONL file of records or bodies, or a workload (.yaml). Nothing is uploaded before the estimate was
    agreed to.
    """
    with _prepared(given) as prepared:
        prepared.submit()
        _show_jobs(prepared.run.settings.name, prepared.run.state, given["as_json"])


@command.command()
@_job
@_waiting
@_collecting
@_where
@_priced
@click.pass_context
def run(ctx: click.Context, every_s: float, within_s: float | None, **given: Any) -> None:
    """Submit RECORDS, wait, collect, send again what failed, and price the result."""
    with _prepared(given, given["attempts"]) as prepared:
        outcome = prepared.collect(
            every_s=every_s, within_s=within_s,
            retry_failed=given["retry_failed"], accept_incomplete=given["accept_incomplete"],
        )  # fmt: skip
    ctx.exit(_show_outcome(outcome, given["as_json"]))


@command.command()
@click.argument("name")
@_where
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(name: str, as_json: bool, **given: Any) -> None:
    """Show the jobs of the run NAME as AWS sees them now."""
    with _reopened(name, given) as prepared:
        prepared.run.poll()
        _show_jobs(name, prepared.run.state, as_json)


@command.command()
@click.argument("name")
@_waiting
@_where
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def wait(name: str, every_s: float, within_s: float | None, as_json: bool, **given: Any) -> None:
    """Wait until every job of the run NAME has ended."""
    with _reopened(name, given) as prepared:
        prepared.submit()
        prepared.run.wait(every_s, within_s)
        _show_jobs(name, prepared.run.state, as_json)


@command.command()
@click.argument("name")
@_waiting
@_collecting
@_where
@_priced
@click.pass_context
def collect(ctx: click.Context, name: str, every_s: float, within_s: float | None, **given: Any) -> None:
    """Wait for the run NAME, fetch and rejoin its results, and send again what failed and may be retried."""
    with _reopened(name, given, given["attempts"]) as prepared:
        outcome = prepared.collect(
            every_s=every_s, within_s=within_s,
            retry_failed=given["retry_failed"], accept_incomplete=given["accept_incomplete"],
        )  # fmt: skip
    ctx.exit(_show_outcome(outcome, given["as_json"]))


@command.command()
@click.argument("name")
@_where
def stop(name: str, **given: Any) -> None:
    """Stop the jobs of the run NAME; what they did is billed and can be collected."""
    with _reopened(name, given) as prepared:
        stopped = prepared.run.stop()
    click.echo(f"{stopped} jobs are being stopped")


@command.command("list")
@click.option("--runs", type=click.Path(path_type=Path, file_okay=False), default=_FOLDER, show_default=True,
              help="Folder of runs.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_runs(runs: Path, as_json: bool) -> None:
    """List the runs of this folder as they were last seen."""
    from rockbottom.batch import runs_in

    found = runs_in(runs)
    if as_json:
        click.echo(json.dumps([_run_json(name, state) for name, state in found], indent=2))
        return
    for name, state in found:
        done = sum(job.ended for job in state.jobs)
        what = "finished" if state.finished else f"{done} of {len(state.jobs)} jobs ended"
        click.echo(f"{name:<40} {state.records:>10,} records  {what}")
    if not found:
        click.echo(f"no runs in {runs}", err=True)


@command.command()
@click.option("--model", required=True, metavar="ID", help="Model or inference profile.")
@click.option("--bucket", required=True, help="S3 bucket for input and output.")
@click.option("--role", default="rockbottom-batch", show_default=True, help="Name of the role.")
@click.option("--kms-key", metavar="ARN", help="Key that encrypts input and output.")
@click.option("--account", metavar="ID", help="Account to write the documents for; yours by default.")
@click.option("--apply", "make", is_flag=True, help="Create or update them; printed only otherwise.")
@_where
def setup(
    model: str, bucket: str, role: str, kms_key: str | None, account: str | None, make: bool, **given: Any
) -> None:
    """Print, or create with --apply, the bucket, the role and the least permissions that batch needs."""
    from rockbottom.batch.setup import Wanted, apply, documents, model_arns, wanted_for
    from rockbottom.catalog import load_catalog

    cloud, found = _cloud(given), load_catalog().model(model)
    if account and not make:
        wanted = Wanted(account, cloud.region, bucket, role, model_arns(found, account, cloud.region), kms_key=kms_key)
    else:
        wanted = wanted_for(cloud, found, bucket, role, kms_key)
    if not make:
        shown = {"bucket": bucket, "role": wanted.role_arn, **documents(wanted)}
        click.echo(json.dumps(shown, indent=2))
        click.echo("Nothing was created; --apply does it.", err=True)
        return
    apply(cloud, wanted, lambda text: click.echo(text, err=True))
    click.echo(wanted.role_arn)


@command.command()
@click.option("--run", "name", help="A run whose settings to look at.")
@click.option("--model", metavar="ID", help="Model or inference profile.")
@click.option("--bucket", help="S3 bucket.")
@click.option("--role", help="Name or ARN of the role.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_where
@click.pass_context
def doctor(
    ctx: click.Context, name: str | None, model: str | None, bucket: str | None, role: str | None, as_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Say which of trust, S3, PassRole, model access or Region policy is wrong."""
    from rockbottom.batch.doctor import Verdict, checks
    from rockbottom.batch.setup import wanted_for
    from rockbottom.catalog import load_catalog

    if name is not None:
        settings = _settings_of(name, given["runs"])
        model, bucket, role = model or settings.model, bucket or settings.bucket, role or settings.role_arn
        given["region"] = given["region"] or settings.region
    if not (model and bucket and role):
        raise click.UsageError("give --run NAME, or --model, --bucket and --role")
    cloud, found = _cloud(given), load_catalog().model(model)
    wanted = wanted_for(cloud, found, bucket, role.rpartition("/")[2])
    results = checks(cloud, wanted, found)
    if as_json:
        rows = [{"name": one.name, "verdict": one.verdict.value, "found": one.found, "fix": one.fix} for one in results]
        click.echo(json.dumps(rows, indent=2))
    else:
        for one in results:
            click.echo(f"{one.verdict.value:<10} {one.name:<20} {one.found}")
            if one.fix and one.verdict is not Verdict.GOOD:
                click.echo(f"{'':<31} {one.fix}")
    if any(one.verdict is Verdict.WRONG for one in results):
        ctx.exit(Exit.VERDICT)


# -- what the commands share ------------------------------------------------------------------------------------------


def _cloud(given: dict[str, Any], region: str | None = None) -> "Cloud":
    from rockbottom.batch import Cloud

    bedrock = given["endpoint_url"] or os.environ.get("AWS_ENDPOINT_URL_BEDROCK")
    s3 = given["s3_endpoint_url"] or os.environ.get("AWS_ENDPOINT_URL_S3")
    found = given["region"] or region or _own_region(given["profile"])
    return Cloud(found, given["profile"], bedrock, s3, credentials=_made_up(bedrock))


def _made_up(url: str | None) -> dict[str, str]:
    """The local endpoint takes any credentials; without any of its own, boto3 would refuse to sign."""
    local = url is not None and urlsplit(url).hostname in _LOOPBACK
    if not local or os.environ.get("AWS_ACCESS_KEY_ID"):
        return {}
    return {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


def _own_region(profile: str | None) -> str:
    import boto3
    from botocore.exceptions import ProfileNotFound

    try:
        region = boto3.Session(profile_name=profile).region_name
    except ProfileNotFound as error:
        raise click.UsageError(str(error)) from error
    if not region:
        raise click.UsageError("no AWS Region is set: give --region, as in --region us-east-1")
    return region


def _day(given: dict[str, Any]) -> date:
    on: datetime | None = given.get("on")
    return on.date() if on else date.today()


def _book(given: dict[str, Any]) -> "PriceBook | None":
    from rockbottom.catalog import PriceBook, load_catalog

    file = given.get("price_file")
    return load_catalog().price_book.overlay(PriceBook.read(file)) if file else None


@contextmanager
def _prepared(given: dict[str, Any], attempts: int = 3) -> "Iterator[Prepared]":
    from rockbottom.batch import Kind, Place, prepare

    cloud = _cloud(given)
    place = Place(
        given["bucket"], given["role_arn"], given["prefix"], given["kms_key"], given["bucket_owner"],
        given["timeout_hours"], dict(_tag(one) for one in given["tags"]),
    )  # fmt: skip
    with prepare(
        _source(given["records"]), place, model=given["model"], cloud=cloud, kind=Kind(given["kind"]),
        name=given["name"] or _workload_name(given["records"]), folder=given["runs"],
        strip_points=given["strip_cache_points"], on=_day(given), book=_book(given), watcher=_Progress(),
        attempts=attempts,
    ) as prepared:  # fmt: skip
        if prepared.run.state.agreed_usd is None:
            _ask(prepared, cloud, given)
        yield prepared


@contextmanager
def _reopened(name: str, given: dict[str, Any], attempts: int = 3) -> "Iterator[Prepared]":
    from rockbottom.batch import reopen

    cloud = _cloud(given, _settings_of(name, given["runs"]).region)
    with reopen(
        name, cloud, folder=given["runs"], on=_day(given), book=_book(given), watcher=_Progress(), attempts=attempts
    ) as prepared:
        yield prepared


def _settings_of(name: str, runs: Path) -> Any:
    from rockbottom.batch import runs_in
    from rockbottom.batch.api import no_such_run

    state = dict(runs_in(runs)).get(name)
    if state is None or state.settings is None:
        raise no_such_run(name, runs)
    return state.settings


def _source(path: Path) -> Any:
    from rockbottom.batch import Source

    if path.suffix not in (".yaml", ".yml"):
        return Source(path)
    from rockbottom.cli.batch_workload import bodies_of

    return Source(bodies=lambda: bodies_of(path), label=str(path))


def _workload_name(path: Path) -> str | None:
    return path.stem if path.suffix in (".yaml", ".yml") else None


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--tag")
    return key, value


def _ask(prepared: "Prepared", cloud: "Cloud", given: dict[str, Any]) -> None:
    """Show the estimate, and go on only with a yes where money is spent."""
    estimate = prepared.estimate(given["output_tokens"])
    for line in _estimate_text(prepared, estimate):
        click.echo(line, err=True)
    local = cloud.bedrock_url is not None and urlsplit(cloud.bedrock_url).hostname in _LOOPBACK
    agreed = given["yes"] or local
    if not agreed and not sys.stdin.isatty():
        raise click.UsageError("a batch run spends money; add --yes to agree, and --max-usd to bound it")
    prepared.agree(estimate, lambda _: agreed or click.confirm("Spend it?", err=True), given["max_usd"])


def _estimate_text(prepared: "Prepared", estimate: "Estimate") -> Iterator[str]:
    state, settings = prepared.run.state, prepared.run.settings
    files = sum(len(job.files) for job in state.jobs)
    yield f"{settings.name}: {estimate.records:,} records, {state.bytes / 1e6:,.1f} MB, {_count(files, 'file')} in " + (
        f"{_count(len(state.jobs), 'job')}, {settings.model}"
    )
    output = "output without bound" if estimate.output_tokens is None else f"{estimate.output_tokens:,} out"
    sampled = "" if estimate.looked_at == estimate.records else f", from {estimate.looked_at:,} of the records"
    yield f"about {estimate.input_tokens:,} tokens in (estimated{sampled}), {output} ({estimate.output_is})"
    yield from _comparison_text(estimate.compared, estimate.read_share)


def _comparison_text(ways: "Comparison", read_share: float | None = None) -> Iterator[str]:
    yield f"{'':<22}{'input':>14}{'output':>14}{'total':>14}"
    share = f"  {read_share:.0%} of input read" if read_share else ""
    for name, cost, more in (
        ("batch", ways.batch, ""),
        ("on demand", ways.on_demand, ""),
        ("on demand, cached", ways.cached, share),
    ):
        if cost is not None:
            output = cost.usd - cost.input_usd
            yield f"{name:<22}{_usd(cost.input_usd)}{_usd(output)}{_usd(cost.usd)}{more}"
    if ways.why:
        yield f"not priced on demand: {ways.why}"
    yield _VERDICTS[ways.cheapest]


_VERDICTS = {
    "batch": "Batch is the cheapest of these.",
    "cached": "On demand with caching is cheaper than batch for these records.",
    "on demand": "On demand is not dearer than batch for these records.",
}


def _usd(amount: Decimal) -> str:
    return f"{'$' + format(amount, ',.4f'):>14}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _show_jobs(name: str, state: Any, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_run_json(name, state), indent=2))
        return
    for job in state.jobs:
        label = job.name or f"job {job.number} of attempt {job.attempt}"
        click.echo(f"{label:<56} {job.records:>9,}  {job.status}")
        if job.message:
            click.echo(f"  {job.message}")
    click.echo(f"rockbottom batch collect {name} waits for the results", err=True)


def _run_json(name: str, state: Any) -> dict[str, Any]:
    return {
        "name": name,
        "records": state.records,
        "jobs": [
            {
                "name": job.name,
                "arn": job.arn,
                "attempt": job.attempt,
                "records": job.records,
                "status": job.status,
                "message": job.message,
            }
            for job in state.jobs
        ],
        "finished": state.finished,
    }


def _show_outcome(outcome: "Outcome", as_json: bool) -> int:
    from rockbottom.batch import summary_of

    if as_json:
        click.echo(json.dumps(summary_of(outcome), indent=2))
    else:
        for line in _outcome_text(outcome):
            click.echo(line)
    return Exit.OK if outcome.answered == outcome.records else Exit.PARTIAL


def _outcome_text(outcome: "Outcome") -> Iterator[str]:
    attempts = f", {outcome.attempts} attempts" if outcome.attempts > 1 else ""
    yield f"{outcome.name}: {outcome.answered:,} of {outcome.records:,} records answered{attempts}"
    for error, count in sorted(outcome.tally.errors.items(), key=lambda one: -one[1])[:5]:
        yield f"  {count:,} x {error}"
    if outcome.tally.repeated or outcome.tally.foreign:
        yield f"  {outcome.tally.repeated:,} results came twice, {outcome.tally.foreign:,} were of no record of ours"
    usage = outcome.tally.usage
    yield f"{usage.input:,} tokens in, {usage.output:,} out, as the results count them"
    yield from _reconciled(outcome)
    yield from _comparison_text(outcome.compared)
    yield f"results: {outcome.results}"
    if outcome.answered < outcome.records:
        yield f"without an answer: {outcome.left_path}"


def _reconciled(outcome: "Outcome") -> Iterator[str]:
    """Whether the manifests agree with what was found; silent when they do."""
    usage, said = outcome.tally.usage, outcome.manifests
    pairs: Sequence[tuple[str, int, int | None]] = (
        ("answers", outcome.answered + outcome.tally.repeated, said.get("successRecordCount")),
        ("input tokens", usage.input, said.get("inputTokenCount")),
        ("output tokens", usage.output, said.get("outputTokenCount")),
    )
    for name, found, told in pairs:
        if told is not None and told != found:
            yield f"the manifests count {told:,} {name}, and {found:,} were found"


class _Progress:
    """A line on stderr: a bar where it is a terminal, sentences always."""

    def uploading(self, done: int, total: int) -> None:
        """Bytes that are in S3."""
        if sys.stderr.isatty() and total:
            filled = 30 * done // total
            end = "\n" if done == total else ""
            bar = "#" * filled + "." * (30 - filled)
            click.echo(f"\rupload {bar} {done / 1e6:,.1f} of {total / 1e6:,.1f} MB{end}", err=True, nl=False)

    def note(self, text: str) -> None:
        """One sentence."""
        click.echo(text, err=True)
