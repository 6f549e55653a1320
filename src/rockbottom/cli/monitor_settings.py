"""Options that the commands over alarms share, and what they mean together."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import tell
from rockbottom.cli.settings import ledger_folder

if TYPE_CHECKING:
    from rockbottom.alarms import Wanted

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def options(*wanted: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several click options as one decorator."""

    def put(function: Any) -> Any:
        for option in reversed(wanted):
            function = option(function)
        return function

    return put


settings_options = options(
    click.option("--alarms", "file", type=_FILE, metavar="FILE", help="Your changes to the alarms (TOML or YAML)."),
    click.option("--model", "models", multiple=True, metavar="ID",
                 help="A ModelId of the metrics; repeat. By default those of your ledger."),
    click.option("--called-as", multiple=True, metavar="ID", help="The id as callers name it, for AWS's own metrics."),
    click.option("--threshold", "thresholds", multiple=True, metavar="NAME=NUMBER", help="Threshold of an alarm."),
    click.option("--stack", metavar="NAME", help="What is made carries this name; 'default' by default."),
    click.option("--namespace", metavar="NAME", help="Namespace of the metrics; BedrockLLMOps by default."),
    click.option("--topic", metavar="ARN", help="SNS topic that alarms tell."),
    click.option("--create-topic", metavar="NAME", help="Make an SNS topic of this name for them."),
    click.option("--no-dashboard", is_flag=True, help="Alarms only."),
)  # fmt: skip
"""What decides which alarms are wanted."""


def wanted_of(given: dict[str, Any], warn: bool = True) -> "Wanted":
    """The settings that a file and the command line make together; the command line wins. Raises InvalidSettings.

    ``warn``: say on stderr which models the catalogue does not know.
    """
    from rockbottom.alarms import InvalidSettings, read_wanted

    wanted = read_wanted(given["file"]).with_thresholds(given["thresholds"])
    if given["topic"] and given["create_topic"]:
        raise click.UsageError("--topic and --create-topic exclude each other")
    if given["topic"] and not given["topic"].startswith("arn:"):
        raise click.UsageError(f"--topic takes the ARN of an SNS topic; not {given['topic']!r}")
    if given["topic"] or given["create_topic"]:
        wanted = replace(wanted, topic=given["topic"] or "", create=given["create_topic"] or "")
    if given["stack"] or given["namespace"]:
        wanted = replace(
            wanted, stack=given["stack"] or wanted.stack, namespace=given["namespace"] or wanted.namespace
        ).checked()
    if given["models"]:
        wanted = replace(wanted, models=tuple(dict.fromkeys(given["models"])), called_as=())
    if given["called_as"]:
        wanted = replace(wanted, called_as=tuple(dict.fromkeys(given["called_as"])))
    if given["no_dashboard"]:
        wanted = replace(wanted, dashboard=False)
    wanted = _with_published_ids(wanted, warn)
    if not wanted.models:
        wanted = _with_models_of_the_ledger(wanted)
    if not wanted.models:
        raise InvalidSettings(
            "No model is named, and the ledger has no calls to AWS, so there is no metric to look at.",
            fix="give --model ID, or models = [...] in the file of --alarms",
        )
    return wanted


def _with_published_ids(wanted: "Wanted", warn: bool) -> "Wanted":
    """The models named as metrics name them: by the model's own id, whatever profile or short name it was given by."""
    pairs = [_published_id(given, warn) for given in wanted.models]
    models = tuple(dict.fromkeys(model for model, _ in pairs))
    called = tuple(dict.fromkeys(name for _, name in pairs))
    return replace(wanted, models=models, called_as=wanted.called_as or (() if called == models else called))


def _published_id(given: str, warn: bool) -> tuple[str, str]:
    """The ModelId that metrics carry, and the id by which callers name the model."""
    from rockbottom.catalog import CatalogError, load_catalog

    try:
        known = load_catalog().model(given)
    except CatalogError as error:
        if warn:
            tell(f"{error}\n  alarms look at exactly this ModelId: {given}")
        return given, given
    return known.model.id, known.id


_RECENT = """
SELECT DISTINCT model, scope FROM hours WHERE endpoint <> 'local' AND calls > failed
    AND hour >= (SELECT MAX(hour) FROM hours) - 30 * 86400 ORDER BY model, scope
"""


def _with_models_of_the_ledger(wanted: "Wanted") -> "Wanted":
    """The models that the user's ledger saw in its last 30 days, and the ids by which they were called."""

    from rockbottom.tables import LedgerTables

    folder = ledger_folder()
    if not folder.is_dir():
        return wanted
    with LedgerTables(folder) as tables:
        tables.catch_up()
        rows = tables.rows(_RECENT)
    if rows:
        tell(f"models from the ledger in {folder}")
    called = (("" if row["scope"] in ("", "in_region") else f"{row['scope']}.") + row["model"] for row in rows)
    return replace(
        wanted,
        models=tuple(dict.fromkeys(row["model"] for row in rows)),
        called_as=wanted.called_as or tuple(dict.fromkeys(called)),
    )


def warn_of_undecided(wanted: "Wanted") -> None:
    """Say on stderr which alarms wait for a threshold."""
    from rockbottom.alarms import undecided

    waiting = [alarm.name for alarm in undecided(wanted)]
    if waiting:
        tell(
            f"not made, no threshold: {', '.join(waiting)}\n"
            f"  --threshold {waiting[0]}=NUMBER; rockbottom monitor backtest proposes one"
        )
