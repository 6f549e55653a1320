"""``rockbottom ledger``: what was recorded about calls, in SQL and as files."""

from rockbottom.cli.commands import Entry
from rockbottom.cli.group import LazyGroup

ENTRIES: dict[str, Entry] = {
    "info": Entry("rockbottom.cli.ledger_info:info", "Show what it holds, and what it lost."),
    "summary": Entry("rockbottom.cli.ledger_summary:summary", "Sum what calls cost, by team, tenant or model."),
    "sql": Entry("rockbottom.cli.ledger_asking:sql", "Ask it a question in SQL."),
    "export": Entry("rockbottom.cli.ledger_asking:export", "Print every call as CSV or JSON lines."),
    "ship": Entry("rockbottom.cli.ledger_ship:ship", "Copy what is new to a folder or S3."),
    "prune": Entry("rockbottom.cli.ledger_info:prune", "Remove the oldest calls."),
}
"""Commands of the group by name, in the order in which they are listed."""

command = LazyGroup(
    name="ledger",
    entries=ENTRIES,
    help="Read the ledger of calls that attached clients and bench keep.",
    no_args_is_help=True,
)
