"""``rockbottom distill``: whether teaching a small model pays, the data, the job, its deployment, their end."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from rockbottom.cli.batch_opening import cloud_of
from rockbottom.cli.batch_options import where
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import colour, show, tell, width
from rockbottom.cli.group import Listing
from rockbottom.cli.options import json_flag, yes_to_spending
from rockbottom.cli.values import Count, Day, Decimals, Number, Tag, prices_option
from rockbottom.figures import counted, thousands

_CHANGES = "this spends money or changes your account"


@click.group(cls=Listing)
def command() -> None:
    """Teach a small model from a large one, where that pays: ask rockbottom distill cost first."""


@command.command()
@json_flag
def pairs(as_json: bool) -> None:
    """List the teachers and students that Bedrock distils today."""
    from rockbottom.catalog import distillation_pairs
    from rockbottom.rendering import json_text, pairs_document, pairs_text

    known_pairs = distillation_pairs()
    if as_json:
        click.echo(json_text(pairs_document(known_pairs)))
        return
    show(pairs_text(known_pairs))


@command.command()
@click.argument("teacher")
@click.argument("student")
@click.option("--input", "tokens_in", type=Number(), required=True, help="Input tokens of a call.")
@click.option("--output", "tokens_out", type=Number(), required=True, help="Output tokens of a call.")
@click.option(
    "--prefix", type=Number(zero=True), default=Decimal(0), help="Tokens of the input that every call shares."
)
@click.option("--requests", type=Number(), required=True, help="Calls a month.")
@click.option("--records", type=Count(1), help="Prompts to train on; by default as many as a job takes.")
@click.option("--epochs", type=Count(1, 20), default=2, show_default=True, help="Passes over the prompts.")
@click.option("--from-logs", is_flag=True, help="The answers are in a log already: the teacher is not asked.")
@click.option("--on", type=Day(), help="The day whose prices to use; today by default.")
@prices_option
@json_flag
def cost(
    teacher: str, student: str, tokens_in: Decimal, tokens_out: Decimal, prefix: Decimal, requests: Decimal,
    records: int | None, epochs: int, from_logs: bool, on: date | None, prices: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Work out what distilling TEACHER into STUDENT costs, and when it is paid back; nothing is sent."""
    from rockbottom.catalog import limit
    from rockbottom.cli.replay import catalog_with
    from rockbottom.distill import CallTokens, distillation_cost, pair_of
    from rockbottom.rendering import distillation_document, distillation_text, json_text

    if prefix > tokens_in:
        raise click.UsageError("--prefix is a part of --input")
    catalog = catalog_with(prices)
    costs = distillation_cost(
        pair_of(teacher, student, catalog), CallTokens(tokens_in, tokens_out, prefix),
        records=records or limit("distillation_prompts_most"), epochs=epochs,
        month=requests, from_logs=from_logs, on=on or date.today(), catalog=catalog,
        book=catalog.price_book,
    )  # fmt: skip
    document = distillation_document(costs)
    if as_json:
        click.echo(json_text(document))
        return
    show(distillation_text(document, width=width(), colour=colour()))


_sources = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
_metadata = click.option("--where", "pairs", multiple=True, type=Tag(), help="Only calls with this requestMetadata.")
_answers = click.option("--answers", is_flag=True, help="Use the logged answers as labels.")


@command.command()
@_sources
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The JSONL file to write.")
@_metadata
@_answers
@click.option("--single-turn", is_flag=True, help="Leave out conversations of several turns (Llama students).")
def data(
    sources: tuple[Path, ...], out: Path, pairs: tuple[tuple[str, str], ...], answers: bool, single_turn: bool
) -> None:
    """Write training data out of the prompts in SOURCES: invocation logs, batch records or bodies, files or folders.

    Every record is checked as AWS checks it; what cannot train a student is counted by its reason.
    """
    from rockbottom.cli.values import write_new
    from rockbottom.rendering import training_text

    training = _read(sources, pairs, answers=answers, single_turn=single_turn)
    if training.records:  # else what is there stays as it is
        write_new(out, b"".join(training.lines()).decode())
        show(training_text(training, str(out)))
    training.check()


@command.command()
@_sources
@click.option("--teacher", required=True, metavar="ID", help="The large model.")
@click.option("--student", required=True, metavar="ID", help="The small one.")
@click.option("--name", required=True, help="Name of the job, the model and the deployment.")
@click.option("--bucket", required=True, help="S3 bucket for the data and the output.")
@click.option("--role", "role_arn", required=True, metavar="ARN", help="Role that Bedrock assumes.")
@_metadata
@_answers
@yes_to_spending
@where
def start(
    sources: tuple[Path, ...], teacher: str, student: str, name: str, bucket: str, role_arn: str,
    pairs: tuple[tuple[str, str], ...], answers: bool, yes: bool, **options: Any,
) -> None:  # fmt: skip
    """Upload the prompts in SOURCES and begin the job; the most it can cost is shown first."""
    from rockbottom.catalog import load_catalog
    from rockbottom.distill import DistillationJob, begin, pair_of

    catalog = load_catalog()
    pair = pair_of(teacher, student, catalog)
    training = _read(sources, pairs, answers=answers, single_turn=False)
    training.check()
    cloud = cloud_of(options, pair.region)
    priced = f"training ${pair.training} per MTok and epoch"
    price_text = "no price of training was read" if pair.training is None else priced
    tell(
        f"{counted(len(training.records), 'prompt')}, {thousands(training.labelled)} with answers, "
        f"{pair.teacher} to {pair.student}: "
        f"{price_text}, the teacher's tokens at its price (Bedrock may grow the prompts to 15,000), "
        "storage of the model by the month"
    )
    consent(cloud.local or yes, _CHANGES, "Begin it?")
    click.echo(begin(cloud, DistillationJob(name, pair, bucket, role_arn), training))


@command.command()
@click.argument("name")
@where
def status(name: str, **options: Any) -> None:
    """Show the job NAME as AWS sees it now."""
    from rockbottom.distill import look

    job = look(cloud_of(options), name)
    show(f"{job['status']}" + (f": {job['failureMessage']}" if job.get("failureMessage") else ""))


@command.command()
@click.argument("name")
@click.option("--every", "every_s", type=Decimals(0.05), default=60.0, show_default=True, help="Seconds between looks.")
@click.option("--stop-after", type=Decimals(0), default=24.0, show_default=True, help="Stop it after this many hours.")
@where
def wait(name: str, every_s: float, stop_after: float, **options: Any) -> None:
    """Wait for the job NAME, and stop it when its time is over: such jobs are known to hang."""
    from rockbottom.distill import wait as wait_for

    job = wait_for(cloud_of(options), name, every_s, stop_after * 3600, tell)
    click.echo(job["outputModelArn"])


@command.command()
@click.argument("name")
@where
def stop(name: str, **options: Any) -> None:
    """Stop the job NAME."""
    from rockbottom.distill import stop as stop_job

    stop_job(cloud_of(options), name)


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before deploying.")
@where
def deploy(name: str, yes: bool, **options: Any) -> None:
    """Deploy the model of the job NAME on demand; prints the ARN that requests name as their modelId."""
    from rockbottom.distill import deploy as deploy_model

    cloud = cloud_of(options)
    tell(f"This deploys {name} on demand: its tokens cost what those of its base cost.")
    consent(cloud.local or yes, _CHANGES, "Deploy it?")
    click.echo(deploy_model(cloud, name))


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@where
def clean(name: str, yes: bool, **options: Any) -> None:
    """Delete the deployment and the model of the job NAME: a model is paid for until it is deleted."""
    from rockbottom.distill import made_by, remove

    cloud = cloud_of(options)
    parts = list(made_by(cloud, name))
    for kind, arn in parts:
        click.echo(f"- {kind} {arn}")
    if not parts:
        tell(f"{name} has no job, model or deployment to delete")
        return
    consent(yes, _CHANGES, "Delete it?")
    for kind, arn in parts:
        remove(cloud, kind, arn)
        tell(f"{kind} {arn} deleted")


def _read(sources: tuple[Path, ...], pairs: tuple[tuple[str, str], ...], *, answers: bool, single_turn: bool) -> Any:
    from rockbottom.catalog import load_catalog
    from rockbottom.distill import training_data

    return training_data(sources, load_catalog(), metadata=dict(pairs), single_turn=single_turn, answers=answers)
