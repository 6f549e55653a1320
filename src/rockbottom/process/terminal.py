"""What stands behind an output stream: how wide it is, whether it takes colour, whether a line can be redrawn."""

import os
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

_PIPED = 80
_NARROWEST, _WIDEST = 40, 160


class Terminal(NamedTuple):
    """``width``: the columns to lay text out for. ``fixed``: no line may be wider, because it is read there."""

    width: int = _PIPED
    colour: bool = False
    redraws: bool = False
    fixed: bool = False


def terminal_of(stream: "IO[Any]", environment: Mapping[str, str]) -> Terminal:
    """The terminal behind a stream.

    ``NO_COLOR`` forbids colour (no-color.org); ``FORCE_COLOR`` and ``CLICOLOR_FORCE`` want it where there is no
    terminal either; ``CLICOLOR=0`` and ``TERM=dumb`` are without. ``COLUMNS`` goes before the terminal's own width,
    and before the 80 columns that tables in a pipe are laid out for. No line of a pipe is folded for it: GNU readline
    leaves it in the environment of all that a Python shell or pytest starts.
    """
    is_terminal = _is_terminal(stream)
    dumb = environment.get("TERM") == "dumb"
    columns = environment.get("COLUMNS", "")
    chosen_width = int(columns) if columns.isdecimal() else 0
    width = chosen_width or (_columns_of(stream) if is_terminal else 0) or _PIPED
    return Terminal(
        width=max(_NARROWEST, min(_WIDEST, width)),
        colour=_colour(environment, is_terminal and not dumb),
        redraws=is_terminal and not dumb,
        fixed=is_terminal,
    )


def _colour(environment: Mapping[str, str], able: bool) -> bool:
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return able and environment.get("CLICOLOR") != "0"


def _is_terminal(stream: "IO[Any]") -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no stream, or one that is closed
        return False


def _columns_of(stream: "IO[Any]") -> int:
    """Columns of the terminal behind a stream; 0 where they cannot be known."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0
