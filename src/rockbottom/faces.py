"""Faces whose names are imported when they are first asked for: behind them stand libraries that not everybody has."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def late(room: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a room's face: it looks a name up in its module, and keeps nothing.

    ``homes`` has the names of each module, with blanks between them. What is replaced in that module, by a test say, is
    replaced here as well.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def looked_up(name: str) -> Any:
        home = home_of.get(name)
        if home is None:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(import_module(f"{room}.{home}"), name)

    return looked_up
