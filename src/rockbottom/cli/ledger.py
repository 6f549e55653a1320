"""``rockbottom ledger``: what was recorded about calls, in SQL and as files."""

from rockbottom.cli.commands import ListedCommand
from rockbottom.cli.group import LazyGroup

ENTRIES: dict[str, ListedCommand] = {
    "info": ListedCommand("rockbottom.cli.ledger_info:info", "Show what it holds, and what it lost."),
    "summary": ListedCommand("rockbottom.cli.ledger_summary:summary", "Sum what calls cost, by team, tenant or model."),
    "sql": ListedCommand("rockbottom.cli.ledger_asking:sql", "Ask it a question in SQL."),
    "export": ListedCommand("rockbottom.cli.ledger_asking:export", "Print every call as CSV or JSON lines."),
    "ship": ListedCommand("rockbottom.cli.ledger_ship:ship", "Copy what is new to a folder or S3."),
    "prune": ListedCommand("rockbottom.cli.ledger_info:prune", "Remove the oldest calls."),
}
"""Commands of the group by name, in the order in which they are listed."""

command = LazyGroup(
    name="ledger",
    entries=ENTRIES,
    help="Read the ledger of calls that attached clients and bench keep.",
    no_args_is_help=True,
)
