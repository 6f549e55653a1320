"""The one way to print what people read: as wide as their terminal, with colour where they take it.

What programs read (JSON, CSV, an address) is printed by ``click.echo`` as it stands. A line that would be too wide is
folded on a terminal; in a pipe it stays one line, and ``COLUMNS`` says how wide tables are.
"""

import os
import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rockbottom.process import Terminal


def width() -> int:
    """The columns that text on stdout is laid out for."""
    return _stdout().width


def widest() -> int:
    """The columns that a line on stdout may have: those of its terminal, and any number in a pipe."""
    terminal = _stdout()
    return terminal.width if terminal.fixed else sys.maxsize


def colour() -> bool:
    """Whether text on stdout may have colour."""
    return _stdout().colour


def show(text: str | Iterable[str]) -> None:
    """Print text, or lines of it, on stdout."""
    _print(text, _stdout(), err=False)


def tell(text: str | Iterable[str]) -> None:
    """Print text, or lines of it, on stderr: what is said beside the result."""
    _print(text, _stderr(), err=True)


def redraws(stream: IO[Any] | None = None) -> bool:
    """Whether what stands on a stream can be drawn over; without one, a line of progress on stderr."""
    return (_of(stream) if stream else _stderr()).redraws


def progress(text: str, *, done: bool = False) -> None:
    """Draw a line of progress over the last one; ``done`` leaves it there. Nothing where nobody looks at it."""
    terminal = _stderr()
    if terminal.redraws:
        from rockbottom.figures import clipped

        click.echo(f"\r\x1b[K{clipped(text, terminal.width - 1)}", nl=done, err=True)


def _print(text: str | Iterable[str], terminal: "Terminal", *, err: bool) -> None:
    from rockbottom.figures import folded

    for part in [text] if isinstance(text, str) else text:
        for line in part.removesuffix("\n").split("\n"):
            for shown in folded(line, terminal.width) if terminal.fixed else [line]:
                click.echo(shown, err=err, color=terminal.colour)


def _stdout() -> "Terminal":
    return _of(sys.stdout)


def _stderr() -> "Terminal":
    return _of(sys.stderr)


def _of(stream: IO[Any]) -> "Terminal":
    from rockbottom.process import terminal_of  # not before something is printed

    return terminal_of(stream, os.environ)
