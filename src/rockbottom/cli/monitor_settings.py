"""Options that the commands over alarms share, and what they mean together."""

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rockbottom.cli.console import tell
from rockbottom.cli.options import options
from rockbottom.cli.settings import ledger_folder
from rockbottom.extras import needing

if TYPE_CHECKING:
    from rockbottom.alarms import AlarmSettings

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


settings_options = options(
    click.option("--alarms", "file", type=_FILE, metavar="FILE", help="Your changes to the alarms (TOML or YAML)."),
    click.option("--model", "models", multiple=True, metavar="ID",
                 help="A ModelId of the metrics; repeat. By default those of your ledger."),
    click.option("--called-as", multiple=True, metavar="ID", help="The model id that callers send, for AWS's metrics."),
    click.option("--threshold", "thresholds", multiple=True, metavar="NAME=NUMBER", help="Threshold of an alarm."),
    click.option("--stack", metavar="NAME", help="Name that marks what is created; 'default' by default."),
    click.option("--namespace", metavar="NAME", help="Namespace of the metrics; BedrockLLMOps by default."),
    click.option("--topic", metavar="ARN", help="SNS topic that alarms notify."),
    click.option("--create-topic", metavar="NAME", help="Make an SNS topic of this name for them."),
    click.option("--no-dashboard", is_flag=True, help="Alarms only."),
)  # fmt: skip
"""What decides which alarms are wanted."""


def wanted_of(arguments: dict[str, Any], warn: bool = True) -> "AlarmSettings":
    """The settings that a file and the command line make together; the command line wins. Raises InvalidAlarmSettings.

    ``warn``: say on stderr which models the catalogue does not know.
    """
    from rockbottom.alarms import InvalidAlarmSettings, read_wanted

    settings = read_wanted(arguments["file"]).with_thresholds(arguments["thresholds"])
    if arguments["topic"] and arguments["create_topic"]:
        raise click.UsageError("give --topic or --create-topic, not both")
    if arguments["topic"] and not arguments["topic"].startswith("arn:"):
        raise click.UsageError(f"--topic takes the ARN of an SNS topic; not {arguments['topic']!r}")
    if arguments["topic"] or arguments["create_topic"]:
        settings = replace(settings, topic=arguments["topic"] or "", create=arguments["create_topic"] or "")
    if arguments["stack"] or arguments["namespace"]:
        settings = replace(
            settings, stack=arguments["stack"] or settings.stack, namespace=arguments["namespace"] or settings.namespace
        ).checked()
    if arguments["models"]:
        settings = replace(settings, models=tuple(dict.fromkeys(arguments["models"])), called_as=())
    if arguments["called_as"]:
        settings = replace(settings, called_as=tuple(dict.fromkeys(arguments["called_as"])))
    if arguments["no_dashboard"]:
        settings = replace(settings, dashboard=False)
    settings = _with_published_ids(settings, warn)
    if not settings.models:
        settings = _with_models_of_the_ledger(settings)
    if not settings.models:
        raise InvalidAlarmSettings(
            f"No model is named, and the ledger has no calls to AWS to take one from ({ledger_folder()}).",
            fix="give --model ID, or models = [...] in the file of --alarms",
        )
    return settings


def _with_published_ids(settings: "AlarmSettings", warn: bool) -> "AlarmSettings":
    """The models named as metrics name them: by the model's own id, whatever profile or short name it was given by."""
    pairs = [_published_id(name, warn) for name in settings.models]
    models = tuple(dict.fromkeys(model for model, _ in pairs))
    called = tuple(dict.fromkeys(name for _, name in pairs))
    return replace(settings, models=models, called_as=settings.called_as or (() if called == models else called))


def _published_id(name: str, warn: bool) -> tuple[str, str]:
    """The ModelId that metrics carry, and the id by which callers name the model."""
    from rockbottom.catalog import CatalogError, load_catalog

    try:
        known = load_catalog().model(name)
    except CatalogError as error:
        if warn:
            tell(f"{error}\n  the alarms watch exactly this ModelId: {name}")
        return name, name
    return known.model.id, known.id


@dataclass(frozen=True, slots=True)
class _Called:
    """A model, and the scope by which it was called."""

    model: str
    scope: str


_DAY_S = 86_400
_RECENT_DAYS = 30
_RECENT = f"""
SELECT DISTINCT model, scope FROM hours WHERE endpoint <> 'local' AND calls > failed
    AND hour >= (SELECT MAX(hour) FROM hours) - {_RECENT_DAYS * _DAY_S} ORDER BY model, scope
"""


def _with_models_of_the_ledger(settings: "AlarmSettings") -> "AlarmSettings":
    """The models that the user's ledger saw in its last 30 days, and the ids by which they were called."""
    from rockbottom.ledger import volumes_of
    from rockbottom.tables import LedgerTables

    folder = ledger_folder()
    if not folder.is_dir():
        return settings
    ended = [volume.path.stat().st_mtime for volume in volumes_of(folder)[-1:]]
    with needing("rockbottom monitor", "aws", "watch"):
        import_module("duckdb")
    with LedgerTables(folder) as tables:
        tables.catch_up(sum(ended) - (_RECENT_DAYS + 1) * _DAY_S)
        rows = tables.records(_Called, _RECENT)
    if rows:
        tell(f"models from the ledger in {folder}")
    called = (("" if row.scope in ("", "in_region") else f"{row.scope}.") + row.model for row in rows)
    return replace(
        settings,
        models=tuple(dict.fromkeys(row.model for row in rows)),
        called_as=settings.called_as or tuple(dict.fromkeys(called)),
    )


def warn_of_undecided(settings: "AlarmSettings") -> None:
    """Say on stderr which alarms wait for a threshold."""
    from rockbottom.alarms import undecided

    waiting = [alarm.name for alarm in undecided(settings)]
    if waiting:
        tell(
            f"not made, because they have no threshold: {', '.join(waiting)}\n"
            f"  --threshold {waiting[0]}=NUMBER; rockbottom monitor backtest proposes one"
        )
