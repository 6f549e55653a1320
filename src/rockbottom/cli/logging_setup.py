"""``rockbottom logging``: model invocation logging of an account, set up and taken down."""

import json
from time import sleep
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.aws import clients_of
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import show, tell
from rockbottom.cli.exits import Exit
from rockbottom.cli.group import Listing
from rockbottom.cli.options import account_options, json_flag, options, yes_flag
from rockbottom.cli.values import Account, Count, Region
from rockbottom.quantities import PARTITIONS

if TYPE_CHECKING:
    from rockbottom.changes import Step
    from rockbottom.invocation_logging import LoggingClients, LoggingPlan, LoggingSettings

_DATA = ("text", "image", "embedding", "video", "audio")
_where_to = options(
    click.option("--bucket", default="", metavar="NAME", help="S3 bucket that takes the logs."),
    click.option("--prefix", default="", metavar="PREFIX", help="Put them below this prefix of the bucket."),
    click.option("--log-group", default="", metavar="NAME", help="CloudWatch log group that takes them."),
    click.option("--role", metavar="NAME", help="Role by which Bedrock writes to the log group."),
    click.option("--stack", default="default", show_default=True, metavar="NAME", help="Name that marks what is made."),
)  # fmt: skip
_settings = options(
    _where_to,
    click.option("--retention", type=Count(min=1), metavar="DAYS", help="Days to keep logs; 30 by default."),
    click.option("--keep-forever", is_flag=True, help="Keep logs without end."),
    click.option("--with", "kinds", multiple=True, type=click.Choice(_DATA[1:]), help="Log this too; repeat."),
    click.option("--replace", "replaces", is_flag=True, help="Replace logging that points elsewhere."),
)  # fmt: skip
_account = options(
    account_options("AWS"),
    json_flag,
)


@click.group(cls=Listing)
def command() -> None:
    """Log every call of an account to Bedrock, without a line of its programs changed, and read what it costs."""


@command.command()
@_settings
@_account
@click.option("--check", is_flag=True, help="Exit with 1 where the account differs.")
@click.pass_context
def plan(ctx: click.Context, check: bool, **arguments: Any) -> None:
    """Show what apply would create and change, and what logs cost; reads only."""
    todo = _planned(arguments)
    _show(todo, arguments["as_json"], cost=True)
    if check and (todo.changes or todo.is_foreign):
        ctx.exit(Exit.VERDICT)


@command.command()
@_settings
@_account
@yes_flag
@click.pass_context
def apply(ctx: click.Context, yes: bool, **arguments: Any) -> None:
    """Create bucket, log group and role, and turn logging on; a second run changes nothing.

    A bucket or log group that exists is used as it is. Nothing is created before you agree.
    """
    from rockbottom.rendering import logging_readers_text

    clients = _clients(arguments)
    todo = _planned(arguments, clients)
    _show(todo, arguments["as_json"], cost=True)
    if todo.is_foreign:
        ctx.exit(Exit.VERDICT)
    if todo.changes:
        consent(yes, "this logs what every program of the account sends to Bedrock, and costs money", "Turn it on?")
        _carry_out(todo, clients)
        tell(logging_readers_text(todo.settings, todo.place))


@command.command()
@_where_to
@_account
@yes_flag
@click.option("--delete-logs", "with_logs", is_flag=True, help="Also delete the log group and its logs.")
def destroy(yes: bool, with_logs: bool, **arguments: Any) -> None:
    """Turn logging off and remove what apply made; logs stay unless you give --delete-logs."""
    from rockbottom.invocation_logging import removal

    clients = _clients(arguments)
    todo = removal(_settings_of(arguments), clients, with_logs=with_logs)
    _show(todo, arguments["as_json"], cost=False)
    if todo.changes:
        consent(yes, "this turns the logs of your account off", "Turn it off?")
        _carry_out(todo, clients)


@command.command()
@_settings
@click.option("--json", "as_json", is_flag=True, help="JSON instead of YAML.")
def cloudformation(as_json: bool, **arguments: Any) -> None:
    """Print a CloudFormation template of bucket, log group and role, and the command that turns logging on."""
    from rockbottom.changes import yaml_text
    from rockbottom.invocation_logging import cloudformation as template

    document = template(_settings_of(arguments))
    click.echo(json.dumps(document, indent=2) if as_json else yaml_text(document).rstrip())


@command.command()
@_settings
def terraform(**arguments: Any) -> None:
    """Print a Terraform configuration of all that apply makes."""
    from rockbottom.invocation_logging import terraform as configuration

    click.echo(configuration(_settings_of(arguments)).rstrip())


@command.command()
@click.argument("task", type=click.Choice(["apply", "read", "bedrock"]))
@_where_to
@click.option("--account", type=Account(any_too=True), default="*", metavar="ID", help="Account; any by default.")
@click.option("--region", type=Region(any_too=True), default="*", help="AWS Region; any by default.")
@click.option("--partition", type=click.Choice(PARTITIONS), default="aws", show_default=True, help="AWS partition.")
def policy(task: str, account: str, region: str, partition: str, **arguments: Any) -> None:
    """Print the smallest IAM policy to set logging up, to read logs, or for Bedrock to write them."""
    from rockbottom.invocation_logging import (
        AccountRegion,
        apply_policy,
        bucket_statement,
        read_policy,
        role_policy,
        trust_policy,
    )

    settings, place = _settings_of(arguments).checked(), AccountRegion(account, region, partition)
    if task == "bedrock":
        printed: dict[str, Any] = {}
        if settings.bucket:
            printed["bucket policy statement"] = bucket_statement(settings, place)
        if settings.log_group:
            printed |= {"role trust": trust_policy(place), "role permissions": role_policy(settings, place)}
    else:
        printed = apply_policy(settings, place) if task == "apply" else read_policy(settings, place)
    click.echo(json.dumps(printed, indent=2))


def _settings_of(arguments: dict[str, Any]) -> "LoggingSettings":
    from rockbottom.invocation_logging import DEFAULT_RETENTION_DAYS, DEFAULT_ROLE, LoggingSettings

    if arguments.get("keep_forever") and arguments.get("retention"):
        raise click.UsageError("give --retention or --keep-forever, not both")
    days = None if arguments.get("keep_forever") else arguments.get("retention") or DEFAULT_RETENTION_DAYS
    return LoggingSettings(
        arguments["bucket"], arguments["prefix"].strip("/"), arguments["log_group"], arguments["role"] or DEFAULT_ROLE,
        days, (_DATA[0], *arguments.get("kinds", ())), arguments["stack"], bool(arguments.get("replaces")),
    )  # fmt: skip


def _planned(arguments: dict[str, Any], clients: "LoggingClients | None" = None) -> "LoggingPlan":
    from rockbottom.invocation_logging import plan as planned

    settings = _settings_of(arguments).checked()
    return planned(settings, clients or _clients(arguments))


def _clients(arguments: dict[str, Any]) -> "LoggingClients":
    from rockbottom.invocation_logging import LoggingClients

    (bedrock, s3, iam, logs, sts), region = clients_of(arguments, "bedrock", "s3", "iam", "logs", "sts")
    return LoggingClients(bedrock, s3, iam, logs, sts, region)


def _carry_out(todo: "LoggingPlan", clients: "LoggingClients") -> None:
    from rockbottom.invocation_logging import apply as carry_out

    words = {"create": "created", "update": "updated", "delete": "deleted"}

    def done(step: "Step") -> None:
        tell(f"{words[step.kind.value]} {step.thing} {step.name}")

    carry_out(todo.steps, clients, done, sleep)


def _show(todo: "LoggingPlan", as_json: bool, *, cost: bool) -> None:
    from rockbottom.rendering import logging_cost_text, logging_steps_text

    if as_json:
        place = {"account": todo.place.account, "region": todo.place.region}
        click.echo(json.dumps({**place, "steps": [step.to_dict() for step in todo.steps]}, indent=2))
        return
    show(logging_steps_text(todo))
    if cost:
        show(logging_cost_text(todo.settings))
