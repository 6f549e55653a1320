"""Limits of services of AWS that are no property of one model, and of quotas, each with its source."""

from collections.abc import Mapping
from functools import cache

from rockbottom.files import packaged


@cache
def limit(name: str) -> int:
    """The limit of this name: the most, or where the data says so the least, that is taken."""
    return packaged("catalog", "limits")[name]["limit"]


@cache
def known_burndown(model: str) -> int | None:
    """Quota tokens per output token of a model, by the longest name that begins its id; None: not known."""
    table: Mapping[str, int] = packaged("catalog", "burndown")["models"]
    names = [name for name in table if model.startswith(name)]
    return table[max(names, key=len)] if names else None
