"""The models of the catalogue and the rules by which they cache, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from rockbottom.catalog import CacheRules, Lifecycle, Model, Scope, Switch
from rockbottom.figures import Cell, Column, Paint, paragraph, table
from rockbottom.quantities import Ttl

_SHORT = {"tools": "t", "system": "s", "messages": "m"}


class ListedModel(NamedTuple):
    """A model with its rules of the day, and what ``rockbottom probe`` measured of it on this account."""

    model: Model
    rules: CacheRules
    measured: Mapping[str, str]
    lifecycle: Lifecycle | None = None
    ending: str | None = None


class ContestedField(msgspec.Struct, frozen=True):
    """A rule that another source states differently."""

    field: str
    value: str
    source: str
    note: str


class ModelRules(msgspec.Struct, frozen=True, kw_only=True):
    explicit: bool
    implicit: bool | None
    minimum_tokens: int
    maximum_points: int
    maximum_cacheable_tokens: int | None
    ttls: tuple[Ttl, ...]
    accepts_ttl_field: bool
    sections: list[str]
    illegal_after: list[str]
    lookback_blocks: int
    residual_tokens: int
    residual_tokens_with_tools: int
    keeps_thinking: bool | None
    valid_from: date
    source: str
    checked_on: date
    contested: tuple[ContestedField, ...]


class ModelLifecycle(msgspec.Struct, frozen=True, kw_only=True):
    """When a model comes and goes; None where no source was read. ``ending`` says it in words, where it ends."""

    status: str
    launched_on: date | None
    legacy_from: date | None
    extended_access_from: date | None
    ends_on: date | None
    ends_not_before: date | None
    successor: str | None
    ending: str | None
    source: str
    note: str
    contested_ends_on: date | None


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    vendor: str
    aliases: tuple[str, ...]
    profiles: tuple[Scope, ...]
    context_window: int | None
    count_tokens: bool | None
    in_region: bool | None
    source: str
    cache_rules: ModelRules
    measured: Mapping[str, str]
    lifecycle: ModelLifecycle | None = None


class ModelsOnDay(msgspec.Struct, frozen=True):
    """The models asked for and their rules of a day."""

    on: date
    models: tuple[ModelRow, ...]


def models_document(day: date, listed: Sequence[ListedModel]) -> ModelsOnDay:
    """Every model with every source and what is contested."""
    return ModelsOnDay(day, tuple(_row(model, day) for model in listed))


def models_text(listed: Sequence[ListedModel], *, width: int = 80) -> Iterator[str]:
    """A line for each model, what the columns mean, what is contested, and what was measured on this account."""
    columns = [
        Column("model", right=False), Column("minimum"), Column("ttl", right=False), Column("lookback"),
        Column("points in", right=False),
    ]  # fmt: skip
    yield from table(columns, [_cells(model) for model in listed], width, Paint(False), indent=0)
    yield ""
    yield "minimum: tokens of the prefix up to the point, all sections together."
    yield "lookback: a point finds an entry written at most this many blocks before it."
    yield "points in: (t)ools, (s)ystem, (m)essages."
    yield from _contested([model.rules for model in listed], width)
    for model in listed:
        yield from _measured(model, width)
    endings = [model.ending for model in listed if model.ending]
    if endings:
        yield ""
        yield "ends, is legacy or may end:"
    for ending in endings:
        yield from paragraph(ending, width, "  ", "    ")


def switches_text(switches: Sequence[Switch], *, width: int = 80) -> Iterator[str]:
    """Each switch with its question, its sides and who states them, and why the default is what it is."""
    for switch in switches:
        yield from paragraph(f"{switch.name}: {switch.question}", width, rest="    ")
        for side, sources in switch.sides.items():
            stated = ", ".join(source.title for source in sources) or "no source"
            mark = "*" if side == switch.default else " "
            yield from paragraph(f"{side}: {stated}", width, first=f"  {mark} ", rest="      ")
        yield from paragraph(switch.why_default, width, first="    ", rest="    ")
        yield ""
    yield "* the side that is taken unless another is chosen (rockbottom serve --switch NAME=SIDE)."


class SwitchDocument(msgspec.Struct, frozen=True):
    """A switch: its sides with the addresses of those who state them."""

    name: str
    question: str
    default: str
    sides: Mapping[str, tuple[str, ...]]
    why_default: str


class SwitchesDocument(msgspec.Struct, frozen=True):
    switches: tuple[SwitchDocument, ...]


def switches_document(switches: Sequence[Switch]) -> SwitchesDocument:
    return SwitchesDocument(
        tuple(
            SwitchDocument(
                switch.name,
                switch.question,
                switch.default,
                {side: tuple(source.url for source in sources) for side, sources in switch.sides.items()},
                switch.why_default,
            )
            for switch in switches
        )
    )


def _measured(listed: ListedModel, width: int) -> list[str]:
    facts = [f"{name} {side}" for name, side in listed.measured.items()]
    if listed.rules.source.key.startswith("measured-"):
        facts = [f"minimum {listed.rules.minimum_tokens:,}", f"lookback {listed.rules.lookback_blocks}", *facts]
    if not facts:
        return []
    return paragraph(f"measured on your account for {listed.model.id}: {', '.join(facts)}", width, rest="    ")


def _contested(listed_rules: Sequence[CacheRules], width: int) -> Iterator[str]:
    models: dict[tuple[str, str, str, str], list[str]] = {}
    for rules in listed_rules:
        for rule in rules.contested:
            models.setdefault((rule.field, rule.value, rule.source.key, rule.note), []).append(rules.model)
    if models:
        yield "* another source says otherwise:"
    for (field, value, source, note), ids in models.items():
        whose = ids[0] if len(ids) == 1 else f"{len(ids)} models"
        yield from paragraph(f"{field} {value} for {whose}: {note} [{source}]", width, "  ", "    ")


def _cells(listed: ListedModel) -> list[Cell]:
    model, rules = listed.model, listed.rules
    contested = {rule.field for rule in rules.contested}
    if not rules.explicit:
        implicit = {True: "implicit only", False: "no caching", None: "no cachePoint"}[rules.implicit]
        return [Cell(model.id), Cell("-"), Cell(f"{implicit}{'*' if contested else ''}", spans=True)]
    return [
        Cell(model.id), Cell(_marked(f"{rules.minimum_tokens:,}", "minimum_tokens", contested)),
        Cell(_marked(" ".join(ttl.value for ttl in rules.ttls), "ttls", contested)),
        Cell(_marked(str(rules.lookback_blocks), "lookback_blocks", contested)),
        Cell(" ".join(_SHORT[section] for section in _SHORT if section in rules.sections)),
    ]  # fmt: skip


def _marked(text: str, field: str, contested: set[str]) -> str:
    return text + "*" if field in contested else text


def _row(listed: ListedModel, day: date) -> ModelRow:
    model = listed.model
    return ModelRow(
        id=model.id, name=model.name, vendor=model.vendor, aliases=tuple(model.aliases), profiles=tuple(model.profiles),
        context_window=model.context_window, count_tokens=model.count_tokens, in_region=model.in_region,
        source=model.source.url, cache_rules=_rules(listed.rules), measured=listed.measured,
        lifecycle=_lifecycle(listed.lifecycle, listed.ending, day) if listed.lifecycle else None,
    )  # fmt: skip


def _rules(rules: CacheRules) -> ModelRules:
    return ModelRules(
        explicit=rules.explicit,
        implicit=rules.implicit,
        minimum_tokens=rules.minimum_tokens,
        maximum_points=rules.maximum_points,
        maximum_cacheable_tokens=rules.maximum_cacheable_tokens,
        ttls=tuple(rules.ttls),
        accepts_ttl_field=rules.accepts_ttl_field,
        sections=sorted(rules.sections),
        illegal_after=sorted(rules.illegal_after),
        lookback_blocks=rules.lookback_blocks,
        residual_tokens=rules.residual_tokens,
        residual_tokens_with_tools=rules.residual_tokens_with_tools,
        keeps_thinking=rules.keeps_thinking,
        valid_from=rules.valid_from,
        source=rules.source.url,
        checked_on=rules.source.checked_on,
        contested=tuple(ContestedField(rule.field, rule.value, rule.source.url, rule.note) for rule in rules.contested),
    )


def _lifecycle(known: Lifecycle, ending: str | None, day: date) -> ModelLifecycle:
    return ModelLifecycle(
        status=known.phase(day).value, launched_on=known.launched_on, legacy_from=known.legacy_from,
        extended_access_from=known.extended_access_from, ends_on=known.ends_on, ends_not_before=known.ends_not_before,
        successor=known.successor, ending=ending, source=known.source.url, note=known.note,
        contested_ends_on=known.contested_ends_on,
    )  # fmt: skip
