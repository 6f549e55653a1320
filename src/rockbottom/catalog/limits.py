"""Limits of services of AWS that are no property of one model, each with its source (``data/limits.toml``)."""

from functools import cache

from rockbottom.files import packaged


@cache
def limit(name: str) -> int:
    """The limit of this name: the most, or where the data says so the least, that is taken."""
    return packaged("catalog", "limits")[name]["limit"]
