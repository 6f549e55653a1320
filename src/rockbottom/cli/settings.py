"""``rockbottom.toml``: what a project sets once for every command, found upwards from the current folder.

A flag comes before the environment, the environment before the file, the file before a command's own default. What the
file sets reaches commands as click's ``default_map``; the ledger's folder, which has no option everywhere, is asked of
``ledger_folder``.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rockbottom.cli.places import nearest_file
from rockbottom.files import content_of


class BadSettings(click.ClickException):
    """The file cannot be used; the message has its line."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file. ``option`` is the flag that it stands for; no flag: commands ask for it themselves.

    ``variables`` of the environment come before it; ``instead`` are flags of the command line that it gives way to;
    ``not_for`` are commands in which the flag means something else.
    """

    name: str
    help: str
    option: str = ""
    variables: tuple[str, ...] = ()
    number: bool = False
    path: bool = False
    instead: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The table of the file in which it stands; empty at the top."""
        return self.name.rpartition(".")[0]

    @property
    def key(self) -> str:
        """Its name in that table."""
        return self.name.rpartition(".")[2]


SETTINGS = (
    Setting(
        "region", "AWS Region: where commands act, and whose prices they show",
        "--region", ("ROCKBOTTOM_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
        not_for=("replay", "route"),  # there it asks what another Region would have cost
    ),
    Setting("profile", "AWS profile", "--profile", ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID")),
    Setting("ledger", "Folder of the ledger", variables=("ROCKBOTTOM_LEDGER",), path=True),
    Setting("prices", "Your own price rows (CSV), before the packaged ones", "--prices", path=True),
    Setting("alarms", "Your changes to the alarms (TOML or YAML)", "--alarms", path=True),
    Setting("traffic.per_day", "Conversations a day, in bench", "--per-day", number=True),
    Setting(
        "traffic.requests", "Requests a month, in estimate and advise", "--requests",
        number=True, instead=("--per-hour", "--gaps"),
    ),
    Setting(
        "traffic.per_hour", "Requests an hour, instead of a month", "--per-hour",
        number=True, instead=("--requests", "--gaps"),
    ),
    Setting("traffic.hours", "Hours of traffic a day", "--hours", number=True),
    Setting("traffic.days", "Days of traffic in a month", "--days", number=True),
)  # fmt: skip
_BY_NAME = {setting.name: setting for setting in SETTINGS}
_TABLES = {setting.table for setting in SETTINGS} - {""}
_OF_WHAT_IS_ASSUMED = {"region", *(name for name in _BY_NAME if name.startswith("traffic."))}


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file sets. ``file`` is None where there is none; ``lines`` say where each value stands."""

    file: Path | None
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def in_force(self, setting: Setting, env: Mapping[str, str]) -> tuple[Any, str]:
        """The value and where it is from; ``(None, "")`` where neither the environment nor the file says."""
        for name in setting.variables:
            if env.get(name):
                return (None if name == "AWS_ACCESS_KEY_ID" else env[name]), name  # keys are no profile, and come first
        if setting.name not in self.values:
            return None, ""
        return self.values[setting.name], self.place(setting.name)

    def place(self, name: str) -> str:
        """The file and the line of a value."""
        assert self.file is not None
        return f"{self.file.name}, line {self.lines[name]}"


def settings_here() -> SettingsFile:
    """What the nearest ``rockbottom.toml`` sets, from the current folder upwards. Raises BadSettings."""
    file = nearest_file()
    return SettingsFile(None, {}, {}) if file is None else read_settings(file)


def read_settings(file: Path) -> SettingsFile:
    """What a file sets, paths as seen from its folder. Raises BadSettings with the line of what is wrong."""
    from rockbottom.quantities import Undecodable, toml_line, toml_of  # only where there is a file

    text = content_of(file).decode(errors="replace")
    try:
        tables = toml_of(text)
    except Undecodable as error:
        raise BadSettings(f"{file} is not TOML: {error}") from error
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for name, value in _flat(tables):
        line = toml_line(text, name)
        values[name] = _checked(name, value, f"{file}, line {line}", file.parent)
        lines[name] = line
    return SettingsFile(file, values, lines)


def defaults_of(command: click.Command, path: Sequence[str], args: Sequence[str]) -> dict[str, Any]:
    """What the environment and the file set for a command and those below it, as click's ``default_map``.

    ``path`` is the command's name and those above it. The environment alone is left to whoever reads it already. Raises
    BadSettings.
    """
    settings = settings_here()
    return _defaults(command, list(path), args, settings) if settings.values else {}


def ledger_folder() -> Path:
    """The ledger's folder where no flag names one: by the environment, the file, or the user's state folder."""
    from rockbottom.ledger import default_folder

    return set_ledger() or default_folder(os.environ)


def set_ledger() -> Path | None:
    """The ledger's folder as the file says; None where it or the environment says otherwise."""
    return None if os.environ.get("ROCKBOTTOM_LEDGER") else settings_here().values.get("ledger")


def _defaults(command: click.Command, path: list[str], args: Sequence[str], settings: SettingsFile) -> dict[str, Any]:
    if isinstance(command, click.Group):
        return {name: _defaults(below, [*path, name], args, settings) for name, below in command.commands.items()}
    defaults: dict[str, Any] = {}
    for setting in SETTINGS:
        option = _option(command, setting)
        if option is None or setting.name not in settings.values or path[0] in setting.not_for:
            continue
        if path[0] == "advise" and setting.name in _OF_WHAT_IS_ASSUMED and _is_recorded(args):
            continue
        value, place = settings.in_force(setting, os.environ)
        if value is None or set(setting.instead) & {word.partition("=")[0] for word in args}:
            continue
        if setting.path and not Path(value).exists():
            raise BadSettings(f"{place}: {setting.name}: there is no {value}")
        assert option.name is not None
        defaults[option.name] = [value] if option.multiple else value
    return defaults


def _option(command: click.Command, setting: Setting) -> click.Option | None:
    """The option of a command that a setting stands for; ``--profile ARN=ID`` is of another kind."""
    for option in command.params:
        if isinstance(option, click.Option) and setting.option in option.opts:
            return None if setting.name == "profile" and option.multiple else option
    return None


def _is_recorded(args: Sequence[str]) -> bool:
    """Whether something recorded is named, which has a Region and traffic of its own."""
    return any(word.startswith(("s3://", "logs://")) or os.path.exists(word) for word in args)


def _flat(tables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Every value by its whole name: ``traffic.per_day``. A table of no known name is a value, and refused as one."""
    from rockbottom.quantities import is_object

    pairs: list[tuple[str, Any]] = []
    for name, value in tables.items():
        if name in _TABLES and is_object(value):
            pairs.extend((f"{name}.{key}", below) for key, below in value.items())
        else:
            pairs.append((name, value))
    return pairs


def _checked(name: str, value: Any, place: str, folder: Path) -> Any:
    """The value of a known key; text for a path is a path. Raises BadSettings."""
    from decimal import Decimal

    setting = _BY_NAME.get(name)
    if setting is None:
        raise BadSettings(f"{place}: '{name}' is not a setting; {_nearest(name)}")
    if setting.number:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise BadSettings(f"{place}: {name} is a number, not {value!r}")
        return str(value)
    if not isinstance(value, str) or not value:
        raise BadSettings(f"{place}: {name} is a text in quotes, not {value!r}")
    return folder / Path(value).expanduser() if setting.path else value


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # only once somebody mistyped

    near = get_close_matches(name, _BY_NAME)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(_BY_NAME)}"
