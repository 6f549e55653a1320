"""``rockbottom monitor``: what is published, and the alarms and the dashboard over it."""

from rockbottom.cli.commands import Entry
from rockbottom.cli.group import LazyGroup

ENTRIES: dict[str, Entry] = {
    "plan": Entry("rockbottom.cli.monitor_alarms:plan", "Show what apply would change in the account."),
    "apply": Entry("rockbottom.cli.monitor_alarms:apply", "Create or update alarms, dashboard and topic."),
    "destroy": Entry("rockbottom.cli.monitor_alarms:destroy", "Remove what apply made, and nothing else."),
    "cloudformation": Entry(
        "rockbottom.cli.monitor_stacks:cloudformation", "Print all of it as a CloudFormation template."
    ),
    "terraform": Entry("rockbottom.cli.monitor_stacks:terraform", "Print all of it for Terraform."),
    "backtest": Entry("rockbottom.cli.monitor_backtest:backtest", "Try alarms on recorded calls first."),
    "publish": Entry("rockbottom.cli.monitor_publish:publish", "Send what a ledger holds to CloudWatch."),
    "serve": Entry("rockbottom.cli.monitor_publish:serve", "Serve the totals of a ledger to Prometheus."),
    "budgets": Entry("rockbottom.cli.monitor_budgets:budgets", "Show what budgets have counted."),
    "policy": Entry("rockbottom.cli.monitor_stacks:policy", "Print the smallest IAM policy for a task."),
}
"""Commands of the group by name, in the order in which they are listed."""

command = LazyGroup(
    name="monitor",
    entries=ENTRIES,
    help="Show within minutes what prompts cost: metrics, alarms, a dashboard.",
    no_args_is_help=True,
)
