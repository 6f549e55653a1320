"""Facts measured on a user's own account, laid over the catalogue.

A file of ``[[measured]]`` tables: the model's bare id, the day, the place where it was measured (and its ``region``,
where it was one of AWS's), and any of ``minimum_tokens`` and ``lookback_blocks``; ``[measured.switches]`` holds sides
of switches. A fact is one of that model only, from that day on. Later tables win.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from rockbottom.catalog.errors import InvalidCatalogue
from rockbottom.catalog.rules import CacheRules, MeasuredSwitches, Switch
from rockbottom.files import content_of
from rockbottom.quantities import Source, Undecodable, toml_line, toml_of

Rules = Mapping[str, tuple[CacheRules, ...]]
Switches = Mapping[str, Switch]
Measured = Mapping[str, tuple[MeasuredSwitches, ...]]

_RULES = ("minimum_tokens", "lookback_blocks")
_KNOWN = {"model", "asked_as", "place", "region", "measured_on", "switches", *_RULES}


def with_measured(
    path: Path, rules: Rules, switches: Switches, region: str | None = None
) -> tuple[Rules, Measured, Mapping[str, Source]]:
    """Rules with the file's facts on top, the measured switches by model, and the sources they come from.

    With a ``region``, facts of other Regions are left out. Raises InvalidCatalogue.
    """
    try:
        text = content_of(path).decode(errors="replace")
        tables = toml_of(text).get("measured", [])
    except Undecodable as error:
        raise InvalidCatalogue(f"{path}: not a file of measured facts: {error}") from error
    new_rules, measured, sources = dict(rules), dict[str, tuple[MeasuredSwitches, ...]](), dict[str, Source]()
    for number, table in enumerate(cast(list[dict[str, Any]], tables), 1):
        place = f"{path}, line {toml_line(text, f'measured[{number - 1}]')}: table {number}"
        source = _source(table, path, place)
        sources[source.key] = source
        model = str(table["model"])
        if model not in new_rules:
            raise InvalidCatalogue(f"{place}: unknown model {model!r}")
        row = _row(new_rules[model][0], table, source, place)
        sides = {
            name: _switch(switches, name, side, source, place)
            for name, side in cast(dict[str, Any], table.get("switches", {})).items()
        }
        if region and table.get("region", region) != region:
            continue
        if row is not new_rules[model][0]:
            new_rules[model] = (row, *new_rules[model])
        measured[model] = (MeasuredSwitches(source.checked_on, sides), *measured.get(model, ()))
    return new_rules, measured, sources


def _source(table: Mapping[str, Any], path: Path, place: str) -> Source:
    strange = sorted(set(table) - _KNOWN)
    if strange:
        raise InvalidCatalogue(f"{place}: unknown {', '.join(strange)}; known are {', '.join(sorted(_KNOWN))}")
    on = table.get("measured_on")
    if not isinstance(table.get("model"), str) or not isinstance(on, date):
        raise InvalidCatalogue(f"{place}: needs a model and a date measured_on")
    where = str(table.get("place", "unknown place"))
    return Source(f"measured-{table['model']}-{on}", f"Measured on {where}", path.as_uri(), on)


def _row(base: CacheRules, table: Mapping[str, Any], source: Source, place: str) -> CacheRules:
    values: dict[str, int] = {name: table[name] for name in _RULES if name in table}
    for name, value in values.items():
        if type(value) is not int or value < 0:
            raise InvalidCatalogue(f"{place}: {name} is {value!r}, expected a whole number")
    if not values:
        return base
    disputed = tuple(rule for rule in base.contested if rule.field not in values)  # what was measured is settled
    return replace(base, **values, valid_from=source.checked_on, source=source, contested=disputed)


def _switch(known: Switches, name: str, side: object, source: Source, place: str) -> Switch:
    switch = known.get(name)
    if switch is None or side not in switch.sides:
        sides = ", ".join(known[name].sides) if switch else f"none of {', '.join(known)}"
        raise InvalidCatalogue(f"{place}: switch {name} = {side!r}; there is {sides}")
    chosen = str(side)
    sides = {**switch.sides, chosen: (*switch.sides[chosen], source)}
    return replace(switch, default=chosen, sides=sides, why_default=source.title)
