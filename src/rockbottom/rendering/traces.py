"""What is in recorded traffic, and what was wrong with its source, as text."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from msgspec import UNSET

from rockbottom.catalog import SetApart
from rockbottom.figures import counted, tokens
from rockbottom.rendering.apart import unfinished_text
from rockbottom.trace import Damages, TraceFacts

_SHOWN = 5


def facts_text(facts: TraceFacts) -> Iterator[str]:
    """A line for each fact."""
    for name in facts.__struct_fields__:
        if getattr(facts, name) is not UNSET:
            yield f"{name.replace('_', ' '):<18} {_shown(getattr(facts, name))}"


def _shown(value: "str | float | SetApart | tuple[str | SetApart, ...]") -> str:
    if isinstance(value, SetApart):
        return f"{value.model} ({tokens(value.requests)})"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none named"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def imported_text(facts: TraceFacts) -> str:
    """How much an import wrote."""
    return f"{counted(facts.requests, 'request')}, {counted(facts.blocks, 'block')}"


def passed_over_text(names: Sequence[str]) -> str:
    """Files that were not read, the first by name."""
    shown = ", ".join(PurePath(name).name for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    was = counted(len(names), "file was", "files were")
    return f"{was} not read: no log by name (.json, .jsonl, .log, .csv, .gz, or no ending): {shown}"


def damage_text(damages: Damages, duplicates: int = 0) -> Iterator[str]:
    """What was skipped, read otherwise or counted once; the first damages with their places."""
    if damages.count:
        yield f"{counted(damages.count, 'damaged line')} skipped or read in part"
        for damage in damages.first[:_SHOWN]:
            yield f"  {damage.place}: {damage.why}"
        if damages.count > _SHOWN:
            yield f"  and {tokens(damages.count - _SHOWN)} more"
    if damages.failed:
        yield f"{counted(damages.failed, 'failed call')} left out: the service bills none"
    if damages.stopped:
        were = counted(damages.stopped, "call was", "calls were")
        yield f"{were} counted at no token and left out: no model saw the prompt, as where a guardrail stops it"
    if damages.unfinished:
        yield unfinished_text(damages.unfinished)
    if damages.respelled:
        read = counted(damages.respelled, "record is not UTF-8 and was", "records are not UTF-8 and were")
        yield f"{read} read as Windows-1252"
    if damages.elsewhere:
        remark = "did not go to Bedrock: priced as if they had, through a global profile where there is one"
        yield f"{counted(damages.elsewhere, 'request')} {remark}"
    if damages.repeated:
        yield f"{counted(damages.repeated, 'line')} repeated a request, counted once"
    if duplicates:
        yield f"{counted(duplicates, 'request')} seen twice, counted once"
