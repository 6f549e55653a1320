"""The Regions that AWS has, by name."""

from functools import cache

from rockbottom.files import packaged


@cache
def regions() -> tuple[str, ...]:
    """The names of all Regions of all partitions; a Region that AWS opened later is not among them."""
    partitions = packaged("catalog", "regions")["partitions"]
    return tuple(sorted(name for names in partitions.values() for name in names))
