"""Limits of services of AWS that are no property of one model, each with its source (``data/limits.toml``)."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def limit(name: str) -> int:
    """The limit of this name: the most, or where the data says so the least, that is taken."""
    return _rows()[name]["limit"]


@cache
def _rows() -> Mapping[str, Any]:
    data = resources.files("rockbottom.catalog") / "data" / "limits.toml"
    return tomllib.loads(data.read_text(encoding="utf-8"))
