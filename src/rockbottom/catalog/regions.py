"""The Regions that AWS has, by name."""

import tomllib
from functools import cache
from importlib import resources


@cache
def regions() -> tuple[str, ...]:
    """The names of all Regions of all partitions; a Region that AWS opened later is not among them."""
    data = resources.files("rockbottom.catalog") / "data" / "regions.toml"
    partitions = tomllib.loads(data.read_text(encoding="utf-8"))["partitions"]
    return tuple(sorted(name for names in partitions.values() for name in names))
