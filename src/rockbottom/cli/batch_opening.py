"""Runs opened for the commands of ``rockbottom batch``: AWS or the endpoint named, the estimate, the question."""

import os
from collections.abc import Container, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.bench import Workload, inference_of, load_workload
from rockbottom.catalog import CatalogError, load_catalog, refused_members
from rockbottom.cli.aws import no_region, region_of
from rockbottom.cli.batch_text import Progress
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import show, tell
from rockbottom.cli.standing import tell_endings, tell_unsent_temperature
from rockbottom.prompt import Api
from rockbottom.quantities import RockbottomError

if TYPE_CHECKING:
    from rockbottom.batch import Cloud, Prepared
    from rockbottom.catalog import PriceBook


def cloud_of(options: dict[str, Any], region: str | None = None, *, of_openai: bool = False) -> "Cloud":
    """AWS, or the endpoints that the options and the environment name. Raises UsageError without a Region.

    ``of_openai``: the run goes through the OpenAI Batch API, which is bedrock-runtime's.
    """
    from rockbottom.batch import Cloud

    bedrock = options["endpoint_url"] or os.environ.get("AWS_ENDPOINT_URL_BEDROCK")
    if bedrock is None and of_openai:
        bedrock = os.environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    s3 = options["s3_endpoint_url"] or os.environ.get("AWS_ENDPOINT_URL_S3")
    chosen_region = options["region"] or region or _own_region(options["profile"])
    return Cloud(chosen_region, options["profile"], bedrock, s3, credentials=_made_up(bedrock))


def _made_up(url: str | None) -> dict[str, str]:
    """The local endpoint takes any credentials; without any of its own, boto3 would refuse to sign."""
    from rockbottom.process import leads_here

    if not leads_here(url):
        return {}
    key = os.environ.get("AWS_ACCESS_KEY_ID") or "local"
    return {"aws_access_key_id": key, "aws_secret_access_key": "local"}


def _own_region(profile: str | None) -> str:
    import boto3
    from botocore.exceptions import ProfileNotFound

    try:
        session: Any = boto3.Session(profile_name=profile)
        region = region_of(session)
    except ProfileNotFound as error:
        raise click.UsageError(str(error)) from error
    if not region:
        raise no_region()
    return region


def _day(options: dict[str, Any]) -> date:
    return options.get("on") or date.today()


def _book(options: dict[str, Any]) -> "PriceBook | None":
    from rockbottom.catalog import PriceBook, load_catalog

    file = options.get("price_file")
    return load_catalog().price_book.overlay(PriceBook.read(file)) if file else None


@contextmanager
def prepared_run(options: dict[str, Any], attempts: int = 3, *, on_demand: bool = False) -> "Generator[Prepared]":
    """A run of the records and settings of the command line, agreed to; see ``batch.prepare`` for its errors."""
    from rockbottom.batch import BatchPlace, Kind, prepare

    cloud = cloud_of(options, of_openai=options["kind"] == Kind.CHAT.value)
    if not on_demand and not (options["bucket"] and options["role_arn"]):
        raise click.UsageError(f"nothing was sent: {NEEDED}")
    place = BatchPlace(
        options["bucket"], options["role_arn"], options["prefix"], options["kms_key"], options["bucket_owner"],
        options["timeout_hours"], dict(options["tags"]),
    )  # fmt: skip
    with prepare(
        _source(options["records"], options["model"]), None if on_demand else place, model=options["model"],
        cloud=cloud, kind=Kind(options["kind"]), folder=options["runs"],
        name=options["name"] or _workload_name(options["records"]),
        strip_points=options["strip_cache_points"], on=_day(options), book=_book(options), watcher=Progress(),
        attempts=attempts,
    ) as prepared:  # fmt: skip
        if prepared.run.state.agreed_usd is None:
            _ask(prepared, cloud, options)
        yield prepared


@contextmanager
def reopened_run(
    name: str, options: dict[str, Any], attempts: int = 3, *, of_jobs: bool = True
) -> "Generator[Prepared]":
    """A run that exists, by name; ``of_jobs``: one that is sent on demand is refused. Raises NoSuchRun, RunBusy."""
    from rockbottom.batch import InvalidSettings, reopen

    settings = settings_of(name, options["runs"])
    if of_jobs and settings.on_demand:
        raise InvalidSettings(
            f"The run {name} is sent on demand and has no jobs.",
            fix=f"rockbottom batch run {settings.source} --model {settings.model} --on-demand continues it",
        )
    cloud = cloud_of(options, settings.region, of_openai=settings.of_openai)
    with reopen(
        name,
        cloud,
        folder=options["runs"],
        on=_day(options),
        book=_book(options),
        watcher=Progress(),
        attempts=attempts,
    ) as prepared:
        yield prepared


def settings_of(name: str, runs: Path) -> Any:
    """The settings that a run was made with. Raises NoSuchRun, DamagedRun."""
    from rockbottom.batch import look_into, no_such_run

    states, damaged = look_into(runs)
    if name in damaged:
        raise damaged[name]
    state = dict(states).get(name)
    if state is None or state.settings is None:
        raise no_such_run(name, runs)
    return state.settings


NEEDED = (
    "a job needs --bucket and --role, which rockbottom batch setup makes; "
    "rockbottom batch run --on-demand needs neither"
)


def show_ways(options: dict[str, Any]) -> None:
    """Print what the records would cost, each way, for whoever has no bucket yet; nothing is sent, nothing kept."""
    import tempfile

    from rockbottom.batch import BatchPlace, Kind, estimate_result, prepare
    from rockbottom.rendering import batch_estimate_text, json_text

    cloud = cloud_of(options, of_openai=options["kind"] == Kind.CHAT.value)

    anywhere = BatchPlace("any-bucket", "arn:aws:iam::000000000000:role/any")
    with tempfile.TemporaryDirectory(prefix="rockbottom-") as scratch, prepare(
        _source(options["records"], options["model"]), anywhere, model=options["model"], cloud=cloud,
        kind=Kind(options["kind"]), name="estimate", folder=Path(scratch),
        strip_points=options["strip_cache_points"], on=_day(options), book=_book(options),
    ) as prepared:  # fmt: skip
        estimate = prepared.estimate(options["output_tokens"])
        if options["as_json"]:
            click.echo(json_text(estimate_result(estimate)))
        else:
            show(batch_estimate_text(prepared, estimate))
    tell(f"nothing was sent: {NEEDED}")


def _source(path: Path, model: str | None) -> Any:
    from rockbottom.batch import RecordSource, source_of

    if path.suffix not in (".yaml", ".yml"):
        return source_of(path)

    if model is not None and leaves_temperature_out(path, model):
        tell_unsent_temperature([model])
    return RecordSource(bodies=lambda: bodies_of(path, model), label=str(path))


def _workload_name(path: Path) -> str | None:
    return path.stem if path.suffix in (".yaml", ".yml") else None


def _ask(prepared: "Prepared", cloud: "Cloud", options: dict[str, Any]) -> None:
    """Show the estimate, and go on only with a yes where money is spent."""
    from rockbottom.catalog import load_catalog
    from rockbottom.rendering import batch_estimate_text

    settings = prepared.run.state.settings
    if settings is not None:
        tell_endings(load_catalog(), [settings.model], _day(options), cloud.region)
    estimate = prepared.estimate(options["output_tokens"])
    tell(batch_estimate_text(prepared, estimate))

    def agree(_: object) -> bool:
        consent(options["yes"] or cloud.local, "a batch run spends money, which --max-usd bounds", "Spend it?")
        return True

    prepared.agree(estimate, agree, options["max_usd"])


class NotBatchable(RockbottomError):
    """A workload whose turns depend on answers that nobody has written down."""


def bodies_of(path: Path, model: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pairs of a recordId and a Converse body for a model. Raises InvalidWorkload, NotBatchable."""
    workload = load_workload(path)
    refused = _refused(model)
    for number, conversation in enumerate(workload.conversations, 1):
        messages: list[Mapping[str, Any]] = []
        for turn_number, turn in enumerate(conversation.turns, 1):
            messages.extend(turn.messages)
            yield f"c{number:05d}-t{turn_number:03d}", _body(workload, conversation, messages, refused)
            if turn.answer is not None:
                messages.append({"role": "assistant", "content": list(turn.answer)})
            elif turn_number < len(conversation.turns):
                raise NotBatchable(
                    f"{path}: turn {turn_number} of {conversation.name} has no answer, and the next turn needs one.",
                    fix="write 'answer:' there, or keep one turn to a conversation: batch answers all at once",
                )


def leaves_temperature_out(path: Path, model: str) -> bool:
    """Whether the workload sets a temperature that this model would refuse. Raises InvalidWorkload."""
    return load_workload(path).inference.temperature is not None and "temperature" in _refused(model)


def _refused(model: str | None) -> Container[str]:
    """The settings with which the model would not answer; none where nobody knows it."""
    try:
        return () if model is None else refused_members(load_catalog().model(model).model.id, Api.CONVERSE.value)
    except CatalogError:
        return ()


def _body(
    workload: Workload, conversation: Any, messages: list[Mapping[str, Any]], refused: Container[str]
) -> dict[str, Any]:
    texts = conversation.system
    if texts is None:
        texts = [text for text in (workload.system, *(document.text for document in workload.documents)) if text]
    tools = workload.tools if conversation.tools is None else conversation.tools
    body: dict[str, Any] = {"messages": list(messages), "inferenceConfig": inference_of(workload, refused)}
    if texts:
        body["system"] = [{"text": text} for text in texts]
    if tools:
        body["toolConfig"] = {"tools": list(tools)}
    return body
