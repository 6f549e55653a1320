"""``rockbottom monitor plan``, ``apply`` and ``destroy``: alarms, dashboard and topic against an account."""

import json
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.aws import clients_of
from rockbottom.cli.consenting import consent
from rockbottom.cli.console import show, tell
from rockbottom.cli.exits import Exit
from rockbottom.cli.monitor_settings import settings_options, wanted_of, warn_of_undecided
from rockbottom.cli.options import account_options, json_flag, options, yes_flag

if TYPE_CHECKING:
    from rockbottom.alarms import AlarmClients, AlarmPlan, AlarmSettings

_account_options = options(
    account_options("CloudWatch, SNS and STS"),
    json_flag,
)


@click.command()
@settings_options
@_account_options
@click.option("--check", is_flag=True, help="Exit with 1 where the account differs.")
@click.pass_context
def plan(ctx: click.Context, check: bool, **arguments: Any) -> None:
    """Show what apply would create, update and delete; reads only.

    Only what carries rockbottom's mark is changed.
    """
    settings, clients = wanted_of(arguments), _clients(arguments)
    todo = _planned(settings, clients)
    _show(todo, settings, arguments["as_json"])
    if check and (todo.changes or _foreign(todo)):
        ctx.exit(Exit.VERDICT)


@click.command()
@settings_options
@_account_options
@yes_flag
@click.pass_context
def apply(ctx: click.Context, yes: bool, **arguments: Any) -> None:
    """Create or update alarms, dashboard and topic; a second run changes nothing.

    What they cost a month is shown first, and nothing is created before you agree.
    """
    settings, clients = wanted_of(arguments), _clients(arguments)
    todo = _planned(settings, clients)
    _show(todo, settings, arguments["as_json"])
    if todo.changes:
        consent(yes, "this changes your account and costs money", "Make them so?")
        _carry_out(todo, clients)
        _say_what_remains(settings, todo)
    if _foreign(todo):
        ctx.exit(Exit.VERDICT)


@click.command()
@settings_options
@_account_options
@yes_flag
def destroy(yes: bool, **arguments: Any) -> None:
    """Remove the alarms, the dashboard and the topic that carry the stack's mark, and nothing else."""
    from rockbottom.alarms import removal

    arguments["models"] = arguments["models"] or ("any",)  # what is removed is known by its mark, not by its model
    settings, clients = wanted_of(arguments, warn=False), _clients(arguments)
    todo = removal(settings, clients)
    _print_steps(todo, arguments["as_json"], None)
    if todo.changes:
        consent(yes, "this removes alarms from your account", "Remove them?")
        _carry_out(todo, clients)


def _planned(settings: "AlarmSettings", clients: "AlarmClients") -> "AlarmPlan":
    from rockbottom.alarms import plan as planned

    return planned(settings, clients)


def _clients(arguments: dict[str, Any]) -> "AlarmClients":
    from rockbottom.alarms import AlarmClients

    (cloudwatch, sns, sts), region = clients_of(arguments, "cloudwatch", "sns", "sts")
    return AlarmClients(cloudwatch, sns, sts, region)


def _foreign(todo: "AlarmPlan") -> bool:
    from rockbottom.changes import StepKind

    return bool(todo.of(StepKind.FOREIGN))


def _carry_out(todo: "AlarmPlan", clients: "AlarmClients") -> None:
    from rockbottom.alarms import apply as carry_out

    words = {"create": "created", "update": "updated", "delete": "deleted"}
    carry_out(todo, clients, lambda step: tell(f"{words[step.kind.value]} {step.thing} {step.name}"))


def _say_what_remains(settings: "AlarmSettings", todo: "AlarmPlan") -> None:
    if settings.create:
        tell(
            "nobody is notified until somebody subscribes:\n"
            f"  aws sns subscribe --topic-arn {todo.topic_arn} --protocol email --notification-endpoint YOU"
        )
    elif not settings.topic:
        tell("these alarms notify nobody: give --topic ARN or --create-topic NAME")


def _show(todo: "AlarmPlan", settings: "AlarmSettings", as_json: bool) -> None:
    from rockbottom.alarms import monthly_usd, undecided
    from rockbottom.rendering import alarm_cost_text

    cost = monthly_usd(settings, todo.alarms, 1 if settings.dashboard else 0)
    more = {"monthly_usd_at_most": str(cost), "undecided": [alarm.name for alarm in undecided(settings)]}
    _print_steps(todo, as_json, more)
    if not as_json:
        show(["", *alarm_cost_text(cost, todo.alarms, settings)])
    warn_of_undecided(settings)


def _print_steps(todo: "AlarmPlan", as_json: bool, more: dict[str, Any] | None) -> None:
    from rockbottom.rendering import alarm_steps_text

    if as_json:
        document = {"account": todo.account, "region": todo.region, "topic": todo.topic_arn, **(more or {})}
        click.echo(json.dumps({**document, "steps": [step.to_dict() for step in todo.steps]}, indent=2))
        return
    show(alarm_steps_text(todo))
