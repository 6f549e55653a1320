"""How much of a quota an output token takes."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def _table() -> Mapping[str, int]:
    return tomllib.loads(files("rockbottom.catalog").joinpath("data/burndown.toml").read_text(encoding="utf-8"))[
        "models"
    ]


@cache
def known_burndown(model: str) -> int | None:
    """Quota tokens per output token of a model, by the longest name that begins its id; None: not known."""
    table = _table()
    names = [name for name in table if model.startswith(name)]
    return table[max(names, key=len)] if names else None
