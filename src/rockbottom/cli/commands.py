"""The table of commands: where each lives and one line of help, so that ``--help`` imports none of them."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One command: ``target`` is ``module:attribute`` of a ``click.Command``, ``help`` is its line in the list.

    ``extras`` are those with which all of it works, what it is told by files of one format or another apart.
    """

    target: str
    help: str
    extras: tuple[str, ...] = ()


COMMANDS: dict[str, Entry] = {
    "plan": Entry("rockbottom.cli.plan:command", "Show where cachePoints of a request should go, and why."),
    "replay": Entry("rockbottom.cli.replay:command", "Show what recorded traffic would have cost.", ("replay",)),
    "route": Entry(
        "rockbottom.cli.route:command", "Show what a rule that picks the model would have cost.", ("replay",)
    ),
    "trace": Entry(
        "rockbottom.cli.trace:command", "Import recorded traffic into columns without its text.", ("replay", "parquet")
    ),
    "explain": Entry(
        "rockbottom.cli.explain:command", "Explain every cache miss: its cause, its cost, its fix.", ("replay",)
    ),
    "check": Entry("rockbottom.cli.check:command", "Fail a build when a prompt's cached prefix has changed."),
    "bench": Entry("rockbottom.cli.bench:command", "Measure a workload every way Bedrock can bill it.", ("bench",)),
    "batch": Entry("rockbottom.cli.batch:command", "Run records through batch inference, at half price.", ("aws",)),
    "distill": Entry("rockbottom.cli.distill:command", "Teach a small model from a large one, if it pays.", ("aws",)),
    "run": Entry("rockbottom.cli.run:command", "Run a program with every Bedrock client attached."),
    "monitor": Entry(
        "rockbottom.cli.monitor:command", "Alarms and a dashboard over what prompts cost, as code.", ("watch",)
    ),
    "logging": Entry(
        "rockbottom.cli.logging_setup:command", "Set up the logs of an account's calls, without code.", ("aws",)
    ),
    "reconcile": Entry(
        "rockbottom.cli.reconcile:command", "Hold the ledger against what AWS counted and billed.", ("watch",)
    ),
    "ledger": Entry(
        "rockbottom.cli.ledger:command", "Ask what was recorded about calls, in SQL or as files.", ("watch",)
    ),
    "estimate": Entry("rockbottom.cli.estimate:command", "Work out a month's bill before and after caching."),
    "advise": Entry(
        "rockbottom.cli.advise:command", "Say which levers to pull, in order, and what each saves.", ("replay",)
    ),
    "profiles": Entry(
        "rockbottom.cli.profiles:command", "Show inference profiles and pick the cheapest allowed.", ("aws",)
    ),
    "prices": Entry("rockbottom.cli.prices:command", "Show prices, and check them against AWS's price list.", ("aws",)),
    "models": Entry("rockbottom.cli.models:command", "List models and the rules by which they cache."),
    "probe": Entry("rockbottom.cli.probe:command", "Measure on your account how a model really caches.", ("aws",)),
    "watch": Entry("rockbottom.cli.watch:command", "Watch a ledger of calls live in the terminal.", ("watch",)),
    "dash": Entry("rockbottom.cli.dash:command", "Watch a ledger of calls on a local web page.", ("watch",)),
    "gateway": Entry(
        "rockbottom.cli.gateway:command", "Serve a Bedrock-shaped proxy that plans, for any language.", ("gateway",)
    ),
    "serve": Entry("rockbottom.cli.serve:serve", "Serve a local Bedrock endpoint that AWS SDKs talk to.", ("local",)),
}
"""Commands by name, in the order in which they are listed: the everyday ones first."""
