"""``rockbottom plan``: where the planner would put the cachePoints of one request, and why."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import show
from rockbottom.cli.values import Decimals
from rockbottom.files import content_of
from rockbottom.quantities import is_list, is_object

if TYPE_CHECKING:
    from fractions import Fraction

    from rockbottom.catalog import Catalog
    from rockbottom.plan import Planner


@click.command()
@click.argument("file", metavar="REQUEST.json", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--apply", "applied", is_flag=True, help="Print the request with the plan applied, as JSON.")
@click.option("--model", help="The model id, where the request has none.")
@click.option(
    "--now", type=Decimals(min=0), help="The instant of the request, in seconds since the epoch; now by default."
)
@click.option("--state", type=click.Path(dir_okay=False), help="File of what a planner learned, to decide with it.")
@click.option(
    "--own-points",
    type=click.Choice(["keep", "complete", "replace"]),
    default="keep",
    help="What to do with cachePoints that the request already has.",
)
@click.option("--move-volatile", is_flag=True, help="Allow moving sentences that change with every call to the end.")
@click.option("--sort-tools", is_flag=True, help="Allow putting the tools in the order of their names.")
def command(
    file: str, as_json: bool, applied: bool, model: str | None, now: float | None, state: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """Show where the cachePoints of a request should go, which TTL, what it saves and on which evidence.

    REQUEST.json holds the arguments of converse() or invoke_model(), a body of Messages, Chat Completions or Responses
    with its model, or a list of them in the order in which they are sent: then the plan of the last is shown, with
    what the ones before teach. A record of the invocation log, or of a batch job, stands for the request in it. "-"
    reads from stdin.
    """
    requests = _requests(file, model)
    planner = _planner(state, options)
    at = time.time() if now is None else now
    plan = None
    for request in requests:
        planner.check(request, now=at)  # a typo must not pass for a plan; Planner.plan() lets every request through
        plan = planner.plan(request, now=at)
    assert plan is not None
    if applied:
        click.echo(json.dumps(plan.apply(requests[-1]), indent=2, ensure_ascii=False))
    elif as_json:
        click.echo(json.dumps(plan.as_dict(_error(planner.catalog, requests[-1])), indent=2))
    else:
        show(plan.explain(_error(planner.catalog, requests[-1])))


def _error(catalog: "Catalog", request: Mapping[str, Any]) -> "Fraction":
    """How far an estimate of tokens may be off for the model of a request."""
    from rockbottom.dialects import RequestReader

    return catalog.token_weights[RequestReader(catalog).read(request).model.model.tokenizer].error


def _planner(state: str | None, options: dict[str, Any]) -> "Planner":
    from rockbottom.catalog import load_catalog
    from rockbottom.client import with_saved_facts
    from rockbottom.plan import Planner

    options["catalog"] = with_saved_facts(load_catalog())
    return Planner(**options) if state is None else Planner.load(state, **options)


def _requests(name: str, model: str | None) -> list[dict[str, Any]]:
    from rockbottom.quantities import Undecodable

    try:
        read = _json(sys.stdin.buffer.read() if name == "-" else content_of(name))
    except Undecodable as error:
        raise click.UsageError(f"{name} is not JSON: {error}") from error
    requests: Sequence[Any] = read if is_list(read) else [read]
    if not requests or not all(is_object(request) for request in requests):
        raise click.UsageError(f"{name} holds no request: expected is an object with modelId and messages")
    with_model = [_request_of(request, name) for request in requests]
    with_model = [
        dict(request) if request.get("model") else {**request, "modelId": request.get("modelId") or model}
        for request in with_model
    ]
    if not all(request.get("modelId") or request.get("model") for request in with_model):
        raise click.UsageError(f"{name} has no modelId; give it with --model")
    return with_model


def _json(data: bytes) -> Any:
    """The value of a file, whatever its encoding. Raises Undecodable."""
    from rockbottom.quantities import Undecodable, decoded

    try:
        return decoded(data)
    except Undecodable:
        from rockbottom.trace import chunks_in, text_lines  # numpy comes with it, and most files are UTF-8

        return decoded("".join(text_lines(chunks_in(BytesIO(data)))))


def _request_of(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The request that a record of a log or of a batch job stands for; a request as it is."""
    logged = record.get("input")
    body = logged.get("inputBodyJson") if is_object(logged) else record.get("modelInput")
    if is_object(logged) and not is_object(body):
        raise click.UsageError(
            f"{name}: the record holds no request body; the log keeps bodies over 100 KB in files of their own"
        )
    if not is_object(body):
        return record
    model = record.get("modelId")
    if str(record.get("operation", "Converse")).startswith("Invoke") or "anthropic_version" in body:
        return {"modelId": model, "body": json.dumps(body)}
    return body if body.get("model") else {**body, "modelId": model}
