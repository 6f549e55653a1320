"""Which alarms are wanted, for which models, and whom they tell: the packaged ones with the user's file on top.

A file (TOML or YAML) of any of these::

    stack = "production"                 # what is made carries this name and this mark
    namespace = "BedrockLLMOps"
    models = ["amazon.nova-pro-v1:0"]    # values of the dimension ModelId of our metrics
    called_as = ["us.amazon.nova-pro-v1:0"]   # as callers name them, for AWS's own metrics; the same by default
    topic = "arn:aws:sns:..."            # or create = "name-of-a-topic"
    dashboard = true

    [alarms.LowCacheHitRate]
    threshold = 80
    [alarms.SilentZero]
    off = true
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rockbottom.alarms.definitions import NAMESPACE, Alarm, InvalidAlarm, alarm_from, packaged_alarms
from rockbottom.extras import Field, at_line, yaml_field
from rockbottom.files import content_of
from rockbottom.quantities import RockbottomError, Undecodable, is_object, reason_of, toml_line, toml_of

_STACK = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMESPACE = re.compile(r"[A-Za-z0-9._/#-]{1,64}")
_TOP: Mapping[str, type] = {
    "stack": str, "namespace": str, "models": list, "called_as": list, "topic": str, "create": str, "dashboard": bool,
    "alarms": dict,
}  # fmt: skip
_WHOLE = "docs/reference/alarms.md shows a whole file"
Place = Callable[[str], str]
"""Where a setting stands: the beginning of a message; empty where there is no file."""


def _nowhere(_: str) -> str:
    return ""


class InvalidAlarmSettings(RockbottomError):
    """A file of alarms that cannot be read, or that asks for something impossible."""


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """The settings of a stack: what should be in the account.

    ``topic`` is the ARN that alarms tell; ``create`` the name of a topic to be made. ``models`` are values of the
    dimension ModelId of our metrics; ``called_as`` are the ids by which callers name them, which is what AWS's own
    metrics have in that place (empty: the same).
    """

    alarms: tuple[Alarm, ...]
    models: tuple[str, ...] = ()
    called_as: tuple[str, ...] = ()
    stack: str = "default"
    namespace: str = NAMESPACE
    topic: str = ""
    create: str = ""
    dashboard: bool = True

    @property
    def native_models(self) -> tuple[str, ...]:
        """The ids under which AWS/Bedrock counts."""
        return self.called_as or self.models

    def checked(self, place: Place = _nowhere) -> "AlarmSettings":
        """The settings themselves, once their names are known to be possible; raises InvalidAlarmSettings."""
        if not _STACK.fullmatch(self.stack):
            raise InvalidAlarmSettings(
                f"{place('stack')}{self.stack!r} cannot name a stack.",
                fix="a name has 1 to 64 letters, digits, - and _",
            )
        if not _NAMESPACE.fullmatch(self.namespace) or self.namespace.startswith("AWS/"):
            fix = "a namespace has 1 to 64 letters, digits and . - _ / #, and does not begin with AWS/"
            raise InvalidAlarmSettings(
                f"{place('namespace')}{self.namespace!r} cannot be the namespace of your metrics.", fix=fix
            )
        return self

    def with_thresholds(self, pairs: Iterable[str]) -> "AlarmSettings":
        """The settings with thresholds given as ``NAME=NUMBER``; raises InvalidAlarmSettings, InvalidAlarm."""
        settings = self
        for pair in pairs:
            name, _, value = pair.partition("=")
            settings = settings._with(name, value)
        return settings

    def _with(self, name: str, value: str) -> "AlarmSettings":
        names = [alarm.name for alarm in self.alarms]
        if name not in names or not value:
            fix = f"write NAME=NUMBER with one of {', '.join(names)}"
            raise InvalidAlarmSettings(f"{name!r} is not an alarm that takes a threshold here.", fix=fix)
        changed = [
            _changed(alarm, {"threshold": value}) if alarm.name == name else alarm for alarm in self.alarms
        ]  # fmt: skip
        return replace(self, alarms=tuple(changed))


def read_wanted(path: Path | None) -> AlarmSettings:
    """The packaged alarms, with those of a file on top; raises InvalidAlarmSettings, InvalidAlarm, OSError."""
    raw, place = _read(path) if path else ({}, _nowhere)
    for key, value in raw.items():
        kind = _TOP.get(key)
        if kind is None:
            fix = f"the keys are {', '.join(_TOP)}"
            raise InvalidAlarmSettings(f"{place(key)}unknown key {key!r}.", fix=fix)
        if not isinstance(value, kind):
            raise InvalidAlarmSettings(f"{place(key)}{key} cannot be {value!r}.", fix=_WHOLE)
    if raw.get("topic") and raw.get("create"):
        raise InvalidAlarmSettings(f"{place('create')}topic and create cannot both be given.", fix="give one of them")
    return AlarmSettings(
        alarms=_alarms(raw.get("alarms", {}), place),
        models=_ids(raw, "models", place),
        called_as=_ids(raw, "called_as", place),
        stack=raw.get("stack", "default"),
        namespace=raw.get("namespace", NAMESPACE),
        topic=raw.get("topic", ""),
        create=raw.get("create", ""),
        dashboard=raw.get("dashboard", True),
    ).checked(place)


def _ids(raw: Mapping[str, Any], key: str, place: Place) -> tuple[str, ...]:
    ids = raw.get(key, [])
    if not all(isinstance(model, str) and model and model.isascii() for model in ids):
        fix = f'{key} = ["amazon.nova-pro-v1:0"]'
        raise InvalidAlarmSettings(f"{place(key)}{key} is a list of model ids.", fix=fix)
    return tuple(dict.fromkeys(ids))


def _read(path: Path) -> tuple[dict[str, Any], Place]:
    try:
        text = content_of(path).decode()
        if path.suffix in (".yaml", ".yml"):
            top = yaml_field(text, str(path), _bad_field, fix=_WHOLE)
            return {name: value.plain() for name, value in top.entries()}, lambda name: _place(top.at(name))
        return toml_of(text), lambda name: f"{path}, line {toml_line(text, name)}: "
    except (Undecodable, UnicodeDecodeError) as error:
        raise InvalidAlarmSettings(f"{path}: {reason_of(error)}", fix=_WHOLE) from error


def _place(field: Field) -> str:
    return f"{field.file}, line {field.node.start_mark.line + 1}: "


def _bad_field(
    file: str, line: int, column: int, field: str, problem: str, *, fix: str | None = None
) -> InvalidAlarmSettings:
    return InvalidAlarmSettings(at_line(file, line, field, problem), fix=fix or _WHOLE)


def _alarms(tables: Mapping[str, Any], place: Place) -> tuple[Alarm, ...]:
    for name, row in tables.items():
        if not is_object(row):
            problem = f"{place(f'alarms.{name}')}alarms holds one table for each alarm."
            raise InvalidAlarmSettings(problem, fix="[alarms.LowCacheHitRate]")
    packaged = packaged_alarms()
    off = {name for name, row in tables.items() if row.get("off") is True}
    alarms = dict(packaged)
    for name, row in tables.items():
        try:
            if name in packaged:
                alarms[name] = _changed(packaged[name], _without_off(row))
            elif name not in off:
                alarms[name] = alarm_from(name, _without_off(row))
        except InvalidAlarm as error:
            where = place(f"alarms.{name}.{error.setting}" if error.setting else f"alarms.{name}")
            raise InvalidAlarm(f"{where}{error}", fix=error.fix) from error
    return tuple(alarm for name, alarm in alarms.items() if name not in off)


def _without_off(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "off" or not isinstance(value, bool)}


def _changed(alarm: Alarm, row: Mapping[str, Any]) -> Alarm:
    """The alarm with some settings replaced; asking for fewer periods asks for fewer data points too."""
    if not row:
        return alarm
    whole: dict[str, Any] = {
        "says": alarm.says,
        "metrics": {key: f"{measure.metric}:{measure.statistic}" for key, measure in alarm.metrics.items()},
        "expression": alarm.expression,
        "per": alarm.per,
        "period_s": alarm.period_s,
        "periods": alarm.periods,
        "datapoints": min(alarm.datapoints, row.get("periods", alarm.periods))
        if isinstance(row.get("periods", 1), int)
        else alarm.datapoints,
        "comparison": alarm.comparison,
        "missing": alarm.missing.value,
        "why_missing": alarm.why_missing,
        "source": alarm.source,
        "least_calls": alarm.least_calls,
        "why_least_calls": alarm.why_least_calls,
        "thresholds": dict(alarm.thresholds),
    }
    if alarm.threshold is not None:
        whole["threshold"] = alarm.threshold
    return alarm_from(alarm.name, {**whole, **row})
