"""Progress on one line of stderr, where that is a terminal and there is something to wait for."""

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click

from rockbottom.cli.console import progress, redraws

_EVERY_S = 1.0
"""How often the seconds are drawn, and from when on."""


@contextmanager
def bar(label: str, length: int) -> Generator[Callable[[int], None]]:
    """A progress bar; the function that it yields is called with how much is done. Of one step the seconds show."""
    if length < 2 or not redraws():
        with working(label):
            yield lambda done: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as shown:
        yield lambda done: shown.update(done - shown.pos)


@contextmanager
def working(text: str) -> Generator[None]:
    """``text`` with the seconds so far, until the block ends, however it ends; then the line is empty again."""
    if not redraws():
        yield
        return
    ended, started = threading.Event(), time.monotonic()

    def draw() -> None:
        from rockbottom.figures import duration

        while not ended.wait(_EVERY_S):
            progress(f"{text}: {duration(int(time.monotonic() - started))}")

    thread = threading.Thread(target=draw, name="rockbottom-working", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        progress("")
