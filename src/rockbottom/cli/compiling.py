"""A line on a terminal while the engine is compiled for a machine, which happens once and takes a while."""

from importlib import import_module
from typing import Any

from rockbottom.cli.console import redraws, tell


def tell_of_compiling() -> None:
    """From now on, say so when something is compiled; at most once, and only to a person."""
    if not redraws():
        return
    event: Any = import_module("numba.core.event")

    class CompilingNotice(event.Listener):  # numba ships no types
        has_told = False

        def on_start(self, event: Any) -> None:
            if not CompilingNotice.has_told:
                CompilingNotice.has_told = True
                tell("compiling the engine for this machine, once; this takes up to a minute")

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", CompilingNotice())
