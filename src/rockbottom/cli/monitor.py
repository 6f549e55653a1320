"""``rockbottom monitor``: what is published, and the alarms and the dashboard over it."""

from rockbottom.cli.commands import ListedCommand
from rockbottom.cli.group import LazyGroup

ENTRIES: dict[str, ListedCommand] = {
    "plan": ListedCommand("rockbottom.cli.monitor_alarms:plan", "Show what apply would change in the account."),
    "apply": ListedCommand("rockbottom.cli.monitor_alarms:apply", "Create or update alarms, dashboard and topic."),
    "destroy": ListedCommand("rockbottom.cli.monitor_alarms:destroy", "Remove what apply made, and nothing else."),
    "cloudformation": ListedCommand(
        "rockbottom.cli.monitor_stacks:cloudformation", "Print all of it as a CloudFormation template."
    ),
    "terraform": ListedCommand("rockbottom.cli.monitor_stacks:terraform", "Print all of it for Terraform."),
    "backtest": ListedCommand("rockbottom.cli.monitor_backtest:backtest", "Try alarms on recorded calls first."),
    "publish": ListedCommand("rockbottom.cli.monitor_publish:publish", "Send what a ledger holds to CloudWatch."),
    "serve": ListedCommand("rockbottom.cli.monitor_publish:serve", "Serve the totals of a ledger to Prometheus."),
    "budgets": ListedCommand("rockbottom.cli.monitor_budgets:budgets", "Show what budgets have counted."),
    "policy": ListedCommand("rockbottom.cli.monitor_stacks:policy", "Print the smallest IAM policy for a task."),
}
"""Commands of the group by name, in the order in which they are listed."""

command = LazyGroup(
    name="monitor",
    entries=ENTRIES,
    help="Show within minutes what prompts cost: metrics, alarms, a dashboard.",
    no_args_is_help=True,
)
