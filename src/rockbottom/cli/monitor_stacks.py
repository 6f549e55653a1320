"""``rockbottom monitor cloudformation``, ``terraform`` and ``policy``: the same as text, without an account."""

import json
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import tell
from rockbottom.cli.monitor_settings import settings_options, wanted_of, warn_of_undecided
from rockbottom.cli.values import Account, Region
from rockbottom.quantities import PARTITIONS

if TYPE_CHECKING:
    from rockbottom.alarms import AlarmSettings


@click.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="JSON instead of YAML.")
def cloudformation(as_json: bool, **options: Any) -> None:
    """Print a CloudFormation template of the alarms, the topic and the dashboard."""
    from rockbottom.alarms import template
    from rockbottom.changes import yaml_text

    settings = wanted_of(options)
    document = template(settings)
    click.echo(json.dumps(document, indent=2) if as_json else yaml_text(document).rstrip())
    _tell_cost(settings)
    warn_of_undecided(settings)


@click.command()
@settings_options
def terraform(**options: Any) -> None:
    """Print a Terraform configuration of the alarms, the topic and the dashboard."""
    from rockbottom.alarms import configuration

    settings = wanted_of(options)
    click.echo(configuration(settings).rstrip())
    _tell_cost(settings)
    warn_of_undecided(settings)


def _tell_cost(settings: "AlarmSettings") -> None:
    """Say on stderr what all of it costs a month: whoever applies the text is asked for no consent by this command."""
    from rockbottom.alarms import monthly_usd, placed
    from rockbottom.rendering import alarm_cost_text

    alarms = placed(settings)
    cost = monthly_usd(settings, alarms, 1 if settings.dashboard else 0)
    for line in alarm_cost_text(cost, alarms, settings):
        tell(line)


@click.command()
@click.argument("task", type=click.Choice(["publish", "apply", "read"]))
@click.option("--account", type=Account(any_too=True), default="*", metavar="ID", help="Account; any by default.")
@click.option("--region", type=Region(any_too=True), default="*", help="AWS Region; any by default.")
@click.option("--partition", type=click.Choice(PARTITIONS), default="aws", show_default=True, help="AWS partition.")
@click.option("--stack", metavar="NAME", help="Name of the stack.")
@click.option("--namespace", metavar="NAME", help="Namespace of the metrics.")
@click.option("--create-topic", metavar="NAME", help="The topic that apply makes.")
def policy(task: str, account: str, region: str, partition: str, **options: Any) -> None:
    """Print the smallest IAM policy to publish metrics, to apply alarms, or to read metrics for reconcile."""
    from rockbottom.alarms import POLICIES

    rest = {"file": None, "thresholds": (), "topic": None, "models": ("any",), "called_as": (), "no_dashboard": False}
    settings = wanted_of({**rest, **options}, warn=False)
    click.echo(json.dumps(POLICIES[task](settings, partition, region, account), indent=2))
