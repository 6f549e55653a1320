"""The table of commands: where each lives and one line of help, so that ``--help`` imports none of them."""

from typing import NamedTuple


class ListedCommand(NamedTuple):
    """One command: ``target`` is ``module:attribute`` of a ``click.Command``, ``help`` is its line in the list.

    ``extras`` are those with which all of it works, what it is told by files of one format or another apart.
    """

    target: str
    help: str
    extras: tuple[str, ...] = ()


class Task(NamedTuple):
    """What one comes for: a heading, the commands that serve it, and one line that shows it being done."""

    heading: str
    commands: dict[str, ListedCommand]
    example: str


def _at(module: str, text: str, *extras: str, name: str = "command") -> ListedCommand:
    return ListedCommand(f"rockbottom.cli.{module}:{name}", text, extras)


TASKS = (
    Task(
        "Know the cost before anything runs",
        {
            "bench": _at("bench", "Measure a workload every way Bedrock can bill it.", "bench"),
            "estimate": _at("estimate", "Work out a month's bill before and after caching."),
            "advise": _at("advise", "Say which savings to make first, and what each is worth.", "replay"),
        },
        "rockbottom bench workload.yaml",
    ),
    Task(
        "Understand recorded traffic",
        {
            "replay": _at("replay", "Show what recorded traffic would have cost.", "replay"),
            "explain": _at("explain", "Explain every cache miss: its cause, its cost, its fix.", "replay"),
            "route": _at("route", "Show what a rule that picks the model would have cost.", "replay"),
            "trace": _at("trace", "Import recorded traffic into columns without its text.", "replay", "parquet"),
        },
        "rockbottom replay logs/",
    ),
    Task(
        "Save",
        {
            "run": _at("run", "Run a program with every Bedrock client attached."),
            "plan": _at("plan", "Show where cachePoints of a request should go, and why."),
            "gateway": _at("gateway", "Serve a Bedrock-shaped proxy that plans, for any language.", "gateway"),
            "batch": _at("batch", "Run records through batch inference, at half price.", "aws"),
            "distill": _at("distill", "Teach a small model from a large one, if it pays.", "aws"),
            "profiles": _at("profiles", "Show inference profiles and pick the cheapest allowed.", "aws"),
        },
        "rockbottom run --dry-run -- python app.py",
    ),
    Task(
        "Watch what is spent",
        {
            "status": _at("status", "Say what was spent today, in one line for a prompt."),
            "watch": _at("watch", "Watch a ledger of calls live in the terminal.", "watch"),
            "dash": _at("dash", "Watch a ledger of calls on a local web page.", "watch"),
            "ledger": _at("ledger", "Ask what was recorded about calls, in SQL or as files.", "watch"),
            "logging": _at("logging_setup", "Set up the logs of an account's calls, without code.", "aws"),
            "monitor": _at("monitor", "Alarms and a dashboard over what prompts cost, as code.", "aws", "watch"),
            "check": _at("check", "Fail a build when a prompt's cached prefix has changed."),
            "reconcile": _at("reconcile", "Compare the ledger with what AWS counted and billed.", "aws", "watch"),
        },
        "rockbottom ledger summary --by team",
    ),
    Task(
        "Look up how Bedrock bills and caches",
        {
            "prices": _at("prices", "Show prices, and check them against AWS's price list.", "aws"),
            "models": _at("models", "List models and the rules by which they cache."),
            "probe": _at("probe", "Measure on your account how a model really caches.", "aws"),
            "serve": _at("serve", "Serve a local Bedrock endpoint that AWS SDKs talk to.", "local", name="serve"),
        },
        "rockbottom prices show sonnet-5-5",
    ),
    Task(
        "Set up",
        {
            "init": _at("init", "Write a starter workload and the examples of the how-tos."),
            "config": _at("config", "Show which settings are in force, and from where."),
            "completion": _at("completion", "Print the script that completes commands in your shell."),
            "mcp": _at("mcp", "Serve explain, replay, prices and more to a coding agent.", "mcp"),
        },
        "rockbottom init",
    ),
)
"""What is listed, by what one comes for: the everyday first."""

COMMANDS: dict[str, ListedCommand] = {name: entry for task in TASKS for name, entry in task.commands.items()}
"""Every command by its name, in the order of the list."""
