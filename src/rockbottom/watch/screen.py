"""The live terminal: frames drawn by rich, keys read one by one, the terminal left as it was found."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

from rockbottom.extras import install_command
from rockbottom.watch.errors import NeedsRich
from rockbottom.watch.following import View
from rockbottom.watch.frame import Screen, frame_of
from rockbottom.watch.paging import pages_of_tags
from rockbottom.watch.periods import PERIODS, WatchPeriod
from rockbottom.watch.snapshot import Snapshot

_LOOK_S = 0.25  # how often the keyboard and the size of the window are looked at
_READ_S = 0.2  # how long the ledger may be read between two looks


class Live:
    """Shows a view until ``q`` or ctrl-C. ``every_s``: seconds between two looks at the ledger."""

    def __init__(self, view: View, period: WatchPeriod, side: str, every_s: float) -> None:
        self._view, self._period, self._side, self._every_s = view, period, side, every_s
        self._paused = False
        self._tags_page = 0
        self._shot: Snapshot | None = None
        self._due = 0.0
        self._behind = False

    def run(self) -> None:
        """Draw until told to stop. Raises NeedsRich."""
        try:
            from rich.console import Console
            from rich.live import Live as RichLive
        except ModuleNotFoundError as error:
            raise NeedsRich(
                "The live view is drawn by the package rich, which is not installed.",
                fix=f"{install_command('watch')}, or rockbottom watch --once, which needs no rich",
            ) from error
        console = Console(highlight=False)
        with _keyboard() as pressed, _ends_quietly(), contextlib.suppress(KeyboardInterrupt):
            live = RichLive(console=console, screen=True, auto_refresh=False, redirect_stdout=False)
            with live:
                self._loop(console, live, pressed)

    def _loop(self, console: Any, live: Any, pressed: "Callable[[float], str] | None") -> None:
        from rich.text import Text

        drawn: object = None
        while True:
            self._look()
            size = console.size
            screen = Screen(
                size.width, size.height, console.color_system is not None, pressed is not None, self._paused,
                self._tags_page,
            )  # fmt: skip
            if (self._shot, screen) != drawn and self._shot is not None:
                lines = frame_of(self._shot, screen)
                live.update(Text("\n").join(Text.from_ansi(line, no_wrap=True) for line in lines), refresh=True)
                drawn = self._shot, screen
            wait = 0.0 if self._behind and not self._paused else _LOOK_S
            if pressed is None:
                time.sleep(wait)
            elif not self._key(pressed(wait), screen):
                return

    def _look(self) -> None:
        now = time.monotonic()
        if self._shot is not None and (self._paused or (now < self._due and not self._behind)):
            return
        self._behind = not self._view.follow(_READ_S)
        if now >= self._due or self._shot is None:
            self._shot = self._view.snapshot(self._period, self._side)
            self._due = now + self._every_s

    def _key(self, key: str, screen: Screen) -> bool:
        """Act on a key press; False where the view is to end."""
        if key in ("q", "Q", "\x03", "\x1b"):
            return False
        if key == "p":
            self._paused = not self._paused
        elif key == "t" and self._shot is not None:
            self._tags_page = (self._tags_page + 1) % (pages_of_tags(self._shot, screen.rows) + 1)
            return True
        elif key == "e" and self._shot is not None:
            self._side = "aws" if self._shot.simulated else "local"
        elif key.isdecimal() and 1 <= int(key) <= len(PERIODS):
            self._period = PERIODS[int(key) - 1]
        else:
            return True
        self._shot = self._shot if key == "p" else self._view.snapshot(self._period, self._side)
        return True


@contextlib.contextmanager
def _keyboard() -> "Generator[Callable[[float], str] | None]":
    """A function that waits so many seconds for a key (empty: none came); None where stdin is no terminal."""
    try:
        import termios
        import tty
    except ModuleNotFoundError:  # Windows: ctrl-C stops it
        yield None
        return
    if not sys.stdin.isatty():
        yield None
        return
    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    try:
        tty.setcbreak(file)

        def pressed(seconds: float) -> str:
            ready, _, _ = select.select([file], [], [], seconds)
            text = os.read(file, 64).decode(errors="ignore") if ready else ""
            if ready and not text:
                return "q"  # the terminal is gone
            return text if len(text) == 1 or not text.startswith("\x1b") else " "  # arrows and the like

        yield lambda seconds: pressed(seconds)[:1]
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _ends_quietly() -> Generator[None]:
    """SIGTERM and SIGHUP end the view as ctrl-C does, so that the terminal is left as it was found."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
