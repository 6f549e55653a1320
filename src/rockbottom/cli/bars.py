"""A progress bar on stderr, where that is a terminal and there is something to wait for."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click

from rockbottom.cli.console import redraws


@contextmanager
def bar(label: str, length: int) -> Generator[Callable[[int], None]]:
    """A progress bar; the function that it yields is called with how much is done."""
    if length < 2 or not redraws():
        yield lambda done: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as shown:
        yield lambda done: shown.update(done - shown.pos)
