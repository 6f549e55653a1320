"""The common shapes that ship with rockbottom: authored data with its assumptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from rockbottom.advise.errors import UnknownPreset
from rockbottom.advise.shapes import Layer, MonthlyTraffic, WorkloadShape
from rockbottom.files import packaged


@dataclass(frozen=True, slots=True)
class Preset:
    """A shape, what it stands for, what was assumed, and where its token counts come from."""

    name: str
    about: str
    shape: WorkloadShape
    assumes: str
    source: str
    writes: Decimal | None = None  # of the prefix in a month, where the source states them


@cache
def presets() -> Mapping[str, Preset]:
    """Every preset by name; read once per process."""
    return {name: _preset(name, row) for name, row in packaged("advise", "presets").items()}


def preset(name: str) -> Preset:
    """One preset; raises UnknownPreset."""
    known = presets()
    if name not in known:
        raise UnknownPreset(f"no preset {name!r}; there are {', '.join(known)}", fix="rockbottom estimate --list")
    return known[name]


def _preset(name: str, row: Mapping[str, Any]) -> Preset:
    traffic = MonthlyTraffic(
        requests=Decimal(row["requests"]),
        turns=row.get("turns", 1),
        turn_gap_s=Decimal(row.get("turn_gap_s", 0)),
        hours=Decimal(row.get("hours", 24)),
    )
    layers = tuple(Layer(layer["tokens"], layer.get("variants", 1)) for layer in row["layers"])
    shape = WorkloadShape(
        layers, row["question_tokens"], row["output_tokens"], traffic, row.get("added_tokens", 0), name
    )
    writes = Decimal(row["writes"]) if "writes" in row else None
    return Preset(name, row["about"], shape, row["assumes"], row["source"], writes)
